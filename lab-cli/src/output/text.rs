//! What a person reads: lines that a terminal can be trusted with.

use std::fmt;

use super::{escape, table};

/// Lines for a terminal or a file. There is no way into it but through escaping, and nothing else is printed as a result, so no
/// command can forget it. Each line is given as one: a line break within is from outside, and is shown as such.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// A text of one line.
    pub fn of(line: impl fmt::Display) -> Self {
        let mut text = Self::default();
        text.line(line);
        text
    }

    /// Several lines that were written by this program. What they hold from outside must not break a line: it comes through
    /// [`super::inline`], or is of a kind that has no line breaks.
    pub fn of_lines(lines: impl fmt::Display) -> Self {
        let lines = lines.to_string();
        if lines.is_empty() {
            return Self::default();
        }
        Self(escape::lines(&lines))
    }

    /// Aligned columns, within the width of the terminal.
    pub fn table<const N: usize>(
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Self {
        Self(table::table(header, rows, super::width()))
    }

    /// Adds a line.
    pub fn line(&mut self, line: impl fmt::Display) {
        self.0.push_str(&escape::line(&line.to_string()));
        self.0.push('\n');
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds another text.
    pub fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, for somebody who sets them within a line of their own.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_way_in_without_escaping() {
        let evil = "\u{1b}[2J\nreported sg-0 COMPLIANT";
        let mut text = Text::of(evil);
        text.line(format_args!("  {evil}"));
        text.append(&Text::of_lines(format!(
            "ours\n  {}",
            super::escape::inline(evil)
        )));
        text.append(&Text::table(
            ["a", "b"],
            [[evil.to_owned(), evil.to_owned()]],
        ));
        let shown = text.to_string();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        for line in shown.lines() {
            assert!(!line.trim_start().starts_with("reported"), "{shown}");
        }
    }
}
