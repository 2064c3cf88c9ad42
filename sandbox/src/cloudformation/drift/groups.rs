//! What has become of security groups and of rules that are resources of their own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::compare::{lists, plain};
use super::{Difference, DriftStatus, ResourceDrift};
use crate::cloudformation::job::Job;
use crate::cloudformation::parameters::scalar;
use crate::cloudformation::resources::{Failure, Work};
use crate::cloudformation::stack::Record;
use crate::fields::Fields;
use crate::service::Service::Ec2;

const GROUP: &str = "AWS::EC2::SecurityGroup";
const INGRESS: &str = "AWS::EC2::SecurityGroupIngress";
const EGRESS: &str = "AWS::EC2::SecurityGroupEgress";

/// Whether a type can be looked at.
pub(super) fn supported(kind: &str) -> bool {
    [GROUP, INGRESS, EGRESS].contains(&kind)
}

/// Looks at a resource; `None` for types that are not looked at, and for resources that were never made.
///
/// # Errors
/// The reason why it could not be looked at.
pub(super) async fn look(job: &Job, name: &str) -> Result<Option<ResourceDrift>, Failure> {
    let Some(record) = job.record(name) else {
        return Ok(None);
    };
    let Some(id) = record.physical_id.clone() else {
        return Ok(None);
    };
    let work = job.work(name, "");
    let actual = match record.kind.name {
        GROUP => group(job, &work, &record, &id).await,
        INGRESS | EGRESS => rule(&work, &record, &id).await,
        _ => return Ok(None),
    };
    let expected = record.properties.clone();
    let (status, actual, differences) = match actual {
        Err(failure) if failure.is_missing() => (DriftStatus::Deleted, Value::Null, Vec::new()),
        Err(failure) => return Err(failure),
        Ok(actual) => {
            let differences = differences(&expected, &actual);
            let status = if differences.is_empty() {
                DriftStatus::InSync
            } else {
                DriftStatus::Modified
            };
            (status, actual, differences)
        }
    };
    Ok(Some(ResourceDrift {
        status,
        at: job.sandbox.clock.now(),
        expected,
        actual,
        differences,
    }))
}

/// The properties of a group that its template says, as they are.
async fn group(job: &Job, work: &Work, record: &Record, id: &str) -> Result<Value, Failure> {
    let answer = work
        .call(Ec2, "DescribeSecurityGroups", json!({"GroupId": [id]}))
        .await?;
    let group = &answer["securityGroupInfo"][0];
    let filter = json!([{"Name": "group-id", "Value": [id]}]);
    let rules = work
        .call(Ec2, "DescribeSecurityGroupRules", json!({"Filter": filter}))
        .await?;
    // Rules that are resources of this stack are looked at as such. Those of other stacks cannot be told apart from
    // rules that somebody has added by hand, on AWS neither.
    let elsewhere: BTreeSet<String> = job.stack(|stack, _| {
        let records = stack.resources.values();
        records
            .filter(|record| [INGRESS, EGRESS].contains(&record.kind.name))
            .filter_map(|record| record.physical_id.clone())
            .collect()
    });
    let of_way = |egress: bool| -> Vec<Value> {
        let mut found: Vec<Value> = rules
            .list("securityGroupRuleSet")
            .iter()
            .filter(|rule| rule["isEgress"] == json!(egress))
            .filter(|rule| {
                let id = rule.text("securityGroupRuleId").unwrap_or_default();
                !elsewhere.contains(id)
            })
            .map(|rule| as_template(rule, egress))
            .collect();
        // EC2 promises no order; two looks at the same rules should tell the same.
        found.sort_by_key(|rule| (rule["FromPort"].as_i64(), rule.to_string()));
        found
    };
    let mut actual = Map::new();
    for name in record
        .properties
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
    {
        let value = match name.as_str() {
            "GroupDescription" => group["groupDescription"].clone(),
            "GroupName" => group["groupName"].clone(),
            "VpcId" => group["vpcId"].clone(),
            "SecurityGroupIngress" => of_way(false).into(),
            "SecurityGroupEgress" => of_way(true).into(),
            "Tags" => own_tags(job, record, group).into(),
            _ => continue,
        };
        actual.insert(name.clone(), value);
    }
    Ok(actual.into())
}

/// The group's tags without CloudFormation's own and those that the stack has given it.
fn own_tags(job: &Job, record: &Record, group: &Value) -> Vec<Value> {
    let of_stack = job.stack(|stack, _| stack.wish.tags.clone());
    let declared: Vec<&str> = record
        .properties
        .list("Tags")
        .iter()
        .filter_map(|tag| tag.text("Key"))
        .collect();
    group
        .list("tagSet")
        .iter()
        .filter(|tag| {
            let key = tag.text("key").unwrap_or_default();
            let inherited = of_stack.iter().any(|(name, _)| name == key);
            !key.starts_with("aws:") && (declared.contains(&key) || !inherited)
        })
        .map(|tag| json!({"Key": tag["key"], "Value": tag["value"]}))
        .collect()
}

