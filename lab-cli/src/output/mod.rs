//! Everything that the user sees: data on stdout, narration on stderr.
//!
//! This module is the only place that writes to the terminal, and what it writes went through `escape`; a test reads the sources
//! and finds no other.

mod escape;
mod failure;
mod process;
mod table;
mod text;
mod ui;

pub(crate) use escape::inline;
pub use failure::failure;
pub use process::{Diagnostics, program, report, usage};
pub use text::Text;
pub use ui::{Format, Ui, Waiting};

use time::OffsetDateTime;
use time::macros::format_description;

/// How wide results may be that nobody sees on a terminal, in columns.
const WIDTH: u16 = 100;

/// The width of the terminal that results are shown on, in columns.
fn width() -> u16 {
    match console::Term::stdout().size_checked() {
        Some((_, columns)) if columns > 0 => columns,
        Some(_) | None => WIDTH,
    }
}

/// A moment as RFC 3339 in UTC with milliseconds, the precision that AWS Config and CloudWatch Logs have.
pub fn moment(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
        // The components are those of a date and time that exists; only a broken writer could refuse them.
        .unwrap_or_else(|_| at.to_string())
}

/// Moments in JSON, for `#[serde(with = …)]`.
pub mod moments {
    use serde::Serializer;
    use time::OffsetDateTime;

    /// One moment.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::moment(*at))
    }

    /// A moment that may be unknown: null.
    pub mod option {
        use super::{OffsetDateTime, Serializer};

        /// One moment or null.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(
            at: &Option<OffsetDateTime>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => to.serialize_str(&super::super::moment(*at)),
                None => to.serialize_none(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                into.push(path);
            }
        }
    }

    /// What writes to a terminal without coming through here. `inherit` hands ours to another program.
    const WAYS_AROUND: [&str; 10] = [
        "stdout()",
        "stderr()",
        "io::stdout",
        "io::stderr",
        "print!(",
        "println!(",
        "dbg!(",
        ".print()",
        "/dev/tty",
        "inherit()",
    ];

    #[test]
    fn nothing_is_printed_elsewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut all = Vec::new();
        sources(&root, &mut all);
        let elsewhere: Vec<_> = all
            .iter()
            .filter(|path| !path.starts_with(root.join("output")))
            .collect();
        assert!(elsewhere.len() > 50, "the sources were not found");
        for path in elsewhere {
            let text = fs::read_to_string(path).unwrap();
            for way in WAYS_AROUND {
                assert!(
                    !text.contains(way),
                    "{} has `{way}`: print through `crate::output`, which escapes",
                    path.display()
                );
            }
        }
    }
    use time::macros::datetime;

    #[test]
    fn moments_have_milliseconds_and_are_utc() {
        assert_eq!(
            moment(datetime!(2026-03-04 05:06:07.089_9 +1)),
            "2026-03-04T04:06:07.089Z"
        );
    }
}
