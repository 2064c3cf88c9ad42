//! Events and policies that ask for something else than a repair.

use super::{WEB, event, handle, incident, run};
use crate::fake::{Fake, GROUP};
use crate::handle::Instance;
use remediator_core::{Baseline, Compliance};
use serde_json::json;

/// M1: audit mode tells and changes nothing.
#[tokio::test]
async fn audit_writes_nothing() {
    let fake = incident();
    handle(&fake, &event(&json!({"mode": "audit"}), "OK"))
        .await
        .unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(
        fake.verdicts(),
        [
            "NON_COMPLIANT: Permissions were modified. Audit mode changes nothing: 2 revocation(s) and 1 authorization(s) are due. Not approved: tcp 465, tcp 993. Missing: tcp 443."
        ]
    );
    assert!(
        fake.lines
            .borrow()
            .iter()
            .all(|line| !line.contains("revoking for"))
    );
}

/// R7, N1: audit mode names what fits of a drift as large as a group can have.
#[tokio::test]
async fn audit_of_a_large_drift() {
    let rules = |first: u16| -> Vec<String> {
        (first..first + 60)
            .map(|port| format!("tcp:{port}:0.0.0.0/0"))
            .collect()
    };
    let (live, approved) = (rules(10_000), rules(20_000));
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let fake = Fake::with(&live);
    let policy = json!({"mode": "audit", "baseline": approved.join(",")});
    handle(&fake, &event(&policy, "OK")).await.unwrap();
    let reports = fake.reports.borrow();
    let text = reports[0].evaluation.annotation.as_str();
    assert!(text.chars().count() <= 256, "{text}");
    let begin = "Permissions were modified. Audit mode changes nothing: 60 revocation(s) and 60 authorization(s) are due. Not approved: tcp 10000, tcp 10001";
    assert!(
        text.starts_with(begin) && text.ends_with(" more."),
        "{text}"
    );
}

/// S1: a group out of scope is not applicable and never written, although the item says that it is in
/// scope.
#[tokio::test]
async fn out_of_scope_is_never_written() {
    for scope in ["vpc:vpc-0b", "tag:team=red"] {
        let fake = incident();
        handle(&fake, &event(&json!({"scope": scope}), "OK"))
            .await
            .unwrap();
        assert_eq!(
            *fake.calls.borrow(),
            ["describe_security_groups", "put_evaluations"]
        );
        assert_eq!(
            fake.verdicts(),
            [format!(
                "NOT_APPLICABLE: The security group is outside the scope of the rule ({scope})."
            )]
        );
    }
}

/// S1: a group in scope is repaired, although the item says that it is elsewhere.
#[tokio::test]
async fn the_live_group_is_in_scope() {
    let fake = incident();
    handle(&fake, &event(&json!({"scope": "vpc:vpc-0a"}), "OK"))
        .await
        .unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// E1: a deleted group is told without a look at EC2.
#[tokio::test]
async fn a_deleted_group() {
    let fake = incident();
    handle(&fake, &event(&json!({}), "ResourceDeleted"))
        .await
        .unwrap();
    assert_eq!(*fake.calls.borrow(), ["put_evaluations"]);
    assert_eq!(fake.last_compliance(), Some(Compliance::NotApplicable));
}

/// E4, D3: a group that was deleted after its event is told like one whose deletion was the event, and
/// not waited for: it is not new.
#[tokio::test]
async fn a_group_that_is_gone() {
    let fake = incident();
    fake.group.replace(None);
    run(&fake).await.unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert!(fake.pauses.borrow().is_empty());
    assert_eq!(
        fake.verdicts(),
        ["NOT_APPLICABLE: The configurationItem was deleted and therefore cannot be validated."]
    );
}

/// E2, P2: an event or a policy that is not understood touches nothing.
#[tokio::test]
async fn what_is_not_understood_touches_nothing() {
    for payload in [
        json!({}),
        json!("event"),
        event(&json!({"debug": "maybe"}), "OK"),
        event(&json!({"colour": "red"}), "OK"),
    ] {
        let fake = incident();
        handle(&fake, &payload).await.unwrap_err();
        assert!(fake.calls.borrow().is_empty(), "{payload}");
        assert!(fake.lines.borrow()[0].starts_with("error: "), "{payload}");
    }
}

/// E2: text whose shape is that of JSON gets as far as this, whatever its numbers and words are.
#[tokio::test]
async fn text_that_cannot_be_read_touches_nothing() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for text in ["[1e999]", r#"{"accountId": "\ud800"}"#, &deep] {
        let fake = incident();
        let error = crate::handle::handle(&fake, &Instance::default(), text)
            .await
            .unwrap_err();
        assert!(error.chain().contains("`event` is not a JSON object"));
        assert!(fake.calls.borrow().is_empty(), "{text}");
        assert!(fake.lines.borrow()[0].starts_with("error: "), "{text}");
    }
}

/// L2: with `debug` the log also holds the event, without its token, and the group.
#[tokio::test]
async fn debug_shows_event_and_definition() {
    let fake = Fake::with(&WEB);
    handle(&fake, &event(&json!({"debug": "TRUE"}), "OK"))
        .await
        .unwrap();
    let lines = fake.lines.take();
    assert!(lines[0].starts_with("received event: {"), "{lines:?}");
    assert!(
        lines[0].contains("invokingEvent") && !lines[0].contains("\"token\""),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with(&format!("definition of {GROUP}: {{")),
        "{lines:?}"
    );
    assert!(lines[1].contains("tcp 443 from 0.0.0.0/0"), "{lines:?}");
    let fake = Fake::with(&WEB);
    run(&fake).await.unwrap();
    assert_eq!(
        fake.lines.borrow().len(),
        1,
        "without debug only the report is logged"
    );
}
