//! Roles: making, changing, tagging, removing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::Kind;
use super::params::{accept, invalid, page, path, require, require_name};
use super::sizes;
use super::state::{Policy, Role, State, no_entity};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{global_arn, upper_id};
use crate::protocol::Operation;
use crate::sandbox::Call;

/// One hour: what a role gets that asks for nothing else.
const DEFAULT_SESSION: i64 = 3600;

/// How many roles an account may have: AWS's default quota.
pub(crate) const MAX_ROLES: usize = 1000;

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &[
            "RoleName",
            "Path",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "PermissionsBoundary",
            "Tags",
        ],
    )?;
    let input = &operation.input;
    let name = require_name(input, "RoleName", 64)?;
    let path = path(input)?;
    let document = require(input, "AssumeRolePolicyDocument")?;
    let trust = Policy::parse(document, Kind::Trust)?;
    sizes::check_trust(document)?;
    let max_session = session_duration(input)?.unwrap_or(DEFAULT_SESSION);
    let tags = tags(input)?;
    let state = &mut call.account.iam;
    // Names of one account differ in more than case.
    if state
        .roles
        .keys()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Err(ApiError::new(
            409,
            "EntityAlreadyExists",
            format!("Role with name {name} already exists."),
        ));
    }
    if state.roles.len() >= MAX_ROLES {
        return Err(ApiError::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for RolesPerAccount: {MAX_ROLES}"),
        ));
    }
    let boundary = input.text("PermissionsBoundary").map(str::to_owned);
    if let Some(arn) = &boundary {
        attachable(state, arn)?;
    }
    let role = Role {
        name: name.to_owned(),
        id: upper_id("AROA", 17),
        arn: global_arn(
            call.region.partition(),
            &call.account.id,
            "iam",
            &format!("role{path}{name}"),
        ),
        path,
        created: call.now,
        trust,
        description: input.text("Description").map(str::to_owned),
        max_session,
        tags,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary,
    };
    let shown = role.describe(true);
    state.roles.insert(name.to_owned(), role);
    Ok(json!({"Role": shown}))
}

pub(super) fn get(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName"])?;
    let name = require_name(&operation.input, "RoleName", 64)?;
    Ok(json!({"Role": call.account.iam.role(name)?.describe(true)}))
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PathPrefix", "Marker", "MaxItems"])?;
    let prefix = operation.input.text("PathPrefix").unwrap_or("/");
    let roles = call
        .account
        .iam
        .roles
        .values()
        .filter(|role| role.path.starts_with(prefix));
    page(
        &operation.input,
        "Roles",
        roles.map(|role| (role.name.as_str(), role.describe(false))),
    )
}

pub(super) fn update(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &["RoleName", "Description", "MaxSessionDuration"],
    )?;
    let input = &operation.input;
    let duration = session_duration(input)?;
    let role = call
        .account
        .iam
        .role_mut(require_name(input, "RoleName", 64)?)?;
    if let Some(description) = input.text("Description") {
        role.description = Some(description.to_owned());
    }
    if let Some(duration) = duration {
        role.max_session = duration;
    }
    Ok(json!({}))
}

pub(super) fn update_trust(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "PolicyDocument"])?;
    let input = &operation.input;
    let name = require_name(input, "RoleName", 64)?;
    let document = require(input, "PolicyDocument")?;
    let trust = Policy::parse(document, Kind::Trust)?;
    sizes::check_trust(document)?;
    call.account.iam.role_mut(name)?.trust = trust;
    Ok(Value::Null)
}

pub(super) fn put_boundary(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "PermissionsBoundary"])?;
    let input = &operation.input;
    let name = require_name(input, "RoleName", 64)?;
    let arn = require(input, "PermissionsBoundary")?;
    let state = &mut call.account.iam;
    attachable(state, arn)?;
    state.role_mut(name)?.boundary = Some(arn.to_owned());
    Ok(Value::Null)
}

