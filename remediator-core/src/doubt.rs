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
            .flat_map(|permission| atoms(permission))
            .map(move |rule| (direction, rule))
    };
    rules(Direction::Ingress, "ipPermissions")
        .chain(rules(Direction::Egress, "ipPermissionsEgress"))
        .collect()
}

/// The rules that an item is the first to show: those of its `configuration` that the item before it did not have.
///
/// `diff` is the `configurationItemDiff` beside the item. Where there is none (a group that is new, or evaluated
/// again) or it is not understood, every rule counts as new. What the item before it showed already has been told
/// and doubted with that item: a repair makes items of its own, and they must not tell of the drift once more.
#[must_use]
pub fn rules_new_in_item(configuration: &Json<'_>, diff: Option<&Json<'_>>) -> BTreeSet<Directed> {
    let mut rules = rules_of_item(configuration);
    if let Some(added) = diff.and_then(added_by_diff) {
        rules.retain(|rule| added.contains(rule));
    }
    rules
}

/// The rules that a diff adds; `None` where it does not say so in a shape that is known.
///
/// Shape: AWS's knowledge centre, "configurationItemDiff field in ConfigurationItemChangeNotification": members are
/// named by their path, and a permission that changes is a DELETE of the old one beside a CREATE of the new one.
fn added_by_diff(diff: &Json<'_>) -> Option<BTreeSet<Directed>> {
    if member(diff, "changeType")?.as_str()? != "UPDATE" {
        return None;
    }
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for (path, change) in member(diff, "changedProperties")?.as_object()?.iter() {
        let path: &str = path;
        for (name, rules) in [("previousValue", &mut before), ("updatedValue", &mut after)] {
            let value = member(change, name).unwrap_or(&Json::Null);
            rules.extend(rules_at(path, value)?);
        }
    }
    Some(after.difference(&before).cloned().collect())
}

/// The rules in the value of one changed member; `None` where the member lies within a permission.
fn rules_at(path: &str, value: &Json<'_>) -> Option<BTreeSet<Directed>> {
    if path == "Configuration" {
        return Some(rules_of_item(value));
    }
    let Some(path) = path.strip_prefix("Configuration.IpPermissions") else {
        return Some(BTreeSet::new());
    };
    let (direction, index) = match path.strip_prefix("Egress") {
        Some(index) => (Direction::Egress, index),
        None => (Direction::Ingress, path),
    };
    let is_whole = index.is_empty() || index.strip_prefix('.')?.parse::<u32>().is_ok();
    let permissions = match value {
        _ if !is_whole => return None,
        Json::Null => &[],
        Json::Array(permissions) => permissions.as_slice(),
        Json::Object(_) => std::slice::from_ref(value),
        _ => return None,
    };
    let rules = permissions.iter().flat_map(|permission| atoms(permission));
    Some(rules.map(|rule| (direction, rule)).collect())
}

/// Names of the lists of sources, and of the member that names one. Older items have the IPv4 networks only as texts
/// in `ipRanges`, newer ones in both lists.
const SOURCES: [(&str, &str); 5] = [
    ("ipRanges", "cidrIp"),
    ("ipv4Ranges", "cidrIp"),
    ("ipv6Ranges", "cidrIpv6"),
    ("prefixListIds", "prefixListId"),
    ("userIdGroupPairs", "groupId"),
];

/// An array member.
fn list<'a, 'text>(value: &'a Json<'text>, name: &str) -> impl Iterator<Item = &'a Json<'text>> {
    member(value, name)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}

