//! Drift that is repaired.

use super::{MAIL, WEB, incident, rule, run};
use crate::fake::{Fake, Fault, GROUP};
use aws_calls::ErrorKind;
use remediator_core::Baseline;

/// R1, L1: drift is repaired, told before and after, and found in the log.
#[tokio::test]
async fn drift_is_repaired_and_told() {
    let fake = incident();
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
    // After all of them, people are told.
    assert_eq!(trace.len(), 11, "five calls and no more: {trace:?}");
    assert_eq!(trace[8], "start put_evaluations");
    assert_eq!(trace[10], "announce");
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
        let last = verdicts.last().unwrap();
        assert!(last.starts_with(expected), "{verdicts:?}");
        // In a default VPC EC2 does not say which of the rules it did not know.
        let named = " Revoked: tcp 993. Authorized: tcp 443.";
        assert!(default_vpc || last.ends_with(named), "{last}");
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
        // The reading takes half a second: what counts is when it began.
        fake.slow.set(500);
        run(&fake).await.unwrap();
        assert_eq!(fake.order(), [first, first + 1]);
    }
}
