//! What holds for every group and every baseline.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod strategies;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use remediator_core::api_call::Heard;
use remediator_core::plan::{Direction, approves};
use remediator_core::{
    Annotation, Baseline, Contested, Event, Judged, Judgement, Matching, Mode, Plan, Policy, Rule,
    SecurityGroup, Timestamp, judge, log, plan,
};
use std::collections::BTreeSet;
use strategies::{OWN, approved, baseline_of, drifted, group, policy, rule};

fn apply(live: &SecurityGroup, plan: &Plan) -> SecurityGroup {
    let Plan {
        revoke,
        authorize,
        egress,
    } = plan;
    let after = |rules: &BTreeSet<Rule>, revoke: &BTreeSet<Rule>, authorize: &BTreeSet<Rule>| {
        let left = rules.difference(revoke).cloned();
        left.chain(authorize.iter().cloned()).collect()
    };
    group(
        after(&live.ingress, revoke, authorize),
        after(&live.egress, &egress.revoke, &egress.authorize),
    )
}

/// One direction: what is there, what is approved, and what is planned.
fn is_least(
    matching: Matching,
    live: &BTreeSet<Rule>,
    approved: &BTreeSet<Rule>,
    (revoke, authorize): (&BTreeSet<Rule>, &BTreeSet<Rule>),
) -> Result<(), TestCaseError> {
    prop_assert!(revoke.is_disjoint(approved));
    prop_assert!(revoke.is_subset(live));
    prop_assert!(authorize.is_disjoint(live));
    prop_assert!(authorize.is_subset(approved));
    match matching {
        Matching::Exact => {
            let changes = revoke.len() + authorize.len();
            prop_assert_eq!(changes, live.symmetric_difference(approved).count());
        }
        Matching::AtMost => {
            prop_assert!(authorize.is_empty());
            let covered = |rule: &Rule| approved.iter().any(|wide| wide.covers(rule));
            prop_assert!(revoke.iter().all(|rule| !covered(rule)));
            prop_assert!(live.difference(revoke).all(covered));
        }
    }
    Ok(())
}

