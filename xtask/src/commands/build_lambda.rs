//! `cargo xtask build-lambda`: the function, optimised and packed for AWS.

use anyhow::Result;

use crate::architecture::Architecture;
use crate::compile::{self, Place};
use crate::output::{self, Format};
use crate::package;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The processor that the function will run on
    #[arg(long, value_enum, default_value_t = Architecture::ON_AWS)]
    arch: Architecture,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let package = compile::function(Place::Aws(args.arch))?;
    match args.output {
        Format::Text => output::data(format!(
            "{}\n  architecture  {}\n  size          {} bytes\n  CodeSha256    {}\n  glibc         {}",
            package.path.display(),
            package.architecture,
            package.bytes,
            package.code_sha256,
            package.glibc.as_deref().unwrap_or("none asked for"),
        )),
        Format::Json => output::json(&package)?,
    }
    package::check_size(&package)?;
    Ok(())
}
