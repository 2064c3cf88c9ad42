//! CloudWatch Logs: groups, streams, events.
//!
//! Facts are from the service's API model (`logs-2014-03-28`): names, limits, retention values and
//! which end of a time range is included.

use serde_json::Value;

use crate::budgets::{self, Kind};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::{self, Access};
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

mod events;
mod filter;
mod groups;
mod members;
mod names;
mod pattern;
mod read;
mod store;
mod streams;
mod tags;

use self::store::Group;
pub use self::store::State;

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let known = members::of(&operation.name);
    if !known.is_empty() {
        iam::accept("logs", operation, known)?;
    }
    let answer = match operation.name.as_str() {
        "CreateLogGroup" => groups::create(call, input),
        "DeleteLogGroup" => groups::delete(call, input),
        "DescribeLogGroups" => groups::describe(call, input),
        "PutRetentionPolicy" => groups::put_retention(call, input),
        "DeleteRetentionPolicy" => groups::delete_retention(call, input),
        "CreateLogStream" => streams::create(call, input),
        "DeleteLogStream" => streams::delete(call, input),
        "DescribeLogStreams" => streams::describe(call, input),
        "PutLogEvents" => events::put(call, input),
        "GetLogEvents" => read::get(call, input),
        "FilterLogEvents" => filter::filter(call, input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        "ListTagsForResource" => tags::list(call, input),
        name => Err(ApiError::not_implemented("logs", name)),
    };
    answer.map(Outcome::from)
}

/// CloudWatch Logs checks most actions on `log-group:<name>:log-stream:<stream>`, with an empty part
/// for what the request does not name; that is why policies end in `:*`. Tags belong to the bare
/// group.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let resource = match operation.name.as_str() {
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            input.text("resourceArn").unwrap_or("*").to_owned()
        }
        _ => {
            let stream = input.text("logStreamName").unwrap_or_default();
            match (input.text("logGroupName"), input.text("logGroupIdentifier")) {
                (None, Some(arn)) if arn.starts_with("arn:") => {
                    format!("{}:log-stream:{stream}", arn.trim_end_matches(":*"))
                }
                (group, identifier) => {
                    stream_arn(call, group.or(identifier).unwrap_or_default(), stream)
                }
            }
        }
    };
    vec![Access::on("logs", &operation.name, resource)]
}

/// The resource on which permissions to write to a stream are checked.
pub(crate) fn stream_arn(call: &Call<'_>, group: &str, stream: &str) -> String {
    call.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))
}

/// Whether the group exists in the called account and region.
pub(crate) fn group_exists(call: &mut Call<'_>, group: &str) -> bool {
    call.here().logs.groups.contains_key(group)
}

/// Whether a group can have this name.
///
/// # Errors
/// What the service itself would answer.
pub(crate) fn check_group_name(name: &str) -> Result<(), ApiError> {
    names::check_group(name)
}

/// Appends events to a stream on behalf of a service, making group and stream where they are missing.
///
/// # Errors
/// When a name is not one that the service accepts.
pub(crate) fn append(
    call: &mut Call<'_>,
    group: &str,
    stream: &str,
    events: &[(Timestamp, String)],
) -> Result<(), ApiError> {
    names::check_group(group)?;
    names::check_stream(stream)?;
    let now = crate::clock::epoch_millis(call.now);
    let limit = budgets::room(call, Kind::Logs);
    let logs = &mut call.here().logs;
    let held = logs.held.clone();
    let sequence = &mut logs.sequence;
    let group = logs
        .groups
        .entry(group.to_owned())
        .or_insert_with(|| Group::new(now));
    let expiry = group.expiry(now);
    let stream = group.stream_or_new(stream, now, &held);
    stream.expire(expiry);
    // CloudWatch Logs has no empty messages; a program that prints an empty line leaves none.
    let events = events.iter().filter(|(_, message)| !message.is_empty());
    let events = events.map(|(at, message)| (crate::clock::epoch_millis(*at), message.clone()));
    stream.add(sequence, now, events);
    let forgotten = logs.forget_over(limit);
    call.sandbox.ledger.forget(Kind::Logs, forgotten);
    Ok(())
}

/// A member that must be there, in this service's own error.
fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterException", message)
}

/// A page's size: `default` unless the request says otherwise, within the model's bounds.
fn limit(input: &Value, default: usize, max: usize) -> Result<usize, ApiError> {
    match input.int("limit").map_err(as_invalid)? {
        None => Ok(default),
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=max).contains(limit))
            .ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value between 1 and {max}"
                ))
            }),
    }
}

/// The generic reader's errors under this service's code.
fn as_invalid(error: ApiError) -> ApiError {
    invalid(error.message)
}

#[cfg(test)]
mod tests;
