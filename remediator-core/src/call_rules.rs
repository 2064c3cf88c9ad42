//! The rules that a CloudTrail record says a call has added.
//!
//! A record repeats the request, and requests come in three shapes (records of 2023 to 2026): lists (`ipPermissions`),
//! flat parameters (`cidrIp`, `fromPort` … beside `ipPermissions: {}`, as in the record of
//! `AuthorizeSecurityGroupIngress` in DataDog/stratus-red-team), and copies of XML inside `<name>Request`, as for
//! `ModifySecurityGroupRules`. In a copy of XML one element is an object and several are an array, each with a `tag`
//! that numbers it, a scalar in a list is `{"tag": 1, "content": …}`, what is empty is `""`, and a text that looks like
//! a number or a boolean is one. Since 2021 the answer to `Authorize…` names the added rules in one shape for all of
//! them, so it comes first.

use crate::json::{Json, member};
use crate::plan::{Directed, Direction};
use crate::rule::Rule;
use crate::source::Source;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a call has added, as far as it is understood. It raises doubts about readings and does nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// Rules whose direction the record tells.
    pub rules: BTreeSet<Directed>,
    /// Rules that are inbound or outbound: `ModifySecurityGroupRules` names the rule that changes by its id alone.
    pub either: BTreeSet<Rule>,
}

impl Added {
    /// Reads what the call `name` has added from what was asked and answered.
    #[must_use]
    pub(crate) fn of_call(name: &str, asked: &Json<'_>, answered: &Json<'_>) -> Self {
        let direction = match name {
            "AuthorizeSecurityGroupIngress" => Direction::Ingress,
            "AuthorizeSecurityGroupEgress" => Direction::Egress,
            "ModifySecurityGroupRules" => return Self::modified(unwrapped(asked, name, "Request")),
            _ => return Self::default(),
        };
        let answered = unwrapped(answered, name, "Response");
        let rules: BTreeSet<Directed> = elements(field(answered, "securityGroupRuleSet"))
            .filter_map(|rule| {
                let direction = match boolean(rule, "isEgress") {
                    Some(true) => Direction::Egress,
                    Some(false) => Direction::Ingress,
                    None => direction,
                };
                Some((direction, one_rule(rule)?))
            })
            .collect();
        if !rules.is_empty() {
            return Self {
                rules,
                either: BTreeSet::new(),
            };
        }
        let asked = unwrapped(asked, name, "Request");
        let listed = elements(field(asked, "ipPermissions")).flat_map(permission);
        let rules = listed.chain(one_rule(asked));
        Self {
            rules: rules.map(|rule| (direction, rule)).collect(),
            either: BTreeSet::new(),
        }
    }

    /// Each element names a rule by its id and holds what becomes of it under the same name.
    fn modified(asked: &Json<'_>) -> Self {
        let changed = elements(field(asked, "securityGroupRule"))
            .filter_map(|change| one_rule(field(change, "securityGroupRule")?));
        Self {
            rules: BTreeSet::new(),
            either: changed.collect(),
        }
    }
}

/// What a copy of XML wraps into `<name>Request` or `<name>Response`; other records as they are.
pub(crate) fn unwrapped<'a, 'text>(
    value: &'a Json<'text>,
    name: &str,
    kind: &str,
) -> &'a Json<'text> {
    member(value, &format!("{name}{kind}")).unwrap_or(value)
}

/// A member under its name in a request; a copy of XML writes it with a capital.
pub(crate) fn field<'a, 'text>(value: &'a Json<'text>, name: &str) -> Option<&'a Json<'text>> {
    member(value, name).or_else(|| {
        let mut letters = name.chars();
        let first = letters.next()?.to_ascii_uppercase();
        member(value, &format!("{first}{}", letters.as_str()))
    })
}

/// The elements of a list in either shape; none where it is empty or absent.
pub(crate) fn elements<'a, 'text>(
    list: Option<&'a Json<'text>>,
) -> impl Iterator<Item = &'a Json<'text>> {
    let inner = |list: &'a Json<'text>| {
        let names = ["items", "item"];
        names.iter().find_map(|name| member(list, name))
    };
    let list = list.map(|list| inner(list).unwrap_or(list));
    let elements = match list {
        Some(Json::Array(elements)) => elements.as_slice(),
        Some(Json::Object(_)) => list.map_or(&[][..], std::slice::from_ref),
        _ => &[],
    };
    elements.iter()
}

