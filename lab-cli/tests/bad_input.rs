//! The program itself, given what it cannot use: the documented exit code, a reason, and nothing on stdout.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Runs `driftlab` in an empty directory with nothing of the caller's AWS configuration.
fn run(dir: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_driftlab"))
        .args(arguments)
        .env_clear()
        .env("HOME", dir.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(environment.iter().copied())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[track_caller]
fn check(arguments: &[&str], environment: &[(&str, &str)], code: i32, words: &[&str]) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("unknown.yaml"), "stack: a\nregoin: b\n").unwrap();
    fs::write(dir.path().join("text.zip"), "not a zip").unwrap();
    let (actual, stdout, stderr) = run(&dir, arguments, environment);
    assert_eq!(actual, code, "{stderr}");
    assert_eq!(stdout, "");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is missing in:\n{stderr}");
    }
}

const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");
const KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "123456789012");
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "x");

#[test]
fn unusable_input_is_2_and_named() {
    check(&["fly"], &[], 2, &["fly"]);
    check(&["deploy"], &[], 2, &["--package"]);
    check(
        &["status"],
        &[],
        2,
        &["no AWS region is configured", "AWS_REGION"],
    );
    check(&["status"], &[("AWS_REGION", "mars")], 2, &["`mars`"]);
    check(&["--stack", "7x", "status"], &[REGION], 2, &["`7x`"]);
    check(
        &["--endpoint-url", "localhost", "status"],
        &[REGION],
        2,
        &["`localhost`"],
    );
    check(
        &["--config", "unknown.yaml", "status"],
        &[REGION],
        2,
        &["unknown.yaml:2:1", "regoin"],
    );
    check(
        &["--config", "none.yaml", "status"],
        &[REGION],
        2,
        &["none.yaml"],
    );
    check(
        &["deploy", "--package", "none.zip"],
        &[REGION],
        2,
        &["none.zip"],
    );
    check(
        &["deploy", "--package", "text.zip"],
        &[REGION],
        2,
        &["text.zip", "not a zip"],
    );
    check(
        &["simulate-incident", "--timeout", "soon"],
        &[REGION],
        2,
        &["soon"],
    );
}

/// The standard settings reach the hand-written client too: without an endpoint of one's own there is nothing to object to.
#[test]
fn an_endpoint_of_ones_own_and_fips_contradict_each_other() {
    let endpoint = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    for (variable, variant) in [
        ("AWS_USE_FIPS_ENDPOINT", "FIPS"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "dual-stack"),
    ] {
        check(
            &["status"],
            &[REGION, KEY, SECRET, endpoint, (variable, "true")],
            2,
            &["http://127.0.0.1:9", variant],
        );
    }
}

#[test]
fn no_credentials_and_no_endpoint_are_7() {
    check(
        &["status"],
        &[REGION],
        7,
        &["has no credentials", "AWS_PROFILE"],
    );
    // A port that was free a moment ago, and where nobody listens.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    check(
        &["cleanup", "--yes"],
        &[REGION, KEY, SECRET, ("AWS_ENDPOINT_URL", &url)],
        7,
        &["got no answer from the endpoint", "AWS_ENDPOINT_URL"],
    );
}

#[test]
fn help_and_completions_need_no_account() {
    let dir = TempDir::new().unwrap();
    let (code, stdout, _) = run(&dir, &["--help"], &[]);
    assert_eq!(code, 0);
    assert!(stdout.contains("Exit codes:"), "{stdout}");
    let (code, stdout, stderr) = run(&dir, &["completions", "bash"], &[]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("simulate-incident"));
}
