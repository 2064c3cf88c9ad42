//! Snapshots (everything as it is now) and history files (every item since the last file) in the bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::channel::{self, Channel};
use super::delivery::{self, Failure};
use super::item::Item;
use super::periodic::{self, Frequency};
use super::place::Place;
use super::{files, recorder, scheduled};
use crate::clock::{Timestamp, epoch_seconds, iso8601};
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::{Call, Outcome};

/// How often history files are made (AWS Config Developer Guide: "typically delivered every six hours").
const HISTORY_PERIOD: time::Duration = time::Duration::hours(6);

/// The version of the files.
const FILE_VERSION: &str = "1.0";

/// How the deliveries of one kind of file went.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries {
    attempted: Option<Timestamp>,
    succeeded: Option<Timestamp>,
    failure: Option<Failure>,
    /// When the next one is planned.
    pub(super) next: Option<Timestamp>,
}

impl Deliveries {
    fn note(&mut self, now: Timestamp, failure: Option<Failure>) {
        self.attempted = Some(now);
        if failure.is_none() {
            self.succeeded = Some(now);
        }
        self.failure = failure;
    }

    /// The API model's `ConfigExportDeliveryInfo`.
    pub(super) fn to_json(&self) -> Value {
        let mut info = json!({});
        if self.attempted.is_some() {
            info["lastStatus"] = json!(if self.failure.is_some() {
                "FAILURE"
            } else {
                "SUCCESS"
            });
        }
        if let Some(failure) = &self.failure {
            info["lastErrorCode"] = json!(failure.code);
            info["lastErrorMessage"] = json!(failure.message);
        }
        for (name, at) in [
            ("lastAttemptTime", self.attempted),
            ("lastSuccessfulTime", self.succeeded),
            ("nextDeliveryTime", self.next),
        ] {
            if let Some(at) = at {
                info[name] = epoch_seconds(at);
            }
        }
        info
    }
}

/// `DeliverConfigSnapshot`: the snapshot is made off the request path.
pub(super) fn deliver(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("deliveryChannelName")?;
    let state = &call.here().config;
    if state
        .channel
        .as_ref()
        .is_none_or(|channel| channel.name != name)
    {
        return Err(channel::no_such(name));
    }
    match &state.recorder {
        None => return Err(recorder::none_available()),
        Some(recorder) if !recorder.recording => {
            return Err(ApiError::bad(
                "NoRunningConfigurationRecorderException",
                "There is no configuration recorder running.",
            ));
        }
        Some(_) => {}
    }
    let id = uuid();
    let (place, now, named) = (Place::of(call), call.now, id.clone());
    let lane = place.lane("delivery");
    call.account
        .later(Task::new(now, lane, move |sandbox| async move {
            sandbox.enter(&place.target(), |call| snapshot(call, &named));
        }));
    Ok(json!({ "configSnapshotId": id }).into())
}

/// Plans the snapshots of a channel that asks for them, instead of those that were planned before.
pub(super) fn plan_snapshots(call: &mut Call<'_>, frequency: Option<Frequency>) {
    let (now, state) = (call.now, &mut call.here().config);
    let plan = state.next_plan();
    let Some(channel) = &mut state.channel else {
        return;
    };
    channel.snapshot_plan = plan;
    channel.snapshots.next = frequency.map(|frequency| now + frequency.period());
    let Some(frequency) = frequency else {
        return;
    };
    periodic::every(call, "delivery", frequency.period(), move |call, next| {
        let state = &mut call.here().config;
        let channel = state.channel.as_mut();
        let Some(channel) = channel.filter(|channel| channel.snapshot_plan == plan) else {
            return false;
        };
        channel.snapshots.next = Some(next);
        if state
            .recorder
            .as_ref()
            .is_some_and(|recorder| recorder.recording)
        {
            snapshot(call, &uuid());
        }
        true
    });
}

/// Plans the history files of a new channel.
pub(super) fn plan_history(call: &mut Call<'_>) {
    let (now, state) = (call.now, &mut call.here().config);
    let plan = state.next_plan();
    let Some(channel) = &mut state.channel else {
        return;
    };
    channel.history_plan = plan;
    channel.history.next = Some(now + HISTORY_PERIOD);
    periodic::every(call, "delivery", HISTORY_PERIOD, move |call, next| {
        let channel = call.here().config.channel.as_mut();
        let Some(channel) = channel.filter(|channel| channel.history_plan == plan) else {
            return false;
        };
        channel.history.next = Some(next);
        history(call);
        true
    });
}

