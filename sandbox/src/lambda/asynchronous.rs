//! Asynchronous invocations: a queue that repeats what fails, and tells somebody of the end.
//!
//! A function that fails is tried again after one minute and after two more. When there is no room
//! to run it, the event waits: one second, then twice as long each time, up to five minutes; that is
//! not counted as an attempt. Both end when the event has grown too old.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Invocation;
use super::destinations;
use super::event_config::EventConfig;
use super::function::Function;
use super::host::{self, Spec, Wait};
use super::invocations::spec_of;
use super::reference::{LATEST, Reference};
use crate::budgets::Charge;
use crate::clock::{Timestamp, iso8601};
use crate::engine::Task;
use crate::error::ApiError;
use crate::sandbox::{Call, Sandbox, Target};

/// Seconds before the second and the third attempt.
const RETRIES: [i64; 2] = [60, 120];
/// How long an event is kept, unless the function is configured otherwise.
pub(super) const LONGEST_STAY: time::Duration = time::Duration::hours(6);
/// The longest wait for room, in seconds.
const LONGEST_WAIT: i64 = 300;
/// Characters of the reason that go with an event to the dead-letter topic.
const MAX_REASON: usize = 1024;

/// An event that was accepted.
struct Accepted {
    target: Target,
    reference: Reference,
    event: Bytes,
    /// Counts the event for as long as it waits.
    _charge: Charge,
    since: Timestamp,
    /// How often the function was run with it.
    attempts: u32,
    /// How often there was no room, since the last attempt.
    throttled: u32,
    /// How the last attempt ended.
    last: Option<Last>,
}

struct Last {
    version: String,
    failed: bool,
    payload: Bytes,
}

/// Why an event is done with; AWS's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Condition::Success => "Success",
            Condition::RetriesExhausted => "RetriesExhausted",
            Condition::EventAgeExceeded => "EventAgeExceeded",
            Condition::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// What the function's configuration says about its events, as it is when they are looked at.
struct Rules {
    retries: u32,
    max_age: time::Duration,
    /// Nothing may run.
    stopped: bool,
}

impl Rules {
    fn of(function: &Function, reference: &Reference) -> Self {
        let config = config(function, reference);
        Self {
            retries: config.and_then(|it| it.retries).unwrap_or(2),
            max_age: config
                .and_then(|it| it.max_age)
                .map_or(LONGEST_STAY, |it| time::Duration::seconds(i64::from(it))),
            stopped: function.reserved_concurrency == Some(0),
        }
    }
}

fn config<'a>(function: &'a Function, reference: &Reference) -> Option<&'a EventConfig> {
    let qualifier = reference.qualifier().unwrap_or(LATEST);
    function.event_configs.get(qualifier)
}

/// Puts an event into the queue. The target's request id names the invocation.
pub(super) fn accept(call: &mut Call<'_>, target: Target, reference: Reference, event: Bytes) {
    let accepted = Accepted {
        _charge: call.sandbox.queued.charge(event.len()),
        target,
        reference,
        event,
        since: call.now,
        attempts: 0,
        throttled: 0,
        last: None,
    };
    call.account.later(attempt(call.now, accepted));
}

/// The next attempt, and what comes of it.
fn attempt(due: Timestamp, mut accepted: Accepted) -> Task {
    let lane = format!("lambda/{}", accepted.target.request_id);
    Task::new(due, lane, move |sandbox: Arc<Sandbox>| async move {
        // The function may have been changed or deleted since the last attempt.
        let looked_up = sandbox.enter(&accepted.target, |call| {
            let spec = spec_of(call, &accepted.reference)?;
            let rules = Rules::of(accepted.reference.find(call)?, &accepted.reference);
            Ok::<_, ApiError>((spec, rules))
        });
        let (spec, rules) = match looked_up {
            Ok(found) => found,
            Err(error) => {
                let function = &accepted.reference.name;
                tracing::warn!(function, %error, "an asynchronous invocation is dropped");
                return;
            }
        };
        if rules.stopped {
            finish(
                &sandbox,
                &accepted,
                &spec,
                Condition::ZeroReservedConcurrency,
            );
            return;
        }
        let now = sandbox.clock.now();
        if now - accepted.since > rules.max_age {
            finish(&sandbox, &accepted, &spec, Condition::EventAgeExceeded);
            return;
        }
        let request_id = accepted.target.request_id.clone();
        let event = accepted.event.clone();
        match host::run(&sandbox, spec.clone(), request_id, event, Wait::Event).await {
            Ok(ran) => {
                accepted.attempts += 1;
                accepted.throttled = 0;
                let failed = ran.failed;
                accepted.last = Some(Last {
                    version: spec.key.version.clone(),
                    failed,
                    payload: ran.payload,
                });
                if !failed {
                    finish(&sandbox, &accepted, &spec, Condition::Success);
                    return;
                }
                let done = accepted.attempts - 1;
                let retry = RETRIES.get(usize::try_from(done).unwrap_or(usize::MAX));
                match retry.filter(|_| done < rules.retries) {
                    Some(seconds) => again(&sandbox, accepted, *seconds),
                    None => finish(&sandbox, &accepted, &spec, Condition::RetriesExhausted),
                }
            }
            // No room, or a fault of this machine: neither is the function's.
            Err(error) => {
                let function = &accepted.reference.name;
                tracing::info!(function, %error, "an asynchronous invocation has to wait");
                let wait = wait_for_room(accepted.throttled);
                accepted.throttled += 1;
                again(&sandbox, accepted, wait);
            }
        }
    })
}