/// A text, also one that looked like something else.
pub(crate) fn text<'a>(value: &'a Json<'_>, name: &str) -> Option<Cow<'a, str>> {
    let value = field(value, name)?;
    let value = member(value, "content").unwrap_or(value);
    match value {
        Json::Str(text) if !text.is_empty() => Some(Cow::Borrowed(text.as_ref())),
        Json::Number(number) => Some(number.to_string().into()),
        Json::Bool(boolean) => Some(boolean.to_string().into()),
        _ => None,
    }
}

fn boolean(value: &Json<'_>, name: &str) -> Option<bool> {
    text(value, name)?.parse().ok()
}

/// The rules of one permission.
fn permission<'a>(permission: &'a Json<'_>) -> impl Iterator<Item = Rule> + 'a {
    const SETS: [(&str, &str); 4] = [
        ("ipRanges", "cidrIp"),
        ("ipv6Ranges", "cidrIpv6"),
        ("prefixListIds", "prefixListId"),
        ("groups", "groupId"),
    ];
    SETS.into_iter().flat_map(move |(set, key)| {
        elements(field(permission, set)).filter_map(move |entry| {
            let source = if key == "groupId" {
                group(entry)?
            } else {
                text(entry, key)?.parse().ok()?
            };
            rule(permission, source)
        })
    })
}

/// A rule that names its source itself: a rule of an answer, a changed rule, or a flat request.
fn one_rule(value: &Json<'_>) -> Option<Rule> {
    let networks = [
        "cidrIp",
        "cidrIpv4",
        "cidrIpv6",
        "prefixListId",
        "referencedGroupId",
    ];
    let named = networks.iter().find_map(|name| text(value, name));
    let source = match named {
        Some(source) => source.parse().ok()?,
        None => group(field(value, "referencedGroupInfo")?)?,
    };
    rule(value, source)
}

fn group(value: &Json<'_>) -> Option<Source> {
    let id = text(value, "groupId")?;
    match text(value, "userId") {
        Some(account) => format!("{account}/{id}").parse().ok(),
        None => id.parse().ok(),
    }
}

