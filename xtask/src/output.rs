//! The only place that prints: data on stdout, narration on stderr. Nothing that a terminal would obey gets through.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this module is where xtask speaks to its user"
)]

// The very file of `driftlab`, which escapes the same way: a dependency on it would have to be built first.
#[path = "../../lab-cli/src/output/escape.rs"]
mod escape;

use std::fmt::Display;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// How a command writes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// One line, or several, of the command's result, all of them xtask's own.
pub(crate) fn data(lines: impl Display) {
    print!("{}", escape::lines(&lines.to_string()));
}

/// One line of the command's result, with words from elsewhere: a line break in them is shown as one.
pub(crate) fn line(line: impl Display) {
    println!("{}", escape::line(&line.to_string()));
}

/// The command's result as one JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<()> {
    println!("{}", escape::json(&serde_json::to_string_pretty(document)?));
    Ok(())
}

/// What is going on, for whoever watches.
pub(crate) fn narrate(line: impl Display) {
    eprintln!("{}", escape::line(&line.to_string()));
}

/// A line of cargo's, which colours its own.
pub(crate) fn relay(line: &str) {
    eprintln!("{line}");
}

/// An error with its causes, and its hint on a line of its own.
pub(crate) fn error(error: &anyhow::Error) {
    narrate(format_args!("error: {error}"));
    for cause in error.chain().skip(1) {
        narrate(format_args!("  caused by: {cause}"));
    }
    if let Some(hint) = error
        .downcast_ref::<Failure>()
        .and_then(|failure| failure.hint.as_ref())
    {
        narrate(format_args!("  hint: {hint}"));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use std::path::{Path, PathBuf};

    fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                into.push(path);
            }
        }
    }

    #[test]
    fn nothing_is_printed_elsewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut all = Vec::new();
        sources(&root, &mut all);
        all.retain(|path| !path.ends_with("output.rs"));
        assert!(all.len() > 20, "the sources were not found");
        for path in all {
            let text = std::fs::read_to_string(&path).unwrap();
            for way in [
                "print!(",
                "println!(",
                "dbg!(",
                "stdout().",
                "stderr().lock",
                "/dev/tty",
            ] {
                assert!(!text.contains(way), "{} has `{way}`", path.display());
            }
        }
    }
}
