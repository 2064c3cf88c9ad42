//! Writing events.

use serde_json::{Value, json};

use super::{as_invalid, invalid, names, store};
use crate::budgets::{self, Kind};
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// Sequence tokens have been ignored since 2023, but every answer still carries one.
pub(super) const SEQUENCE_TOKEN: &str = "49039859626250003452789612345678901234567890123456789012";

const HOUR: i64 = 60 * 60 * 1000;
/// Events older than this are not taken.
const TOO_OLD: i64 = 14 * 24 * HOUR;
/// Events further in the future than this are not taken.
const TOO_NEW: i64 = 2 * HOUR;
/// The bytes of a batch: every message plus 26.
const MAX_BATCH: usize = 1_048_576;

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::required_group(input)?;
    let stream = names::required_stream(input)?;
    let batch = read_batch(input)?;
    let now = epoch_millis(call.now);
    let limit = budgets::room(call, Kind::Logs);
    let logs = &mut call.here().logs;
    let sequence = &mut logs.sequence;
    let group = logs.groups.get_mut(group).ok_or_else(store::no_group)?;
    let expiry = group.expiry(now);
    let stream = group.streams.get_mut(stream).ok_or_else(store::no_stream)?;
    // The batch is in order, so what is refused lies at its two ends.
    let too_old = batch.partition_point(|(at, _)| *at < now - TOO_OLD);
    let expired = batch.partition_point(|(at, _)| *at < expiry);
    let too_new = batch.partition_point(|(at, _)| *at <= now + TOO_NEW);
    let taken = too_old.max(expired)..too_new;
    let total = batch.len();
    stream.expire(expiry);
    let batch = batch.into_iter().skip(taken.start).take(taken.len());
    stream.add(sequence, now, batch);
    let forgotten = logs.forget_over(limit);
    call.sandbox.ledger.forget(Kind::Logs, forgotten);
    let mut answer = json!({"nextSequenceToken": SEQUENCE_TOKEN});
    let mut rejected = json!({});
    if too_old > 0 {
        rejected["tooOldLogEventEndIndex"] = json!(too_old);
    }
    if expired > too_old {
        rejected["expiredLogEventEndIndex"] = json!(expired);
    }
    if too_new < total {
        rejected["tooNewLogEventStartIndex"] = json!(too_new);
    }
    if rejected != json!({}) {
        answer["rejectedLogEventsInfo"] = rejected;
    }
    Ok(answer)
}

fn read_batch(input: &Value) -> Result<Vec<(i64, String)>, ApiError> {
    let events = input.list("logEvents");
    if events.is_empty() || events.len() > 10_000 {
        return Err(invalid(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and 10000",
        ));
    }
    let mut batch = Vec::with_capacity(events.len());
    let mut size = 0;
    for event in events {
        let at = event.int("timestamp").map_err(as_invalid)?;
        let (Some(at), Some(message)) = (at.filter(|at| *at >= 0), event.text("message")) else {
            return Err(invalid(
                "1 validation error detected: every log event must have a timestamp and a message",
            ));
        };
        if message.is_empty() {
            return Err(invalid(
                "1 validation error detected: Value '' at 'message' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ));
        }
        size += message.len() + 26;
        batch.push((at, message.to_owned()));
    }
    if size > MAX_BATCH {
        return Err(invalid(format!(
            "Upload too large: {size} bytes exceeds limit of {MAX_BATCH}"
        )));
    }
    if batch.is_sorted_by_key(|(at, _)| *at) {
        let span = batch.last().map_or(0, |(at, _)| *at) - batch.first().map_or(0, |(at, _)| *at);
        if span > 24 * HOUR {
            return Err(invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ));
        }
        return Ok(batch);
    }
    Err(invalid(
        "Log events in a single PutLogEvents request must be in chronological order.",
    ))
}
