//! EventBridge rules with their targets.

use serde_json::{Value, json};

use super::schema::{fixed, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Events;

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "AWS::Events::Rule",
    family: Family::Events,
    properties: &[
        mutable("Description"),
        fixed("EventBusName"),
        mutable("EventPattern"),
        fixed("Name"),
        mutable("RoleArn"),
        mutable("ScheduleExpression"),
        mutable("State"),
        mutable("Tags"),
        mutable("Targets"),
    ],
    attributes: &["Arn"],
    name_property: Some("Name"),
    taggable: true,
}];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    if kind != "AWS::Events::Rule" {
        return Err(unhandled(kind));
    }
    let name = work.name(properties, "Name", 64)?;
    let mut input = rule(work, &name, properties)?;
    input["Tags"] = work.tag_list(Events);
    let answer = work.call(Events, "PutRule", input).await?;
    work.initiated(&name);
    put_targets(work, &name, properties).await?;
    let arn = answered(&answer, "/RuleArn")?;
    Ok(Made::new(name, json!({"Arn": arn})))
}

/// The input that makes or changes the rule itself. What the service does not take, it says.
fn rule(work: &Work, name: &str, properties: &Value) -> Result<Value, Failure> {
    let pattern = match properties.get("EventPattern") {
        None => None,
        Some(_) => Some(work.document(properties, "EventPattern")?),
    };
    Ok(json!({
        "Name": name,
        "EventPattern": pattern,
        "Description": work.text(properties, "Description")?,
        "State": work.text(properties, "State")?,
        "EventBusName": work.text(properties, "EventBusName")?,
        "ScheduleExpression": work.text(properties, "ScheduleExpression")?,
        "RoleArn": work.text(properties, "RoleArn")?,
    }))
}

async fn put_targets(work: &Work, name: &str, properties: &Value) -> Result<(), Failure> {
    let targets = work.items(properties, "Targets")?;
    if targets.is_empty() {
        return Ok(());
    }
    let input = json!({"Rule": name, "Targets": targets});
    work.tell(Events, "PutTargets", input).await
}

async fn remove_targets(work: &Work, name: &str, ids: &[&str]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let input = json!({"Rule": name, "Ids": ids});
    work.tell(Events, "RemoveTargets", input).await
}

fn ids(targets: &[Value]) -> Vec<&str> {
    let ids = targets.iter().map(|target| target["Id"].as_str());
    ids.flatten().collect()
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != "AWS::Events::Rule" {
        return Err(unhandled(kind));
    }
    let name = update.physical_id;
    let itself = [
        "Description",
        "EventPattern",
        "RoleArn",
        "ScheduleExpression",
        "State",
    ];
    if itself.iter().any(|property| update.has(property)) {
        let input = rule(work, name, update.new)?;
        work.call(Events, "PutRule", input).await?;
    }
    if update.has("Targets") {
        // First what is wanted, so that no event is lost in between.
        let wanted = ids(work.items(update.new, "Targets")?);
        let mut gone = ids(work.items(update.old, "Targets")?);
        gone.retain(|id| !wanted.contains(id));
        put_targets(work, name, update.new).await?;
        remove_targets(work, name, &gone).await?;
    }
    let arn = work.arn("events", &format!("rule/{name}"));
    tags::Tagged::usual(Events, "ResourceARN", &arn)
        .follow(work, update)
        .await?;
    Ok(update.unchanged())
}

pub(super) async fn delete(work: &Work, name: &str) -> Result<(), Failure> {
    let listed = work
        .call(Events, "ListTargetsByRule", json!({"Rule": name}))
        .await?;
    let targets = listed["Targets"].as_array().cloned().unwrap_or_default();
    remove_targets(work, name, &ids(&targets)).await?;
    work.tell(Events, "DeleteRule", json!({"Name": name})).await
}
