//! The initialisation and what can go wrong with it.

use serde_json::json;

use super::{Lab, client_package, package};

fn place(log: &[String], part: &str) -> usize {
    let found = log.iter().position(|line| line.contains(part));
    found.unwrap_or_else(|| panic!("`{part}` is not in {log:#?}"))
}

#[tokio::test]
async fn a_failed_initialisation_is_tried_once_more() {
    let lab = Lab::new().await;
    let variables = json!({"Variables": {"FAIL_INIT": "1"}});
    lab.create(
        &client_package(),
        json!({"Timeout": 30, "Environment": variables}),
    )
    .await;
    let (failed, document, tail) = lab.invoke(json!({})).await;
    assert!(failed);
    assert_eq!(document["errorMessage"], "no initialisation today");
    assert!(tail.contains("Status: error\tError Type: Init"), "{tail}");
    let log = lab.log("").await;
    let first = place(&log, "Phase: init\tStatus: error\tError Type: Init");
    let second = place(&log, "Phase: invoke\tStatus: error\tError Type: Init");
    assert!(place(&log, "INIT_START") < first && first < second);
    assert!(second < place(&log, "START RequestId"));
}

#[tokio::test]
async fn the_second_try_can_succeed() {
    let lab = Lab::new().await;
    // What the first try wrote is there for the second one, as on AWS.
    let script = format!(
        "#!/bin/sh\nif mkdir \"$TMPDIR/tried\" 2>/dev/null; then echo first; exit 3; fi\nexec '{}' --exact lambda::tests::function::runtime_client --nocapture\n",
        std::env::current_exe().unwrap().display()
    );
    lab.create(&package(script.as_bytes(), 0o755), json!({"Timeout": 30}))
        .await;
    let (failed, answer, tail) = lab.invoke(json!({})).await;
    assert!(!failed, "{answer}");
    assert!(!tail.contains("Init Duration: 0"), "{tail}");
    let log = lab.log("").await;
    let exited = place(
        &log,
        "Phase: init\tStatus: error\tError Type: Runtime.ExitError",
    );
    assert!(place(&log, "first") < exited && exited < place(&log, "START RequestId"));
    // It stays warm.
    assert_eq!(lab.invoke(json!({})).await.1["pid"], answer["pid"]);
}

#[tokio::test]
async fn what_cannot_start_says_so_in_both_phases() {
    let lab = Lab::new().await;
    lab.create(&package(b"no program", 0o755), json!({})).await;
    lab.invoke(json!({})).await;
    let log = lab.log("").await;
    for phase in ["init", "invoke"] {
        place(
            &log,
            &format!("Phase: {phase}\tStatus: error\tError Type: Runtime.InvalidEntrypoint"),
        );
    }
}
