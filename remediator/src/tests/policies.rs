//! What a policy changes, and where it comes from.

use super::{MAIL, WEB, answer, event, handle, incident, readings, rule};
use crate::fake::{Fake, Fault};
use crate::handle::Instance;
use aws_calls::ErrorKind;
use remediator_core::Rule;
use serde_json::json;
use std::collections::BTreeSet;

const NAME: &str = "/driftlab/policy";

fn stored(document: &serde_json::Value) -> Fake {
    let fake = incident();
    let mut parameters = fake.parameters.borrow_mut();
    parameters.insert(NAME.to_owned(), document.to_string());
    drop(parameters);
    fake
}

/// P3, P5: a policy that is kept in Parameter Store is read once a minute, and followed.
#[tokio::test]
async fn a_stored_policy_is_read_and_kept() {
    let fake = stored(&json!({"version": 1, "baseline": ["tcp:443:0.0.0.0/0"]}));
    let instance = Instance::default();
    let event = event(&json!({"policy": "ssm:/driftlab/policy"}), "OK");
    let reads = || {
        fake.calls
            .borrow()
            .iter()
            .filter(|call| **call == "get_parameter")
            .count()
    };
    for (expected, later) in [(1, 0), (1, 30_000), (2, 60_000)] {
        fake.clock.set(fake.clock.get() + later);
        answer(&fake, &instance, &event).await.unwrap();
        assert_eq!(reads(), expected);
    }
    assert_eq!(fake.ingress(), [rule(WEB[1])].into());
}

/// P5: a policy that cannot be read or followed is a function error; nothing is read or written, not
/// even by an older one.
#[tokio::test]
async fn a_stored_policy_that_fails() {
    let event = event(&json!({"policy": "ssm:/driftlab/policy"}), "OK");
    for document in [
        json!({}),
        json!({"version": 1, "baseline": ["tcp:443"]}),
        json!([]),
    ] {
        let fake = stored(&document);
        let error = handle(&fake, &event).await.unwrap_err();
        assert!(error.chain().contains(NAME), "{}", error.chain());
        assert_eq!(*fake.calls.borrow(), ["get_parameter"]);
    }
    let fake = stored(&json!({"version": 1}));
    fake.faults
        .borrow_mut()
        .insert(0, Fault::Refused(ErrorKind::Denied));
    let error = handle(&fake, &event).await.unwrap_err();
    assert!(
        error.to_string().contains("get_parameter failed: Denied"),
        "{error}"
    );
    // An old one is no better.
    let (fake, instance) = (stored(&json!({"version": 1})), Instance::default());
    answer(&fake, &instance, &event).await.unwrap();
    fake.parameters.borrow_mut().clear();
    fake.clock.set(fake.clock.get() + 61_000);
    answer(&fake, &instance, &event).await.unwrap_err();
}

/// A2: what is narrower than approved stays, and nothing is added.
#[tokio::test]
async fn at_most_is_a_ceiling() {
    let fake = Fake::with(&["tcp:443:10.0.0.0/8", MAIL[0]]);
    handle(&fake, &event(&json!({"match": "at-most"}), "OK"))
        .await
        .unwrap();
    assert_eq!(fake.ingress(), [rule("tcp:443:10.0.0.0/8")].into());
    assert_eq!(
        *fake.calls.borrow(),
        [
            "describe_security_groups",
            "revoke_security_group_ingress",
            "put_evaluations",
            "put_evaluations"
        ]
    );
}

fn egress(fake: &Fake) -> BTreeSet<Rule> {
    let group = fake.group.borrow();
    group
        .as_ref()
        .map(|group| group.egress.clone())
        .unwrap_or_default()
}