fn atoms(permission: &Json<'_>) -> Vec<Rule> {
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
        let id = entry.as_str().or_else(|| member(entry, key)?.as_str())?;
        match member(entry, "userId").and_then(Json::as_str) {
            Some(account) if key == "groupId" => format!("{account}/{id}").parse().ok(),
            Some(_) | None => id.parse().ok(),
        }
    };
    SOURCES
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
    use serde_json::{Value, json};

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

    fn new_in_item(configuration: &Value, diff: Option<&Value>) -> Vec<String> {
        let diff = diff.map(Json::from);
        rules_new_in_item(&configuration.into(), diff.as_ref())
            .into_iter()
            .map(|(direction, rule)| match direction {
                Direction::Ingress => rule.to_string(),
                Direction::Egress => rule.outbound(),
            })
            .collect()
    }

    fn permission(port: u16, networks: &[&str]) -> Value {
        let ranges: Vec<Value> = networks.iter().map(|net| json!({"cidrIp": net})).collect();
        json!({"ipProtocol": "tcp", "fromPort": port, "toPort": port, "ipv4Ranges": ranges})
    }

    /// D1, D5: an item speaks of what it is the first to show. Shape of the diff: AWS's knowledge centre,
    /// "configurationItemDiff field in ConfigurationItemChangeNotification" (2021-04-29).
    #[test]
    fn item_with_diff_shows_only_what_was_added() {
        let (any, office) = ("0.0.0.0/0", "198.51.100.0/24");
        let configuration = json!({
            "ipPermissions": [permission(443, &[any]), permission(465, &[any]), permission(22, &[any, office])],
            "ipPermissionsEgress": [permission(25, &[any])]});
        let created =
            |value| json!({"previousValue": null, "updatedValue": value, "changeType": "CREATE"});
        let deleted =
            |value| json!({"previousValue": value, "updatedValue": null, "changeType": "DELETE"});
        let update = |changed| json!({"changeType": "UPDATE", "changedProperties": changed});
        let check = |changed: Value, expect: &[&str]| {
            let diff = update(changed);
            assert_eq!(new_in_item(&configuration, Some(&diff)), expect, "{diff}");
        };
        check(
            json!({"Configuration.IpPermissions.0": created(permission(443, &[any]))}),
            &["tcp 443 from 0.0.0.0/0"],
        );
        // One more network for a port: the permission as a whole is taken away and made again.
        check(
            json!({"Configuration.IpPermissions.0": deleted(permission(22, &[any])),
                "Configuration.IpPermissions.1": created(permission(22, &[any, office]))}),
            &["tcp 22 from 198.51.100.0/24"],
        );
        check(
            json!({"Configuration.IpPermissionsEgress.0": created(permission(25, &[any]))}),
            &["tcp 25 to 0.0.0.0/0"],
        );
        // A list as a whole, and a change that is about something else.
        check(
            json!({"Configuration.IpPermissions": {"previousValue": [permission(443, &[any])],
                "updatedValue": [permission(443, &[any]), permission(465, &[any])], "changeType": "UPDATE"}}),
            &["tcp 465 from 0.0.0.0/0"],
        );
        check(
            json!({"Relationships.0": created(json!({"resourceId": "eni-0a"})),
                "Configuration.Tags.0": created(json!({"key": "a", "value": "b"}))}),
            &[],
        );
    }

    /// D1: without a diff, or with one that is not understood, everything that the item shows counts.
    #[test]
    fn item_without_usable_diff_shows_everything() {
        let shown = permission(465, &["0.0.0.0/0"]);
        let configuration = json!({"ipPermissions": [shown]});
        let change = |path: &str, value: Value| {
            json!({"changeType": "UPDATE", "changedProperties": {
                path: {"previousValue": null, "updatedValue": value, "changeType": "CREATE"}}})
        };
        for diff in [
            None,
            Some(json!(null)),
            Some(json!({"changeType": "CREATE", "changedProperties": {}})),
            Some(json!({"changeType": "UPDATE"})),
            Some(change(
                "Configuration.IpPermissions.0.IpRanges.0",
                json!("0.0.0.0/0"),
            )),
            Some(change("Configuration.IpPermissions.first", json!(null))),
            Some(change("Configuration.IpPermissions.0", json!("tcp 465"))),
            Some(change("Configuration", configuration.clone())),
        ] {
            let rules = new_in_item(&configuration, diff.as_ref());
            assert_eq!(rules, ["tcp 465 from 0.0.0.0/0"], "{diff:?}");
        }
    }

    /// D1: items of versions 1.2 and before name IPv4 networks as texts in `ipRanges` only (an item of 2016 in
    /// awslabs/aws-config-rules).
    #[test]
    fn an_item_of_version_1_2() {
        let configuration = json!({"ipPermissions": [
            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": ["0.0.0.0/0"],
             "userIdGroupPairs": [], "prefixListIds": []}]});
        assert_eq!(new_in_item(&configuration, None), ["tcp 22 from 0.0.0.0/0"]);
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
