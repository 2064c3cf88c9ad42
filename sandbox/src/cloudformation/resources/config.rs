//! AWS Config: recorder, delivery channel, rules.
//!
//! Recorder and channel are made side by side on AWS: the recorder is complete when it records, which takes a channel;
//! the channel cannot be made before there is a recorder. So neither may depend on the other, and a template in which
//! one does fails here as it does there.

use serde_json::{Map, Value, json};

use super::schema::{fixed, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, unhandled};
use crate::service::Service::Config;

const RECORDER: &str = "AWS::Config::ConfigurationRecorder";
const CHANNEL: &str = "AWS::Config::DeliveryChannel";
const RULE: &str = "AWS::Config::ConfigRule";

/// How long something that is being deleted or stopped is left alone before it is looked at again.
const PAUSE: time::Duration = time::Duration::milliseconds(10);

/// How long a channel's deletion is tried while its stopped recorder still holds it.
const PATIENCE: time::Duration = time::Duration::minutes(2);

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: RECORDER,
        family: Family::Config,
        properties: &[
            fixed("Name"),
            mutable("RecordingGroup"),
            mutable("RecordingMode"),
            must_mutable("RoleARN"),
        ],
        attributes: &[],
        name_property: Some("Name"),
        taggable: false,
    },
    Kind {
        name: CHANNEL,
        family: Family::Config,
        properties: &[
            mutable("ConfigSnapshotDeliveryProperties"),
            fixed("Name"),
            must_mutable("S3BucketName"),
            mutable("S3KeyPrefix"),
            mutable("S3KmsKeyArn"),
            mutable("SnsTopicARN"),
        ],
        attributes: &[],
        name_property: Some("Name"),
        taggable: false,
    },
    Kind {
        name: RULE,
        family: Family::Config,
        properties: &[
            fixed("ConfigRuleName"),
            mutable("Description"),
            mutable("EvaluationModes"),
            mutable("InputParameters"),
            mutable("MaximumExecutionFrequency"),
            mutable("Scope"),
            must_mutable("Source"),
        ],
        attributes: &["Arn", "ConfigRuleId"],
        name_property: Some("ConfigRuleName"),
        taggable: false,
    },
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        RECORDER => recorder(work, properties).await,
        CHANNEL => channel(work, properties).await,
        RULE => {
            let name = work.name(properties, "ConfigRuleName", 128)?;
            refuse_existing(work, "DescribeConfigRules", "ConfigRuleNames", &name).await?;
            put_rule(work, &name, properties).await?;
            work.initiated(&name);
            rule(work, &name).await
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    let name = update.physical_id;
    match kind {
        RECORDER => put_recorder(work, name, update.new).await?,
        CHANNEL => put_channel(work, name, update.new).await?,
        RULE => put_rule(work, name, update.new).await?,
        other => return Err(unhandled(other)),
    }
    Ok(update.unchanged())
}

pub(super) async fn delete(work: &Work, kind: &str, name: &str) -> Result<(), Failure> {
    match kind {
        RECORDER => {
            let input = json!({"ConfigurationRecorderName": name});
            work.call(Config, "StopConfigurationRecorder", input.clone())
                .await?;
            work.tell(Config, "DeleteConfigurationRecorder", input)
                .await
        }
        CHANNEL => delete_channel(work, name).await,
        RULE => {
            let input = json!({"ConfigRuleName": name});
            work.call(Config, "DeleteConfigRule", input).await?;
            // It is gone when it is found no more.
            let clock = &work.job.sandbox.clock;
            loop {
                let input = json!({"ConfigRuleNames": [name]});
                work.call(Config, "DescribeConfigRules", input).await?;
                clock.wait_until(clock.now() + PAUSE).await;
            }
        }
        other => Err(unhandled(other)),
    }
}

async fn recorder(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let name = work.name(properties, "Name", 256)?;
    let (operation, member) = (
        "DescribeConfigurationRecorders",
        "ConfigurationRecorderNames",
    );
    refuse_existing(work, operation, member, &name).await?;
    put_recorder(work, &name, properties).await?;
    work.initiated(&name);
    let start = async || {
        let input = json!({"ConfigurationRecorderName": name});
        work.call(Config, "StartConfigurationRecorder", input).await
    };
    match start().await {
        Err(failure) if failure.code == "NoAvailableDeliveryChannelException" => {
            if !work.sibling(CHANNEL).await {
                return Err(alone(work, failure));
            }
            start().await?;
        }
        other => drop(other?),
    }
    Ok(Made::new(name, json!({})))
}

async fn channel(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let name = work.name(properties, "Name", 256)?;
    let (operation, member) = ("DescribeDeliveryChannels", "DeliveryChannelNames");
    refuse_existing(work, operation, member, &name).await?;
    match put_channel(work, &name, properties).await {
        Err(failure) if failure.code == "NoAvailableConfigurationRecorderException" => {
            if !work.sibling(RECORDER).await {
                return Err(alone(work, failure));
            }
            put_channel(work, &name, properties).await?;
        }
        other => other?,
    }
    work.initiated(&name);
    Ok(Made::new(name, json!({})))
}

