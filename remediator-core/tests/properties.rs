//! What holds for every group and every baseline.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use remediator_core::{
    Annotation, Baseline, Event, Plan, Policy, Protocol, Rule, SecurityGroup, Source, Timestamp,
    log, plan,
};
use std::collections::{BTreeMap, BTreeSet};

const OWN: &str = "123456789012";

fn source() -> impl Strategy<Value = Source> {
    // Few networks, so that groups and baselines often share a rule.
    prop_oneof![
        (0..4_u32, prop_oneof![Just(0), Just(8), Just(32)]).prop_map(|(host, len)| {
            Source::Ipv4(Ipv4Net::new((0x0a00_0000 + host).into(), len).unwrap())
        }),
        (0..4_u128, prop_oneof![Just(0), Just(64), Just(128)])
            .prop_map(|(host, len)| Source::Ipv6(Ipv6Net::new(host.into(), len).unwrap())),
        Just("pl-0a").prop_map(|id| id.parse().unwrap()),
        prop_oneof![
            Just("sg-0a"),
            Just("123456789012/sg-0a"),
            Just("210987654321/sg-0a")
        ]
        .prop_map(|id| id.parse().unwrap()),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let port = prop_oneof![Just(0_i64), Just(80), Just(443), Just(65_535)];
    let ports = (port.clone(), port).prop_map(|(a, b)| (Some(a.min(b)), Some(a.max(b))));
    let with_ports = (prop_oneof![Just(Protocol::TCP), Just(Protocol::UDP)], ports);
    let icmp = (
        prop_oneof![Just(Protocol::ICMP), Just(Protocol::ICMPV6)],
        prop_oneof![
            Just((None, None)),
            (0..=255_i64).prop_map(|kind| (Some(kind), Some(-1))),
            (0..=255_i64, 0..=255_i64).prop_map(|(kind, code)| (Some(kind), Some(code))),
        ],
    );
    let bare = (
        prop_oneof![Just(Protocol::All), any::<u8>().prop_map(Protocol::Number)],
        Just((None, None)),
    );
    (prop_oneof![with_ports, icmp, bare], source()).prop_map(|((protocol, (from, to)), source)| {
        Rule::from_ec2(protocol, from, to, source).unwrap()
    })
}

fn group(ingress: BTreeSet<Rule>) -> SecurityGroup {
    SecurityGroup {
        group_id: "sg-0123456789abcdef0".parse().unwrap(),
        group_name: "LabSG1".to_owned(),
        vpc_id: None,
        owner_id: OWN.parse().unwrap(),
        tags: BTreeMap::new(),
        ingress,
        descriptions: BTreeMap::new(),
    }
    .canonical()
}

fn baseline_of(rules: &[Rule]) -> Baseline {
    let text: Vec<String> = rules.iter().map(Rule::to_compact).collect();
    text.join(",").parse().unwrap()
}

fn baseline() -> impl Strategy<Value = Baseline> {
    prop_oneof![
        Just(Baseline::ipv4()),
        Just(Baseline::dual_stack()),
        vec(rule(), 1..8).prop_map(|rules| baseline_of(&rules)),
    ]
}

/// A live group that has something of the baseline and something of its own.
fn drifted() -> impl Strategy<Value = (SecurityGroup, Baseline)> {
    (baseline(), btree_set(rule(), 0..12), any::<u64>()).prop_map(|(baseline, extra, mask)| {
        let kept = (0..)
            .zip(baseline.rules())
            .filter(|(i, _)| mask >> (i % 64) & 1 == 1);
        let ingress = kept.map(|(_, rule)| rule.clone()).chain(extra).collect();
        (group(ingress), baseline)
    })
}

fn apply(group: &SecurityGroup, plan: &Plan) -> SecurityGroup {
    let left = group.ingress.difference(&plan.revoke).cloned();
    self::group(left.chain(plan.authorize.iter().cloned()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// C1: what the plan makes is what the baseline says; nothing is left to do.
    #[test]
    fn a_plan_converges((group, baseline) in drifted()) {
        let after = apply(&group, &plan(&group, &baseline));
        prop_assert!(plan(&after, &baseline).is_empty());
        let approved: BTreeSet<Rule> =
            baseline.rules().iter().map(|rule| rule.clone().canonical(&group.owner_id)).collect();
        prop_assert_eq!(after.ingress, approved);
    }

    /// C2: an approved rule is never revoked, a present one never authorized.
    #[test]
    fn a_plan_is_minimal((group, baseline) in drifted()) {
        let Plan { revoke, authorize } = plan(&group, &baseline);
        let approved: BTreeSet<Rule> =
            baseline.rules().iter().map(|rule| rule.clone().canonical(&group.owner_id)).collect();
        prop_assert!(revoke.is_disjoint(&approved));
        prop_assert!(revoke.is_subset(&group.ingress));
        prop_assert!(authorize.is_disjoint(&group.ingress));
        prop_assert!(authorize.is_subset(&approved));
        prop_assert_eq!(revoke.len() + authorize.len(), group.ingress.symmetric_difference(&approved).count());
    }

    /// C3: the order in which rules are written or read makes no difference.
    #[test]
    fn order_makes_no_difference(
        (rules, shuffled) in vec(rule(), 1..8).prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        live in btree_set(rule(), 0..8),
    ) {
        let group = group(live);
        prop_assert_eq!(plan(&group, &baseline_of(&rules)), plan(&group, &baseline_of(&shuffled)));
    }

    /// C4: one rule has one spelling, here and at EC2.
    #[test]
    fn a_rule_survives_every_spelling(rule in rule()) {
        prop_assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule.clone());
        let (from, to) = rule.ec2_ports().unzip();
        let protocol = rule.protocol().to_ec2().parse().unwrap();
        let source = rule.source().to_string().parse().unwrap();
        prop_assert_eq!(Rule::from_ec2(protocol, from, to, source).unwrap(), rule.clone());
        prop_assert_eq!(log::one_line(&rule.to_string()), rule.to_string());
    }

    #[test]
    fn a_baseline_survives_its_own_spelling(baseline in baseline()) {
        prop_assert_eq!(baseline.to_string().parse::<Baseline>().unwrap(), baseline.clone());
        let policy = Policy { baseline, ..Policy::default() };
        prop_assert_eq!(Policy::from_parameters(&policy.to_parameters()).unwrap(), policy);
    }

    /// R7: whatever the event says, the annotation has 1 to 256 characters and no line break.
    #[test]
    fn an_annotation_always_fits(text in any::<String>()) {
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
        prop_assert!(Event::from_value(&event).is_err());
    }

    #[test]
    fn no_near_miss_is_fatal(text in "(tcp|icmp|-1|all|9)?:?[0-9/:-]{0,12}:?[0-9a-f.:/]{0,20}") {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule);
        }
    }
}
