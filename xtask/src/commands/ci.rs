//! `cargo xtask ci`: every check that a change has to pass.

use std::process::Command;

use anyhow::{Context, Result};

use super::test;
use crate::failure::{Exit, Failure};
use crate::output::narrate;
use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests
    #[arg(long)]
    no_tests: bool,
}

/// What users copy into repositories of their own.
const WORKFLOWS: [&str; 3] = [
    "templates/github/cleanup.yml",
    "templates/github/deploy.yml",
    "templates/github/plan.yml",
];

pub(crate) fn run(args: &Args) -> Result<()> {
    check(
        "formatting",
        workspace::cargo().args(["fmt", "--all", "--check"]),
    )?;
    check(
        "lints",
        workspace::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ]),
    )?;
    check(
        "dependencies",
        workspace::cargo().args([
            "deny",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]),
    )?;
    check(
        "templates",
        Command::new("cfn-lint")
            .current_dir(workspace::root())
            .args(["templates/*.yaml", "templates/github/oidc.yaml"]),
    )?;
    check(
        "workflows",
        Command::new("zizmor")
            .current_dir(workspace::root())
            .args(["--offline", "--quiet", "--no-progress"])
            .args(WORKFLOWS),
    )?;
    if args.no_tests {
        return Ok(());
    }
    test::run(&test::Args::default())
}

fn check(what: &str, command: &mut Command) -> Result<()> {
    narrate(format!("── {what}"));
    let status = command.status().with_context(|| {
        format!(
            "cannot start `{}`, which checks the {what}",
            command.get_program().to_string_lossy()
        )
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Failed,
            format!("the check of the {what} failed ({status})"),
        )
        .into())
    }
}