proptest! {
    // As many cases as `PROPTEST_CASES` says, 256 without it, from the seed `PROPTEST_RNG_SEED`; `docs/proofs.md` has
    // the long run.

    /// C1: what the plan makes is what the policy says; nothing is left to do.
    #[test]
    fn a_plan_converges((group, policy) in drifted()) {
        let after = apply(&group, &plan(&group, &policy));
        prop_assert!(plan(&after, &policy).is_empty());
        if policy.matching == Matching::Exact {
            prop_assert_eq!(&after.ingress, &approved(&policy.baseline));
            match &policy.egress {
                Some(egress) => prop_assert_eq!(&after.egress, &approved(egress)),
                None => prop_assert_eq!(&after.egress, &group.egress),
            }
        }
    }

    /// C2, A2, B1: an approved rule is never revoked, a present one never authorized, and nothing more
    /// is changed than has to be.
    #[test]
    fn a_plan_is_minimal((group, policy) in drifted()) {
        let Plan { revoke, authorize, egress } = plan(&group, &policy);
        is_least(policy.matching, &group.ingress, &approved(&policy.baseline), (&revoke, &authorize))?;
        let inbound = revoke.iter().map(|rule| (Direction::Ingress, rule.clone()));
        let outbound = egress.revoke.iter().map(|rule| (Direction::Egress, rule.clone()));
        for rule in inbound.chain(outbound) {
            prop_assert!(!approves(&policy, &rule, &group.owner_id));
        }
        match &policy.egress {
            Some(baseline) => {
                let changes = (&egress.revoke, &egress.authorize);
                is_least(policy.matching, &group.egress, &approved(baseline), changes)?;
            }
            None => prop_assert!(egress.is_empty()),
        }
    }

    /// C3: the order in which rules are written or read makes no difference.
    #[test]
    fn order_makes_no_difference(
        (rules, shuffled) in vec(rule(), 1..8).prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        live in btree_set(rule(), 0..8),
        policy in policy(),
    ) {
        let group = group(live.clone(), live);
        let with = |rules: &[Rule]| Policy {
            baseline: baseline_of(rules),
            egress: Some(baseline_of(rules)),
            ..policy.clone()
        };
        prop_assert_eq!(plan(&group, &with(&rules)), plan(&group, &with(&shuffled)));
    }

    /// S1, M1: only a group in scope is ever repaired, and only by a policy that enforces.
    #[test]
    fn only_what_is_ours_is_repaired((group, policy) in drifted()) {
        let account = OWN.parse().unwrap();
        let Judged { judgement, remark: _ } = judge(&group, &policy, &account, Timestamp::from_millis(0));
        let planned = plan(&group, &policy);
        match judgement {
            Judgement::Repair(plan) => {
                prop_assert!(policy.scope.admits(&group, &account) && policy.mode == Mode::Enforce);
                prop_assert_eq!(plan, planned);
            }
            Judgement::OutOfScope => prop_assert!(!policy.scope.admits(&group, &account)),
            Judgement::Clean => prop_assert!(planned.is_empty()),
            Judgement::Audit(plan) => prop_assert_eq!(plan, planned),
            Judgement::Exempt { .. } => prop_assert!(false, "there is no tag"),
        }
    }

    /// A1: covering is reflexive and transitive, and mutual only between equals.
    #[test]
    fn covering_is_an_order(a in rule(), b in rule(), c in rule()) {
        prop_assert!(a.covers(&a));
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
        prop_assert!(!(a.covers(&b) && b.covers(&a)) || a == b);
    }

    /// C4: one rule has one spelling, here and at EC2.
    #[test]
    fn a_rule_survives_every_spelling(rule in rule()) {
        prop_assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule.clone());
        let (from, to) = rule.ec2_ports().unzip();
        let protocol = rule.protocol().to_ec2().parse().unwrap();
        let source = rule.source().to_string().parse().unwrap();
        prop_assert_eq!(Rule::from_ec2(protocol, from, to, source).unwrap(), rule.clone());
        let shown = rule.to_string();
        prop_assert_eq!(log::one_line(&shown), shown.as_str());
    }

    /// P4: a policy survives the rule's parameters, and the same as a document.
    #[test]
    fn a_policy_survives_its_own_spelling(policy in policy()) {
        let baseline = &policy.baseline;
        prop_assert_eq!(&baseline.to_string().parse::<Baseline>().unwrap(), baseline);
        let mut document: serde_json::Value = serde_json::from_str(&policy.to_parameters()).unwrap();
        document["version"] = 1.into();
        prop_assert_eq!(&Policy::from_document(&document.to_string()).unwrap(), &policy);
        prop_assert_eq!(Policy::from_parameters(&policy.to_parameters()).unwrap(), policy);
    }

    /// R7: whatever the event says, the annotation has 1 to 256 characters and no line break.
    #[test]
    fn an_annotation_always_fits(text in vec(any::<char>(), 0..400).prop_map(String::from_iter)) {
        for annotation in [Annotation::wrong_type(&text), Annotation::not_judged(&text), Annotation::out_of_scope(&text)] {
            prop_assert!((1..=256).contains(&annotation.as_str().chars().count()));
            prop_assert!(!annotation.as_str().chars().any(char::is_control));
        }
    }

    /// E2: nothing that arrives makes the parsers panic.
    #[test]
    fn nothing_that_arrives_is_fatal(text in any::<String>(), parameters in any::<String>()) {
        let _ = text.parse::<Rule>();
        let _ = text.parse::<Timestamp>();
        let _ = Policy::from_parameters(&parameters);
        let event = serde_json::json!({
            "invokingEvent": text, "ruleParameters": parameters, "accountId": OWN,
            "resultToken": "t", "eventLeftScope": false,
        });
        prop_assert!(Event::from_json(&event.to_string()).is_err());
        let _ = Policy::from_document(&text);
        let _ = text.parse::<Contested>();
        let heard = serde_json::json!({"detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": text}});
        prop_assert!(Heard::from_value(&(&heard).into()).is_err());
    }

    #[test]
    fn no_near_miss_is_fatal(text in prop_oneof![
        "(tcp|icmp|-1|all|9)?:?[0-9/:-]{0,12}:?[0-9a-f.:/]{0,20}",
        // Mostly a rule, or nearly: the first kind seldom has a source.
        "(tcp|icmp|-1|all|9):(all|[0-9]{1,5}|[0-9]{1,5}[-/][0-9]{1,5}):(10\\.0\\.0\\.0/[0-9]{1,2}|::/[0-9]{1,3}|sg-0a|pl-0a)",
    ]) {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule);
        }
    }
}
