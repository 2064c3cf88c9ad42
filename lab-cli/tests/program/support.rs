//! The program, run in a directory of its own with nothing of the caller's AWS configuration.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::sts::Sts;

pub(crate) const A: &str = "111111111111";
pub(crate) const B: &str = "222222222222";
pub(crate) const C: &str = "333333333333";

pub(crate) const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", A);
pub(crate) const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "x");
pub(crate) const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `driftlab` in a directory with two profiles (accounts B and C) and perhaps a settings file.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)], yaml: &str) -> Ran {
    let dir = TempDir::new().unwrap();
    if !yaml.is_empty() {
        fs::write(dir.path().join("driftlab.yaml"), yaml).unwrap();
    }
    run_in(dir.path(), arguments, environment)
}

/// The same in a directory that is there.
pub(crate) fn run_in(dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let credentials = format!(
        "[classB]\naws_access_key_id={B}\naws_secret_access_key=x\n[classC]\naws_access_key_id={C}\naws_secret_access_key=x\n"
    );
    fs::write(dir.join("credentials"), credentials).unwrap();
    fs::write(
        dir.join("config"),
        "[profile classB]\nregion=eu-north-1\n[profile bare]\nregion=eu-north-1\n",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_driftlab"))
        .args(arguments)
        .env_clear()
        .env("HOME", dir)
        .env("AWS_CONFIG_FILE", dir.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", dir.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(environment.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `driftlab policy`, which only asks who calls, and looks for words in what it says.
#[track_caller]
pub(crate) fn check_policy(
    flags: &[&str],
    environment: &[(&str, &str)],
    yaml: &str,
    words: &[&str],
) {
    let sts = Sts::start();
    let mut arguments = vec!["policy"];
    arguments.extend(flags);
    let mut all = vec![("AWS_ENDPOINT_URL", sts.url.as_str())];
    all.extend(environment);
    let ran = run(&arguments, &all, yaml);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for word in words {
        assert!(
            ran.stderr.contains(word),
            "`{word}` is missing in:\n{}",
            ran.stderr
        );
    }
    assert_eq!(sts.operations(), ["GetCallerIdentity"]);
}

/// A package that can be read: a script needs no processor.
pub(crate) fn write_package(path: &std::path::Path) {
    let mut writer = ZipWriter::new(fs::File::create(path).unwrap());
    writer
        .start_file(
            "bootstrap",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .unwrap();
    writer.write_all(b"#!/bin/sh\n").unwrap();
    writer.finish().unwrap();
}
