//! `kill -9` in the middle of a command, with the real programs: the same command, run again, goes on.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, admin};
use crate::support::{ACCOUNT, Place, REGION, package, prebuilt};

/// The command, and the call after which it is killed: it was carried out, and nobody lives to hear of it.
const DEATHS: [(&str, &str, &str); 7] = [
    ("deploy", "s3", "CreateBucket"),
    ("deploy", "cloudformation", "ExecuteChangeSet"),
    ("deploy", "config", "PutConfigurationRecorder"),
    ("simulate-incident", "ec2", "AuthorizeSecurityGroupIngress"),
    ("cleanup", "config", "StopConfigurationRecorder"),
    ("cleanup", "s3", "DeleteObjects"),
    ("cleanup", "cloudformation", "DeleteStack"),
];

/// Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn whoever_is_killed_runs_the_same_command_again() {
    for (index, (command, service, operation)) in DEATHS.into_iter().enumerate() {
        let place = Place::new();
        let client = place.client();
        if command != "deploy" {
            place.xtask(&["deploy"]).ok();
        }
        let fault = json!([{"service": service, "operation": operation, "caller": "operator", "count": 1,
            "phase": "after", "fault": {"timeout": {"hold_ms": 900_000}}}]);
        admin(&client, "POST", "faults", &fault.to_string());
        let mut driftlab = start(&place, &client, command);
        wait_for_the_fault(&client, &mut driftlab);
        // SIGKILL: it gets no chance to tidy up.
        driftlab.kill().unwrap();
        driftlab.wait().unwrap();
        admin(&client, "DELETE", "faults", "");
        place.xtask(&[command]).ok();
        place.xtask(&["cleanup"]).ok();
        let left = place.xtask(&["cleanup", "--output", "json"]).ok().json();
        assert_eq!(left["removed"], json!([]), "case {index}: {left}");
        assert_eq!(left["leftovers"], json!([]), "case {index}: {left}");
    }
}

fn start(place: &Place, client: &Client, command: &str) -> Child {
    let mut driftlab = Command::new(prebuilt().join("driftlab"));
    driftlab
        .args([
            command,
            "--yes",
            "--region",
            REGION,
            "--endpoint-url",
            &client.endpoint,
        ])
        .env("AWS_ACCESS_KEY_ID", ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", client.secret(ACCOUNT))
        .current_dir(&place.dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if command == "deploy" {
        driftlab.args(["--email", "student@example.com", "--package"]);
        driftlab.arg(package());
    }
    driftlab.spawn().unwrap()
}

/// Asks until the call that is to be the last one is in the list.
fn wait_for_the_fault(client: &Client, driftlab: &mut Child) {
    let began = Instant::now();
    loop {
        let calls = admin(client, "GET", &format!("calls?account={ACCOUNT}"), "");
        let struck = calls["calls"]
            .as_array()
            .unwrap()
            .iter()
            .any(|call| !call["fault"].is_null());
        if struck {
            return;
        }
        let ended = driftlab.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before its last call: {ended:?}");
        assert!(
            began.elapsed() < PATIENCE,
            "the call was never made: {calls}"
        );
        thread::yield_now();
    }
}
