//! Where things are, and how cargo is called from inside cargo.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    // The variable belongs to whichever package cargo runs; a test of another package must not move the root.
    if manifest.ends_with("xtask") {
        manifest.parent().map_or(manifest.clone(), PathBuf::from)
    } else {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }
}

/// The directory that the shared sandbox is remembered in.
pub(crate) fn state_dir() -> PathBuf {
    env::var_os("DRIFTLAB_STATE_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| root().join(".driftlab"), PathBuf::from)
}

/// The directory in it that keeps the secret of every sandbox that xtask starts. The sandbox makes it, and insists that
/// nobody else may look into it.
pub(crate) fn secret_dir() -> PathBuf {
    state_dir().join("sandbox")
}

/// The variables that `cargo run` adds for the program it starts. Build scripts watch some of them, so leaving them in
/// place would rebuild crates each time that `cargo xtask` and plain `cargo` take turns.
const SET_BY_CARGO_RUN: [&str; 5] = [
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
];

/// A cargo command in the root of the checkout, with the environment of the user's own shell.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if SET_BY_CARGO_RUN
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}
