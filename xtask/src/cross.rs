//! Building for AWS, whatever this machine has.
//!
//! `cargo-zigbuild` links against the glibc that it is told, and brings the C compiler and the linker for the other
//! processor with it (the function's cryptography has C in it). Without it only a machine whose own glibc is old enough
//! can build, and only for its own processor.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::architecture::Architecture;
use crate::failure::{Exit, Failure};
use crate::package::GLIBC_OF_AL2023;
use crate::workspace;

/// How the function is built for AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// With zig, for any processor and exactly the glibc of Amazon Linux 2023.
    Zig,
    /// With what this machine has.
    Plain,
}

/// What of the tools is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tools {
    zigbuild: bool,
    zig: bool,
    /// Rust's standard library for the target.
    std: bool,
}

/// The cargo command and the arguments with which the function is built for AWS.
///
/// # Errors
/// Which tool is missing, and how to get it.
pub(crate) fn command(architecture: Architecture) -> Result<(Command, Vec<String>)> {
    let target = architecture.target();
    let tools = Tools {
        zigbuild: answers("cargo-zigbuild", &["--version"]),
        zig: has_zig(),
        std: has_std(target)?,
    };
    let cargo = workspace::cargo();
    match way(architecture, Architecture::host(), tools)? {
        Way::Zig => {
            let (major, minor) = GLIBC_OF_AL2023;
            let target = format!("{target}.{major}.{minor}");
            Ok((cargo, words(&["zigbuild", "--target", &target])))
        }
        Way::Plain => Ok((cargo, words(&["build", "--target", target]))),
    }
}

/// Decides, or says what is missing: everything at once, so that nobody has to come back for the next one.
fn way(wanted: Architecture, host: Architecture, tools: Tools) -> Result<Way, Failure> {
    let Tools { zigbuild, zig, std } = tools;
    if zigbuild && zig && std {
        return Ok(Way::Zig);
    }
    if wanted == host && std {
        return Ok(Way::Plain);
    }
    let mut missing = Vec::new();
    let mut commands = Vec::new();
    if !std {
        missing.push(format!("Rust's standard library for `{}`", wanted.target()));
        commands.push(format!("`rustup target add {}`", wanted.target()));
    }
    if wanted != host {
        if !zigbuild {
            missing.push("`cargo-zigbuild`".to_owned());
            commands.push("`pip install cargo-zigbuild`, which brings zig".to_owned());
        } else if !zig {
            missing.push("`zig`".to_owned());
            commands.push("`pip install ziglang`".to_owned());
        }
    }
    let what = format!(
        "cannot build the function for {} on this {} machine: {} missing",
        wanted.name(),
        host.name(),
        match missing.as_slice() {
            [one] => format!("{one} is"),
            several => format!("{} are", several.join(" and ")),
        }
    );
    let other = (wanted != host).then(|| format!(", or build for `{}`", host.name()));
    Err(Failure::new(Exit::Failed, what).hint(format!(
        "run {}{}",
        commands.join(" and "),
        other.unwrap_or_default()
    )))
}

/// Where `cargo-zigbuild` looks: the executable, or Python's package.
fn has_zig() -> bool {
    std::env::var_os("CARGO_ZIGBUILD_ZIG_PATH").is_some()
        || answers("zig", &["version"])
        || answers("python3", &["-m", "ziglang", "version"])
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether the compiler has a standard library for the target.
fn has_std(target: &str) -> Result<bool> {
    let dir = ask_rustc(&["--print", "target-libdir", "--target", target])?;
    let Ok(entries) = Path::new(&dir).read_dir() else {
        return Ok(false);
    };
    Ok(entries.flatten().any(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with("libstd-"))
    }))
}

/// What the compiler that cargo uses answers.
pub(crate) fn ask_rustc(arguments: &[&str]) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(&rustc)
        .args(arguments)
        .current_dir(workspace::root())
        .output()
        .with_context(|| format!("cannot start `{}`", rustc.display()))?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::Architecture::{Arm64, X86_64};
    use super::*;

    const ALL: Tools = Tools {
        zigbuild: true,
        zig: true,
        std: true,
    };

    fn check(wanted: Architecture, tools: Tools, expect: Result<Way, (&str, &str)>) {
        match (way(wanted, X86_64, tools), expect) {
            (Ok(way), expect) => assert_eq!(Ok(way), expect),
            (Err(failure), Err((what, hint))) => {
                assert_eq!(failure.to_string(), what);
                assert_eq!(failure.hint.as_deref(), Some(hint));
            }
            (Err(failure), Ok(way)) => panic!("{failure} instead of {way:?}"),
        }
    }

    #[test]
    fn zig_is_used_wherever_it_is() {
        check(Arm64, ALL, Ok(Way::Zig));
        check(X86_64, ALL, Ok(Way::Zig));
    }

    #[test]
    fn the_machines_own_processor_needs_no_zig() {
        let bare = Tools {
            zigbuild: false,
            zig: false,
            ..ALL
        };
        check(X86_64, bare, Ok(Way::Plain));
    }

    #[test]
    fn what_is_missing_is_said_with_the_commands_that_bring_it() {
        let none = Tools {
            zigbuild: false,
            zig: false,
            std: false,
        };
        check(
            Arm64,
            none,
            Err((
                "cannot build the function for arm64 on this x86_64 machine: Rust's standard library for `aarch64-unknown-linux-gnu` and `cargo-zigbuild` are missing",
                "run `rustup target add aarch64-unknown-linux-gnu` and `pip install cargo-zigbuild`, which brings zig, or build for `x86_64`",
            )),
        );
        check(
            Arm64,
            Tools { zig: false, ..ALL },
            Err((
                "cannot build the function for arm64 on this x86_64 machine: `zig` is missing",
                "run `pip install ziglang`, or build for `x86_64`",
            )),
        );
        check(
            X86_64,
            Tools { std: false, ..ALL },
            Err((
                "cannot build the function for x86_64 on this x86_64 machine: Rust's standard library for `x86_64-unknown-linux-gnu` is missing",
                "run `rustup target add x86_64-unknown-linux-gnu`",
            )),
        );
    }
}
