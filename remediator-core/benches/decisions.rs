//! How long the decisions take, without a network: `cargo bench -p remediator-core`.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use criterion::{BenchmarkId, Criterion, Throughput};
use remediator_core::{Event, Policy, SecurityGroup, decide, plan};
use serde_json::{Value, json};

/// How many rules a group has. EC2's quota is 60 unless it is raised, and 1,000 at most.
const RULES: [u32; 3] = [10, 100, 1_000];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    plans(&mut criterion);
    events(&mut criterion);
    criterion.final_summary();
}

fn plans(criterion: &mut Criterion) {
    let exact = Policy::default();
    let at_most =
        policy(r#"{"match":"at-most","baseline":"tcp:443:10.0.0.0/8,tcp:80:10.0.0.0/9"}"#);
    let mut plans = criterion.benchmark_group("plan");
    for rules in RULES {
        let drifted = group(rules);
        for (name, policy) in [("exact", &exact), ("at-most", &at_most)] {
            plans.bench_with_input(BenchmarkId::new(name, rules), &drifted, |bencher, group| {
                bencher.iter(|| plan::plan(group, policy).revocations());
            });
        }
    }
}

/// From the text of an event to the decision what to do.
fn events(criterion: &mut Criterion) {
    let mut events = criterion.benchmark_group("event");
    for rules in RULES {
        let event = event(rules);
        events.throughput(Throughput::Bytes(event.len() as u64));
        events.bench_with_input(
            BenchmarkId::new("decide", rules),
            &event,
            |bencher, event| {
                bencher.iter(|| decide(&Event::from_json(event).unwrap()).unwrap());
            },
        );
    }
}

fn policy(parameters: &str) -> Policy {
    Policy::from_parameters(parameters).unwrap()
}

/// One approved rule, and others that are not.
fn group(rules: u32) -> SecurityGroup {
    let ingress = (0..rules).map(|n| {
        let rule = match n {
            0 => "tcp:443:0.0.0.0/0".to_owned(),
            n => format!("tcp:{}:10.{}.{}.0/24", 1000 + n, n / 256, n % 256),
        };
        rule.parse().unwrap()
    });
    SecurityGroup {
        group_id: "sg-0123456789abcdef0".parse().unwrap(),
        group_name: "LabSG1".to_owned(),
        vpc_id: Some("vpc-0123456789abcdef0".to_owned()),
        owner_id: "123456789012".parse().unwrap(),
        tags: BTreeMap::new(),
        ingress: ingress.collect(),
        egress: BTreeSet::new(),
        descriptions: BTreeMap::new(),
    }
}

/// A change as AWS Config tells it: JSON in a string in JSON.
fn event(rules: u32) -> String {
    let permission = |n: u32| {
        let cidr = format!("10.{}.{}.0/24", n / 256, n % 256);
        json!({"ipProtocol": "tcp", "fromPort": 1000 + n, "toPort": 1000 + n, "userIdGroupPairs": [], "ipv6Ranges": [],
            "prefixListIds": [], "ipv4Ranges": [{"cidrIp": cidr}], "ipRanges": [cidr]})
    };
    let permissions: Vec<Value> = (0..rules).map(permission).collect();
    let invoking = json!({
        "configurationItem": {
            "configurationItemCaptureTime": "2026-11-22T08:00:00.123Z",
            "configurationItemStatus": "OK",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": "sg-0123456789abcdef0",
            "configuration": {"groupId": "sg-0123456789abcdef0", "ownerId": "123456789012", "ipPermissions": permissions},
        },
        "messageType": "ConfigurationItemChangeNotification",
    });
    json!({
        "invokingEvent": invoking.to_string(),
        "ruleParameters": r#"{"debug":"true","baseline":"ipv4"}"#,
        "resultToken": "token",
        "eventLeftScope": false,
        "accountId": "123456789012",
    })
    .to_string()
}
