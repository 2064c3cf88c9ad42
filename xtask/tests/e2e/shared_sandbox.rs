//! The background sandbox: found again, replaced when dead, never two.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::client::group_names;
use crate::support::{ACCOUNT, Place};

fn kill(sandbox: &Value) {
    let pid = sandbox["pid"].as_u64().unwrap().to_string();
    let killed = Command::new("sh")
        .args(["-c", "kill -KILL \"$0\"", &pid])
        .status()
        .unwrap();
    assert!(killed.success());
}

#[test]
fn separate_commands_share_one_sandbox() {
    let place = Place::new();
    place.xtask(&["deploy"]).ok();
    let sandbox = place.sandbox();
    assert_eq!(
        place
            .xtask(&["sandbox", "status", "--output", "json"])
            .ok()
            .json(),
        sandbox
    );
    place.xtask(&["simulate-incident"]).ok();
    place.xtask(&["status"]).ok();
    place.xtask(&["logs"]).ok();
    // A second time is fine.
    place.xtask(&["deploy"]).ok();
    place.xtask(&["cleanup"]).ok();
    // `-y` and `--yes` are one option, which may stand once.
    place.xtask(&["cleanup", "-y"]).ok();
    place.xtask(&["cleanup", "--yes"]).ok();
    assert_eq!(place.sandbox(), sandbox);
    place.xtask(&["sandbox", "stop"]).ok();
    place
        .xtask(&["sandbox", "status"])
        .exits(1)
        .says("no sandbox is running");
}

#[test]
fn a_dead_sandbox_is_noticed_and_replaced() {
    let place = Place::new();
    let first = place.sandbox();
    kill(&first);
    place
        .xtask(&["sandbox", "status"])
        .exits(1)
        .says("is gone, and everything that was in it");
    let ran = place
        .xtask(&["sandbox", "env"])
        .ok()
        .says("is gone, and everything that was in it")
        .says("started a sandbox");
    let second = place.sandbox();
    assert_ne!(first["instance"], second["instance"]);
    assert!(
        ran.stdout.contains(second["endpoint"].as_str().unwrap()),
        "{}",
        ran.stdout
    );
}

#[test]
fn two_commands_at_once_start_one_sandbox() {
    let place = Place::new();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            place
                .command(&["sandbox", "start", "--output", "json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let sandboxes: Vec<Value> = starts
        .into_iter()
        .map(|start| serde_json::from_slice(&start.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    assert!(
        sandboxes.iter().all(|sandbox| sandbox == &sandboxes[0]),
        "{sandboxes:?}"
    );
}

#[test]
fn the_shell_lines_point_a_client_at_the_sandbox_and_away_from_the_real_account() {
    let place = Place::new();
    let env = place
        .xtask(&["sandbox", "env", "--region", "eu-central-1"])
        .ok()
        .stdout;
    let probe = format!(
        "{env}\nprintf '%s ' \"$AWS_ENDPOINT_URL\" \"$AWS_ACCESS_KEY_ID\" \"$AWS_REGION\" \"${{AWS_PROFILE-none}}\""
    );
    let output = Command::new("sh")
        .args(["-euc", &probe])
        .env("AWS_PROFILE", "production")
        .output()
        .unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        seen.trim(),
        format!("{} {ACCOUNT} eu-central-1 none", place.endpoint())
    );
}

#[test]
fn the_users_own_aws_settings_do_not_reach_the_sandbox() {
    let place = Place::new();
    let deployed = place
        .command(&["deploy"])
        .env("AWS_PROFILE", "production")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SESSION_TOKEN", "somebody")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        // The account that is meant on AWS.
        .env("DRIFTLAB_ACCOUNT", "222222222222")
        .output()
        .unwrap();
    assert!(
        deployed.status.success(),
        "{}",
        String::from_utf8_lossy(&deployed.stderr)
    );
    assert!(
        group_names(&place.client(), ACCOUNT)
            .iter()
            .any(|name| name == "LabSG1")
    );
}
