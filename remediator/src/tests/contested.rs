//! Groups that come back broken.

use super::{MAIL, WEB, answer as handle, event, rule};
use crate::fake::Fake;
use crate::handle::Instance;
use remediator_core::{Baseline, Compliance};
use serde_json::json;

/// Breaks the group and lets the function look, so often; what was said last each time.
async fn fight(fake: &Fake, instance: &Instance, contested: &str, rounds: usize) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..rounds {
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            group.ingress.insert(rule(MAIL[0]));
        }
        let event = event(&json!({"contested": contested}), "OK");
        handle(fake, instance, &event).await.unwrap();
        said.extend(fake.verdicts().pop());
    }
    said
}

fn writes(fake: &Fake) -> usize {
    let calls = fake.calls.borrow();
    let writes = calls.iter().filter(|call| call.contains("ingress"));
    writes.count()
}

/// K1, K2: after as many repairs as the policy says, the group is contested; `report` repairs it all
/// the same and says so.
#[tokio::test]
async fn reported() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let said = fight(&fake, &instance, "report:3/10", 4).await;
    let repaired = "COMPLIANT: Permissions were modified. 1 new revocation(s).";
    let contested =
        format!("{repaired} Contested: repaired 3 times in 10 minutes and broken again.");
    let named = |said: &str| format!("{said} Revoked: tcp 465.");
    let expected = [repaired, repaired, repaired, &contested].map(named);
    assert_eq!(said, expected);
    // G3: it is counted too.
    let evidence = fake.evidence.borrow();
    assert!(
        evidence.last().unwrap().contains("\"Contested\":1"),
        "{evidence:?}"
    );
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert!(
        fake.lines
            .borrow()
            .iter()
            .any(|line| line.starts_with("contested: sg-"))
    );
}

/// K3: `leave` writes nothing more, says so, and is no failure that would be tried again; after a quiet
/// time the group is repaired.
#[tokio::test]
async fn left_for_a_human() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let said = fight(&fake, &instance, "leave:3/10", 6).await;
    assert_eq!(writes(&fake), 3);
    assert_eq!(
        said[5],
        "NON_COMPLIANT: Contested: repaired 3 times in 10 minutes and broken again; left for a human. Not approved: tcp 465."
    );
    fake.clock.set(fake.clock.get() + 11 * 60_000);
    fight(&fake, &instance, "leave:3/10", 1).await;
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// K4: `quarantine` takes every inbound rule away, once, and then leaves the group, whatever comes.
#[tokio::test]
async fn quarantined() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let said = fight(&fake, &instance, "quarantine:3/10", 4).await;
    assert!(fake.ingress().is_empty());
    assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
    assert!(
        said[3].contains("every inbound rule was taken away"),
        "{said:?}"
    );
    assert_eq!(writes(&fake), 4);
    // Its own event, and an opponent who goes on.
    let event = event(&json!({"contested": "quarantine:3/10"}), "OK");
    handle(&fake, &instance, &event).await.unwrap();
    fight(&fake, &instance, "quarantine:3/10", 5).await;
    assert_eq!(writes(&fake), 4);
    assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
}

/// K3, K4: the window moves with the clock. At its very end nothing is written yet, after it the group is repaired, and the
/// count begins anew: as many repairs again make it contested again.
#[tokio::test]
async fn repaired_again_after_the_minutes_have_passed() {
    for contested in ["leave:3/10", "quarantine:3/10"] {
        let (fake, instance) = (Fake::with(&WEB), Instance::default());
        fight(&fake, &instance, contested, 4).await;
        let first = instance
            .memory
            .repairs(&crate::fake::GROUP.parse().unwrap())[0];
        let written = writes(&fake);
        // One moment is the time between two looks at the clock; the reading is the first of its run.
        let at = |millis: i64| {
            fake.clock
                .set(first.plus_millis(10 * 60_000 + millis).as_millis() - 7)
        };
        at(0);
        fight(&fake, &instance, contested, 1).await;
        assert_eq!(writes(&fake), written, "{contested}");
        assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
        // Every repair and the quarantine have left the window.
        at(60_000);
        let said = fight(&fake, &instance, contested, 1).await;
        assert!(said[0].starts_with("COMPLIANT"), "{contested}: {said:?}");
        assert!(fake.is_baseline(&Baseline::ipv4()), "{contested}");
        let said = fight(&fake, &instance, contested, 3).await;
        assert!(said[1].starts_with("COMPLIANT"), "{contested}: {said:?}");
        let contested_again = "NON_COMPLIANT: Contested: repaired 3 times in 10 minutes";
        assert!(
            said[2].starts_with(contested_again),
            "{contested}: {said:?}"
        );
    }
}

/// K3: the oldest repair leaves the window first, so repairs that were far apart are followed by the next one sooner.
#[tokio::test]
async fn fewer_repairs_within_the_minutes_are_enough_to_go_on() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    let begin = fake.clock.get();
    for (minute, repaired) in [
        (0, true),
        (5, true),
        (9, true),
        (9, false),
        (11, true),
        (12, false),
    ] {
        fake.clock.set(begin + minute * 60_000);
        let written = writes(&fake);
        fight(&fake, &instance, "leave:3/10", 1).await;
        assert_eq!(writes(&fake) > written, repaired, "minute {minute}");
    }
}

/// K1: a group that is repaired now and then is not contested, and neither is another one.
#[tokio::test]
async fn now_and_then() {
    let (fake, instance) = (Fake::with(&WEB), Instance::default());
    for _ in 0..10 {
        fake.clock.set(fake.clock.get() + 5 * 60_000);
        fight(&fake, &instance, "leave:3/10", 1).await;
    }
    assert_eq!(writes(&fake), 10);
    assert!(
        instance
            .memory
            .repairs(&"sg-0b".parse().unwrap())
            .is_empty()
    );
}
