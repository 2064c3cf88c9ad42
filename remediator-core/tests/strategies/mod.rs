//! Groups and policies of every kind, for what has to hold for all of them. `aws-calls` takes them along the wire.

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use remediator_core::{
    Baseline, Contested, Exemptions, Matching, Mode, Policy, Protocol, Rule, Scope, SecurityGroup,
    Source,
};
use std::collections::{BTreeMap, BTreeSet};

/// The account that owns the groups.
pub(crate) const OWN: &str = "123456789012";

fn source() -> impl Strategy<Value = Source> {
    // Few networks, so that groups and baselines often share a rule.
    prop_oneof![
        (0..4_u32, prop_oneof![Just(0), Just(8), Just(32)]).prop_map(|(host, len)| {
            Source::Ipv4(Ipv4Net::new((0x0a00_0000 + host).into(), len).unwrap())
        }),
        (0..4_u128, prop_oneof![Just(0), Just(64), Just(128)])
            .prop_map(|(host, len)| Source::Ipv6(Ipv6Net::new(host.into(), len).unwrap())),
        prop_oneof![Just("pl-0a"), Just("pl-0b")].prop_map(|id| id.parse().unwrap()),
        prop_oneof![
            Just("sg-0a"),
            Just("sg-0b"),
            Just("123456789012/sg-0a"),
            Just("210987654321/sg-0a")
        ]
        .prop_map(|id| id.parse().unwrap()),
    ]
}

pub(crate) fn rule() -> impl Strategy<Value = Rule> {
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

pub(crate) fn group(ingress: BTreeSet<Rule>, egress: BTreeSet<Rule>) -> SecurityGroup {
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

pub(crate) fn baseline_of(rules: &[Rule]) -> Baseline {
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

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
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
pub(crate) fn drifted() -> impl Strategy<Value = (SecurityGroup, Policy)> {
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

/// The approved rules as the group sees them.
pub(crate) fn approved(baseline: &Baseline) -> BTreeSet<Rule> {
    let own = OWN.parse().unwrap();
    let rules = baseline.rules().iter();
    rules.map(|rule| rule.clone().canonical(&own)).collect()
}
