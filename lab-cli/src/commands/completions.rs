//! `driftlab completions`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::error::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// None so far.
pub fn run(args: &Args) -> Result<()> {
    let mut command = crate::cli::Cli::command();
    generate(args.shell, &mut command, "driftlab", &mut std::io::stdout());
    Ok(())
}
