//! The tests of what functions may do, once more as an ordinary user: without the right to mount,
//! other layers hold.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::lambda::isolation;

/// The user and the group that own nothing.
const NOBODY: u32 = 65534;

/// What is tested again.
const AGAIN: &[&str] = &[
    "lambda::host::",
    "lambda::tests::isolation::",
    "lambda::tests::limits::",
    "lambda::tests::memory::",
    "lambda::tests::ordinary_user::layers",
    "lambda::tests::runtime_api::",
    "lambda::tests::system_calls::",
];

#[test]
fn layers_of_an_ordinary_user_are_those_without_mounts() {
    let user = rustix::process::geteuid().as_raw();
    let means = isolation::means();
    let _ = writeln!(io::stderr(), "isolation for user {user}: {means:?}");
    if user == NOBODY {
        assert!(!means.mount);
    }
}

/// A directory of that user's, with this test program in it.
fn prepared(base: &Path) -> io::Result<()> {
    fs::set_permissions(base, fs::Permissions::from_mode(0o755))?;
    for name in ["bin", "home", "tmp"] {
        fs::create_dir(base.join(name))?;
        chown(base.join(name), Some(NOBODY), Some(NOBODY))?;
    }
    fs::copy(std::env::current_exe()?, base.join("bin/tests"))?;
    Ok(())
}

#[test]
fn function_of_an_ordinary_user_is_held_as_well() {
    let skipped = |why: &str| {
        let _ = writeln!(
            io::stderr(),
            "not proved on this machine: an ordinary user ({why})"
        );
    };
    if !rustix::process::geteuid().is_root() {
        return skipped("the tests do not run as root, and so as one already");
    }
    let base = tempfile::tempdir().unwrap();
    prepared(base.path()).unwrap();
    let mut command = Command::new(base.path().join("bin/tests"));
    command
        .args(AGAIN)
        .current_dir(base.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", base.path().join("home"))
        .env("TMPDIR", base.path().join("tmp"))
        .stderr(std::process::Stdio::inherit())
        // The standard library takes the other groups away, too.
        .uid(NOBODY)
        .gid(NOBODY);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return skipped(&format!("it cannot start programs here: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // All of them ran.
    for name in ["limits::", "system_calls::", "layers_of_an_ordinary_user"] {
        assert!(said.contains(name), "{said}");
    }
}