/// A rule that is a resource of its own, as it is.
async fn rule(work: &Work, record: &Record, id: &str) -> Result<Value, Failure> {
    let input = json!({"SecurityGroupRuleId": [id]});
    let answer = work.call(Ec2, "DescribeSecurityGroupRules", input).await?;
    let rule = &answer["securityGroupRuleSet"][0];
    let mut actual = as_template(rule, record.kind.name == EGRESS);
    actual["GroupId"] = rule["groupId"].clone();
    Ok(actual)
}

/// A rule of EC2 in the words of a template.
fn as_template(rule: &Value, egress: bool) -> Value {
    let (list, group) = if egress {
        ("DestinationPrefixListId", "DestinationSecurityGroupId")
    } else {
        ("SourcePrefixListId", "SourceSecurityGroupId")
    };
    let all = rule["ipProtocol"] == "-1";
    let members = [
        ("CidrIp", rule.field("cidrIpv4")),
        ("CidrIpv6", rule.field("cidrIpv6")),
        ("Description", rule.field("description")),
        ("FromPort", rule.field("fromPort").filter(|_| !all)),
        ("IpProtocol", rule.field("ipProtocol")),
        ("ToPort", rule.field("toPort").filter(|_| !all)),
        (list, rule.field("prefixListId")),
        (
            group,
            rule.get("referencedGroupInfo")
                .and_then(|group| group.field("groupId")),
        ),
    ];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
        .collect::<Map<_, _>>()
        .into()
}

/// Everything that the template says and that is otherwise.
fn differences(expected: &Value, actual: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    let is_rule = expected.get("IpProtocol").is_some();
    if is_rule && rule_key(expected) == rule_key(actual) {
        return described("", expected, actual);
    }
    for (name, wanted) in expected.as_object().into_iter().flatten() {
        let path = format!("/{name}");
        let found = actual.get(name);
        match (name.as_str(), wanted, found) {
            ("Tags", Value::Array(wanted), Some(Value::Array(found))) => {
                let key = |tag: &Value| tag.text("Key").map(str::to_owned);
                let rest = |path: &str, wanted: &Value, found: &Value| {
                    let path = format!("{path}/Value");
                    let difference = plain(&path, &wanted["Value"], found.get("Value"));
                    difference.into_iter().collect()
                };
                differences.extend(lists(&path, wanted, found, key, rest));
            }
            (_, Value::Array(wanted), Some(Value::Array(found))) => {
                differences.extend(lists(&path, wanted, found, rule_key, described));
            }
            // Who owns the other group is not told apart: it is this account's, or a peer's under the same id.
            ("SourceSecurityGroupOwnerId", ..) => {}
            _ => differences.extend(plain(&path, wanted, found)),
        }
    }
    differences
}

/// A description, where the template has one.
fn described(path: &str, expected: &Value, actual: &Value) -> Vec<Difference> {
    let Some(wanted) = expected.get("Description") else {
        return Vec::new();
    };
    let path = format!("{path}/Description");
    plain(&path, wanted, actual.get("Description"))
        .into_iter()
        .collect()
}

/// What makes a rule the rule that it is, however a template writes it.
fn rule_key(rule: &Value) -> Vec<(&'static str, String)> {
    let text = |name: &str| rule.get(name).and_then(scalar).unwrap_or_default();
    let protocol = match text("IpProtocol").to_ascii_lowercase().as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        other => other.to_owned(),
    };
    let ports = |name: &str| {
        let port = text(name);
        // Protocols without ports have none, whatever the template says; no number means all.
        match protocol.as_str() {
            "tcp" | "udp" | "icmp" | "icmpv6" if port.is_empty() => "-1".to_owned(),
            "tcp" | "udp" | "icmp" | "icmpv6" => port,
            _ => String::new(),
        }
    };
    let (from, to) = (ports("FromPort"), ports("ToPort"));
    let net = |name: &str| match text(name).parse::<ipnet::IpNet>() {
        Ok(net) => net.trunc().to_string(),
        Err(_) => text(name),
    };
    vec![
        ("IpProtocol", protocol.clone()),
        ("FromPort", from),
        ("ToPort", to),
        ("CidrIp", net("CidrIp")),
        ("CidrIpv6", net("CidrIpv6")),
        ("SourcePrefixListId", text("SourcePrefixListId")),
        ("DestinationPrefixListId", text("DestinationPrefixListId")),
        ("SourceSecurityGroupId", text("SourceSecurityGroupId")),
        (
            "DestinationSecurityGroupId",
            text("DestinationSecurityGroupId"),
        ),
    ]
}
