//! Real processes: answers, logs, crashes, ends.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Lab, client_package, package};
use crate::service::Service;

fn is_running(pid: &Value) -> bool {
    // A process that has ended but was not waited for is still listed, as a zombie.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

#[tokio::test]
async fn the_log_is_complete_when_the_answer_is_there() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    for round in 1..=20 {
        let (failed, answer, tail) = lab.invoke(json!({"do": "print", "lines": 50})).await;
        assert!(!failed, "{answer} {tail}");
        assert_eq!(lab.log("printed").await.len(), 51 * round);
    }
    let log = lab.log("").await;
    assert!(
        log[0].starts_with("INIT_START Runtime Version: provided:al2023"),
        "{log:?}"
    );
    let count = |start: &str| log.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("START RequestId: "), 20);
    assert_eq!(count("END RequestId: "), 20);
    assert_eq!(count("REPORT RequestId: "), 20);
    let place = |start: &str| log.iter().position(|line| line.starts_with(start)).unwrap();
    assert!(place("START ") < place("printed 0"));
    assert!(place("printed without an end") < place("END "));
}

#[tokio::test]
async fn a_process_stays_warm_until_its_function_changes() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let (_, first, _) = lab.invoke(json!({"n": 1})).await;
    let (_, second, _) = lab.invoke(json!({"n": 2})).await;
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(second["event"], json!({"n": 2}));
    let update = json!({"FunctionName": "f", "Environment": {"Variables": {"NEW": "1"}}});
    lab.ok("UpdateFunctionConfiguration", update).await;
    let (_, third, _) = lab.invoke(json!({})).await;
    assert_ne!(second["pid"], third["pid"]);
    // Two invocations at once have two processes.
    let (one, other) = tokio::join!(lab.invoke(json!({})), lab.invoke(json!({})));
    assert_ne!(one.1["pid"], other.1["pid"]);
    lab.sandbox.functions.shut_down().await;
    for pid in [&first, &third, &one.1, &other.1] {
        assert!(!is_running(&pid["pid"]));
    }
}

#[tokio::test]
async fn a_function_sees_its_own_world_and_nothing_of_ours() {
    let lab = Lab::new().await;
    let variables = json!({"Variables": {"MINE": "1", "AWS_ENDPOINT_URL_EC2": "https://ec2.us-east-1.amazonaws.com"}});
    lab.create(
        &client_package(),
        json!({"Timeout": 30, "Environment": variables}),
    )
    .await;
    let (_, seen, _) = lab.invoke(json!({"do": "environment"})).await;
    assert_eq!(seen["MINE"], "1");
    assert_eq!(seen["AWS_LAMBDA_FUNCTION_NAME"], "f");
    assert_eq!(seen["AWS_LAMBDA_LOG_GROUP_NAME"], "lab");
    // No listener here, but never the real AWS either.
    assert!(
        seen["AWS_ENDPOINT_URL"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert!(seen.get("AWS_ENDPOINT_URL_EC2").is_none());
    assert!(seen.get("CARGO_MANIFEST_DIR").is_none() && seen.get("HOME").is_none());
    let key = seen["AWS_ACCESS_KEY_ID"].as_str().unwrap();
    let (account, caller) = lab
        .sandbox
        .keys
        .lookup(key, lab.sandbox.clock.now())
        .unwrap();
    assert_eq!(account, lab.target.account);
    assert_eq!(
        caller.arn(&account, &lab.target.region),
        "arn:aws:sts::123456789012:assumed-role/R/f"
    );
}

/// Whoever may run code in an account is no more than its function there, and nobody in any other.
#[tokio::test]
async fn function_that_signs_as_an_operator_is_refused() {
    let lab = Lab::new().await;
    let listener = crate::server::bind(&lab.sandbox, 0).await.unwrap();
    tokio::spawn(crate::server::serve(lab.sandbox.clone(), listener));
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let own = json!({"id": "own", "secret": "own", "token": "own"});
    let mut keys = vec![own];
    for id in ["123456789012", "210987654321", "123456789012-root"] {
        for secret in ["own", "", "sandbox", id] {
            for token in ["own", ""] {
                keys.push(json!({"id": id, "secret": secret, "token": token}));
            }
        }
    }
    let (failed, answers, tail) = lab.invoke(json!({"do": "sign", "keys": keys})).await;
    assert!(!failed, "{tail}");
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), keys.len());
    for (key, answer) in keys.iter().zip(answers) {
        let answer = answer.as_str().unwrap();
        let expected = match (key["id"].as_str(), key["token"].as_str()) {
            (Some("own"), _) => ("200 ", "arn:aws:sts::123456789012:assumed-role/R/f"),
            (_, Some("own")) => ("403 ", "InvalidClientTokenId"),
            _ => ("403 ", "SignatureDoesNotMatch"),
        };
        assert!(answer.starts_with(expected.0), "{key}: {answer}");
        assert!(answer.contains(expected.1), "{key}: {answer}");
    }
    // The one call that was carried out is the function's own.
    let query = crate::journal::Query::default();
    let calls = lab.sandbox.journal.list(&query).calls;
    let calls = calls.iter().filter(|call| call.service == "sts");
    let (known, unknown): (Vec<_>, Vec<_>) = calls.partition(|call| call.caller.is_some());
    assert_eq!((known.len(), unknown.len()), (1, keys.len() - 1));
}

