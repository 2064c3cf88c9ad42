//! `cargo xtask build-lambda`: the function, optimised and packed.

use anyhow::Result;
use clap::ValueEnum;

use crate::compile;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The processor that the function will run on; this machine's own unless given
    #[arg(long, value_enum)]
    arch: Option<Architecture>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// The two processors that AWS Lambda offers, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let host = compile::host_architecture();
    if let Some(wanted) = args.arch.filter(|wanted| wanted.name() != host) {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot build the function for `{}` on this `{host}` machine: cross-building is not there yet", wanted.name()),
        )
        .hint(format!(
            "what is missing is a standard library and a linker for `{}`: build on a machine of that kind, or deploy for `{host}`",
            wanted.target()
        ))
        .into());
    }
    let package = compile::function()?;
    match args.output {
        Format::Text => output::data(format!(
            "{}\n  architecture  {}\n  size          {} bytes\n  CodeSha256    {}\n  glibc         {}",
            package.path.display(),
            package.architecture,
            package.bytes,
            package.code_sha256,
            package.glibc.as_deref().unwrap_or("none asked for"),
        )),
        Format::Json => output::data(serde_json::to_string_pretty(&package)?),
    }
    Ok(())
}
