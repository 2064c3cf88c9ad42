//! Recorders that other AWS services make for themselves. They stand beside the customer's one, always record, and cannot
//! be touched by the operations for that one: whoever looks for "the recorder" has to leave them out.
//!
//! Their scope is internal: what they record goes to the service they belong to and to nobody else, so nothing of it is
//! shown here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::page::validation;
use super::recorder::no_such;
use super::tags;
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{global_arn, hex_id};
use crate::sandbox::{Call, Outcome};

/// The services that AWS documents as having such a recorder, with what their recorders are called after.
const SERVICES: [(&str, &str); 1] = [("observabilityadmin.amazonaws.com", "ObservabilityAdmin")];

/// A service-linked recorder.
#[derive(Debug, Clone)]
pub(super) struct LinkedRecorder {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) principal: &'static str,
    pub(super) tags: BTreeMap<String, String>,
    role_arn: String,
    made: Timestamp,
}

impl LinkedRecorder {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "arn": self.arn,
            "name": self.name,
            "roleARN": self.role_arn,
            "recordingGroup": {
                "allSupported": false,
                "includeGlobalResourceTypes": false,
                "resourceTypes": ["AWS::EC2::Instance", "AWS::EC2::VPC", "AWS::Lambda::Function"],
                "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"},
            },
            "recordingMode": {"recordingFrequency": "CONTINUOUS"},
            "recordingScope": "INTERNAL",
            "servicePrincipal": self.principal,
        })
    }

    pub(super) fn status_json(&self) -> Value {
        json!({
            "arn": self.arn,
            "name": self.name,
            "recording": true,
            "lastStartTime": epoch_seconds(self.made),
            "servicePrincipal": self.principal,
        })
    }
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let (principal, word) = service(input)?;
    let tags = tags::parse(input)?;
    let name = format!("AWSConfigurationRecorderFor{word}");
    let arn = call.arn(
        "config",
        &format!("configuration-recorder/{name}/{}", hex_id("", 16)),
    );
    let role_arn = global_arn(
        call.region.partition(),
        &call.account.id,
        "iam",
        "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
    );
    let made = call.now;
    let linked = &mut call.here().config.linked_recorders;
    if linked.iter().any(|known| known.principal == principal) {
        return Err(ApiError::bad(
            "ConflictException",
            format!("A service-linked configuration recorder already exists for {principal}."),
        ));
    }
    let answer = json!({"Arn": arn, "Name": name});
    linked.push(LinkedRecorder {
        name,
        arn,
        principal,
        tags,
        role_arn,
        made,
    });
    Ok(answer.into())
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let (principal, _) = service(input)?;
    let linked = &mut call.here().config.linked_recorders;
    let at = linked.iter().position(|known| known.principal == principal);
    let gone = linked.remove(at.ok_or_else(|| no_such(principal))?);
    Ok(json!({"Arn": gone.arn, "Name": gone.name}).into())
}

fn service(input: &Value) -> Result<(&'static str, &'static str), ApiError> {
    let asked = input.require("ServicePrincipal")?;
    SERVICES
        .into_iter()
        .find(|(principal, _)| *principal == asked)
        .ok_or_else(|| {
            validation(format!(
                "{asked} does not support service-linked configuration recorders."
            ))
        })
}

/// What the operations for the customer's recorder answer when they are given one of these.
pub(super) fn untouchable(name: &str) -> ApiError {
    ApiError::bad(
        "UnmodifiableEntityException",
        format!(
            "The configuration recorder '{name}' is service-linked: it cannot be modified, started, stopped or deleted with this operation."
        ),
    )
}