/// The protocol and the ports of `value`, for `source`.
fn rule(value: &Json<'_>, source: Source) -> Option<Rule> {
    let protocol = text(value, "ipProtocol")?.parse().ok()?;
    let port = |name| text(value, name).and_then(|port| port.parse::<i64>().ok());
    Rule::from_ec2(protocol, port("fromPort"), port("toPort"), source).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn added(name: &str, asked: &Value, answered: &Value) -> Vec<String> {
        let Added { rules, either } = Added::of_call(name, &asked.into(), &answered.into());
        let told = rules.into_iter().map(|(direction, rule)| match direction {
            Direction::Ingress => rule.to_string(),
            Direction::Egress => rule.outbound(),
        });
        let either = either.into_iter().map(|rule| format!("either {rule}"));
        told.chain(either).collect()
    }

    #[test]
    fn list_of_permissions_is_read() {
        let asked = json!({"groupId": "sg-0a", "ipPermissions": {"items": [
            {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "prefixListIds": {"items": [{"prefixListId": "pl-0a"}]},
             "groups": {"items": [{"groupId": "sg-0b", "userId": "210987654321"}]},
             "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "x"}]}, "ipv6Ranges": {}},
            {"ipProtocol": "-1", "fromPort": 0, "toPort": 0, "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}}]}});
        assert_eq!(
            added(
                "AuthorizeSecurityGroupIngress",
                &asked,
                &json!({"_return": true})
            ),
            [
                "all traffic from ::/0",
                "tcp 22 from 0.0.0.0/0",
                "tcp 22 from pl-0a",
                "tcp 22 from 210987654321/sg-0b",
            ]
        );
        let revoked = added(
            "RevokeSecurityGroupIngress",
            &asked,
            &json!({"_return": true}),
        );
        assert!(revoked.is_empty(), "{revoked:?}");
    }

    /// F2: a call with flat parameters, as recorded in `aws.exfiltration.ec2-security-group-open-port-22-ingress` of
    /// DataDog/stratus-red-team (2024).
    #[test]
    fn flat_call_is_read() {
        let asked = json!({"groupId": "sg-0a", "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
            "cidrIp": "0.0.0.0/0"});
        assert_eq!(
            added("AuthorizeSecurityGroupEgress", &asked, &Value::Null),
            ["tcp 22 to 0.0.0.0/0"]
        );
    }

    /// F2: whatever the form of the call, its answer names the rules. API reference, `SecurityGroupRule`; spelling as in
    /// records of 2023 to 2026.
    #[test]
    fn answer_names_what_was_added() {
        let rule = |members: Value| {
            let mut rule = json!({"groupOwnerId": "123456789012", "groupId": "sg-0a", "securityGroupRuleId": "sgr-0a",
                "isEgress": false, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22});
            for (name, value) in members.as_object().into_iter().flatten() {
                rule[name] = value.clone();
            }
            rule
        };
        let answered = json!({"requestId": "r", "_return": true, "securityGroupRuleSet": {"items": [
            rule(json!({"cidrIpv4": "198.51.100.0/24", "description": "x"})),
            rule(json!({"cidrIpv6": "::/0"})),
            rule(json!({"prefixListId": "pl-0a"})),
            rule(json!({"referencedGroupInfo": {"groupId": "sg-0b", "userId": "210987654321"}})),
            rule(json!({"isEgress": true, "ipProtocol": "-1", "fromPort": -1, "toPort": -1, "cidrIpv4": "0.0.0.0/0"})),
        ]}});
        // A source that is named by its name is found nowhere else.
        let asked =
            json!({"groupName": "default", "sourceSecurityGroupName": "g", "ipPermissions": {}});
        assert_eq!(
            added("AuthorizeSecurityGroupIngress", &asked, &answered),
            [
                "tcp 22 from 198.51.100.0/24",
                "tcp 22 from ::/0",
                "tcp 22 from pl-0a",
                "tcp 22 from 210987654321/sg-0b",
                "all traffic to 0.0.0.0/0",
            ]
        );
    }

    /// F2: a copy of XML with one element, several, texts that look like something else, and nothing. Members as in
    /// aws-samples/cloud-trail-lake-query-samples, `ec2-security-historical-changes.sql`.
    #[test]
    fn wrapped_call_is_read() {
        let change = |tag: u8, rule: Value| json!({"SecurityGroupRuleId": "sgr-0a", "tag": tag, "SecurityGroupRule": rule});
        let web = json!({"CidrIpv4": "0.0.0.0/0", "FromPort": 22, "ToPort": 22, "IpProtocol": "tcp", "Description": 7});
        let all = json!({"CidrIpv6": {"content": "::/0", "tag": 1}, "IpProtocol": -1, "FromPort": "-1", "ToPort": -1});
        let group = json!({"ReferencedGroupId": "sg-0b", "IpProtocol": 6, "FromPort": "25", "ToPort": "25"});
        let check = |changes: Value, expect: &[&str]| {
            let asked = json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-0a", "SecurityGroupRule": changes}});
            let answered = json!({"ModifySecurityGroupRulesResponse": {"return": true}});
            assert_eq!(added("ModifySecurityGroupRules", &asked, &answered), expect);
        };
        check(change(1, web.clone()), &["either tcp 22 from 0.0.0.0/0"]);
        check(
            json!([change(1, web), change(2, all), change(3, group)]),
            &[
                "either all traffic from ::/0",
                "either tcp 22 from 0.0.0.0/0",
                "either tcp 25 from sg-0b",
            ],
        );
        check(json!(""), &[]);
        check(change(1, json!("")), &[]);
    }

    /// The same reading serves `Authorize…`, should CloudTrail wrap it too.
    #[test]
    fn wrapped_authorization_is_read() {
        let asked = json!({"AuthorizeSecurityGroupIngressRequest": {"GroupId": "sg-0a", "IpPermissions": {
            "tag": 1, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": {"tag": 1, "CidrIp": "0.0.0.0/0"},
            "Groups": ""}}});
        let rule = json!({"isEgress": "false", "ipProtocol": "tcp", "fromPort": 25, "toPort": 25, "cidrIpv4": "0.0.0.0/0"});
        let answered = json!({"AuthorizeSecurityGroupIngressResponse": {
            "return": true, "securityGroupRuleSet": {"item": rule}}});
        let name = "AuthorizeSecurityGroupIngress";
        assert_eq!(added(name, &asked, &answered), ["tcp 25 from 0.0.0.0/0"]);
        assert_eq!(added(name, &asked, &Value::Null), ["tcp 22 from 0.0.0.0/0"]);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        for asked in [
            json!(null),
            json!({"ipPermissions": "all"}),
            json!({"ipPermissions": {"items": [{"ipProtocol": "pigeon", "ipRanges": {"items": [{"cidrIp": "::/0"}]}}]}}),
            json!({"ipProtocol": "tcp", "fromPort": 2, "toPort": 1, "cidrIp": "0.0.0.0/0"}),
            json!({"ipProtocol": "tcp", "fromPort": 2, "toPort": 2, "cidrIp": "everywhere"}),
        ] {
            let added = added("AuthorizeSecurityGroupIngress", &asked, &asked);
            assert!(added.is_empty(), "{asked}: {added:?}");
        }
    }
}
