//! What machines read of a run, and what people are told.

use super::*;
use crate::fake::Fault;
use aws_calls::ErrorKind;
use remediator_core::notice::Outcome;

fn evidence(fake: &Fake) -> Vec<Value> {
    let lines = fake.evidence.borrow();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn metrics(fake: &Fake) -> Vec<Value> {
    let mut lines = evidence(fake);
    lines.retain(|line| line.get("_aws").is_some());
    lines
}

/// The event of the lab with what only Config adds.
fn named(mut event: Value) -> Value {
    event["configRuleId"] = json!("config-rule-a");
    event["configRuleName"] = json!("EC2SecurityGroup");
    event
}

/// G1: one correlation from the event to the last evaluation, each write and each report once.
#[tokio::test]
async fn a_run_can_be_followed() {
    let fake = incident();
    handle(&fake, &named(change())).await.unwrap();
    let lines = evidence(&fake);
    let correlation = format!("config-rule-a/{GROUP}/2026-11-22T08:00:05.000Z");
    for line in &lines {
        assert_eq!(line["correlation"], correlation.as_str(), "{line}");
        assert_eq!(line["request_id"], "r-1");
    }
    let mut events: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    assert_eq!(events.last(), Some(&"evaluated"));
    events.sort_unstable();
    assert_eq!(events, ["evaluated", "evaluated", "written", "written"]);
    let revoked = lines.iter().find(|line| line["write"] == "revoke").unwrap();
    assert_eq!(
        revoked["rules"],
        json!(["tcp 465 from 0.0.0.0/0", "tcp 993 from 0.0.0.0/0"])
    );
    assert_eq!(lines[3]["compliance"], "COMPLIANT");
}

/// G3: a healed group is counted, and its latency is from the capture to the last confirmed write.
#[tokio::test]
async fn a_repair_is_counted() {
    let fake = incident();
    handle(&fake, &named(change())).await.unwrap();
    let [line] = metrics(&fake).try_into().unwrap();
    for (name, value) in [
        ("Detected", 1),
        ("Healed", 1),
        ("Failed", 0),
        ("Contested", 0),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    let latency = line["HealLatency"][0].as_i64().unwrap();
    // The fake's clock is five seconds after the capture when the run begins, and ticks when it is read.
    assert!((5_000..5_200).contains(&latency), "{latency}");
    assert_eq!(line["Rule"], "EC2SecurityGroup");
}

/// G3, T1: a group that is right costs one line, and nobody is told.
#[tokio::test]
async fn a_clean_group_makes_no_noise() {
    let fake = Fake::with(&WEB);
    run(&fake).await.unwrap();
    assert_eq!(evidence(&fake).len(), 1);
    assert!(metrics(&fake).is_empty() && fake.notices.borrow().is_empty());
}

/// G3, T1: a failure is counted and told, and what was done all the same is told too.
#[tokio::test]
async fn a_failure_is_counted_and_told() {
    let fake = incident();
    let refused = Fault::Refused(ErrorKind::Denied);
    fake.faults.borrow_mut().insert(1, refused);
    run(&fake).await.unwrap_err();
    let [line] = metrics(&fake).try_into().unwrap();
    assert_eq!((&line["Failed"], &line["Healed"]), (&json!(1), &json!(0)));
    let told = fake.notices.borrow();
    let [notice] = told.as_slice() else {
        panic!("one notice");
    };
    assert!(
        notice
            .text()
            .contains("not as approved; authorized tcp 443"),
        "{}",
        notice.text()
    );
    assert!(
        notice
            .text()
            .contains("failed: revoke_security_group_ingress")
    );
    let machine: Value = serde_json::from_str(&notice.machine()).unwrap();
    assert_eq!(machine["groups"][0]["outcome"], json!(Outcome::Drifted));
}

/// G1: an event that is not understood leaves a line that says so.
#[tokio::test]
async fn an_event_nobody_understands_is_on_record() {
    let fake = Fake::default();
    handle(&fake, &json!({"configRuleName": "r"}))
        .await
        .unwrap_err();
    let lines = evidence(&fake);
    assert_eq!(lines[0]["event"], "failed");
    assert_eq!(lines[0]["correlation"], "r-1");
    assert_eq!(metrics(&fake)[0]["Failed"], 1);
}

/// T3: people are told after the last report, and whether that worked changes nothing.
#[tokio::test]
async fn a_notice_that_is_lost_fails_nothing() {
    let fake = incident();
    fake.notices_lost.set(2);
    run(&fake).await.unwrap();
    assert_eq!(
        fake.trace.borrow().last().map(String::as_str),
        Some("announce")
    );
    let lines = metrics(&fake);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["NotificationsFailed"], 2);
    assert_eq!(lines[1]["Healed"], 0, "the repair is not counted twice");
}
