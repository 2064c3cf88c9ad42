//! `requestParameters` and `responseElements`: the call's input and output as CloudTrail writes them.

use serde_json::{Map, Value, json};

use crate::fields::Fields;
use crate::journal::Entry;
use crate::service::Service;

/// The event's name. Lambda's carry the date of the API version that brought the operation.
pub(super) fn event_name(service: Service, operation: &str) -> String {
    let suffix = match (service, operation) {
        (
            Service::Lambda,
            "CreateFunction" | "DeleteFunction" | "ListFunctions" | "CreateAlias",
        ) => "20150331",
        (Service::Lambda, "PublishVersion" | "UpdateAlias" | "DeleteAlias") => "20150331",
        (
            Service::Lambda,
            "AddPermission"
            | "RemovePermission"
            | "UpdateFunctionCode"
            | "UpdateFunctionConfiguration"
            | "GetFunction"
            | "GetPolicy",
        ) => "20150331v2",
        (Service::Lambda, "PutFunctionConcurrency" | "DeleteFunctionConcurrency") => "20171031",
        (Service::Lambda, "TagResource" | "UntagResource") => "20170331v2",
        _ => "",
    };
    format!("{operation}{suffix}")
}

pub(super) fn request(service: Service, entry: &Entry) -> Value {
    let Value::Object(mut members) = entry.input.value() else {
        return Value::Null;
    };
    // What the query protocols add around the input.
    members.remove("Action");
    members.remove("Version");
    if members.is_empty() {
        return Value::Null;
    }
    match service {
        Service::Ec2 => ec2_request(members),
        Service::S3 => s3_request(members),
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Events
        | Service::Iam
        | Service::Lambda
        | Service::Logs
        | Service::Quotas
        | Service::Scheduler
        | Service::SecretsManager
        | Service::Sns
        | Service::Ssm
        | Service::Sts => camel(&Value::Object(members)),
    }
}

pub(super) fn response(service: Service, entry: &Entry) -> Value {
    let answer = entry.answer.value();
    match (&answer, service) {
        (Value::Object(members), Service::Ec2) => {
            let mut shown = Map::new();
            shown.insert("requestId".to_owned(), json!(entry.request_id));
            for (name, value) in members {
                let name = if name == "return" { "_return" } else { name };
                shown.insert(name.to_owned(), items(value));
            }
            Value::Object(shown)
        }
        (Value::Object(members), _) if !members.is_empty() => camel(&answer),
        _ => Value::Null,
    }
}

/// Names with a small first letter, at every depth. Names that are data (tags, attributes of SNS) keep
/// theirs only where they begin with one.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (lower(name), camel(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.iter().map(camel).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn lower(name: &str) -> String {
    // `Name|item` is a note for the XML writer.
    let name = name.split('|').next().unwrap_or(name);
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_ascii_lowercase().to_string() + chars.as_str(),
        None => String::new(),
    }
}

