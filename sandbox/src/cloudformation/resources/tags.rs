//! The tags of resources: what a template says, what the stack adds, what a change comes to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::violation;
use super::work::Failure;
use super::{Update, Work};
use crate::cloudformation::parameters::scalar;
use crate::service::Service;

/// The tags that a resource is to have: the stack's, and its own, which win. CloudFormation's own are not among them.
///
/// # Errors
/// When the property `Tags` does not look so.
pub(in crate::cloudformation) fn wanted(
    logical_id: &str,
    properties: &Value,
    stack_tags: &[(String, String)],
) -> Result<Vec<(String, String)>, Failure> {
    let mut tags: BTreeMap<String, String> = stack_tags.iter().cloned().collect();
    let own = match properties.get("Tags") {
        None => &[][..],
        Some(Value::Array(own)) => own,
        Some(_) => return Err(violation(logical_id, "#/Tags: expected type: JSONArray")),
    };
    for (index, tag) in own.iter().enumerate() {
        let path = format!("#/Tags/{index}");
        super::schema::shape(logical_id, &path, tag, &["Key", "Value"], &["Key", "Value"])?;
        let text = |name: &str| {
            tag.get(name).and_then(scalar).ok_or_else(|| {
                violation(logical_id, &format!("{path}/{name}: expected type: String"))
            })
        };
        tags.insert(text("Key")?, text("Value")?);
    }
    Ok(tags.into_iter().collect())
}

/// The keys to take away and the tags to set.
pub(super) fn difference(update: &Update<'_>) -> (Vec<String>, Vec<(String, String)>) {
    let removed = update
        .old_tags
        .iter()
        .filter(|(key, _)| !update.new_tags.iter().any(|(new, _)| new == key))
        .map(|(key, _)| key.clone())
        .collect();
    let set = update
        .new_tags
        .iter()
        .filter(|tag| !update.old_tags.contains(tag))
        .cloned()
        .collect();
    (removed, set)
}

/// `[{Key, Value}, …]`.
pub(in crate::cloudformation) fn list(tags: &[(String, String)]) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// `{"key": "value", …}`.
pub(super) fn map(tags: &[(String, String)]) -> Value {
    tags.iter()
        .map(|(key, value)| (key.clone(), Value::from(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Changes the tags of something in EC2.
pub(super) async fn update_ec2(work: &Work, update: &Update<'_>) -> Result<(), Failure> {
    let (removed, set) = difference(update);
    if !removed.is_empty() {
        let keys: Value = removed.into_iter().map(|key| json!({"Key": key})).collect();
        work.call(
            Service::Ec2,
            "DeleteTags",
            json!({"ResourceId": [update.physical_id], "Tag": keys}),
        )
        .await?;
    }
    if !set.is_empty() {
        work.call(
            Service::Ec2,
            "CreateTags",
            json!({"ResourceId": [update.physical_id], "Tag": list(&set)}),
        )
        .await?;
    }
    Ok(())
}