#[tokio::test]
async fn failures_crashes_and_time_outs_are_told_apart() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 1})).await;
    let (failed, document, _) = lab.invoke(json!({"do": "fail"})).await;
    assert!(failed);
    assert_eq!(document["errorType"], "Boom");
    let (failed, document, tail) = lab.invoke(json!({"do": "crash"})).await;
    assert!(failed);
    assert_eq!(document["errorType"], "Runtime.ExitError");
    assert!(
        tail.contains("Runtime exited with error: exit status 101"),
        "{tail}"
    );
    let (failed, document, tail) = lab.invoke(json!({"do": "hang"})).await;
    assert!(failed);
    assert_eq!(document["errorType"], "Sandbox.Timedout");
    assert!(tail.contains("Task timed out after 1.00 seconds"), "{tail}");
    assert!(tail.contains("Status: timeout"), "{tail}");
    // And the next one is served by a new process.
    let (failed, _, _) = lab.invoke(json!({})).await;
    assert!(!failed);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let lab = Lab::new().await;
    let elf = |machine: u8| {
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        head.extend([machine, 0]);
        head
    };
    let foreign = if cfg!(target_arch = "aarch64") {
        62
    } else {
        183
    };
    let cases = [
        (package(b"no program", 0o755), "exec format error"),
        (
            package(&elf(foreign), 0o755),
            "exec format error (the executable is for",
        ),
        (package(b"#!/bin/sh\n", 0o644), "permission denied"),
    ];
    lab.create(&cases[0].0, json!({})).await;
    for (code, expected) in &cases {
        use base64::Engine as _;
        let zip = base64::prelude::BASE64_STANDARD.encode(code);
        lab.ok(
            "UpdateFunctionCode",
            json!({"FunctionName": "f", "ZipFile": zip}),
        )
        .await;
        let (failed, document, _) = lab.invoke(json!({})).await;
        assert!(failed);
        assert_eq!(document["errorType"], "Runtime.InvalidEntrypoint");
        let message = document["errorMessage"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn lines_that_the_role_may_not_write_are_lost() {
    let lab = Lab::new().await;
    let elsewhere = json!({"LogGroup": "elsewhere"});
    lab.create(
        &client_package(),
        json!({"Timeout": 30, "LoggingConfig": elsewhere}),
    )
    .await;
    let (failed, _, tail) = lab.invoke(json!({"do": "print"})).await;
    assert!(!failed);
    assert!(tail.contains("printed 0"));
    let groups = lab
        .of(Service::Logs)
        .ok("DescribeLogGroups", json!({}))
        .await;
    assert_eq!(groups["logGroups"].as_array().unwrap().len(), 1, "{groups}");
}

#[tokio::test]
async fn nothing_stays_on_disk() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let (_, seen, _) = lab.invoke(json!({"do": "environment"})).await;
    let path = |name: &str| PathBuf::from(seen[name].as_str().unwrap());
    let (code, scratch) = (path("LAMBDA_TASK_ROOT"), path("TMPDIR"));
    assert!(code.is_dir() && scratch.is_dir());
    let home: &Path = code.parent().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&home.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    lab.sandbox.functions.shut_down().await;
    assert!(!home.exists());
}

#[tokio::test]
async fn an_asynchronous_invocation_is_tried_three_times() {
    let lab = Lab::new().await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    lab.sandbox.clock.freeze();
    lab.invoke_later("f", json!({"do": "fail"})).await;
    for (attempts, wait) in [(1, 60), (2, 120), (3, 3600)] {
        lab.logged("REPORT", attempts).await;
        lab.sandbox
            .clock
            .advance(std::time::Duration::from_secs(wait));
    }
    lab.idle().await;
    assert_eq!(lab.log("REPORT").await.len(), 3);
}
