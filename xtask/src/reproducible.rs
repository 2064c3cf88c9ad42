//! The same source gives the same function, wherever the checkout and cargo's own directory are.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cross::ask_rustc;
use crate::workspace;

/// Directories of this machine, and what stands for them in messages of panics.
///
/// # Errors
/// When the compiler cannot be asked where it is.
pub(crate) fn directories() -> Result<Vec<(PathBuf, String)>> {
    let mut known = Vec::new();
    let sysroot = PathBuf::from(ask_rustc(&["--print", "sysroot"])?);
    // Where the sources of the standard library are installed the compiler names them, otherwise `/rustc/<commit>`.
    let version = ask_rustc(&["--version", "--verbose"])?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown");
    if let Some(home) = cargo_home() {
        known.push((home, "/cargo".to_owned()));
    }
    known.push((
        sysroot.join("lib/rustlib/src/rust"),
        format!("/rustc/{commit}"),
    ));
    known.push((workspace::root().canonicalize()?, "/driftlab".to_owned()));
    Ok(known)
}

/// Has the compiler write what stands for the directories instead of them. The flags of the environment stay; those of a
/// cargo configuration do not, as cargo takes flags from one place only.
///
/// # Errors
/// When the compiler cannot be asked where it is.
pub(crate) fn apply(command: &mut Command) -> Result<()> {
    const SEPARATOR: &str = "\u{1f}";
    let mut flags: Vec<String> = match env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(encoded) if !encoded.is_empty() => encoded.split(SEPARATOR).map(str::to_owned).collect(),
        _ => env::var("RUSTFLAGS")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    };
    for (directory, name) in directories()? {
        flags.push(format!(
            "--remap-path-prefix={}={name}",
            directory.display()
        ));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR));
    // With the features of the whole workspace it would be another function, and a larger one.
    command.env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION");
    Ok(())
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}
