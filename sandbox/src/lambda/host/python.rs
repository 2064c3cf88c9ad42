//! Python functions: they run where this machine has Python with the AWS SDK.
//!
//! A function can be created anyway: a template that is right on AWS must not fail here because of
//! what this machine lacks. Invoking it then fails with the reason.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::entry::Program;

/// The Runtime API client that runs the function; given to Python as text, so that no file is needed.
const BOOTSTRAP: &str = include_str!("python_bootstrap.py");

/// Says where Python is, where its files are, where it imports from, and which version of boto3 it finds.
const PROBE: &str = "import json, os, sys, boto3\n\
    print(json.dumps({'executable': sys.executable, 'path': sys.path[1:],\n\
    'files': [sys.executable, os.path.realpath(sys.executable), sys.prefix, sys.exec_prefix,\n\
    sys.base_prefix, sys.base_exec_prefix],\n\
    'python': list(sys.version_info[:2]), 'boto3': boto3.__version__}))";

/// How long the machine's Python may take to say that.
const PATIENCE: Duration = Duration::from_secs(20);

/// Since this version boto3 lets `AWS_ENDPOINT_URL` tell it where AWS is; older ones would look for
/// the real one.
const OLDEST_BOTO3: (u32, u32) = (1, 28);

#[derive(Debug, Clone, Deserialize)]
struct Python {
    executable: String,
    path: Vec<String>,
    files: Vec<String>,
    python: (u32, u32),
    boto3: String,
}

/// The program that runs a function of `runtime`; or why there is none here.
pub(in crate::lambda) async fn program(runtime: &str) -> Result<Program, String> {
    // What fails is tried again: it may have been installed meanwhile.
    static PYTHON: OnceCell<Python> = OnceCell::const_new();
    let python = PYTHON.get_or_try_init(find).await.map_err(|why| {
        format!(
            "{runtime} needs python3 with boto3 on this machine, in the PATH of the sandbox: {why}"
        )
    })?;
    let (major, minor) = python.python;
    if runtime != format!("python{major}.{minor}") {
        tracing::warn!(runtime, "a function is run by Python {major}.{minor}");
    }
    let mut arguments: Vec<OsString> = vec![
        python.executable.clone().into(),
        // Lines are seen when they are printed, and nothing is written beside the code.
        "-uB".into(),
        "-c".into(),
        BOOTSTRAP.into(),
    ];
    arguments.extend(python.path.iter().map(OsString::from));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let read = [&python.files[..], &python.path[..]].concat();
    let read = read.iter().map(PathBuf::from);
    Ok(Program {
        arguments,
        read: read
            .filter(|path| is_pythons(path, home.as_deref()))
            .collect(),
    })
}

/// Whether the place is Python's alone. A Python in `/opt` or in the home names a directory of its
/// own, but a search path may also hold the home itself, or what is above it.
fn is_pythons(path: &Path, home: Option<&Path>) -> bool {
    path.is_absolute()
        && path.parent().is_some()
        && path != Path::new("/usr")
        && !home.is_some_and(|home| home.starts_with(path))
}

async fn find() -> Result<Python, String> {
    let probe = Command::new("python3")
        .args(["-c", PROBE])
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, probe)
        .await
        .map_err(|_| format!("python3 gave no answer within {} s", PATIENCE.as_secs()))?
        .map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("no reason was given");
        return Err(last.to_owned());
    }
    let python: Python = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("python3 gave an answer that makes no sense: {error}"))?;
    let mut parts = python
        .boto3
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or_default());
    let version = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    if version < OLDEST_BOTO3 {
        return Err(format!(
            "boto3 {} cannot be told where the sandbox is; {}.{} can",
            python.boto3, OLDEST_BOTO3.0, OLDEST_BOTO3.1
        ));
    }
    Ok(python)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_pythons;

    #[test]
    fn place_that_holds_more_than_python_is_not_opened() {
        let opened = |path: &str| is_pythons(Path::new(path), Some(Path::new("/home/a")));
        for own in [
            "/home/a/.pyenv/versions/3.13.1",
            "/home/a/project/.venv",
            "/opt/python",
            "/usr/local",
        ] {
            assert!(opened(own), "{own}");
        }
        for shared in ["/", "/home", "/home/a", "/home/a/", "", ".", "/usr"] {
            assert!(!opened(shared), "{shared}");
        }
    }
}
