//! `cargo xtask policies`: the published IAM policies, written anew from what the code declares.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::compile;
use crate::failure::{Exit, Failure};
use crate::output::narrate;
use crate::workspace;

/// What `driftlab policy` knows; each is published under its name.
const PARTS: [&str; 5] = ["operator", "operator-stack", "cfn-role", "doctor", "plan"];

pub(crate) fn run() -> Result<()> {
    let driftlab = compile::programs()?.driftlab;
    for part in PARTS {
        let answer = Command::new(&driftlab)
            .args(["policy", part, "--published"])
            .output()
            .with_context(|| format!("cannot start `{}`", driftlab.display()))?;
        if !answer.status.success() {
            let said = String::from_utf8_lossy(&answer.stderr);
            let what = format!("`driftlab policy {part}` failed ({})", answer.status);
            return Err(Failure::new(Exit::Failed, what)
                .hint(said.trim().to_owned())
                .into());
        }
        let path = format!("templates/{part}-policy.json");
        fs::write(workspace::root().join(&path), answer.stdout)
            .with_context(|| format!("cannot write `{path}`"))?;
        narrate(format!("wrote {path}"));
    }
    Ok(())
}
