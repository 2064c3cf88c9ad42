//! The command line as a whole.

use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// Whoever runs several command lines one after the other has room for each of them on the stack.
#[test]
fn a_command_line_takes_little_of_the_stack() {
    fn size<F: Future>(_: impl Fn(Cli, Ui) -> F) -> usize {
        size_of::<F>()
    }
    assert!(size(Cli::run) <= 16 * 1024, "{} bytes", size(Cli::run));
}

#[test]
fn help_documents_every_exit_code() {
    for kind in [
        Kind::Failed,
        Kind::Input,
        Kind::Refused,
        Kind::NotHealed,
        Kind::Leftovers,
        Kind::TimedOut,
        Kind::Unreachable,
        Kind::Interrupted,
    ] {
        let line = format!("\n  {:<5}", kind.exit_code());
        assert!(EXIT_CODES.contains(&line), "{kind:?}");
    }
}
