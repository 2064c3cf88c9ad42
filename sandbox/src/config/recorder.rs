//! The recorder: one in an account's region, started and stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::linked_recorder::{self, LinkedRecorder};
use super::page::validation;
use super::place::Place;
use super::recording_group::RecordingGroup;
use super::recording_mode::RecordingMode;
use super::{PRINCIPAL, record, tags};
use crate::clock::{Timestamp, epoch_seconds};
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam;
use crate::ids::hex_id;
use crate::sandbox::{Call, Outcome};

/// Names that belong to recorders which other services make.
const RESERVED_PREFIX: &str = "AWSConfigurationRecorderFor";

/// The customer managed recorder.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) role_arn: String,
    pub(super) group: RecordingGroup,
    pub(super) mode: RecordingMode,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) recording: bool,
    /// The number of its days.
    pub(super) plan: u64,
    started: Option<Timestamp>,
    stopped: Option<Timestamp>,
    status: Option<(Status, Timestamp)>,
}

/// How the latest recording went. Written in capitals, as AWS's own examples and answers have it; the
/// API model's spelling (`Success`) is not what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Pending,
    Success,
}

impl Recorder {
    /// One that records already, for tests that are not about starting it.
    #[cfg(test)]
    pub(super) fn recording(group: RecordingGroup) -> Self {
        Self {
            name: "default".to_owned(),
            arn: "arn:aws:config:us-east-1:123456789012:configuration-recorder/default/0"
                .to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/AwsConfigRole".to_owned(),
            group,
            mode: RecordingMode::default(),
            tags: BTreeMap::new(),
            recording: true,
            plan: 0,
            started: None,
            stopped: None,
            status: None,
        }
    }

    /// Whether a change of this resource type becomes an item now.
    pub(super) fn records(&self, resource_type: &str) -> bool {
        self.recording && self.group.records(resource_type)
    }

    /// Whether the delivery channel cannot be deleted yet: a stop takes `lag` to be known everywhere.
    pub(super) fn holds_channel(&self, now: Timestamp, lag: Duration) -> bool {
        self.recording || self.stopped.is_some_and(|at| now < at + lag)
    }

    /// Something was recorded.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        if self
            .status
            .is_none_or(|(status, _)| status != Status::Success)
        {
            self.status = Some((Status::Success, now));
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "arn": self.arn,
            "name": self.name,
            "roleARN": self.role_arn,
            "recordingGroup": self.group.to_json(),
            "recordingMode": self.mode.to_json(),
            "recordingScope": "PAID",
        })
    }

    fn status_json(&self) -> Value {
        let mut status = json!({"arn": self.arn, "name": self.name, "recording": self.recording});
        if let Some(at) = self.started {
            status["lastStartTime"] = epoch_seconds(at);
        }
        if let Some(at) = self.stopped {
            status["lastStopTime"] = epoch_seconds(at);
        }
        if let Some((last, at)) = self.status {
            status["lastStatus"] = match last {
                Status::Pending => json!("PENDING"),
                Status::Success => json!("SUCCESS"),
            };
            status["lastStatusChangeTime"] = epoch_seconds(at);
        }
        status
    }
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let asked = input.field("ConfigurationRecorder").ok_or_else(|| {
        validation("the request must contain the parameter ConfigurationRecorder")
    })?;
    if asked.field("servicePrincipal").is_some() {
        return Err(ApiError::bad(
            "UnmodifiableEntityException",
            "Service-linked configuration recorders cannot be put with this operation.",
        ));
    }
    let name = asked.text("name").unwrap_or("default");
    check_name(name)?;
    let group = RecordingGroup::parse(asked.field("recordingGroup"))?;
    let mode = RecordingMode::parse(asked.field("recordingMode"), &group)?;
    let tags = tags::parse(input)?;
    let role_arn = asked.text("roleARN").unwrap_or_default();
    check_role(call, role_arn)?;

    let arn = call.arn(
        "config",
        &format!("configuration-recorder/{name}/{}", hex_id("", 16)),
    );
    let slot = &mut call.here().config.recorder;
    match slot {
        Some(existing) if existing.name != name => {
            return Err(ApiError::bad(
                "MaxNumberOfConfigurationRecordersExceededException",
                format!(
                    "Failed to put configuration recorder '{name}' because the maximum number of configuration recorders: 1 is reached."
                ),
            ));
        }
        // Overwritten, except for its tags: those change only through TagResource.
        Some(existing) => {
            role_arn.clone_into(&mut existing.role_arn);
            let other = existing.group != group || existing.mode != mode;
            let look = existing.recording && other;
            existing.group = group;
            existing.mode = mode;
            if look {
                record::take_inventory(call);
            }
        }
        None => {
            *slot = Some(Recorder {
                name: name.to_owned(),
                arn,
                role_arn: role_arn.to_owned(),
                group,
                mode,
                tags,
                recording: false,
                plan: 0,
                started: None,
                stopped: None,
                status: None,
            });
        }
    }
    Ok(json!({}).into())
}

