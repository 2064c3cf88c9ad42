//! Tables for people.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::escape::inline;

/// The blank before and after a cell.
const PADDING: usize = 2;

/// A table without borders: aligned columns that survive being copied into a message, at most `width` columns wide. What does
/// not fit is wrapped between words; within a word only where a single word is too long.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: u16,
) -> String {
    let rows: Vec<_> = rows.into_iter().map(|row| row.map(cell)).collect();
    let longest: Vec<_> = (0..N)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].as_str());
            cells
                .chain([header[column]])
                .flat_map(str::split_whitespace)
                .map(|word| word.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header);
    for row in rows {
        table.add_row(row);
    }
    // Words stay whole where all of them fit beside each other.
    if longest.iter().map(|word| word + PADDING).sum::<usize>() <= usize::from(width) {
        for (column, word) in table.column_iter_mut().zip(longest) {
            let least = u16::try_from(word + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    let mut text = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n");
    text.push('\n');
    text
}

/// A tab has no width that a table could count with.
fn cell(text: String) -> String {
    inline(&text).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_table_is_wrapped_between_words() {
        let bucket = "lab-environment-deliverybucket-a1b2c3d4e5f6";
        let rows = [
            [
                "channel",
                "default",
                "ours",
                "recording, and the last delivery has failed for want of a right",
            ],
            ["bucket", bucket, "ours", "present"],
        ]
        .map(|row| row.map(str::to_owned));
        let shown = table(["part", "name", "whose", "state"], rows, 100);
        assert!(
            shown.lines().all(|line| line.chars().count() <= 100),
            "{shown}"
        );
        assert_eq!(shown.matches(bucket).count(), 1, "{shown}");
        assert_eq!(shown.lines().count(), 4, "{shown}");
    }

    #[test]
    fn a_word_that_cannot_fit_is_broken() {
        let shown = table(["a"], [["x".repeat(250)]], 100);
        assert!(
            shown.lines().all(|line| line.chars().count() <= 100),
            "{shown}"
        );
        assert_eq!(shown.matches('x').count(), 250);
    }

    #[test]
    fn what_fits_is_not_touched() {
        let rows = [["a b", "c"], ["long cell", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["x", "y"], rows, 100),
            " x          y\n a b        c\n long cell  d\n"
        );
    }
}
