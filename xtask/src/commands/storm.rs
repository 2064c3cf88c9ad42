//! `cargo xtask bench --storm`: many groups at once, beside Cloud Custodian. `bench/storm.py` says how.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::compile;
use crate::failure::{Exit, Failure};
use crate::output::narrate;
use crate::workspace;

/// Builds everything, and measures. The tables go to standard output and, if they shall, into the page.
pub(crate) fn run(write: bool) -> Result<()> {
    let built = compile::everything(compile::Place::Here)?;
    let programs = built.package.path.with_file_name("prebuilt");
    compile::install(&built, &programs)?;
    let python = python()?;
    let script = workspace::root().join("bench/storm.py");
    let mut command = Command::new(python);
    command.arg(script).arg(programs);
    if write {
        command
            .arg("--write")
            .arg(workspace::root().join("docs/proofs.md"));
    }
    succeeds(&mut command)
}

/// A Python with Cloud Custodian, below `target/`.
fn python() -> Result<PathBuf> {
    let home = workspace::root().join("target/storm/venv");
    let python = home.join("bin/python");
    if !home.join("bin/custodian").exists() {
        narrate("installing Cloud Custodian");
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        succeeds(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "c7n>=0.9.53,<0.10",
        ]))?;
    }
    Ok(python)
}

fn succeeds(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", command.get_program().to_string_lossy()))?;
    if status.success() {
        return Ok(());
    }
    let name = command.get_program().to_string_lossy().into_owned();
    Err(Failure::new(Exit::Failed, format!("`{name}` ended with {status}")).into())
}
