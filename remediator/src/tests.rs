//! The promises of `SEMANTICS.md` that need effects, against a group in memory.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use crate::fake::{ACCOUNT, Fake, Fault, GROUP, Reported};
use crate::handle::handle;
use aws_calls::ErrorKind;
use remediator_core::{Baseline, Compliance, Rule};
use serde_json::{Value, json};

const WEB: [&str; 2] = ["tcp:80:0.0.0.0/0", "tcp:443:0.0.0.0/0"];
const MAIL: [&str; 2] = ["tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"];

fn event(parameters: &Value, status: &str) -> Value {
    let invoking = json!({
        "configurationItem": {
            "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
            "configurationItemStatus": status,
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": GROUP,
            // What the item says about the rules is a trap: they must be read from EC2.
            "configuration": {"groupId": GROUP, "ipPermissions": [{"ipProtocol": "-1"}]}
        },
        "notificationCreationTime": "2026-11-22T08:00:06.000Z",
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3"
    });
    json!({
        "invokingEvent": invoking.to_string(),
        "ruleParameters": parameters.to_string(),
        "resultToken": "token",
        "eventLeftScope": false,
        "accountId": ACCOUNT
    })
}

fn change() -> Value {
    event(&json!({}), "OK")
}

async fn run(fake: &Fake) -> Result<(), String> {
    handle(fake, &change()).await.map_err(|error| error.chain())
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

/// The incident of the lab, on a group that also misses one approved rule.
fn incident() -> Fake {
    Fake::with(&[WEB[0], MAIL[0], MAIL[1]])
}

/// R1, L1: drift is repaired, told before and after, and found in the log.
#[tokio::test]
async fn drift_is_repaired_and_told() {
    let fake = incident();
    run(&fake).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    let sentence = "Permissions were modified. 2 new revocation(s). 1 new authorization(s).";
    assert_eq!(
        fake.verdicts(),
        [
            format!("NON_COMPLIANT: {sentence}"),
            format!("COMPLIANT: {sentence}")
        ]
    );
    assert_eq!(
        *fake.lines.borrow(),
        [
            format!("revoking for {GROUP} port 465"),
            format!("revoking for {GROUP} port 993"),
            format!("authorizing for {GROUP} port 443"),
            format!("reported {GROUP} NON_COMPLIANT: {sentence}"),
            format!("reported {GROUP} COMPLIANT: {sentence}"),
        ]
    );
}

/// R2: a group that is right gets no write, and its verdict needs two round trips.
#[tokio::test]
async fn a_clean_group_is_only_read() {
    let fake = Fake::with(&WEB);
    run(&fake).await.unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(fake.verdicts(), ["COMPLIANT: Permissions are correct."]);
}

/// R3: revoke, authorize and the first report are under way at the same time.
#[tokio::test]
async fn a_repair_takes_three_round_trips() {
    let fake = incident();
    run(&fake).await.unwrap();
    let trace = fake.trace.borrow();
    assert_eq!(
        trace[2..5],
        [
            "start revoke_security_group_ingress",
            "start authorize_security_group_ingress",
            "start put_evaluations"
        ]
    );
    assert_eq!(trace.len(), 10, "five calls and no more: {trace:?}");
    assert_eq!(trace[8], "start put_evaluations");
}

/// R4: one kind of change needs one kind of write.
#[tokio::test]
async fn nothing_is_called_for_nothing() {
    let fake = Fake::with(&[WEB[0], WEB[1], MAIL[0]]);
    run(&fake).await.unwrap();
    assert!(
        !fake
            .calls
            .borrow()
            .contains(&"authorize_security_group_ingress")
    );
    let fake = Fake::with(&[]);
    run(&fake).await.unwrap();
    assert!(
        !fake
            .calls
            .borrow()
            .contains(&"revoke_security_group_ingress")
    );
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// R5: whatever call fails, and however, no report is a lie and the next run heals.
#[tokio::test]
async fn every_call_failed_in_turn() {
    let faults = [
        Fault::Refused(ErrorKind::Denied),
        Fault::Refused(ErrorKind::Throttled),
        Fault::Refused(ErrorKind::Connection),
        Fault::Refused(ErrorKind::RuleNotFound),
        Fault::Refused(ErrorKind::RuleDuplicate),
        Fault::Refused(ErrorKind::RuleLimit),
        Fault::Refused(ErrorKind::GroupNotFound),
        Fault::Refused(ErrorKind::Answer),
        Fault::AnswerLost,
    ];
    for first in 0..8 {
        for second in first..8 {
            for fault in faults {
                let fake = incident();
                fake.faults
                    .borrow_mut()
                    .extend([(first, fault), (second, fault)]);
                let what = format!("{fault:?} at calls {first} and {second}");
                let result = run(&fake).await;
                check_honest(&fake, &what);
                if result.is_ok() {
                    assert_eq!(
                        fake.last_compliance(),
                        Some(Compliance::Compliant),
                        "{what}"
                    );
                } else {
                    assert!(
                        fake.lines.borrow().iter().any(|l| l.starts_with("error: ")),
                        "{what}"
                    );
                }
                fake.faults.borrow_mut().clear();
                run(&fake).await.unwrap();
                check_honest(&fake, &what);
                assert!(fake.is_baseline(&Baseline::ipv4()), "{what}");
                assert_eq!(
                    fake.last_compliance(),
                    Some(Compliance::Compliant),
                    "{what}"
                );
            }
        }
    }
}

/// A COMPLIANT that Config accepted was true when it was accepted, and reports are ordered as
/// they were made.
fn check_honest(fake: &Fake, what: &str) {
    let reports = fake.reports.borrow();
    for Reported {
        evaluation,
        ingress,
    } in reports.iter()
    {
        if evaluation.compliance == Compliance::Compliant {
            assert_eq!(ingress, Baseline::ipv4().rules(), "{what}");
        }
    }
    let times: Vec<_> = reports
        .iter()
        .map(|r| r.evaluation.ordering_timestamp)
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{what}: {times:?}");
}

/// R5, R6: a role that may not revoke. What can be done is done, and the rest is told.
#[tokio::test]
async fn a_role_that_may_not_revoke() {
    let fake = incident();
    fake.faults
        .borrow_mut()
        .insert(1, Fault::Refused(ErrorKind::Denied));
    let error = run(&fake).await.unwrap_err();
    assert!(
        error.contains("revoke_security_group_ingress failed: Denied"),
        "{error}"
    );
    assert!(error.contains("request id"), "{error}");
    assert_eq!(
        fake.verdicts(),
        [
            "NON_COMPLIANT: Permissions were modified. 2 new revocation(s). 1 new authorization(s)."
                .to_owned(),
            format!("NON_COMPLIANT: revoke_security_group_ingress failure on group {GROUP}"),
        ]
    );
    assert!(fake.ingress().contains(&rule(WEB[1])));
}

/// R6: both writes fail, both are told.
#[tokio::test]
async fn both_writes_fail() {
    let fake = incident();
    let denied = Fault::Refused(ErrorKind::Denied);
    fake.faults.borrow_mut().extend([(1, denied), (2, denied)]);
    run(&fake).await.unwrap_err();
    let last = fake.verdicts().pop().unwrap();
    assert_eq!(
        last,
        format!(
            "NON_COMPLIANT: revoke_security_group_ingress failure on group {GROUP}; authorize_security_group_ingress failure on group {GROUP}"
        )
    );
}

/// R6: a group that cannot be read is not compliant as far as anybody knows.
#[tokio::test]
async fn a_group_that_cannot_be_read() {
    let fake = incident();
    fake.faults
        .borrow_mut()
        .insert(0, Fault::Refused(ErrorKind::Denied));
    run(&fake).await.unwrap_err();
    assert_eq!(
        fake.verdicts(),
        [format!(
            "NON_COMPLIANT: describe_security_groups failure on group {GROUP}"
        )]
    );
}

/// R8: a revocation that finds a rule already gone reads again and finishes.
#[tokio::test]
async fn somebody_else_repairs_too() {
    for default_vpc in [false, true] {
        let fake = incident();
        fake.default_vpc.set(default_vpc);
        fake.change_after(0, |ingress| {
            ingress.remove(&rule(MAIL[0]));
        });
        run(&fake).await.unwrap();
        assert!(fake.is_baseline(&Baseline::ipv4()));
        let verdicts = fake.verdicts();
        let expected =
            "COMPLIANT: Permissions were modified. 1 new revocation(s). 1 new authorization(s).";
        assert_eq!(
            verdicts.last().map(String::as_str),
            Some(expected),
            "{verdicts:?}"
        );
        assert_eq!(verdicts.len(), 2, "the drift is told once: {verdicts:?}");
    }
}

/// R8: an answer that was lost looks like a neighbour's change to the next attempt.
#[tokio::test]
async fn a_repeated_authorization_is_no_failure() {
    let fake = incident();
    fake.change_after(0, |ingress| {
        ingress.insert(rule(WEB[1]));
    });
    run(&fake).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// R8: a group that never rests ends as NON_COMPLIANT and an error, not as an endless loop.
#[tokio::test]
async fn a_group_that_never_rests() {
    let fake = incident();
    fake.default_vpc.set(true);
    for call in 0..100 {
        // Whatever was read is gone a moment later, and something else is there.
        fake.change_after(call, move |ingress| {
            ingress.clear();
            ingress.insert(rule(&format!("tcp:{}:0.0.0.0/0", 1000 + call)));
        });
    }
    let error = run(&fake).await.unwrap_err();
    assert!(error.contains("kept changing"), "{error}");
    assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
    let readings = fake
        .calls
        .borrow()
        .iter()
        .filter(|call| **call == "describe_security_groups")
        .count();
    assert_eq!(readings, 4);
}

/// R9: a full group is repaired: first out, then in.
#[tokio::test]
async fn a_full_group() {
    let fake = incident();
    fake.limit.set(Some(3));
    // The authorization is judged before the revocation beside it takes effect.
    fake.faults
        .borrow_mut()
        .insert(2, Fault::Refused(ErrorKind::RuleLimit));
    run(&fake).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// R9: a group in which even the baseline has no room fails loudly.
#[tokio::test]
async fn a_group_without_room_for_the_baseline() {
    let fake = Fake::with(&[WEB[0], MAIL[0]]);
    fake.limit.set(Some(1));
    let error = run(&fake).await.unwrap_err();
    assert!(error.contains("RuleLimit"), "{error}");
    assert_eq!(
        fake.verdicts().last().unwrap(),
        &format!("NON_COMPLIANT: authorize_security_group_ingress failure on group {GROUP}")
    );
}

/// R10: a report of drift that Config did not take does not stop the repair, and fails the run.
#[tokio::test]
async fn a_report_that_is_not_taken() {
    let fake = incident();
    fake.faults
        .borrow_mut()
        .insert(3, Fault::Refused(ErrorKind::EvaluationsFailed));
    let error = run(&fake).await.unwrap_err();
    assert!(error.contains("put_evaluations"), "{error}");
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
}

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
            "NON_COMPLIANT: Permissions were modified. Audit mode changes nothing: 2 revocation(s) and 1 authorization(s) are due."
        ]
    );
    assert!(
        fake.lines
            .borrow()
            .iter()
            .all(|line| !line.contains("revoking for"))
    );
}

/// S1: a group out of scope is not applicable and never written.
#[tokio::test]
async fn out_of_scope_is_never_written() {
    let fake = incident();
    handle(&fake, &event(&json!({"scope": "vpc:vpc-0b"}), "OK"))
        .await
        .unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(
        fake.verdicts(),
        ["NOT_APPLICABLE: The security group is outside the scope of the rule (vpc:vpc-0b)."]
    );
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

/// E4: a group that was deleted after its event is told like one whose deletion was the event.
#[tokio::test]
async fn a_group_that_is_gone() {
    let fake = incident();
    fake.group.replace(None);
    run(&fake).await.unwrap();
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

/// L2: with `debug` the log also holds the event, without its token, and the group.
#[tokio::test]
async fn debug_shows_event_and_definition() {
    let fake = Fake::with(&WEB);
    handle(&fake, &event(&json!({"debug": "TRUE"}), "OK"))
        .await
        .unwrap();
    let lines = fake.lines.borrow();
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
    drop(lines);
    let fake = Fake::with(&WEB);
    run(&fake).await.unwrap();
    assert_eq!(
        fake.lines.borrow().len(),
        1,
        "without debug only the report is logged"
    );
}

/// O1, O2: verdicts are ordered by the reading they are about, never before their item, and the
/// one after a repair directly after the one before it.
#[tokio::test]
async fn verdicts_are_ordered() {
    let captured = 1_795_334_405_000;
    for (clock, first) in [
        (captured + 5_000, captured + 5_007),
        (captured - 60_000, captured),
    ] {
        let fake = incident();
        fake.clock.set(clock);
        run(&fake).await.unwrap();
        let times: Vec<i64> = fake
            .reports
            .borrow()
            .iter()
            .map(|reported| reported.evaluation.ordering_timestamp.as_millis())
            .collect();
        assert_eq!(times, [first, first + 1]);
    }
}