fn check_role(call: &Call<'_>, role_arn: &str) -> Result<(), ApiError> {
    let invalid = |why: String| ApiError::bad("InvalidRoleException", why);
    if role_arn.is_empty() {
        return Err(invalid(
            "The role ARN of the configuration recorder is null or empty.".to_owned(),
        ));
    }
    iam::assumable(call.account, role_arn, PRINCIPAL)
        .map_err(|why| invalid(format!("The role cannot be assumed by AWS Config: {why}.")))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    if (1..=256).contains(&length) && !name.starts_with(RESERVED_PREFIX) {
        return Ok(());
    }
    Err(ApiError::bad(
        "InvalidConfigurationRecorderNameException",
        format!(
            "The configuration recorder name '{name}' is not valid: 1 to 256 characters, and the prefix {RESERVED_PREFIX} is reserved."
        ),
    ))
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let recorders: Vec<Value> = selected(call, input)?.iter().map(Any::to_json).collect();
    Ok(json!({ "ConfigurationRecorders": recorders }).into())
}

pub(super) fn describe_status(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let status: Vec<Value> = selected(call, input)?
        .iter()
        .map(Any::status_json)
        .collect();
    Ok(json!({ "ConfigurationRecordersStatus": status }).into())
}

/// A recorder of either kind, as the Describe operations see it.
enum Any<'c> {
    Customer(&'c Recorder),
    Linked(&'c LinkedRecorder),
}

impl Any<'_> {
    fn to_json(&self) -> Value {
        match self {
            Any::Customer(recorder) => recorder.to_json(),
            Any::Linked(recorder) => recorder.to_json(),
        }
    }

    fn status_json(&self) -> Value {
        match self {
            Any::Customer(recorder) => recorder.status_json(),
            Any::Linked(recorder) => recorder.status_json(),
        }
    }

    fn is(&self, name: Option<&str>, arn: Option<&str>, principal: Option<&str>) -> bool {
        let (own_name, own_arn, own_principal) = match self {
            Any::Customer(recorder) => (&recorder.name, &recorder.arn, None),
            Any::Linked(recorder) => (&recorder.name, &recorder.arn, Some(recorder.principal)),
        };
        name.is_none_or(|name| name == own_name)
            && arn.is_none_or(|arn| arn == own_arn)
            && principal.is_none_or(|principal| own_principal == Some(principal))
    }
}

/// The recorders that a Describe operation asks for; without a name, ARN or service all that there are.
fn selected<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<Vec<Any<'c>>, ApiError> {
    let names = input.texts("ConfigurationRecorderNames");
    if names.len() > 1 {
        return Err(validation(
            "Only one configuration recorder may be specified.",
        ));
    }
    let name = names.first().map(String::as_str);
    let (arn, principal) = (input.text("Arn"), input.text("ServicePrincipal"));
    let state = &call.here().config;
    let customer = state.recorder.iter().map(Any::Customer);
    let linked = state.linked_recorders.iter().map(Any::Linked);
    let found: Vec<_> = customer
        .chain(linked)
        .filter(|recorder| recorder.is(name, arn, principal))
        .collect();
    match name.or(arn).or(principal) {
        Some(wanted) if found.is_empty() => Err(no_such(wanted)),
        _ => Ok(found),
    }
}

pub(super) fn start(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let now = call.now;
    named(call, input)?;
    let state = &mut call.here().config;
    if state.channel.is_none() {
        return Err(ApiError::bad(
            "NoAvailableDeliveryChannelException",
            "Delivery channel is not available to start configuration recorder.",
        ));
    }
    let recorder = named(call, input)?;
    if recorder.recording {
        return Ok(json!({}).into());
    }
    recorder.recording = true;
    recorder.started = Some(now);
    recorder.status = Some((Status::Pending, now));
    record::take_inventory(call);
    record::plan_days(call);
    let place = Place::of(call);
    let due = record::due(call);
    let lane = place.lane("recorder");
    call.account
        .later(Task::new(due, lane, move |sandbox| async move {
            sandbox.enter(&place.target(), |call| {
                let now = call.now;
                if let Some(recorder) = call
                    .here()
                    .config
                    .recorder
                    .as_mut()
                    .filter(|recorder| recorder.recording)
                {
                    recorder.succeeded(now);
                }
            });
        }));
    Ok(json!({}).into())
}

pub(super) fn stop(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let now = call.now;
    let recorder = named(call, input)?;
    if recorder.recording {
        recorder.recording = false;
        recorder.stopped = Some(now);
    }
    Ok(json!({}).into())
}

/// What was recorded stays readable, as AWS documents it.
pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    named(call, input)?;
    call.here().config.recorder = None;
    Ok(json!({}).into())
}

/// The customer's recorder by its name.
fn named<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<&'c mut Recorder, ApiError> {
    let name = input.require("ConfigurationRecorderName")?;
    let state = &mut call.here().config;
    if state
        .linked_recorders
        .iter()
        .any(|linked| linked.name == name)
    {
        return Err(linked_recorder::untouchable(name));
    }
    state
        .recorder
        .as_mut()
        .filter(|recorder| recorder.name == name)
        .ok_or_else(|| no_such(name))
}

pub(super) fn no_such(name: &str) -> ApiError {
    ApiError::bad(
        "NoSuchConfigurationRecorderException",
        format!("Cannot find configuration recorder with the specified name '{name}'."),
    )
}

/// What every operation says that needs a recorder where there is none.
pub(super) fn none_available() -> ApiError {
    ApiError::bad(
        "NoAvailableConfigurationRecorderException",
        "Configuration recorder is not available; put one with PutConfigurationRecorder first.",
    )
}
