//! The delivery channel: one in an account's region.

use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::{self, Delivered};
use super::export::{self, Deliveries};
use super::page::validation;
use super::periodic::Frequency;
use super::recorder;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// How long a stopped recorder holds its channel when nobody has said otherwise.
const STOP_LAG: Duration = Duration::from_millis(250);

/// Where items and compliance changes are delivered.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) bucket: String,
    pub(super) prefix: Option<String>,
    pub(super) topic: Option<String>,
    /// How the last message went; `None` before the first one.
    pub(super) stream: Option<Delivered>,
    /// How often a snapshot is delivered; `None` when only on demand.
    pub(super) frequency: Option<Frequency>,
    pub(super) snapshots: Deliveries,
    pub(super) history: Deliveries,
    /// The numbers of what is planned for it.
    pub(super) snapshot_plan: u64,
    pub(super) history_plan: u64,
}

impl Channel {
    /// One that delivers into a bucket and nothing else.
    pub(super) fn new(name: &str, bucket: &str) -> Self {
        Self {
            name: name.to_owned(),
            bucket: bucket.to_owned(),
            prefix: None,
            topic: None,
            stream: None,
            frequency: None,
            snapshots: Deliveries::default(),
            history: Deliveries::default(),
            snapshot_plan: 0,
            history_plan: 0,
        }
    }

    fn to_json(&self) -> Value {
        let mut channel = json!({"name": self.name, "s3BucketName": self.bucket});
        if let Some(prefix) = &self.prefix {
            channel["s3KeyPrefix"] = json!(prefix);
        }
        if let Some(topic) = &self.topic {
            channel["snsTopicARN"] = json!(topic);
        }
        if let Some(frequency) = self.frequency {
            channel["configSnapshotDeliveryProperties"] =
                json!({"deliveryFrequency": frequency.name()});
        }
        channel
    }

    fn status_json(&self) -> Value {
        let stream = match (&self.stream, &self.topic) {
            (Some(delivered), _) => delivered.to_json(),
            (None, None) => json!({"lastStatus": "NOT_APPLICABLE"}),
            (None, Some(_)) => json!({}),
        };
        json!({
            "name": self.name,
            "configSnapshotDeliveryInfo": self.snapshots.to_json(),
            "configHistoryDeliveryInfo": self.history.to_json(),
            "configStreamDeliveryInfo": stream,
        })
    }
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let asked = input
        .field("DeliveryChannel")
        .ok_or_else(|| validation("the request must contain the parameter DeliveryChannel"))?;
    let channel = parse(asked)?;
    let state = &call.here().config;
    let Some(recorder) = &state.recorder else {
        return Err(recorder::none_available());
    };
    let role_arn = recorder.role_arn.clone();
    if state
        .channel
        .as_ref()
        .is_some_and(|existing| existing.name != channel.name)
    {
        return Err(ApiError::bad(
            "MaxNumberOfDeliveryChannelsExceededException",
            format!(
                "Failed to put delivery channel '{}' because the maximum number of delivery channels: 1 is reached.",
                channel.name
            ),
        ));
    }
    delivery::check_bucket(call, &role_arn, &channel)?;
    if let Some(topic) = &channel.topic {
        delivery::check_topic(call, topic)?;
    }
    let frequency = channel.frequency;
    let slot = &mut call.here().config.channel;
    let replaced = slot.take();
    let kept = replaced.as_ref().map(|replaced| replaced.frequency);
    *slot = Some(match replaced {
        // What was delivered and what is planned belongs to the channel, whatever else becomes of it.
        Some(replaced) => Channel {
            name: channel.name,
            bucket: channel.bucket,
            prefix: channel.prefix,
            topic: channel.topic,
            frequency,
            ..replaced
        },
        None => channel,
    });
    if kept.is_none() {
        export::plan_history(call);
    }
    if kept != Some(frequency) {
        export::plan_snapshots(call, frequency);
    }
    Ok(json!({}).into())
}

fn parse(asked: &Value) -> Result<Channel, ApiError> {
    let name = asked.text("name").unwrap_or("default");
    if !(1..=256).contains(&name.chars().count()) {
        return Err(ApiError::bad(
            "InvalidDeliveryChannelNameException",
            format!("The delivery channel name '{name}' is not valid: 1 to 256 characters."),
        ));
    }
    if asked.field("s3KmsKeyArn").is_some() {
        return Err(ApiError::not_implemented(
            "config",
            "PutDeliveryChannel with s3KmsKeyArn",
        ));
    }
    let frequency = match asked.field("configSnapshotDeliveryProperties") {
        None => None,
        Some(properties) => Frequency::read(
            properties,
            "deliveryFrequency",
            "deliveryChannel.configSnapshotDeliveryProperties.deliveryFrequency",
        )?,
    };
    let prefix = asked.text("s3KeyPrefix").map(str::to_owned);
    if let Some(prefix) = &prefix
        && (prefix.is_empty() || prefix.starts_with('/') || prefix.ends_with('/'))
    {
        return Err(ApiError::bad(
            "InvalidS3KeyPrefixException",
            format!(
                "The s3 key prefix '{prefix}' is not valid: it must not be empty, begin or end with a slash."
            ),
        ));
    }
    let bucket = asked.text("s3BucketName").unwrap_or_default();
    Ok(Channel {
        prefix,
        topic: asked.text("snsTopicARN").map(str::to_owned),
        frequency,
        ..Channel::new(name, bucket)
    })
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let channels: Vec<Value> = selected(call, input)?
        .map(Channel::to_json)
        .into_iter()
        .collect();
    Ok(json!({ "DeliveryChannels": channels }).into())
}

pub(super) fn describe_status(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let status: Vec<Value> = selected(call, input)?
        .map(Channel::status_json)
        .into_iter()
        .collect();
    Ok(json!({ "DeliveryChannelsStatus": status }).into())
}

fn selected<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<Option<&'c Channel>, ApiError> {
    let names = input.texts("DeliveryChannelNames");
    let channel = call.here().config.channel.as_ref();
    match names
        .iter()
        .find(|name| channel.is_none_or(|channel| channel.name != **name))
    {
        Some(unknown) => Err(no_such(unknown)),
        None => Ok(channel),
    }
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("DeliveryChannelName")?;
    let now = call.now;
    let lag = call.sandbox.settings.recorder_stop_lag.unwrap_or(STOP_LAG);
    let state = &mut call.here().config;
    if state
        .channel
        .as_ref()
        .is_none_or(|channel| channel.name != name)
    {
        return Err(no_such(name));
    }
    if state
        .recorder
        .as_ref()
        .is_some_and(|recorder| recorder.holds_channel(now, lag))
    {
        return Err(ApiError::bad(
            "LastDeliveryChannelDeleteFailedException",
            format!(
                "Failed to delete last specified delivery channel with name '{name}', because there is a running configuration recorder."
            ),
        ));
    }
    state.channel = None;
    Ok(json!({}).into())
}

pub(super) fn no_such(name: &str) -> ApiError {
    ApiError::bad(
        "NoSuchDeliveryChannelException",
        format!("Cannot find delivery channel with specified name '{name}'."),
    )
}
