//! Log groups.

use serde_json::{Value, json};

use super::schema::{fixed, mutable};
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Logs;

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "AWS::Logs::LogGroup",
    family: Family::Logs,
    properties: &[
        fixed("LogGroupClass"),
        fixed("LogGroupName"),
        mutable("RetentionInDays"),
        mutable("Tags"),
    ],
    attributes: &["Arn"],
    name_property: Some("LogGroupName"),
    taggable: true,
}];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    if kind != "AWS::Logs::LogGroup" {
        return Err(unhandled(kind));
    }
    let name = work.name(properties, "LogGroupName", 512)?;
    let input = json!({
        "logGroupName": name,
        "logGroupClass": work.text(properties, "LogGroupClass")?,
        "tags": work.tag_map(Logs),
    });
    work.call(Logs, "CreateLogGroup", input).await?;
    work.initiated(&name);
    if let Some(days) = work.int(properties, "RetentionInDays")? {
        work.call(
            Logs,
            "PutRetentionPolicy",
            json!({"logGroupName": name, "retentionInDays": days}),
        )
        .await?;
    }
    let arn = work.arn("logs", &format!("log-group:{name}:*"));
    Ok(Made::new(name, json!({"Arn": arn})))
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != "AWS::Logs::LogGroup" {
        return Err(unhandled(kind));
    }
    let name = update.physical_id;
    if update.has("RetentionInDays") {
        let (operation, input) = match work.int(update.new, "RetentionInDays")? {
            Some(days) => (
                "PutRetentionPolicy",
                json!({"logGroupName": name, "retentionInDays": days}),
            ),
            None => ("DeleteRetentionPolicy", json!({"logGroupName": name})),
        };
        work.call(Logs, operation, input).await?;
    }
    let arn = work.arn("logs", &format!("log-group:{name}"));
    let tagged = tags::Tagged {
        members: ["tagKeys", "tags"],
        spell: tags::map,
        ..tags::Tagged::usual(Logs, "resourceArn", &arn)
    };
    tagged.follow(work, update).await?;
    Ok(update.unchanged())
}

pub(super) async fn delete(work: &Work, name: &str) -> Result<(), Failure> {
    work.tell(Logs, "DeleteLogGroup", json!({"logGroupName": name}))
        .await
}
