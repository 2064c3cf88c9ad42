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
fn difference(update: &Update<'_>) -> (Vec<String>, Vec<(String, String)>) {
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

/// How a service, other than EC2, names a tagged resource and takes its tags on and off.
pub(super) struct Tagged<'t> {
    pub(super) service: Service,
    /// The operations that take tags off and put them on.
    pub(super) operations: [&'static str; 2],
    /// The member that names the resource, and its name.
    pub(super) resource: (&'static str, &'t str),
    /// Another member that the operations want, and its value.
    pub(super) also: Option<(&'static str, &'static str)>,
    /// The members that hold keys to take off, and tags to put on.
    pub(super) members: [&'static str; 2],
    /// How the service spells tags: [`list`] or [`map`].
    pub(super) spell: fn(&[(String, String)]) -> Value,
}

impl<'t> Tagged<'t> {
    /// What most services agree on; `member` names the resource.
    pub(super) fn usual(service: Service, member: &'static str, resource: &'t str) -> Self {
        Self {
            service,
            operations: ["UntagResource", "TagResource"],
            resource: (member, resource),
            also: None,
            members: ["TagKeys", "Tags"],
            spell: list,
        }
    }

    /// Makes the tags what the changed template says.
    pub(super) async fn follow(self, work: &Work, update: &Update<'_>) -> Result<(), Failure> {
        let (removed, set) = difference(update);
        let steps = [
            (removed.is_empty(), json!(removed)),
            (set.is_empty(), (self.spell)(&set)),
        ];
        let (member, resource) = self.resource;
        for (index, (nothing, tags)) in steps.into_iter().enumerate() {
            if nothing {
                continue;
            }
            let mut input = json!({});
            input[member] = resource.into();
            if let Some((member, value)) = self.also {
                input[member] = value.into();
            }
            input[self.members[index]] = tags;
            work.call(self.service, self.operations[index], input)
                .await?;
        }
        Ok(())
    }
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
