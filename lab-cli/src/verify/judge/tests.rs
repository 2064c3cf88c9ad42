#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::aws::{ConfigItem, EvaluationResult, LogEvent};
use remediator_core::Baseline;
use serde_json::json;
use time::Duration;
use time::macros::datetime;

const GROUP: &str = "sg-0a1";
const REVOKED: [&str; 2] = [
    "revoking for sg-0a1 port 465",
    "revoking for sg-0a1 port 993",
];
const DRIFT: &str = "Permissions were modified. 2 new revocation(s).";

fn at(millis: i64) -> OffsetDateTime {
    datetime!(2026-03-04 05:06:07 UTC) + Duration::milliseconds(millis)
}

fn incident() -> Incident {
    Incident {
        group_id: GROUP.parse().unwrap(),
        opened: ["tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"]
            .map(|r| r.parse().unwrap())
            .into(),
        opened_at: at(0),
        baseline: Baseline::ipv4(),
    }
}

fn line(millis: i64, message: &str) -> LogEvent {
    LogEvent {
        id: format!("{millis}/{message}"),
        stream: "s".into(),
        at: at(millis),
        message: message.into(),
    }
}

fn result(millis: i64, compliance: &str, annotation: &str) -> EvaluationResult {
    EvaluationResult {
        resource_id: GROUP.into(),
        compliance: compliance.into(),
        annotation: Some(annotation.into()),
        recorded_at: Some(at(millis)),
        invoked_at: Some(at(20)),
    }
}

fn item(millis: i64, ports: &[i64]) -> ConfigItem {
    let permissions: Vec<_> = ports
        .iter()
        .map(|p| json!({"fromPort": p, "toPort": p, "ipProtocol": "tcp"}))
        .collect();
    ConfigItem {
        captured_at: at(millis),
        status: "OK".into(),
        configuration: json!({"ipPermissions": permissions}),
    }
}

/// A group that was healed in 50 ms.
fn healed() -> Evidence {
    let incident = incident();
    let mut evidence = Evidence {
        ingress: Some(Baseline::ipv4().rules().clone()),
        ..Evidence::default()
    };
    evidence.see_history(
        &incident,
        vec![
            item(-5, &[80, 443]),
            item(10, &[80, 443, 465, 993]),
            item(40, &[80, 443]),
        ],
    );
    evidence.see_log(
        &incident,
        vec![
            line(21, "START RequestId: 1"),
            line(22, "received {\"revoking for sg-0a1 port 465\": 1}"),
            line(30, REVOKED[0]),
            line(31, REVOKED[1]),
            line(35, &format!("reported sg-0a1 NON_COMPLIANT: {DRIFT}")),
            line(45, &format!("reported sg-0a1 COMPLIANT: {DRIFT}")),
        ],
    );
    evidence.see_results(&incident, vec![result(50, "COMPLIANT", DRIFT)]);
    evidence
}

fn check(evidence: &Evidence, expect: &str) {
    let judgement = judge(&incident(), evidence);
    let reason = judgement.reason().unwrap_or_else(|| "healed".to_owned());
    assert!(reason.contains(expect), "{judgement:?}");
    if expect != "healed" {
        assert_ne!(judgement, Judgement::Healed);
    }
}

#[test]
fn healed_takes_all_three_kinds_of_evidence() {
    check(&healed(), "healed");
}

#[test]
fn a_group_that_differs_from_the_baseline_is_not_healed() {
    let mut evidence = healed();
    evidence.ingress.as_mut().unwrap().extend(incident().opened);
    check(
        &evidence,
        "tcp 465 from 0.0.0.0/0 is still open, tcp 993 from 0.0.0.0/0 is still open",
    );

    let mut evidence = healed();
    evidence.ingress.as_mut().unwrap().pop_first();
    check(&evidence, "tcp 80 from 0.0.0.0/0 is not open");

    let mut evidence = healed();
    evidence.ingress = None;
    check(&evidence, "`sg-0a1` is not there");
}

