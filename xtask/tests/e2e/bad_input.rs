//! Wrong input: a clear error, the documented exit code, and nothing half-made.

use std::fs;
use std::net::TcpListener;

use crate::client::{elements, group_names, query};
use crate::support::{ACCOUNT, Place, STACK, template};

/// No stack, no group of ours, no bucket: as if nothing had been tried.
#[track_caller]
fn assert_nothing_is_left(place: &Place, account: &str) {
    let client = place.client();
    assert!(
        !group_names(&client, account)
            .iter()
            .any(|name| name == "LabSG1")
    );
    let (_, stacks) = query(
        &client,
        account,
        "cloudformation",
        &[("Action", "ListStacks"), ("Version", "2010-05-15")],
    );
    let live: Vec<&str> = elements(&stacks, "StackStatus")
        .into_iter()
        .filter(|status| *status != "DELETE_COMPLETE")
        .collect();
    assert!(live.is_empty(), "{live:?}");
    let (status, roles) = query(
        &client,
        account,
        "iam",
        &[("Action", "ListRoles"), ("Version", "2010-05-08")],
    );
    assert_eq!(status, 200, "{roles}");
    assert!(
        !elements(&roles, "RoleName").contains(&"AwsConfigRole"),
        "{roles}"
    );
    let cleaned = place
        .xtask(&["cleanup", "--account", account, "--output", "json"])
        .ok()
        .json();
    assert_eq!(cleaned["removed"].as_array().unwrap().len(), 0, "{cleaned}");
    assert_eq!(
        cleaned["leftovers"].as_array().unwrap().len(),
        0,
        "{cleaned}"
    );
}

#[test]
fn an_account_that_is_none() {
    let place = Place::new();
    for arguments in [
        &["demo", "--account", "12345"][..],
        &["deploy", "--account", "abc"],
        &["deploy", "--yes", "--account", "abc"],
        &["sandbox", "env", "--account", "1234567890123"],
    ] {
        place.xtask(arguments).exits(2).says("twelve digits");
    }
    assert!(!place.dir.join("state").exists(), "nothing was started");
}

#[test]
fn a_region_that_is_none() {
    let place = Place::new();
    // No region can be called like that.
    for region in ["mars", "us east 1", "us-east-1; true"] {
        place
            .xtask(&["deploy", "--region", region])
            .exits(2)
            .says(region);
    }
    place
        .xtask(&["sandbox", "env", "--region", "us-east-1; true"])
        .exits(2);
    // One could be called like this, but none is: that is for the endpoint to say.
    let ran = place
        .xtask(&["deploy", "--region", "mars-north-1"])
        .exits(2)
        .says("mars-north-1");
    assert_eq!(ran.stdout, "");
    assert_nothing_is_left(&place, ACCOUNT);
    let ran = place
        .xtask(&["demo", "--region", "mars-north-1", "--output", "json"])
        .exits(2)
        .says("mars-north-1");
    assert_eq!(ran.json()["healed"], false);
}

#[test]
fn an_address_that_is_none() {
    let place = Place::new();
    for email in ["nobody", "a@b", "two@@example.com", "spa ce@example.com"] {
        place
            .xtask(&["deploy", "--email", email])
            .exits(2)
            .says(email);
    }
    assert_nothing_is_left(&place, ACCOUNT);
    // The originals refuse these two characters.
    place
        .xtask(&["deploy", "--email", "first-last+lab@sub.example.com"])
        .ok();
}

#[test]
fn a_template_that_fails_half_way() {
    let place = Place::new();
    let whole = fs::read_to_string(template()).unwrap();
    let broken = whole.replacen(
        "Handler: bootstrap",
        "Handler: bootstrap\n      ReservedConcurrentExecutions: 100000",
        1,
    );
    let broken = broken.replacen("MemorySize: 128", "MemorySize: 1", 1);
    assert_ne!(whole, broken);
    let broken = place.file("broken.yaml", &broken);
    place
        .xtask(&["deploy", "--template", &broken])
        .exits(1)
        .says("RemediationFunction");
    assert_nothing_is_left(&place, ACCOUNT);
}

#[test]
fn a_package_that_is_missing_or_none() {
    let place = Place::new();
    place
        .xtask(&["deploy", "--package", "nowhere.zip"])
        .exits(2)
        .says("nowhere.zip");
    let text = place.file("text.zip", "not a zip");
    place
        .xtask(&["deploy", "--package", &text])
        .exits(2)
        .says("text.zip");
    assert_nothing_is_left(&place, ACCOUNT);
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let place = Place::new();
    place
        .xtask(&["sandbox", "start", "--port", &port])
        .exits(1)
        .says(&port);
    place
        .xtask(&["sandbox", "status"])
        .exits(1)
        .says("no sandbox is running");
}

#[test]
fn another_port_than_the_one_in_use() {
    let place = Place::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    place.sandbox();
    place
        .xtask(&["sandbox", "start", "--port", &free])
        .exits(2)
        .says("running already");
    place
        .xtask(&["sandbox", "start", "--config-latency", "1s"])
        .exits(2)
        .says("running already");
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let place = Place::new();
    // Below a file there can be no directory, whoever asks: a test may run as root.
    let file = place.file("file", "");
    for arguments in [
        &["deploy"][..],
        &["sandbox", "start"],
        &["sandbox", "env"],
        &["status"],
    ] {
        let output = place
            .command(arguments)
            .env("DRIFTLAB_STATE_DIR", format!("{file}/state"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("cannot create the state directory")
                && said.contains("DRIFTLAB_STATE_DIR"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}

/// That a missing cross compiler is named with the command that installs it is tested beside the code (`cross.rs`): whether
/// one is missing depends on the machine.
#[test]
fn a_processor_that_lambda_does_not_have() {
    let place = Place::new();
    place
        .xtask(&["build-lambda", "--arch", "riscv64"])
        .exits(2)
        .says("arm64");
}

#[test]
fn a_stack_that_is_not_there() {
    let place = Place::new();
    place.xtask(&["simulate-incident"]).exits(1).says(STACK);
    assert_nothing_is_left(&place, ACCOUNT);
}
