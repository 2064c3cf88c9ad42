//! Reading and writing what is secret.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::create::id;
use super::secret::{CURRENT, Content};
use super::{accept, invalid, marked};
use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "GetSecretValue",
        input,
        &["SecretId", "VersionId", "VersionStage"],
    )?;
    let secret = call.here().secretsmanager.require(id(input)?)?;
    if secret.deletion.is_some() {
        return Err(marked());
    }
    let stage = input.text("VersionStage");
    let (version_id, how) = match input.text("VersionId") {
        Some(version_id) => (Some(version_id), format!("VersionId: {version_id}")),
        None => {
            let stage = stage.unwrap_or(CURRENT);
            (secret.staged(stage), format!("staging label: {stage}"))
        }
    };
    let version =
        version_id.and_then(|version_id| Some((version_id, secret.versions.get(version_id)?)));
    let Some((version_id, version)) = version else {
        return Err(ApiError::bad(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {how}"),
        ));
    };
    if stage.is_some_and(|stage| !version.stages.contains(stage)) {
        return Err(ApiError::bad(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    let mut answer = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version_id,
        "VersionStages": version.stages,
        "CreatedDate": epoch_seconds(version.created),
    });
    match &version.content {
        Content::Text(text) => answer["SecretString"] = json!(text),
        Content::Binary(base64) => answer["SecretBinary"] = json!(base64),
    }
    Ok(answer)
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "PutSecretValue",
        input,
        &[
            "SecretId",
            "ClientRequestToken",
            "SecretString",
            "SecretBinary",
            "VersionStages",
        ],
    )?;
    let content = Content::read(input)?
        .ok_or_else(|| invalid("You must provide either SecretString or SecretBinary."))?;
    let token = token(input)?;
    let mut stages: BTreeSet<String> = input.texts("VersionStages").into_iter().collect();
    if stages.is_empty() {
        stages.insert(CURRENT.to_owned());
    }
    let now = call.now;
    let secret = call.here().secretsmanager.alive(id(input)?)?;
    // The first version is the current one, whatever else it is (API reference of PutSecretValue).
    if secret.versions.is_empty() {
        stages.insert(CURRENT.to_owned());
    }
    secret.add(&token, content, &stages, now)?;
    Ok(json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": token,
        "VersionStages": stages,
    }))
}

/// The id of a new version: the client's own, so that a request can be repeated, or a fresh one.
pub(super) fn token(input: &Value) -> Result<String, ApiError> {
    match input.text("ClientRequestToken") {
        None => Ok(uuid()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token.to_owned()),
        Some(_) => Err(invalid("ClientRequestToken must be 32-64 characters long.")),
    }
}
