//! How long the decisions take, without a network: `cargo bench -p remediator-core`.
//!
//! A harness of its own, as the sandbox has one: a median over many batches needs no crates. Medians go to standard output
//! as Markdown.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its output is the result")]

use remediator_core::{Event, Policy, SecurityGroup, decide, plan};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() {
    println!("| what | median of one | fastest |\n| --- | ---: | ---: |");
    let exact = Policy::default();
    let at_most =
        policy(r#"{"match":"at-most","baseline":"tcp:443:10.0.0.0/8,tcp:80:10.0.0.0/9"}"#);
    for rules in [10, 100, 1_000] {
        let group = group(rules);
        report(&format!("plan, {rules} rules, `exact`"), || {
            plan::plan(black_box(&group), &exact).revocations()
        });
        report(&format!("plan, {rules} rules, `at-most`"), || {
            plan::plan(black_box(&group), &at_most).revocations()
        });
        let event = event(rules);
        let what = format!(
            "event of a group with {rules} rules, {} KB, read and decided on",
            event.len() / 1_000
        );
        report(&what, || {
            let event = Event::from_json(black_box(&event)).unwrap();
            decide(&event).unwrap()
        });
    }
}

/// Batches of about five milliseconds for about a second.
fn report<T>(what: &str, mut run: impl FnMut() -> T) {
    let start = Instant::now();
    let mut warm = 0;
    while start.elapsed() < Duration::from_millis(50) {
        black_box(run());
        warm += 1;
    }
    let batch = (warm / 10).max(1);
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..batch {
                black_box(run());
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(batch)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "| {what} | {:.1} µs | {:.1} µs |",
        times[times.len() / 2],
        times[0]
    );
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
