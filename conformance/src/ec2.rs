//! EC2 from Rust: `aws-calls` for what it can say, the query protocol by hand for all else.
//!
//! `aws-sdk-ec2` alone takes longer to build than everything else together.

use std::collections::BTreeSet;

use aws_calls::GroupQuery;
use remediator_core::{GroupId, Rule};
use serde_json::{Map, Value, json};

use crate::raw::Http;
use crate::world::World;
use crate::{Reply, Request};

/// Calls EC2.
pub(crate) async fn call(client: &aws_calls::Client, world: &World, request: &Request) -> Reply {
    let input = &request.input;
    let ours = match request.operation.as_str() {
        "AuthorizeSecurityGroupIngress" => match rules(input) {
            Some((group, rules)) => Some(
                client
                    .authorize_security_group_ingress(&group, &rules)
                    .await
                    .map(|()| json!({"Return": true})),
            ),
            None => None,
        },
        "RevokeSecurityGroupIngress" => match rules(input) {
            Some((group, rules)) => Some(
                client
                    .revoke_security_group_ingress(&group, &rules)
                    .await
                    .map(|revoked| {
                        json!({"Return": true, "UnknownIpPermissions": vec![json!({}); revoked.unknown]})
                    }),
            ),
            None => None,
        },
        "DescribeSecurityGroups" => match group_query(input) {
            Some(query) => match client.describe_security_groups(&query).await {
                // That it parses is known now; scenarios ask for more than it keeps, so the answer itself follows.
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            },
            None => None,
        },
        _ => None,
    };
    match ours {
        Some(Ok(output)) => Reply::Output(output),
        Some(Err(error)) => match error.code() {
            Some(code) => Reply::Error {
                code: code.to_owned(),
                message: error.message().unwrap_or_default().to_owned(),
            },
            None => Reply::no_answer(error.to_string()),
        },
        None => by_hand(world, request).await,
    }
}

/// The rules of an input that `aws-calls` can send: by group id, and nothing but rules in canonical form.
fn rules(input: &Value) -> Option<(GroupId, BTreeSet<Rule>)> {
    let members = input.as_object()?;
    if members.len() != 2 {
        return None;
    }
    let group: GroupId = members.get("GroupId")?.as_str()?.parse().ok()?;
    let mut rules = BTreeSet::new();
    for permission in members.get("IpPermissions")?.as_array()? {
        let permission = permission.as_object()?;
        let protocol = permission.get("IpProtocol")?.as_str()?.parse().ok()?;
        let port = |name: &str| permission.get(name).and_then(Value::as_i64);
        for (name, sources) in permission {
            let source_name = match name.as_str() {
                "IpProtocol" | "FromPort" | "ToPort" => continue,
                "IpRanges" => "CidrIp",
                "Ipv6Ranges" => "CidrIpv6",
                "PrefixListIds" => "PrefixListId",
                "UserIdGroupPairs" => "GroupId",
                _ => return None,
            };
            for source in sources.as_array()? {
                let source = source.as_object()?;
                let text = source.get(source_name)?.as_str()?;
                // A description, another account or host bits would be lost on the way.
                if source.len() != 1 {
                    return None;
                }
                let parsed: remediator_core::Source = text.parse().ok()?;
                if parsed.to_string() != text {
                    return None;
                }
                rules.insert(
                    Rule::from_ec2(protocol, port("FromPort"), port("ToPort"), parsed).ok()?,
                );
            }
        }
    }
    (!rules.is_empty()).then_some((group, rules))
}

fn group_query(input: &Value) -> Option<GroupQuery> {
    let members = input.as_object()?;
    let mut query = GroupQuery::default();
    for (name, value) in members {
        match name.as_str() {
            "GroupIds" => {
                for id in value.as_array()? {
                    query.ids.push(id.as_str()?.parse().ok()?);
                }
            }
            "Filters" => {
                for filter in value.as_array()? {
                    let values = filter.get("Values")?.as_array()?.iter();
                    let values: Vec<&str> = values.filter_map(Value::as_str).collect();
                    query = query.and_filter(filter.get("Name")?.as_str()?, values);
                }
            }
            _ => return None,
        }
    }
    Some(query)
}

