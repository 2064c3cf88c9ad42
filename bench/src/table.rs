//! The rows of the report.

use std::time::Duration;

/// The same for both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Both<T> {
    pub(crate) ours: T,
    pub(crate) peer: T,
}

impl<T> Both<T> {
    pub(crate) fn map<U>(self, mut change: impl FnMut(T) -> U) -> Both<U> {
        Both {
            ours: change(self.ours),
            peer: change(self.peer),
        }
    }

    pub(crate) fn each_mut(&mut self) -> [&mut T; 2] {
        [&mut self.ours, &mut self.peer]
    }
}

/// The rows so far.
#[derive(Debug)]
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new() -> Self {
        Self(
            "| | ours | Python peer | ratio | goal |\n| --- | ---: | ---: | ---: | ---: |"
                .to_owned(),
        )
    }

    /// Numbers, and how many times more the peer's is.
    pub(crate) fn row(
        &mut self,
        name: &str,
        unit: &str,
        values: Both<f64>,
        digits: usize,
        goal: &str,
    ) {
        let Both { ours, peer } = values;
        let ratio = peer / ours;
        self.words(
            name,
            Both {
                ours: format!("{ours:.digits$} {unit}"),
                peer: format!("{peer:.digits$} {unit}"),
            },
            &format!("{ratio:.1}"),
            goal,
        );
    }

    pub(crate) fn words(&mut self, name: &str, words: Both<String>, ratio: &str, goal: &str) {
        let Both { ours, peer } = words;
        self.0.extend([
            "\n| ", name, " | ", &ours, " | ", &peer, " | ", ratio, " | ", goal, " |",
        ]);
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle of `values`, of which there is at least one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// `page` with `text` between the two lines that mark what is measured; `None` where they are missing.
pub(crate) fn between(page: &str, begin: &str, end: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n\n{text}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_row_says_how_many_times_more_the_peer_takes() {
        let mut table = Table::new();
        let values = Both {
            ours: 0.5,
            peer: 4.0,
        };
        table.row("time", "ms", values, 2, "10");
        let text = table.into_text();
        assert!(
            text.ends_with("|\n| time | 0.50 ms | 4.00 ms | 8.0 | 10 |"),
            "{text}"
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "a\n<x>\n\nold\n\n<y>\nb\n";
        let new = between(page, "<x>", "<y>", "new").unwrap();
        assert_eq!(new, "a\n<x>\n\nnew\n\n<y>\nb\n");
        assert_eq!(between(page, "<z>", "<y>", "new"), None);
    }
}
