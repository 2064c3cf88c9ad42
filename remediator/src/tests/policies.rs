//! What a policy changes, and where it comes from.

use super::{MAIL, WEB, answer, event, handle, incident, rule};
use crate::fake::{Fake, Fault};
use crate::handle::Instance;
use aws_calls::ErrorKind;
use serde_json::json;

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

/// B1, B2: outbound rules are touched only where the policy speaks of them, at the same time as inbound
/// ones.
#[tokio::test]
async fn outbound_rules() {
    let egress = |fake: &Fake| {
        fake.group
            .borrow()
            .as_ref()
            .map(|group| group.egress.clone())
    };
    let fake = incident();
    let before = egress(&fake);
    handle(&fake, &event(&json!({}), "OK")).await.unwrap();
    assert_eq!(egress(&fake), before);

    let fake = incident();
    let policy = json!({"egress": "tcp:443:0.0.0.0/0"});
    handle(&fake, &event(&policy, "OK")).await.unwrap();
    assert_eq!(egress(&fake), Some([rule(WEB[1])].into()));
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