/// Seconds to wait when there was no room `times` times before.
pub(super) fn wait_for_room(times: u32) -> i64 {
    1_i64
        .checked_shl(times.min(9))
        .unwrap_or(LONGEST_WAIT)
        .min(LONGEST_WAIT)
}

fn again(sandbox: &Arc<Sandbox>, accepted: Accepted, seconds: i64) {
    let due = sandbox.clock.now() + time::Duration::seconds(seconds);
    sandbox.engine.schedule([attempt(due, accepted)]);
}

/// What a service that repeats its invocations itself has to do after the `attempts`-th one: wait
/// that long and invoke again, or nothing, because it succeeded or because it was the last. Then
/// whoever wants to know has been told.
pub(crate) fn after(
    call: &mut Call<'_>,
    function: &str,
    event: &Bytes,
    attempts: u32,
    ended: &Invocation,
) -> Option<time::Duration> {
    let target = Target {
        account: call.account.id.clone(),
        region: call.region.clone(),
        caller: call.caller.clone(),
        request_id: ended.request_id.clone(),
    };
    let looked_up = Reference::parse(function, None).and_then(|reference| {
        let spec = spec_of(call, &reference)?;
        let rules = Rules::of(reference.find(call)?, &reference);
        Ok((reference, spec, rules))
    });
    let (reference, spec, rules) = match looked_up {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(function, %error, "an invocation is not repeated");
            return None;
        }
    };
    let failed = ended.function_error.is_some();
    let done = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let waited: i64 = RETRIES.iter().take(done).sum();
    let accepted = Accepted {
        target,
        reference,
        event: event.clone(),
        // What waits for it counts it.
        _charge: Charge::default(),
        since: call.now - time::Duration::seconds(waited),
        attempts,
        throttled: 0,
        last: Some(Last {
            version: ended.version.clone(),
            failed,
            payload: ended.payload.clone(),
        }),
    };
    if !failed {
        tell(call, &accepted, &spec, Condition::Success);
        return None;
    }
    let retry = RETRIES.get(done).filter(|_| attempts <= rules.retries);
    let condition = match retry.map(|seconds| time::Duration::seconds(*seconds)) {
        Some(wait) if call.now + wait - accepted.since <= rules.max_age => return Some(wait),
        Some(_) => Condition::EventAgeExceeded,
        None => Condition::RetriesExhausted,
    };
    tell(call, &accepted, &spec, condition);
    None
}

fn finish(sandbox: &Arc<Sandbox>, accepted: &Accepted, spec: &Spec, condition: Condition) {
    sandbox.enter(&accepted.target, |call| {
        tell(call, accepted, spec, condition);
    });
}

/// Tells whoever wants to know, in the name of the function's role.
fn tell(call: &mut Call<'_>, accepted: &Accepted, spec: &Spec, condition: Condition) {
    let role = &spec.settings.role;
    if condition != Condition::Success {
        let function = &accepted.reference.name;
        let why = reason(accepted);
        tracing::warn!(
            function,
            condition = condition.name(),
            why,
            "an event is given up"
        );
    }
    let Ok(function) = accepted.reference.find(call) else {
        return;
    };
    let config = config(function, &accepted.reference);
    let destination = config.and_then(|config| match condition {
        Condition::Success => config.on_success.clone(),
        Condition::RetriesExhausted
        | Condition::EventAgeExceeded
        | Condition::ZeroReservedConcurrency => config.on_failure.clone(),
    });
    if let Some(arn) = destination {
        let record = record(call.now, accepted, spec, condition);
        destinations::deliver(call, role, &arn, &record);
    }
    if condition != Condition::Success
        && let Some(arn) = &spec.settings.dead_letters
    {
        let status = if accepted.last.is_some() { 200 } else { 429 };
        let attributes = vec![
            ("RequestID", accepted.target.request_id.clone()),
            ("ErrorCode", status.to_string()),
            ("ErrorMessage", reason(accepted)),
        ];
        let event = String::from_utf8_lossy(&accepted.event).into_owned();
        destinations::bury(call, role, arn, event, attributes);
    }
}

/// The document that destinations get ("Capturing records of Lambda asynchronous invocations" in the
/// developer guide).
fn record(now: Timestamp, accepted: &Accepted, spec: &Spec, condition: Condition) -> Value {
    let mut arn = spec.invoked_arn.clone();
    if accepted.reference.qualifier().is_none() {
        arn = format!("{arn}:{LATEST}");
    }
    let mut record = json!({
        "version": "1.0",
        "timestamp": iso8601(now),
        "requestContext": {
            "requestId": accepted.target.request_id,
            "functionArn": arn,
            "condition": condition.name(),
            "approximateInvokeCount": accepted.attempts,
        },
        "requestPayload": payload(&accepted.event),
    });
    if let Some(last) = &accepted.last {
        record["responseContext"] = json!({"statusCode": 200, "executedVersion": last.version});
        if last.failed {
            record["responseContext"]["functionError"] = json!("Unhandled");
        }
        record["responsePayload"] = payload(&last.payload);
    }
    record
}

fn payload(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

/// What the function said when it failed, in short.
fn reason(accepted: &Accepted) -> String {
    let Some(last) = &accepted.last else {
        return "Rate Exceeded.".to_owned();
    };
    let document = payload(&last.payload);
    let message = document["errorMessage"].as_str();
    let text = message.map_or_else(|| document.to_string(), str::to_owned);
    text.chars().take(MAX_REASON).collect()
}
