//! The only place that prints: data on stdout, narration on stderr.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this module is where xtask speaks to its user"
)]

use std::fmt::Display;

use clap::ValueEnum;

use crate::failure::Failure;

/// How a command writes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// One line, or several, of the command's result.
pub(crate) fn data(text: impl Display) {
    println!("{text}");
}

/// What is going on, for whoever watches.
pub(crate) fn narrate(text: impl Display) {
    eprintln!("{text}");
}

/// An error with its causes, and its hint on a line of its own.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  caused by: {cause}");
    }
    if let Some(hint) = error
        .downcast_ref::<Failure>()
        .and_then(|failure| failure.hint.as_ref())
    {
        eprintln!("  hint: {hint}");
    }
}
