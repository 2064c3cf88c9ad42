//! Names and ARNs of groups and streams.

use serde_json::Value;

use super::store::no_group;
use super::{invalid, require};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::Arn;
use crate::sandbox::Call;

/// Checks a group's name against the model: 1–512 of `A-Z a-z 0-9 . - _ / #`.
pub(super) fn check_group(name: &str) -> Result<(), ApiError> {
    if name.len() > 512 {
        return Err(too_long("logGroupName", name));
    }
    let known = |b: u8| b.is_ascii_alphanumeric() || b".-_/#".contains(&b);
    if name.is_empty() || !name.bytes().all(known) {
        return Err(mismatch("logGroupName", name, r"[\.\-_/#A-Za-z0-9]+"));
    }
    Ok(())
}

/// Checks a stream's name against the model: 1–512 characters, neither `:` nor `*`.
pub(super) fn check_stream(name: &str) -> Result<(), ApiError> {
    if name.chars().count() > 512 {
        return Err(too_long("logStreamName", name));
    }
    if name.is_empty() || name.contains([':', '*']) {
        return Err(mismatch("logStreamName", name, "[^:*]*"));
    }
    Ok(())
}

/// The group that a request names, by `logGroupName` or by `logGroupIdentifier` (name or ARN).
///
/// # Errors
/// A group of another account or region does not exist here *(inferred: without a link of CloudWatch
/// Observability, which the sandbox does not have, there is nothing to be read elsewhere)*.
pub(super) fn requested_group(call: &Call<'_>, input: &Value) -> Result<String, ApiError> {
    match (input.text("logGroupName"), input.text("logGroupIdentifier")) {
        (Some(_), Some(_)) => Err(invalid(
            "LogGroup name and LogGroup identifier are mutually exclusive parameters.",
        )),
        (None, None) => Err(invalid(
            "Either log group name or log group identifier must be specified.",
        )),
        (Some(name), None) => {
            check_group(name)?;
            Ok(name.to_owned())
        }
        (None, Some(identifier)) => {
            if Arn::parse(identifier).is_some_and(|arn| call.owns(&arn).is_err()) {
                return Err(no_group());
            }
            let name = bare(identifier);
            check_group(name)?;
            Ok(name.to_owned())
        }
    }
}

/// The group whose name must be in `logGroupName`.
pub(super) fn required_group(input: &Value) -> Result<&str, ApiError> {
    let name = require(input, "logGroupName")?;
    check_group(name)?;
    Ok(name)
}

/// The stream whose name must be in `logStreamName`.
pub(super) fn required_stream(input: &Value) -> Result<&str, ApiError> {
    let name = require(input, "logStreamName")?;
    check_stream(name)?;
    Ok(name)
}

/// The name in a group's ARN, with or without `:*` at the end; anything else is a name already.
pub(super) fn bare(identifier: &str) -> &str {
    match identifier.split_once(":log-group:") {
        Some((_, name)) => name.strip_suffix(":*").unwrap_or(name),
        None => identifier,
    }
}

fn mismatch(member: &str, value: &str, pattern: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    ))
}

fn too_long(member: &str, value: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to 512"
    ))
}
