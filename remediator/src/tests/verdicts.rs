//! What the verdicts say where more than one thing has to be said, or something else than the usual is done.

use super::sweeps::scheduled;
use super::{MAIL, WEB, answer, event, handle, incident, rule};
use crate::fake::{Fake, Fault};
use crate::handle::Instance;
use aws_calls::ErrorKind;
use serde_json::{Value, json};

/// R10, L1: the drift that Config did not accept at first is told before the failure, too, and its refusal has a line.
#[tokio::test]
async fn a_drift_is_told_although_the_repair_fails() {
    let fake = incident();
    fake.faults.borrow_mut().extend([
        (1, Fault::Refused(ErrorKind::Denied)),
        (3, Fault::Refused(ErrorKind::EvaluationsFailed)),
    ]);
    handle(&fake, &event(&json!({}), "OK")).await.unwrap_err();
    let verdicts = fake.verdicts();
    let [drift, failure] = verdicts.as_slice() else {
        unreachable!("two: {verdicts:?}")
    };
    assert!(drift.contains("2 new revocation(s)"), "{drift}");
    assert!(
        failure.contains("revoke_security_group_ingress failure"),
        "{failure}"
    );
    let refused = "error: put_evaluations failed: EvaluationsFailed (request id fake)";
    let lines = fake.lines.borrow();
    assert!(lines.iter().any(|line| line == refused), "{lines:?}");
}

/// X2: a tag that exempts nothing is mentioned in audit mode as well, before the ports.
#[tokio::test]
async fn a_useless_tag_is_mentioned_where_nothing_is_written() {
    let tagged = || {
        let fake = incident();
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            let tag = ("driftlab:exempt-until".to_owned(), "for ever".to_owned());
            group.tags.extend([tag]);
            let many = (10_000..10_060).map(|port| rule(&format!("tcp:{port}:0.0.0.0/0")));
            group.ingress.extend(many);
        }
        fake
    };
    let audit = json!({"mode": "audit"});
    for event in [event(&audit, "OK"), scheduled(&audit)] {
        let fake = tagged();
        handle(&fake, &event).await.unwrap();
        let verdicts = fake.verdicts();
        let verdict = verdicts.first().unwrap();
        assert!(verdict.starts_with("NON_COMPLIANT"), "{verdict}");
        assert!(verdict.contains("exempts nothing: `for ever`"), "{verdict}");
        assert!(verdict.contains("Not approved: "), "{verdict}");
    }
}

/// Breaks the group and lets the function look, so often.
async fn fight(fake: &Fake, instance: &Instance, event: &Value, rounds: usize) {
    for _ in 0..rounds {
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            group.ingress.insert(rule(MAIL[0]));
        }
        answer(fake, instance, event).await.unwrap();
    }
}

/// K4: what goes out beside the quarantine tells of what is taken away, the approved rules too.
#[tokio::test]
async fn a_quarantine_is_told_as_what_it_is() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let event = event(&json!({"contested": "quarantine:3/10"}), "OK");
    fight(&fake, &instance, &event, 4).await;
    let verdicts = fake.verdicts();
    assert_eq!(
        verdicts[verdicts.len() - 2],
        "NON_COMPLIANT: Permissions were modified. 3 new revocation(s). Revoked: tcp 80, tcp 443, tcp 465."
    );
}

/// K1: a repair during which the group changed counts like any other, as something was taken away.
#[tokio::test]
async fn a_repair_that_met_a_change_counts() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let event = event(&json!({"contested": "leave:3/10"}), "OK");
    for _ in 0..4 {
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            group.ingress.remove(&rule(WEB[1]));
        }
        // Somebody else puts the missing rule back right after it was found missing.
        let read = fake.calls.borrow().len();
        fake.change_after(read, |ingress| {
            ingress.insert(rule(WEB[1]));
        });
        fight(&fake, &instance, &event, 1).await;
    }
    let last = fake.verdicts().pop().unwrap();
    assert!(last.contains("left for a human"), "{last}");
}

/// K2, K3: a sweep knows of the contest, and does not say beforehand that it repairs what it leaves.
#[tokio::test]
async fn a_sweep_knows_of_the_contest() {
    for (contested, last) in [
        (
            "report:3/10",
            "COMPLIANT: Permissions were modified. 1 new revocation(s). Contested:",
        ),
        (
            "leave:3/10",
            "NON_COMPLIANT: Contested: repaired 3 times in 10 minutes and broken again; left for a human.",
        ),
    ] {
        let (fake, instance) = (Fake::with(&WEB), Instance::default());
        fight(
            &fake,
            &instance,
            &scheduled(&json!({"contested": contested})),
            4,
        )
        .await;
        let verdicts = fake.verdicts();
        let [.., first, second] = verdicts.as_slice() else {
            unreachable!("two of each sweep")
        };
        assert_eq!(
            first,
            "NON_COMPLIANT: Contested: repaired 3 times in 10 minutes and broken again. Not approved: tcp 465."
        );
        assert!(second.starts_with(last), "{second}");
    }
}
