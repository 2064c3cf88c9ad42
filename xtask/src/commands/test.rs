//! `cargo xtask test`: what the tests need, then the tests.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::compile::{self, PREBUILT};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::workspace;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Only build, and print where the build is: what the end-to-end tests call when nobody has built for them
    #[arg(long, hide = true)]
    prepare: bool,
    /// Everything else goes to `cargo test` as it is
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CARGO TEST ARGUMENTS"
    )]
    rest: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let built = compile::everything(compile::Place::Here)?;
    let dir = built.package.path.with_file_name("prebuilt");
    compile::install(&built, &dir)?;
    if args.prepare {
        output::data(dir.display());
        return Ok(());
    }
    let status = workspace::cargo()
        // One failure must not hide the others: the next try takes as long as this one.
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(&args.rest)
        .env(PREBUILT, &dir)
        .status()
        .context("cannot start `cargo test`")?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, format!("the tests failed ({status})")).into())
    }
}