fn snapshot(call: &mut Call<'_>, id: &str) {
    let Some(channel) = call.here().config.channel.clone() else {
        return;
    };
    let (place, now) = (Place::of(call), call.now);
    let snapshot_id = ("configSnapshotId", json!(id));
    tell(call, "Snapshot", "Started", [snapshot_id.clone()]);
    let items: Vec<Value> = call
        .here()
        .config
        .history
        .newest()
        .filter(|item| item.is_live())
        .map(|item| item.to_event(&place))
        .collect();
    let document =
        json!({"fileVersion": FILE_VERSION, "configSnapshotId": id, "configurationItems": items});
    let key = files::snapshot_key(&place, channel.prefix.as_deref(), now, id);
    let result = files::write(call, &channel.bucket, &key, &document);
    let failure = result.err();
    if let Some(channel) = &mut call.here().config.channel {
        channel.snapshots.note(now, failure.clone());
    }
    match failure {
        None => {
            let extra = [
                snapshot_id,
                ("s3ObjectKey", json!(key)),
                ("s3Bucket", json!(channel.bucket)),
            ];
            let body = tell(call, "Snapshot", "Completed", extra);
            scheduled::snapshot_delivered(call, &body);
        }
        // The members of a failure are those of a failed oversized item *(inferred)*.
        Some(failure) => {
            let extra = [
                snapshot_id,
                ("errorCode", json!(failure.code)),
                ("errorMessage", json!(failure.message)),
            ];
            tell(call, "Snapshot", "Failed", extra);
        }
    }
}

/// One file for each resource type that has new items; where there are none, there is no file.
fn history(call: &mut Call<'_>) {
    let state = &mut call.here().config;
    let Some(channel) = state.channel.clone() else {
        return;
    };
    let mut by_type: BTreeMap<String, Vec<Arc<Item>>> = BTreeMap::new();
    for item in std::mem::take(&mut state.undelivered) {
        by_type
            .entry(item.key.resource_type.clone())
            .or_default()
            .push(item);
    }
    for (resource_type, items) in by_type {
        history_file(call, &channel, &resource_type, items);
    }
}

fn history_file(
    call: &mut Call<'_>,
    channel: &Channel,
    resource_type: &str,
    items: Vec<Arc<Item>>,
) {
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return;
    };
    let (place, now) = (Place::of(call), call.now);
    let span = (first.captured, last.captured);
    let key = files::history_key(&place, channel.prefix.as_deref(), now, resource_type, span);
    let listed: Vec<Value> = items.iter().map(|item| item.to_event(&place)).collect();
    let document = json!({"fileVersion": FILE_VERSION, "configurationItems": listed});
    let result = files::write(call, &channel.bucket, &key, &document);
    let delivered = result.is_ok();
    let state = &mut call.here().config;
    if let Some(channel) = &mut state.channel {
        channel.history.note(now, result.err());
    }
    if delivered {
        let extra = [
            ("s3ObjectKey", json!(key)),
            ("s3Bucket", json!(channel.bucket)),
        ];
        tell(call, "History", "Completed", extra);
    } else {
        // What could not be delivered is in the next file.
        state.undelivered.extend(items);
    }
}

/// Tells the topic how a delivery goes, and says what it told.
fn tell<const N: usize>(
    call: &mut Call<'_>,
    what: &str,
    how: &str,
    extra: [(&str, Value); N],
) -> Arc<str> {
    let place = Place::of(call);
    let subject = format!(
        "[AWS Config:{}] Configuration {what} Delivery {how} for Account {}",
        place.region, place.account
    );
    let mut message: Map<String, Value> = extra
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    message.insert(
        "notificationCreationTime".to_owned(),
        json!(iso8601(call.now)),
    );
    message.insert(
        "messageType".to_owned(),
        json!(format!("Configuration{what}Delivery{how}")),
    );
    message.insert("recordVersion".to_owned(), json!("1.1"));
    let body: Arc<str> = Value::Object(message).to_string().into();
    delivery::stream(call, subject, body.to_string());
    body
}
