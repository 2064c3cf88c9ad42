//! Making a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::secret::{CURRENT, Content, Secret};
use super::{accept, invalid, keys, tags, value};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::upper_id;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "CreateSecret",
        input,
        &[
            "Name",
            "ClientRequestToken",
            "Description",
            "SecretString",
            "SecretBinary",
            "Tags",
            "KmsKeyId",
        ],
    )?;
    let name = name(input)?;
    let content = Content::read(input)?;
    let tags = tags::given(call, input)?;
    let token = value::token(input)?;
    let key = keys::given(call, input)?;
    if let Some(existing) = call.here().secretsmanager.secrets.get(&name) {
        return repeated(existing, &token, content.as_ref());
    }
    // Six characters, so that a secret made anew is not what policies for the old one meant.
    let suffix = upper_id("", 6);
    let arn = call.arn("secretsmanager", &format!("secret:{name}-{suffix}"));
    let now = call.now;
    let mut secret = Secret {
        name: name.clone(),
        arn,
        description: input.text("Description").map(str::to_owned),
        tags,
        key,
        versions: BTreeMap::new(),
        created: now,
        changed: now,
        deletion: None,
        deleted: None,
    };
    let mut answer = json!({"ARN": secret.arn, "Name": name});
    if let Some(content) = content {
        let stages = BTreeSet::from([CURRENT.to_owned()]);
        secret.add(&token, content, &stages, now)?;
        answer["VersionId"] = json!(token);
    }
    call.here().secretsmanager.secrets.insert(name, secret);
    Ok(answer)
}

/// The same request once more is answered as before; anything else finds the name taken.
fn repeated(existing: &Secret, token: &str, content: Option<&Content>) -> Result<Value, ApiError> {
    if existing.deletion.is_some() {
        return Err(ApiError::bad(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let version = existing.versions.get(token);
    if version.is_some_and(|version| Some(&version.content) == content) {
        return Ok(json!({"ARN": existing.arn, "Name": existing.name, "VersionId": token}));
    }
    Err(ApiError::bad(
        "ResourceExistsException",
        format!(
            "The operation failed because the secret {} already exists.",
            existing.name
        ),
    ))
}

fn name(input: &Value) -> Result<String, ApiError> {
    let name = input.text("Name").unwrap_or_default();
    let known = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
    if (1..=512).contains(&name.len()) && name.bytes().all(known) {
        return Ok(name.to_owned());
    }
    Err(ApiError::bad(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}

/// The `SecretId` of a request.
pub(super) fn id(input: &Value) -> Result<&str, ApiError> {
    input
        .text("SecretId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| invalid("You must provide a value for the SecretId parameter."))
}