/// B1, B2: outbound rules are touched only where the policy speaks of them, at the same time as inbound
/// ones.
#[tokio::test]
async fn outbound_rules() {
    let fake = incident();
    let before = egress(&fake);
    handle(&fake, &event(&json!({}), "OK")).await.unwrap();
    assert_eq!(egress(&fake), before);

    let fake = incident();
    let policy = json!({"egress": "tcp:443:0.0.0.0/0"});
    handle(&fake, &event(&policy, "OK")).await.unwrap();
    assert_eq!(egress(&fake), [rule(WEB[1])].into());
    assert_eq!(
        fake.verdicts().last().unwrap(),
        "COMPLIANT: Permissions were modified. 3 new revocation(s). 2 new authorization(s). Revoked: tcp 465, tcp 993, outbound all traffic. Authorized: tcp 443, outbound tcp 443."
    );
    let started = fake
        .trace
        .borrow()
        .iter()
        .skip(2)
        .take_while(|line| line.starts_with("start"))
        .count();
    assert_eq!(started, 5, "four writes and the report");
    assert!(
        fake.lines
            .borrow()
            .iter()
            .any(|line| line.ends_with("outbound all ports"))
    );
}

/// A group that is right, but for its outbound rules, and the policy that says so.
fn open_outbound() -> (Fake, serde_json::Value) {
    let policy = json!({"egress": "tcp:443:0.0.0.0/0"});
    (Fake::with(&WEB), event(&policy, "OK"))
}

/// R5, R6, B2: an outbound write that is refused is told by its own name; the one beside it is made.
#[tokio::test]
async fn an_outbound_write_that_is_refused() {
    let (fake, event) = open_outbound();
    fake.faults
        .borrow_mut()
        .insert(1, Fault::Refused(ErrorKind::Denied));
    let error = handle(&fake, &event).await.unwrap_err().chain();
    let what = "revoke_security_group_egress fail";
    assert!(error.contains(what), "{error}");
    let verdicts = fake.verdicts();
    assert!(verdicts[1].contains(what), "{verdicts:?}");
    assert!(
        verdicts.iter().all(|v| v.starts_with("NON_COMPLIANT: ")),
        "{verdicts:?}"
    );
    assert!(egress(&fake).contains(&rule(WEB[1])));
    // The next run heals.
    fake.faults.borrow_mut().clear();
    handle(&fake, &event).await.unwrap();
    assert_eq!(egress(&fake), [rule(WEB[1])].into());
}

/// R9: a group whose outbound rules are full is repaired: first out, then in.
#[tokio::test]
async fn a_group_full_of_outbound_rules() {
    let (fake, event) = open_outbound();
    // The authorization is judged before the revocation beside it takes effect.
    let full = Fault::Refused(ErrorKind::RuleLimit);
    fake.faults.borrow_mut().insert(2, full);
    handle(&fake, &event).await.unwrap();
    assert_eq!(egress(&fake), [rule(WEB[1])].into());
    assert_eq!(readings(&fake), 2);

    // What goes out of the inbound rules makes no room for an outbound one.
    let fake = Fake::with(&[WEB[0], WEB[1], MAIL[0]]);
    if let Some(group) = fake.group.borrow_mut().as_mut() {
        group.egress.clear();
    }
    fake.faults.borrow_mut().insert(2, full);
    let error = handle(&fake, &event).await.unwrap_err().chain();
    assert!(
        error.contains("authorize_security_group_egress failed: RuleLimit"),
        "{error}"
    );
    assert_eq!(readings(&fake), 1);
}

/// X2: an exempt group is not written; an expired or malformed tag exempts nothing and is mentioned.
#[tokio::test]
async fn exemptions() {
    let tagged = |value: &str| {
        let fake = incident();
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            group
                .tags
                .insert("driftlab:exempt-until".to_owned(), value.to_owned());
        }
        fake
    };
    let fake = tagged("2026-12-31");
    handle(&fake, &event(&json!({}), "OK")).await.unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(
        fake.verdicts(),
        [
            "NOT_APPLICABLE: Exempt until 2026-12-31 by the tag driftlab:exempt-until: 2 revocation(s) and 1 authorization(s) are not made. Not approved: tcp 465, tcp 993. Missing: tcp 443."
        ]
    );
    for (value, word) in [
        ("2026-11-01", "ended"),
        ("for ever", "exempts nothing: `for ever`"),
    ] {
        let fake = tagged(value);
        handle(&fake, &event(&json!({}), "OK")).await.unwrap();
        let last = fake.verdicts().pop().unwrap();
        assert!(
            last.starts_with("COMPLIANT: Permissions were modified."),
            "{last}"
        );
        assert!(last.contains(word), "{last}");
    }
}
