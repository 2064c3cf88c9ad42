//! `driftlab completions`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::error::Result;
use crate::output::program;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// When stdout cannot be written to.
pub fn run(args: &Args) -> Result<()> {
    let mut command = crate::cli::Cli::command();
    let mut text = Vec::new();
    generate(args.shell, &mut command, "driftlab", &mut text);
    program(&String::from_utf8_lossy(&text))
}