/// The failure of a recorder without a channel, or the other way round.
fn alone(work: &Work, mut failure: Failure) -> Failure {
    if work.updating() {
        failure.reason += " (the sandbox makes the resources of an update one after the other; recorder and delivery channel can only be made together with the stack)";
    }
    failure
}

/// Putting overwrites what is there, but what is there is not the stack's.
async fn refuse_existing(
    work: &Work,
    operation: &str,
    member: &str,
    name: &str,
) -> Result<(), Failure> {
    match work.call(Config, operation, json!({member: [name]})).await {
        Err(failure) if failure.is_missing() => Ok(()),
        Err(failure) => Err(failure),
        Ok(_) => Err(Failure::handler(
            work,
            &format!("{name} already exists"),
            "AlreadyExists",
        )),
    }
}

async fn put_recorder(work: &Work, name: &str, properties: &Value) -> Result<(), Failure> {
    if let Some(group) = properties.get("RecordingGroup") {
        let members = [
            "AllSupported",
            "ExclusionByResourceTypes",
            "IncludeGlobalResourceTypes",
            "RecordingStrategy",
            "ResourceTypes",
        ];
        work.shape("#/RecordingGroup", group, &members, &[])?;
    }
    if let Some(mode) = properties.get("RecordingMode") {
        let members = ["RecordingFrequency", "RecordingModeOverrides"];
        work.shape("#/RecordingMode", mode, &members, &["RecordingFrequency"])?;
    }
    let input = json!({"ConfigurationRecorder": {
        "name": name,
        "roleARN": work.required(properties, "RoleARN")?,
        "recordingGroup": properties.get("RecordingGroup").map(camel),
        "recordingMode": properties.get("RecordingMode").map(camel),
    }});
    work.tell(Config, "PutConfigurationRecorder", input).await
}

async fn put_channel(work: &Work, name: &str, properties: &Value) -> Result<(), Failure> {
    let input = json!({"DeliveryChannel": {
        "name": name,
        "s3BucketName": work.required(properties, "S3BucketName")?,
        "s3KeyPrefix": work.text(properties, "S3KeyPrefix")?,
        "s3KmsKeyArn": work.text(properties, "S3KmsKeyArn")?,
        "snsTopicARN": work.text(properties, "SnsTopicARN")?,
        "configSnapshotDeliveryProperties":
            properties.get("ConfigSnapshotDeliveryProperties").map(camel),
    }});
    work.tell(Config, "PutDeliveryChannel", input).await
}

/// A channel cannot be deleted under a recorder that records. The stack's own recorder goes as well, so it is stopped.
async fn delete_channel(work: &Work, name: &str) -> Result<(), Failure> {
    let delete = async || {
        let input = json!({"DeliveryChannelName": name});
        work.call(Config, "DeleteDeliveryChannel", input).await
    };
    match delete().await {
        Err(failed) if failed.code == "LastDeliveryChannelDeleteFailedException" => {
            let own = work.job.stack(|stack, _| {
                let mut records = stack.resources.values();
                let recorder = records.find(|record| record.kind.name == RECORDER)?;
                recorder.physical_id.clone()
            });
            let Some(recorder) = own else {
                return Err(failed);
            };
            let input = json!({"ConfigurationRecorderName": recorder});
            work.call(Config, "StopConfigurationRecorder", input)
                .await?;
            // A recorder holds its channel for a while after it was stopped.
            let clock = &work.job.sandbox.clock;
            let end = clock.now() + PATIENCE;
            loop {
                match delete().await {
                    Err(failure) if failure.code == failed.code && clock.now() < end => {
                        clock.wait_until(clock.now() + PAUSE).await;
                    }
                    other => return other.map(drop),
                }
            }
        }
        other => other.map(drop),
    }
}

async fn put_rule(work: &Work, name: &str, properties: &Value) -> Result<(), Failure> {
    let mut rule = properties.as_object().cloned().unwrap_or_default();
    rule.insert("ConfigRuleName".to_owned(), name.into());
    if let Some(parameters) = rule.get_mut("InputParameters") {
        let text = match &*parameters {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        *parameters = text.into();
    }
    work.tell(Config, "PutConfigRule", json!({"ConfigRule": rule}))
        .await
}

async fn rule(work: &Work, name: &str) -> Result<Made, Failure> {
    let input = json!({"ConfigRuleNames": [name]});
    let answer = work.call(Config, "DescribeConfigRules", input).await?;
    let attributes = json!({
        "Arn": answered(&answer, "/ConfigRules/0/ConfigRuleArn")?,
        "ConfigRuleId": answered(&answer, "/ConfigRules/0/ConfigRuleId")?,
    });
    Ok(Made::new(name, attributes))
}

/// The same value with the names as the API writes them: `AllSupported` is `allSupported` there.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect(), camel(member))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(camel).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