#[test]
fn compliance_has_to_go_from_bad_to_good_since_the_incident() {
    let mut evidence = healed();
    evidence
        .evaluations
        .retain(|e| e.compliance != "NON_COMPLIANT");
    check(&evidence, "no NON_COMPLIANT evaluation since the incident");

    let mut evidence = healed();
    evidence
        .evaluations
        .retain(|e| e.source == Source::FunctionLog);
    check(&evidence, "AWS Config has no evaluation since the incident");

    let mut evidence = healed();
    evidence.see_results(&incident(), vec![result(60, "NON_COMPLIANT", "again")]);
    check(&evidence, "AWS Config says NON_COMPLIANT (again)");
}

#[test]
fn what_was_before_the_incident_does_not_count() {
    let incident = incident();
    let mut evidence = healed();
    evidence.evaluations.clear();
    evidence.see_results(
        &incident,
        vec![result(-1, "COMPLIANT", "Permissions are correct.")],
    );
    evidence.see_log(
        &incident,
        vec![
            line(-9, REVOKED[0]),
            line(-9, REVOKED[1]),
            line(-8, "reported sg-0a1 NON_COMPLIANT: x"),
        ],
    );
    assert!(evidence.evaluations.is_empty());
    check(&evidence, "no NON_COMPLIANT evaluation since the incident");
    check(
        &evidence,
        "no log line `revoking for sg-0a1 port 465`, no log line `revoking for sg-0a1 port 993`",
    );
}

#[test]
fn the_log_has_to_tell_of_each_rule_of_this_group() {
    for lines in [
        vec![line(30, REVOKED[0])],
        vec![
            line(30, REVOKED[0]),
            line(31, "revoking for sg-0a12 port 993"),
        ],
        vec![
            line(30, REVOKED[0]),
            line(31, "revoking for sg-0a1 port 9931"),
        ],
        vec![
            line(30, REVOKED[0]),
            line(31, "revoking for sg-0a1 port 993-995"),
        ],
    ] {
        let mut evidence = healed();
        evidence.see_log(&incident(), lines);
        check(&evidence, "no log line `revoking for sg-0a1 port 993`");
    }
}

#[test]
fn repeated_failure_ends_the_wait_and_one_does_not() {
    let failure =
        "reported sg-0a1 NON_COMPLIANT: revoke_security_group_ingress failure on group sg-0a1";
    let mut evidence = healed();
    evidence.evaluations.clear();
    evidence.ingress.as_mut().unwrap().extend(incident().opened);
    evidence.see_log(&incident(), vec![line(30, failure)]);
    assert!(matches!(
        judge(&incident(), &evidence),
        Judgement::Pending(_)
    ));
    evidence.see_log(&incident(), vec![line(30, failure), line(90, failure)]);
    match judge(&incident(), &evidence) {
        Judgement::Hopeless(reason) => assert!(
            reason.starts_with(
                "the function reported a failure 2 times: revoke_security_group_ingress failure on group sg-0a1; \
                 tcp 465 from 0.0.0.0/0 is still open"
            ),
            "{reason}"
        ),
        other => panic!("{other:?}"),
    }
    // A function that recovers in the end has healed, whatever it failed at before.
    let mut recovered = healed();
    let mut lines = recovered.log.clone();
    lines.splice(0..0, [line(1, failure), line(2, failure)]);
    recovered.see_log(&incident(), lines);
    check(&recovered, "healed");
}

#[test]
fn the_timeline_is_read_from_config_and_log() {
    assert_eq!(
        Timeline::of(&incident(), &healed()),
        Timeline {
            opened_at: at(0),
            recorded_at: Some(at(10)),
            invoked_at: Some(at(20)),
            revoked_at: Some(at(40)),
            compliant_at: Some(at(45)),
        }
    );
}