async fn by_hand(world: &World, request: &Request) -> Reply {
    let Request {
        operation, input, ..
    } = request;
    let mut form = vec![
        ("Action".to_owned(), operation.clone()),
        ("Version".to_owned(), "2016-11-15".to_owned()),
    ];
    flatten(operation, "", input, &mut form);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&form)
        .finish();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let http = Http::new(world);
    let answer = http.try_send("POST", "/", &request.keys, "ec2", &kind, body);
    let Some((status, body)) = answer.await else {
        return Reply::no_answer("the connection was closed");
    };
    let document = roxmltree::Document::parse(&body)
        .unwrap_or_else(|error| panic!("EC2 answered no XML ({error}): {body}"));
    let root = document.root_element();
    if status < 300 {
        return Reply::Output(tree(root));
    }
    let text = |tag: &str| {
        let found = root.descendants().find(|node| node.has_tag_name(tag));
        found
            .and_then(|node| node.text())
            .unwrap_or_default()
            .to_owned()
    };
    Reply::Error {
        code: text("Code"),
        message: text("Message"),
    }
}

/// EC2's query names: the model's `queryName`, mostly the singular where boto3 has the plural.
fn wire_name(operation: &str, path: &str, name: &str) -> String {
    match name {
        "Filters"
        | "TagSpecifications"
        | "GroupIds"
        | "GroupNames"
        | "VpcIds"
        | "SubnetIds"
        | "Tags"
        | "Values"
        | "SecurityGroupRuleIds"
        | "SecurityGroupRules"
        | "SecurityGroupRuleDescriptions"
        | "PrefixListIds" => {
            // Inside a permission the lists have their own names.
            if path.contains("IpPermissions") {
                name.to_owned()
            } else {
                name.trim_end_matches('s').to_owned()
            }
        }
        "Resources" => "ResourceId".to_owned(),
        "Entries" | "VpcPeeringConnectionIds" | "AddEntries" | "RemoveEntries" => {
            name.replace("ies", "y").trim_end_matches('s').to_owned()
        }
        "UserIdGroupPairs" => "Groups".to_owned(),
        "Description" if operation == "CreateSecurityGroup" => "GroupDescription".to_owned(),
        other => other.to_owned(),
    }
}

fn flatten(operation: &str, path: &str, value: &Value, form: &mut Vec<(String, String)>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = below(&wire_name(operation, path, name));
                flatten(operation, &name, member, form);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(operation, &below(&(index + 1).to_string()), item, form);
            }
        }
        Value::String(text) => form.push((path.to_owned(), text.clone())),
        other => form.push((path.to_owned(), other.to_string())),
    }
}

/// The answer's XML, with the names that the API model gives to what stands on the wire.
fn tree(node: roxmltree::Node<'_, '_>) -> Value {
    let children: Vec<_> = node.children().filter(|child| child.is_element()).collect();
    if children.is_empty() {
        return match node.text() {
            Some(text) => json!(text),
            // An empty element is an empty list far more often than an empty text.
            None => json!([]),
        };
    }
    if children.iter().all(|child| child.has_tag_name("item")) {
        return Value::Array(children.into_iter().map(tree).collect());
    }
    let mut members = Map::new();
    for child in children {
        let wire = child.tag_name().name();
        let name = match wire {
            "securityGroupInfo" => "SecurityGroups",
            "staleSecurityGroupSet" => "StaleSecurityGroupSet",
            "availabilityZoneInfo" => "AvailabilityZones",
            "regionInfo" => "Regions",
            "groups" => "UserIdGroupPairs",
            "groupDescription" => "Description",
            "return" => "Return",
            other => match other.strip_suffix("Set") {
                Some(one) => &format!("{one}s"),
                None => other,
            },
        };
        members.insert(name.to_owned(), tree(child));
    }
    Value::Object(members)
}