/// EC2's lists are `{"items": […]}`, empty ones `{}`.
fn items(value: &Value) -> Value {
    match value {
        Value::Array(values) if values.is_empty() => json!({}),
        Value::Array(values) => json!({"items": values.iter().map(items).collect::<Vec<_>>()}),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (lower(name), items(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn s3_request(members: Map<String, Value>) -> Value {
    members
        .into_iter()
        .map(|(name, value)| match name.as_str() {
            "Bucket" => ("bucketName".to_owned(), value),
            // S3's parameters keep the names that they have in requests.
            _ => (name, value),
        })
        .collect::<Map<_, _>>()
        .into()
}

/// EC2 knows most lists by a name of their own.
fn ec2_request(mut members: Map<String, Value>) -> Value {
    let mut shown = Map::new();
    if let Some(permission) = single_permission(&mut members) {
        shown.insert("ipPermissions".to_owned(), json!({"items": [permission]}));
    }
    for (name, value) in &members {
        let texts = |key: &str| -> Value {
            let texts = value.as_array().into_iter().flatten();
            let items: Vec<Value> = texts.map(|text| json!({ key: text })).collect();
            json!({ "items": items })
        };
        let (name, value) = match (name.as_str(), value) {
            ("IpPermissions", Value::Array(permissions)) => {
                let permissions: Vec<Value> = permissions.iter().map(permission).collect();
                ("ipPermissions".to_owned(), json!({"items": permissions}))
            }
            ("GroupId", Value::Array(_)) => ("securityGroupIdSet".to_owned(), texts("groupId")),
            ("GroupName", Value::Array(_)) => ("securityGroupSet".to_owned(), texts("groupName")),
            ("SecurityGroupRuleId", Value::Array(_)) => (
                "securityGroupRuleIds".to_owned(),
                texts("securityGroupRuleId"),
            ),
            ("ResourceId", Value::Array(_)) => ("resourcesSet".to_owned(), texts("resourceId")),
            ("VpcId", Value::Array(_)) => ("vpcSet".to_owned(), texts("vpcId")),
            ("SubnetId", Value::Array(_)) => ("subnetSet".to_owned(), texts("subnetId")),
            ("Tag", Value::Array(tags)) => ("tagSet".to_owned(), items(&json!(tags))),
            ("TagSpecification", Value::Array(given)) => {
                let given: Vec<Value> = given.iter().map(tag_specification).collect();
                ("tagSpecificationSet".to_owned(), json!({"items": given}))
            }
            ("Filter", Value::Array(filters)) => {
                let filters: Vec<Value> = filters.iter().map(filter).collect();
                ("filterSet".to_owned(), json!({"items": filters}))
            }
            (name, value) => (lower(name), items(&plain(value))),
        };
        shown.insert(name, value);
    }
    Value::Object(shown)
}

/// Takes out the one permission that a request may write without a list.
fn single_permission(members: &mut Map<String, Value>) -> Option<Value> {
    const PARTS: [&str; 4] = ["IpProtocol", "FromPort", "ToPort", "CidrIp"];
    members.contains_key("IpProtocol").then(|| {
        let mut given = Map::new();
        for part in PARTS {
            if let Some(value) = members.remove(part) {
                given.insert(part.to_owned(), value);
            }
        }
        if let Some(range) = given.remove("CidrIp") {
            given.insert("IpRanges".to_owned(), json!([{"CidrIp": range}]));
        }
        permission(&Value::Object(given))
    })
}

/// All four kinds of sources are there, also those that are empty.
fn permission(given: &Value) -> Value {
    let mut shown = Map::new();
    for (name, key) in [
        ("IpProtocol", "ipProtocol"),
        ("FromPort", "fromPort"),
        ("ToPort", "toPort"),
    ] {
        if let Some(value) = given.field(name) {
            let value = if name == "IpProtocol" {
                value.clone()
            } else {
                plain(value)
            };
            shown.insert(key.to_owned(), value);
        }
    }
    for (names, key) in [
        (["Groups", "UserIdGroupPairs"], "groups"),
        (["IpRanges", ""], "ipRanges"),
        (["Ipv6Ranges", ""], "ipv6Ranges"),
        (["PrefixListIds", ""], "prefixListIds"),
    ] {
        let found = names.iter().find_map(|name| given.field(name));
        let sources = found.cloned().unwrap_or(json!([]));
        shown.insert(key.to_owned(), items(&sources));
    }
    Value::Object(shown)
}

fn tag_specification(given: &Value) -> Value {
    let tags: Vec<Value> = given.list("Tag").iter().map(camel).collect();
    json!({"resourceType": given.text("ResourceType"), "tags": tags})
}

fn filter(given: &Value) -> Value {
    let values: Vec<Value> = given
        .list("Value")
        .iter()
        .map(|value| json!({"value": value}))
        .collect();
    json!({"name": given.text("Name"), "valueSet": {"items": values}})
}

/// The query protocol knows only strings; CloudTrail shows numbers and truth values as such.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "true" => json!(true),
        Value::String(text) if text == "false" => json!(false),
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => json!(number),
            _ => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.clone()
        }
    }
}
