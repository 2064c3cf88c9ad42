//! Searching all streams of a group.

use serde_json::{Value, json};

use super::pattern::Pattern;
use super::read::{MAX_EVENTS, parse_key, time};
use super::store::{Event, Group, Key};
use super::{invalid, limit, names};
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

const MAX_BYTES: usize = 1_048_576;

pub(super) fn filter(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::requested_group(input)?;
    let pattern = Pattern::parse(input.text("filterPattern").unwrap_or_default())?;
    let limit = limit(input, MAX_EVENTS, MAX_EVENTS)?;
    let start = time(input, "startTime")?.unwrap_or(i64::MIN);
    let end = time(input, "endTime")?.unwrap_or(i64::MAX);
    let after = match input.text("nextToken") {
        None => None,
        Some(token) => {
            Some(parse_key(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?)
        }
    };
    let now = epoch_millis(call.now);
    let group = call.here().logs.group(&group)?;
    let start = start.max(group.expiry(now));
    let mut found = Vec::new();
    for (name, events) in searched(group, input)? {
        let low = events.partition_point(|event| {
            event.timestamp < start || after.is_some_and(|after| event.key() <= after)
        });
        // The end is included here, other than in GetLogEvents.
        let matching = events[low..]
            .iter()
            .take_while(|event| event.timestamp <= end)
            .filter(|event| pattern.matches(&event.message));
        found.extend(matching.map(|event| (name, event)));
    }
    found.sort_by_key(|(_, event)| event.key());
    let (page, more) = page(&found, limit);
    let mut answer = json!({
        "events": page.iter().map(|(stream, event)| shown(stream, event)).collect::<Vec<_>>(),
        // The service deprecated the list in 2022 and leaves it empty.
        "searchedLogStreams": [],
    });
    if more && let Some((_, last)) = page.last() {
        let (at, sequence): Key = last.key();
        answer["nextToken"] = json!(format!("{at:020}{sequence:020}"));
    }
    Ok(answer)
}

/// The streams that the request asks for.
fn searched<'a>(group: &'a Group, input: &Value) -> Result<Vec<(&'a str, &'a [Event])>, ApiError> {
    let wanted = input.texts("logStreamNames");
    let prefix = input.text("logStreamNamePrefix");
    if !wanted.is_empty() && prefix.is_some() {
        return Err(invalid(
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
        ));
    }
    for name in &wanted {
        group.stream(name)?;
    }
    Ok(group
        .streams
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)))
        .map(|(name, stream)| (name.as_str(), stream.events.as_slice()))
        .collect())
}

/// What fits on one page, and whether there is more.
fn page<'a, 'b>(
    found: &'a [(&'b str, &'b Event)],
    limit: usize,
) -> (&'a [(&'b str, &'b Event)], bool) {
    let mut bytes = 0;
    let fitting = found
        .iter()
        .take(limit)
        .take_while(|(_, event)| {
            let fits = bytes < MAX_BYTES;
            bytes += event.message.len() + 26;
            fits
        })
        .count();
    (&found[..fitting], fitting < found.len())
}

fn shown(stream: &str, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": format!("{:026}{:030}", event.timestamp, event.sequence),
    })
}
