//! What changed from one configuration item to the next, as AWS writes `configurationItemDiff`.
//!
//! Members are named by their path (`Configuration.GroupName`). Lists are compared as sets: what is only
//! in the old one is a DELETE, what is only in the new one a CREATE, numbered in that order, as in AWS's
//! published items of security groups.

use serde_json::{Map, Value, json};

use super::item::{Item, Status};

/// `null` where there is nothing to compare with.
pub(super) fn diff(previous: Option<&Item>, item: &Item) -> Value {
    let change = match item.status {
        Status::Discovered => return json!({"changedProperties": {}, "changeType": "CREATE"}),
        Status::Ok => "UPDATE",
        Status::Deleted => "DELETE",
        // The resource did not change, or nobody knows how.
        Status::NotRecorded | Status::DeletedNotRecorded => return Value::Null,
    };
    let Some(previous) = previous else {
        return Value::Null;
    };
    let mut changes = Map::new();
    list(
        &mut changes,
        "Relationships",
        &previous.relationships_in_events(),
        &item.relationships_in_events(),
    );
    compare(
        &mut changes,
        "Configuration",
        &previous.configuration,
        &item.configuration,
    );
    json!({"changedProperties": changes, "changeType": change})
}

fn compare(changes: &mut Map<String, Value>, path: &str, old: &Value, new: &Value) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in old {
                let other = new.get(name).unwrap_or(&Value::Null);
                compare(changes, &below(path, name), value, other);
            }
            for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                compare(changes, &below(path, name), &Value::Null, value);
            }
        }
        (Value::Array(old), Value::Array(new)) => list(changes, path, old, new),
        _ => {
            changes.insert(path.to_owned(), change(old, new));
        }
    }
}

fn list(changes: &mut Map<String, Value>, path: &str, old: &[Value], new: &[Value]) {
    let gone = old.iter().filter(|value| !new.contains(value));
    let come = new.iter().filter(|value| !old.contains(value));
    let all = gone
        .map(|value| change(value, &Value::Null))
        .chain(come.map(|value| change(&Value::Null, value)));
    for (index, change) in all.enumerate() {
        changes.insert(format!("{path}.{index}"), change);
    }
}

fn change(old: &Value, new: &Value) -> Value {
    let kind = match (old, new) {
        (Value::Null, _) => "CREATE",
        (_, Value::Null) => "DELETE",
        _ => "UPDATE",
    };
    json!({"previousValue": old, "updatedValue": new, "changeType": kind})
}

/// Paths are written with capitals although the members are not.
fn below(path: &str, name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => format!("{path}.{}{}", first.to_uppercase(), letters.as_str()),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::item;

    #[test]
    fn an_opened_port_is_a_created_permission() {
        let closed = item(
            Status::Ok,
            json!({"groupName": "LabSG1", "ipPermissions": [{"fromPort": 80}]}),
        );
        let open = item(
            Status::Ok,
            json!({"groupName": "LabSG1", "ipPermissions": [{"fromPort": 80}, {"fromPort": 465}]}),
        );
        assert_eq!(
            diff(Some(&closed), &open),
            json!({"changeType": "UPDATE", "changedProperties": {
                "Configuration.IpPermissions.0": {
                    "previousValue": null, "updatedValue": {"fromPort": 465}, "changeType": "CREATE"}}})
        );
        assert_eq!(diff(None, &open), Value::Null);
    }

    #[test]
    fn a_deleted_resource_loses_its_configuration() {
        let live = item(Status::Ok, json!({"groupName": "LabSG1"}));
        let gone = item(Status::Deleted, Value::Null);
        assert_eq!(
            diff(Some(&live), &gone)["changedProperties"]["Configuration"]["changeType"],
            "DELETE"
        );
    }

    #[test]
    fn relationships_have_the_names_of_events() {
        let mut before = item(Status::Ok, Value::Null);
        let after = before.clone();
        before.relationships = vec![json!({
            "resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "relationshipName": "Is contained in Vpc"})];
        let change = &diff(Some(&before), &after)["changedProperties"]["Relationships.0"];
        let expected = json!({"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "resourceName": null,
            "name": "Is contained in Vpc"});
        assert_eq!(change["previousValue"], expected);
    }
}
