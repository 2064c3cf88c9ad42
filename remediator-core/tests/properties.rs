//! What holds for every group and every baseline.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use remediator_core::api_call::Heard;
use remediator_core::plan::approves;
use remediator_core::{
    Annotation, Baseline, Contested, Event, Exemptions, Judged, Judgement, Matching, Mode, Plan,
    Policy, Protocol, Rule, Scope, SecurityGroup, Source, Timestamp, judge, log, plan,
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

fn group(ingress: BTreeSet<Rule>, egress: BTreeSet<Rule>) -> SecurityGroup {
    SecurityGroup {
        group_id: "sg-0123456789abcdef0".parse().unwrap(),
        group_name: "LabSG1".to_owned(),
        vpc_id: None,
        owner_id: OWN.parse().unwrap(),
        tags: BTreeMap::new(),
        ingress,
        egress,
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
        Just(Baseline::none()),
        vec(rule(), 1..8).prop_map(|rules| baseline_of(&rules)),
    ]
}

/// Rules that have something of the baseline and something of their own.
fn like(baseline: &Baseline, extra: BTreeSet<Rule>, mask: u64) -> BTreeSet<Rule> {
    let kept = (0..)
        .zip(baseline.rules())
        .filter(|(i, _)| mask >> (i % 64) & 1 == 1);
    kept.map(|(_, rule)| rule.clone()).chain(extra).collect()
}

fn policy() -> impl Strategy<Value = Policy> {
    let matching = prop_oneof![Just(Matching::Exact), Just(Matching::AtMost)];
    let mode = prop_oneof![Just(Mode::Enforce), Just(Mode::Audit)];
    let scope = prop_oneof![
        Just(Scope::Unrestricted),
        Just(Scope::Account),
        Just("vpc:vpc-0a").prop_map(|text| text.parse().unwrap()),
        "[a-z:=é\"]{1,8}".prop_map(|value| Scope::Tag {
            key: "k".to_owned(),
            value
        }),
    ];
    let exemptions = prop_oneof![Just(Exemptions::Honour), Just(Exemptions::Ignore)];
    let contested = (0..3_usize, 1..=100_u32, 1..=1440_u32).prop_map(|(action, times, minutes)| {
        let action = ["report", "leave", "quarantine"][action];
        format!("{action}:{times}/{minutes}")
            .parse::<Contested>()
            .unwrap()
    });
    (
        (
            any::<bool>(),
            baseline(),
            matching,
            proptest::option::of(baseline()),
        ),
        (mode, scope, exemptions, contested),
    )
        .prop_map(
            |((debug, baseline, matching, egress), (mode, scope, exemptions, contested))| Policy {
                debug,
                baseline,
                matching,
                egress,
                mode,
                scope,
                exemptions,
                contested,
            },
        )
}

/// A policy, and a live group that has something of it and something of its own.
fn drifted() -> impl Strategy<Value = (SecurityGroup, Policy)> {
    let extra = || btree_set(rule(), 0..12);
    (policy(), extra(), extra(), any::<(u64, u64)>()).prop_map(
        |(policy, inbound, outbound, (a, b))| {
            let ingress = like(&policy.baseline, inbound, a);
            let none = Baseline::none();
            let egress = like(policy.egress.as_ref().unwrap_or(&none), outbound, b);
            (group(ingress, egress), policy)
        },
    )
}

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

/// The approved rules as the group sees them.
fn approved(baseline: &Baseline) -> BTreeSet<Rule> {
    let own = OWN.parse().unwrap();
    let rules = baseline.rules().iter();
    rules.map(|rule| rule.clone().canonical(&own)).collect()
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
    // As many cases as `PROPTEST_CASES` says; 256 without it.

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

    /// C2, A2, G1: an approved rule is never revoked, a present one never authorized, and nothing more
    /// is changed than has to be.
    #[test]
    fn a_plan_is_minimal((group, policy) in drifted()) {
        let Plan { revoke, authorize, egress } = plan(&group, &policy);
        is_least(policy.matching, &group.ingress, &approved(&policy.baseline), (&revoke, &authorize))?;
        for rule in &revoke {
            prop_assert!(!approves(&policy, rule, &group.owner_id));
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
        prop_assert_eq!(log::one_line(&rule.to_string()), rule.to_string());
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
        let _ = Policy::from_document(&text);
        let _ = text.parse::<Contested>();
        let heard = serde_json::json!({"detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": text}});
        prop_assert!(Heard::from_value(&heard).is_err());
    }

    #[test]
    fn no_near_miss_is_fatal(text in "(tcp|icmp|-1|all|9)?:?[0-9/:-]{0,12}:?[0-9a-f.:/]{0,20}") {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule);
        }
    }
}
