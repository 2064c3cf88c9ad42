//! A policy of which nothing is known. `fuzz/` and `tests/corpus.rs` both come in here.

use remediator_core::{
    Baseline, Contested, Judgement, Policy, PolicySource, Rule, Scope, SecurityGroup, Source,
    Timestamp, judge, log, plan,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// Reads `input` as the parameters of a rule, as a document, and as every word there is in either, and holds what is
/// understood to what is promised of it.
pub(crate) fn policy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match PolicySource::from_parameters(text) {
        Ok(PolicySource::Here(policy)) => followed(&policy),
        Ok(PolicySource::Stored { name, debug: _ }) => assert_eq!(name, log::one_line(&name)),
        // P2: what is wrong is named on one line.
        Err(error) => assert_eq!(error.to_string(), log::one_line(&error.to_string())),
    }
    match Policy::from_document(text) {
        Ok(policy) => followed(&policy),
        Err(error) => assert_eq!(error.to_string(), log::one_line(&error.to_string())),
    }
    written_as_read::<Rule>(text, Rule::to_compact);
    written_as_read::<Baseline>(text, Baseline::to_string);
    written_as_read::<Contested>(text, Contested::to_string);
    written_as_read::<Scope>(text, Scope::to_string);
    written_as_read::<Source>(text, Source::to_string);
    written_as_read::<Timestamp>(text, Timestamp::to_string);
    // X2: a tag is anybody's text.
    let tagged = group([("driftlab:exempt-until".to_owned(), text.to_owned())].into());
    judged(&tagged, &Policy::default());
}

/// What was understood is the same when it is written down and read again (C4).
fn written_as_read<T>(text: &str, write: fn(&T) -> String)
where
    T: FromStr + PartialEq + Debug,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => assert_eq!(write(&value).parse().ok(), Some(value)),
        Err(error) => assert_eq!(error.to_string(), log::one_line(&error.to_string())),
    }
}

/// A policy survives its own spelling (P4), and what it plans leaves nothing to plan (C1).
fn followed(policy: &Policy) {
    let again = Policy::from_parameters(&policy.to_parameters());
    assert_eq!(again.ok().as_ref(), Some(policy));
    let mut live = group(BTreeMap::new());
    judged(&live, policy);
    let planned = plan(&live, policy);
    live.ingress.retain(|rule| !planned.revoke.contains(rule));
    live.ingress.extend(planned.authorize);
    live.egress
        .retain(|rule| !planned.egress.revoke.contains(rule));
    live.egress.extend(planned.egress.authorize);
    assert!(plan(&live.canonical(), policy).is_empty());
}

fn judged(live: &SecurityGroup, policy: &Policy) {
    let judged = judge(live, policy, &live.owner_id, Timestamp::from_millis(0));
    if let Judgement::Repair(planned) = judged.judgement {
        assert!(!planned.is_empty());
    }
}

fn group(tags: BTreeMap<String, String>) -> SecurityGroup {
    let rules = |rules: &[&str]| -> BTreeSet<Rule> {
        rules.iter().filter_map(|rule| rule.parse().ok()).collect()
    };
    let id = |text: &str| text.parse().ok();
    let (Some(group_id), Ok(owner_id)) = (id("sg-0a"), "123456789012".parse()) else {
        unreachable!("both are ids");
    };
    SecurityGroup {
        group_id,
        group_name: "LabSG1".to_owned(),
        vpc_id: Some("vpc-0a".to_owned()),
        owner_id,
        tags,
        ingress: rules(&["tcp:80:0.0.0.0/0", "tcp:465:0.0.0.0/0", "all:all:sg-0b"]),
        egress: rules(&["all:all:0.0.0.0/0"]),
        descriptions: BTreeMap::new(),
    }
}
