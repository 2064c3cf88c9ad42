//! Reading one stream, forwards or backwards.

use serde_json::{Value, json};

use super::store::{Event, Key};
use super::{as_invalid, invalid, limit, names};
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// A page holds at most this many events and about this many bytes.
pub(super) const MAX_EVENTS: usize = 10_000;
const MAX_BYTES: usize = 1_048_576;

/// Where a token points and which way it reads.
enum Token {
    Forward(Key),
    Backward(Key),
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::requested_group(call, input)?;
    let name = names::required_stream(input)?;
    let limit = limit(input, MAX_EVENTS, MAX_EVENTS)?;
    let start = time(input, "startTime")?.unwrap_or(i64::MIN);
    let end = time(input, "endTime")?.unwrap_or(i64::MAX);
    let from_head = input
        .flag("startFromHead")
        .map_err(as_invalid)?
        .unwrap_or(false);
    let token = input.text("nextToken").map(parse_token).transpose()?;
    let now = epoch_millis(call.now);
    let group = call.here().logs.group(&group)?;
    let start = start.max(group.expiry(now));
    let events = &group.stream(name)?.events;
    // The end is excluded here, other than in FilterLogEvents.
    let low = events.partition_point(|event| event.timestamp < start);
    let high = events
        .partition_point(|event| event.timestamp < end)
        .max(low);
    let window = &events[low..high];
    let page = match token {
        Some(Token::Forward(after)) => first(
            &window[window.partition_point(|event| event.key() <= after)..],
            limit,
        ),
        Some(Token::Backward(before)) => last(
            &window[..window.partition_point(|event| event.key() < before)],
            limit,
        ),
        None if from_head => first(window, limit),
        None => last(window, limit),
    };
    let (forward, backward) = match (page.last(), page.first(), token) {
        (Some(last), Some(first), _) => (last.key(), first.key()),
        // An empty page answers the token it was asked with: that is how clients see the end.
        (_, _, Some(Token::Forward(at) | Token::Backward(at))) => (at, at),
        (_, _, None) => ((0, 0), (0, 0)),
    };
    Ok(json!({
        "events": page.iter().map(shown).collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{:020}{:020}/s", forward.0, forward.1),
        "nextBackwardToken": format!("b/{:020}{:020}/s", backward.0, backward.1),
    }))
}

fn shown(event: &Event) -> Value {
    json!({
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
    })
}

fn first(events: &[Event], limit: usize) -> &[Event] {
    &events[..fitting(events.iter(), limit)]
}

fn last(events: &[Event], limit: usize) -> &[Event] {
    &events[events.len() - fitting(events.iter().rev(), limit)..]
}

/// How many events fit on a page; always one, so that reading moves on.
fn fitting<'a>(events: impl Iterator<Item = &'a Event>, limit: usize) -> usize {
    let mut bytes = 0;
    events
        .take(limit)
        .take_while(|event| {
            let fits = bytes < MAX_BYTES;
            bytes += event.message.len() + 26;
            fits
        })
        .count()
}

fn parse_token(token: &str) -> Result<Token, ApiError> {
    let bad = || invalid("The specified nextToken is invalid.");
    let (way, rest) = token.split_once('/').ok_or_else(bad)?;
    let digits = rest.strip_suffix("/s").ok_or_else(bad)?;
    let key = parse_key(digits).ok_or_else(bad)?;
    match way {
        "f" => Ok(Token::Forward(key)),
        "b" => Ok(Token::Backward(key)),
        _ => Err(bad()),
    }
}

/// Twenty digits of time, twenty of sequence.
pub(super) fn parse_key(digits: &str) -> Option<Key> {
    let (at, sequence) = digits.split_at_checked(20)?;
    (sequence.len() == 20).then_some(())?;
    Some((at.parse().ok()?, sequence.parse().ok()?))
}

/// A time in milliseconds since the epoch.
pub(super) fn time(input: &Value, name: &str) -> Result<Option<i64>, ApiError> {
    match input.int(name).map_err(as_invalid)? {
        Some(at) if at < 0 => Err(invalid(format!(
            "1 validation error detected: Value '{at}' at '{name}' failed to satisfy constraint: Member must have value greater than or equal to 0"
        ))),
        at => Ok(at),
    }
}
