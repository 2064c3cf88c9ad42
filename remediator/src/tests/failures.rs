//! Calls that fail, and what is told then.

use super::{MAIL, WEB, incident, readings, rule, run};
use crate::fake::{Fake, Fault, GROUP, Reported};
use aws_calls::ErrorKind;
use remediator_core::{Baseline, Compliance};

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
    for first in 0..9 {
        for second in first..9 {
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
    let times = fake.order();
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
            "NON_COMPLIANT: Permissions were modified. 2 new revocation(s). 1 new authorization(s). Revoked: tcp 465, tcp 993. Authorized: tcp 443."
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

/// R8: a write that does not find the group leads to another reading, not to a failure.
#[tokio::test]
async fn a_group_that_a_write_does_not_find() {
    for call in [1, 2] {
        let fake = incident();
        fake.faults
            .borrow_mut()
            .insert(call, Fault::Refused(ErrorKind::GroupNotFound));
        run(&fake).await.unwrap();
        assert_eq!(readings(&fake), 2, "{call}");
        assert_eq!(fake.paused.get(), 0, "the second reading is made at once");
        assert!(fake.is_baseline(&Baseline::ipv4()), "{call}");
        assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
    }
}

/// R8, E4: a group that vanishes between read and write is told as deleted.
#[tokio::test]
async fn a_group_that_vanishes_after_it_was_read() {
    let fake = incident();
    let read = fake.group.take();
    fake.stale.replace((1, read));
    run(&fake).await.unwrap();
    assert_eq!(readings(&fake), 2);
    let verdicts = fake.verdicts();
    assert!(verdicts[0].starts_with("NON_COMPLIANT: "), "{verdicts:?}");
    assert_eq!(
        verdicts[1..],
        ["NOT_APPLICABLE: The configurationItem was deleted and therefore cannot be validated."]
    );
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
    assert_eq!(readings(&fake), 9);
    assert_eq!(fake.paused.get(), 15_000);
    // The second reading is made at once.
    assert_eq!(fake.pauses.borrow().len(), 7);
    assert!(fake.pauses_grow(), "{:?}", fake.pauses.borrow());
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

/// R10: a report of drift that Config did not take does not stop the repair, and is made again
/// before the last one.
#[tokio::test]
async fn a_report_that_is_not_taken_at_first() {
    let fake = incident();
    let refused = Fault::Refused(ErrorKind::EvaluationsFailed);
    fake.faults.borrow_mut().insert(3, refused);
    run(&fake).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    let sentence = "Permissions were modified. 2 new revocation(s). 1 new authorization(s). Revoked: tcp 465, tcp 993. Authorized: tcp 443.";
    assert_eq!(
        fake.verdicts(),
        [
            format!("NON_COMPLIANT: {sentence}"),
            format!("COMPLIANT: {sentence}")
        ]
    );
    check_honest(&fake, "the first report was refused");
}

/// R10: a report of drift that Config never takes fails the run, and the verdict is told all the same.
#[tokio::test]
async fn a_report_that_is_never_taken() {
    let fake = incident();
    let refused = Fault::Refused(ErrorKind::EvaluationsFailed);
    fake.faults
        .borrow_mut()
        .extend([(3, refused), (4, refused)]);
    let error = run(&fake).await.unwrap_err();
    assert!(error.contains("put_evaluations"), "{error}");
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
}
