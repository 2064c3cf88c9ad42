//! Whether a reading may be older than the event that caused it.
//!
//! EC2 is eventually consistent: `DescribeSecurityGroups` may for a while answer with what was true
//! before. Taken at its word, such an answer ends an incident as COMPLIANT while the port is open,
//! and nothing would ask again. So the rules that an event shows are held against the reading. They
//! never lead to a write: what is revoked and authorized is decided by a reading alone.

use crate::json::{Json, member};
use crate::plan::{Directed, Direction};
use crate::ports::Ports;
use crate::rule::Rule;
use crate::source::Source;
use crate::timestamp::Timestamp;
use std::collections::BTreeSet;

/// How long after an item was captured a reading may be an older one: 15 seconds.
///
/// AWS gives no bound for the lag of EC2's answers; its guide to the EC2 API speaks of the time that
/// a change needs "to propagate" and recommends waits that grow from seconds. What AWS Config delivers
/// is mostly older than this when it arrives, so the doubt costs nothing then.
pub const SETTLED_MILLIS: i64 = 15_000;

/// The rules that the `configuration` of a security group's item shows.
///
/// Items come in several shapes. Whatever is not understood is left out: a witness that says less
/// raises less doubt, and that is all it is asked for.
#[must_use]
pub fn rules_of_item(configuration: &Json<'_>) -> BTreeSet<Directed> {
    let rules = |direction, name| {
        list(configuration, name)
            .flat_map(|permission| atoms(permission, &ITEM))
            .map(move |rule| (direction, rule))
    };
    rules(Direction::Ingress, "ipPermissions")
        .chain(rules(Direction::Egress, "ipPermissionsEgress"))
        .collect()
}

/// The same for the permissions of a CloudTrail event, whose lists are `{"items": […]}`.
#[must_use]
pub fn rules_of_call(permissions: &Json<'_>) -> BTreeSet<Rule> {
    list(permissions, "items")
        .flat_map(|permission| atoms(permission, &CALL))
        .collect()
}

/// Names of the lists of sources, and of the member that names one.
type Names = [(&'static str, &'static str); 4];

const ITEM: Names = [
    ("ipv4Ranges", "cidrIp"),
    ("ipv6Ranges", "cidrIpv6"),
    ("prefixListIds", "prefixListId"),
    ("userIdGroupPairs", "groupId"),
];

const CALL: Names = [
    ("ipRanges", "cidrIp"),
    ("ipv6Ranges", "cidrIpv6"),
    ("prefixListIds", "prefixListId"),
    ("groups", "groupId"),
];

/// An array member; also one that CloudTrail wraps into `items`.
fn list<'a, 'text>(value: &'a Json<'text>, name: &str) -> impl Iterator<Item = &'a Json<'text>> {
    let list = member(value, name);
    let list = list.and_then(|list| member(list, "items")).or(list);
    list.and_then(Json::as_array).into_iter().flatten()
}

fn atoms(permission: &Json<'_>, names: &Names) -> Vec<Rule> {
    let protocol = match member(permission, "ipProtocol") {
        Some(Json::Str(text)) => text.parse().ok(),
        Some(Json::Number(number)) => number.to_string().parse().ok(),
        _ => None,
    };
    let Some(protocol) = protocol else {
        return Vec::new();
    };
    let port = |name| member(permission, name).and_then(Json::as_i64);
    let (from, to) = (port("fromPort"), port("toPort"));
    if Ports::from_ec2(protocol, from, to).is_err() {
        return Vec::new();
    }
    let source = |entry: &Json<'_>, key: &str| -> Option<Source> {
        let id = member(entry, key)?.as_str()?;
        match member(entry, "userId").and_then(Json::as_str) {
            Some(account) if key == "groupId" => format!("{account}/{id}").parse().ok(),
            Some(_) | None => id.parse().ok(),
        }
    };
    names
        .iter()
        .flat_map(|(set, key)| list(permission, set).filter_map(|entry| source(entry, key)))
        .filter_map(|source| Rule::from_ec2(protocol, from, to, source).ok())
        .collect()
}

/// Whether a reading that was made at `seen` may be older than something captured at `captured`.
#[must_use]
pub fn may_be_stale(captured: Timestamp, seen: Timestamp) -> bool {
    seen < captured.plus_millis(SETTLED_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(rules: BTreeSet<Rule>, expect: &[&str]) {
        let shown: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn an_item_of_version_1_3() {
        let configuration = json!({"ipPermissions": [
            {"ipProtocol": "tcp", "fromPort": 465, "toPort": 465, "ipRanges": ["0.0.0.0/0"],
             "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipv6Ranges": [{"cidrIpv6": "::/0"}],
             "prefixListIds": [{"prefixListId": "pl-0a"}],
             "userIdGroupPairs": [{"groupId": "sg-0a", "userId": "123456789012"}]},
            {"ipProtocol": "-1", "ipv4Ranges": [{"cidrIp": "10.0.0.0/8"}]}
        ], "ipPermissionsEgress": [
            {"ipProtocol": "tcp", "fromPort": 25, "toPort": 25, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]}
        ]});
        let of = |which| {
            let shown = rules_of_item(&(&configuration).into()).into_iter();
            shown
                .filter_map(|(direction, rule)| (direction == which).then_some(rule))
                .collect()
        };
        check(
            of(Direction::Ingress),
            &[
                "all traffic from 10.0.0.0/8",
                "tcp 465 from 0.0.0.0/0",
                "tcp 465 from ::/0",
                "tcp 465 from pl-0a",
                "tcp 465 from 123456789012/sg-0a",
            ],
        );
        check(of(Direction::Egress), &["tcp 25 from 0.0.0.0/0"]);
    }

    #[test]
    fn a_call_as_cloudtrail_tells_it() {
        let permissions = json!({"items": [
            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "prefixListIds": {},
             "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "x"}]}, "ipv6Ranges": {}}
        ]});
        check(
            rules_of_call(&(&permissions).into()),
            &["tcp 22 from 0.0.0.0/0"],
        );
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        for configuration in [
            json!(null),
            json!({"ipPermissions": "all"}),
            json!({"ipPermissions": [{"ipProtocol": "pigeon", "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]}]}),
            json!({"ipPermissions": [{"ipProtocol": "tcp", "fromPort": 2, "toPort": 1, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]}]}),
            json!({"ipPermissions": [{"ipProtocol": "-1", "ipv4Ranges": ["everywhere", {"cidrIp": 7}]}]}),
        ] {
            assert!(
                rules_of_item(&(&configuration).into()).is_empty(),
                "{configuration}"
            );
        }
    }
}
