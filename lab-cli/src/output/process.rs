//! What the process says before a command runs and after it ended, and what it logs for those who debug it.

use std::io::{self, Write};

use super::escape;
use super::failure;
use super::ui::print;
use crate::error::{Error, Result};

/// Tells a failure that ended the command. When stderr is closed the exit code still tells.
pub fn report(error: &Error) {
    let _ = io::stderr().lock().write_all(failure(error).as_bytes());
}

/// Prints what the parser of the command line answers: help to stdout, bad usage to stderr. Both may hold values from the
/// environment.
pub fn usage(answer: &clap::Error) {
    let text = escape::lines(&answer.render().to_string());
    // When a stream is closed the exit code still tells.
    let _ = if answer.use_stderr() {
        io::stderr().lock().write_all(text.as_bytes())
    } else {
        io::stdout().lock().write_all(text.as_bytes())
    };
}

/// Prints a program for a shell, which is made from this program's own names and has to stay as it is.
///
/// # Errors
/// When stdout cannot be written to.
pub fn program(text: &str) -> Result<()> {
    print(text)
}

/// Where log records go, for `tracing-subscriber`: to stderr, one line each, whatever is in it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Diagnostics;

impl Write for Diagnostics {
    /// A record comes in one piece.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let line = escape::line(&String::from_utf8_lossy(record)) + "\n";
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
