//! Log streams.

use serde_json::{Value, json};

use super::store::{Stream, no_stream};
use super::{as_invalid, invalid, limit, names};
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::required_group(input)?;
    let name = names::required_stream(input)?;
    let now = epoch_millis(call.now);
    let logs = &mut call.here().logs;
    let held = logs.held.clone();
    let streams = &mut logs.group_mut(group)?.streams;
    if streams.contains_key(name) {
        return Err(ApiError::bad(
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ));
    }
    streams.insert(name.to_owned(), Stream::new(now, &held));
    Ok(json!({}))
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::required_group(input)?;
    let name = names::required_stream(input)?;
    let streams = &mut call.here().logs.group_mut(group)?.streams;
    streams
        .remove(name)
        .map(|_| json!({}))
        .ok_or_else(no_stream)
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group_name = names::requested_group(call, input)?;
    let prefix = input.text("logStreamNamePrefix").unwrap_or_default();
    let by_time = match input.text("orderBy") {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") => true,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    if by_time && !prefix.is_empty() {
        return Err(invalid(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let descending = input
        .flag("descending")
        .map_err(as_invalid)?
        .unwrap_or(false);
    let limit = limit(input, 50, 50)?;
    let arn = call.arn("logs", &format!("log-group:{group_name}:log-stream:"));
    let group = call.here().logs.group(&group_name)?;
    let mut streams: Vec<(&String, &Stream)> = group
        .streams
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    if by_time {
        streams.sort_by_key(|(_, stream)| stream.events.last().map(|event| event.timestamp));
    }
    if descending {
        streams.reverse();
    }
    // The token is the last name of the page before; where that stream has gone, so has the token.
    let start = match input.text("nextToken") {
        None => 0,
        Some(token) => streams
            .iter()
            .position(|(name, _)| name.as_str() == token)
            .map(|place| place + 1)
            .ok_or_else(|| invalid("The specified nextToken is invalid."))?,
    };
    let page = &streams[start..streams.len().min(start + limit)];
    let mut answer = json!({
        "logStreams": page.iter().map(|(name, stream)| shown(&arn, name, stream)).collect::<Vec<_>>(),
    });
    if start + page.len() < streams.len()
        && let Some((last, _)) = page.last()
    {
        answer["nextToken"] = json!(last);
    }
    Ok(answer)
}

fn shown(arn_prefix: &str, name: &str, stream: &Stream) -> Value {
    let mut shown = json!({
        "logStreamName": name,
        "creationTime": stream.created,
        "arn": format!("{arn_prefix}{name}"),
        // The service has reported 0 for every stream since 2019.
        "storedBytes": 0,
        "uploadSequenceToken": super::events::SEQUENCE_TOKEN,
    });
    if let (Some(first), Some(last)) = (stream.events.first(), stream.events.last()) {
        shown["firstEventTimestamp"] = json!(first.timestamp);
        shown["lastEventTimestamp"] = json!(last.timestamp);
    }
    if let Some(at) = stream.last_ingestion {
        shown["lastIngestionTime"] = json!(at);
    }
    shown
}