pub(super) fn delete_boundary(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName"])?;
    let name = require_name(&operation.input, "RoleName", 64)?;
    let role = call.account.iam.role_mut(name)?;
    if role.boundary.take().is_none() {
        return Err(no_entity(format!(
            "Role {name} does not have a permissions boundary."
        )));
    }
    Ok(Value::Null)
}

/// Refuses a permissions boundary that is no managed policy.
fn attachable(state: &State, arn: &str) -> Result<(), ApiError> {
    match state.managed_document(arn) {
        Some(_) => Ok(()),
        None => Err(no_entity(format!(
            "Scope ARN: {arn} does not exist or is not attachable."
        ))),
    }
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName"])?;
    let name = require_name(&operation.input, "RoleName", 64)?;
    let state = &mut call.account.iam;
    let role = state.role(name)?;
    let conflict = if !role.attached.is_empty() {
        Some("Cannot delete entity, must detach all policies first.")
    } else if !role.inline.is_empty() {
        Some("Cannot delete entity, must delete policies first.")
    } else {
        None
    };
    match conflict {
        Some(message) => Err(ApiError::new(409, "DeleteConflict", message)),
        None => {
            state.roles.remove(name);
            Ok(Value::Null)
        }
    }
}

pub(super) fn tag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "Tags"])?;
    let input = &operation.input;
    let new = tags(input)?;
    let role = call
        .account
        .iam
        .role_mut(require_name(input, "RoleName", 64)?)?;
    role.tags.extend(new);
    Ok(Value::Null)
}

pub(super) fn untag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "TagKeys"])?;
    let input = &operation.input;
    let role = call
        .account
        .iam
        .role_mut(require_name(input, "RoleName", 64)?)?;
    for key in input.texts("TagKeys") {
        role.tags.remove(&key);
    }
    Ok(Value::Null)
}

pub(super) fn list_tags(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "Marker", "MaxItems"])?;
    let input = &operation.input;
    let role = call
        .account
        .iam
        .role(require_name(input, "RoleName", 64)?)?;
    page(
        input,
        "Tags",
        role.tags
            .iter()
            .map(|(key, value)| (key.as_str(), json!({"Key": key, "Value": value}))),
    )
}

/// The sandbox has no instance profiles: there is no operation that makes one.
pub(super) fn instance_profiles(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<Value, ApiError> {
    accept("iam", operation, &["RoleName", "Marker", "MaxItems"])?;
    call.account
        .iam
        .role(require_name(&operation.input, "RoleName", 64)?)?;
    Ok(json!({"InstanceProfiles": [], "IsTruncated": false}))
}

fn session_duration(input: &Value) -> Result<Option<i64>, ApiError> {
    match input.int("MaxSessionDuration")? {
        Some(seconds) if !(3600..=43200).contains(&seconds) => Err(invalid(
            "MaxSessionDuration",
            &seconds.to_string(),
            "Member must be between 3600 and 43200",
        )),
        other => Ok(other),
    }
}

/// The tags of a request; a key that appears twice is an error.
pub(super) fn tags(input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags") {
        let key = require(tag, "Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "Tags",
                key,
                "a key has at most 128 characters, a value 256",
            ));
        }
        // The pattern of the API model: letters, numbers, blanks and _.:/=+-@ (botocore 1.44.8, `tagKeyType`).
        let known = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        if !key.chars().all(known) {
            return Err(invalid(
                "Tags",
                key,
                r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::bad(
                "InvalidInput",
                "Tag keys starting with 'aws:' are reserved for system use.",
            ));
        }
        let same = |known: &String| known.eq_ignore_ascii_case(key);
        let twice = tags.keys().any(same);
        tags.insert(key.to_owned(), value.to_owned());
        if twice {
            return Err(ApiError::bad(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    if tags.len() > 50 {
        return Err(ApiError::new(
            409,
            "LimitExceeded",
            "The number of tags has reached the maximum limit.",
        ));
    }
    Ok(tags)
}

/// The tags of anything as the `Tags` member of an answer; absent when there are none.
pub(super) fn shown_tags(tags: &BTreeMap<String, String>) -> Value {
    if tags.is_empty() {
        Value::Null
    } else {
        crate::tags::list(tags).into()
    }
}