#[test]
fn the_timeline_makes_do_with_what_there_is() {
    let incident = incident();
    let mut evidence = healed();
    for evaluation in &mut evidence.evaluations {
        evaluation.invoked_at = None;
    }
    assert_eq!(
        Timeline::of(&incident, &evidence).invoked_at,
        Some(at(21)),
        "the START line"
    );
    evidence.see_log(&incident, vec![]);
    assert_eq!(
        Timeline::of(&incident, &evidence).revoked_at,
        Some(at(40)),
        "the item without the ports"
    );
    let nothing = Timeline::of(&incident, &Evidence::default());
    assert_eq!(nothing.opened_at, at(0));
    assert_eq!(
        (
            nothing.recorded_at,
            nothing.invoked_at,
            nothing.revoked_at,
            nothing.compliant_at
        ),
        (None, None, None, None)
    );
}

#[test]
fn evaluations_are_remembered_once_and_in_order() {
    let incident = incident();
    let mut evidence = Evidence::default();
    evidence.see_results(&incident, vec![result(35, "COMPLIANT", "b")]);
    evidence.see_results(&incident, vec![result(35, "NON_COMPLIANT", "a")]);
    evidence.see_results(&incident, vec![result(35, "COMPLIANT", "b")]);
    let seen: Vec<_> = evidence
        .evaluations
        .iter()
        .map(|e| e.annotation.as_deref().unwrap())
        .collect();
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn only_telling_lines_are_shown() {
    let incident = incident();
    let evidence = healed();
    let lines: Vec<_> = evidence
        .telling_lines(&incident)
        .iter()
        .map(|e| e.message.as_str())
        .collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains('{')));
}

#[test]
fn ports_that_are_announced_but_still_open_were_not_closed() {
    let mut evidence = healed();
    evidence.ingress.as_mut().unwrap().extend(incident().opened);
    assert_eq!(Timeline::of(&incident(), &evidence).revoked_at, None);
}

#[test]
fn the_evaluation_after_the_repair_does_not_blur_the_timeline() {
    let incident = incident();
    let mut evidence = healed();
    evidence
        .evaluations
        .retain(|e| e.source == Source::FunctionLog);
    let mut later = result(80, "COMPLIANT", "Permissions are correct.");
    later.invoked_at = Some(at(70));
    evidence.see_results(&incident, vec![later]);
    let timeline = Timeline::of(&incident, &evidence);
    assert_eq!(timeline.invoked_at, Some(at(21)), "the START line");
    assert_eq!(timeline.compliant_at, Some(at(45)), "the function's log");
    check(&evidence, "healed");
}

#[test]
fn a_function_that_says_nothing_of_the_group_is_quoted_or_said_to_be_silent() {
    let incident = incident();
    let mut evidence = Evidence {
        ingress: Some(incident.opened.clone()),
        ..Evidence::default()
    };
    check(
        &evidence,
        "the function has logged nothing since the incident",
    );
    evidence.see_log(
        &incident,
        vec![
            line(1, "START RequestId: 1"),
            line(
                2,
                "RequestId: 1 Error: Runtime exited with error: exit status 1",
            ),
            line(3, "END RequestId: 1"),
        ],
    );
    check(
        &evidence,
        "the function's log has: RequestId: 1 Error: Runtime exited with error: exit status 1",
    );
    assert_eq!(evidence.telling_lines(&incident).len(), 3);
}

/// Log lines are dated when they are collected: the line of the drift may bear a later time than Config's record of the
/// repair. The story is told in the order in which it happened all the same.
#[test]
fn a_late_log_line_does_not_put_the_repair_before_the_drift() {
    let incident = incident();
    let mut evidence = Evidence::default();
    evidence.see_results(&incident, vec![result(30, "COMPLIANT", DRIFT)]);
    evidence.see_log(
        &incident,
        vec![
            line(31, &format!("reported {GROUP} NON_COMPLIANT: {DRIFT}")),
            line(32, &format!("reported {GROUP} COMPLIANT: {DRIFT}")),
        ],
    );
    let told: Vec<_> = evidence
        .evaluations
        .iter()
        .map(|e| (e.compliance.as_str(), e.source))
        .collect();
    assert_eq!(
        told,
        [
            ("NON_COMPLIANT", Source::FunctionLog),
            ("COMPLIANT", Source::Config),
            ("COMPLIANT", Source::FunctionLog),
        ]
    );
}
