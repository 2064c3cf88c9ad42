//! What the program cannot use: the documented exit code, a reason, and nothing on stdout.

use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use crate::support::{ID, REGION, SECRET, run_in};

#[track_caller]
fn check(arguments: &[&str], environment: &[(&str, &str)], code: i32, words: &[&str]) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("unknown.yaml"), "stack: a\nregoin: b\n").unwrap();
    fs::write(dir.path().join("text.zip"), "not a zip").unwrap();
    let ran = run_in(dir.path(), arguments, environment);
    let stderr = ran.stderr;
    assert_eq!(ran.code, code, "{stderr}");
    assert_eq!(ran.stdout, "");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is missing in:\n{stderr}");
    }
}

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
            &[REGION, ID, SECRET, endpoint, (variable, "true")],
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
        &[REGION, ID, SECRET, ("AWS_ENDPOINT_URL", &url)],
        7,
        &["got no answer from the endpoint", "AWS_ENDPOINT_URL"],
    );
}

#[test]
fn help_and_completions_need_no_account() {
    let dir = TempDir::new().unwrap();
    let help = run_in(dir.path(), &["--help"], &[]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("Exit codes:"), "{}", help.stdout);
    let shell = run_in(dir.path(), &["completions", "bash"], &[]);
    assert_eq!((shell.code, shell.stderr.as_str()), (0, ""));
    assert!(shell.stdout.contains("simulate-incident"));
}

/// What a settings file, a policy or a command line holds is shown, and cannot command a terminal.
#[test]
fn hostile_text_in_what_is_read_is_shown_and_not_obeyed() {
    const EVIL: &str = "x\u{1b}[2J\u{7}\u{9b}1m\u{202e}\u{2028}\rFORGED";
    let dir = TempDir::new().unwrap();
    let quoted = serde_json::to_string(&format!("{EVIL}\nFORGED")).unwrap();
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    write("key.yaml", format!("{quoted}: b\n"));
    write("bare.yaml", format!("stack: {EVIL}\n"));
    for key in [
        "stack", "region", "account", "ttl", "scope", "email", "tags",
    ] {
        write(&format!("{key}.yaml"), format!("{key}: {quoted}\n"));
    }
    let named = format!("--stack={EVIL}\nFORGED");
    let mut lines: Vec<Vec<&str>> = vec![
        vec!["status", &named],
        vec!["policy", "check", "key.yaml"],
        vec!["policy", "check", &quoted],
        vec!["status", "--config", "key.yaml"],
        vec!["status", "--config", "bare.yaml"],
        vec!["status", "--config", EVIL],
        vec!["doctor", "--config", "ttl.yaml"],
    ];
    for file in ["stack.yaml", "region.yaml", "account.yaml", "tags.yaml"] {
        lines.push(vec!["status", "--config", file]);
    }
    for line in lines {
        let ran = run_in(dir.path(), &line, &[REGION, ID, SECRET]);
        assert_ne!(ran.code, 0, "{line:?}: {}", ran.stderr);
        let harmless = |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{2028}".contains(c));
        assert!(
            ran.stderr.chars().all(harmless),
            "{line:?}: {:?}",
            ran.stderr
        );
        let forged = |shown: &str| shown.trim_start().starts_with("FORGED");
        assert!(!ran.stderr.lines().any(forged), "{line:?}: {}", ran.stderr);
    }
}
