//! `Invoke`: at once, later, or only on paper.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;

use super::concurrency;
use super::host::{self, Key, Ran, Spec};
use super::invalid;
use super::reference::{LATEST, Reference};
use crate::clock::Timestamp;
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::{Answer, HttpResponse, Operation, respond};
use crate::sandbox::{Call, Outcome, Sandbox, Target};

/// The largest event of a synchronous invocation, in bytes.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// The largest event of an asynchronous invocation, in bytes.
const MAX_ASYNC_EVENT: usize = 1024 * 1024;
/// An asynchronous invocation that fails is repeated after one minute, then after two more.
const RETRIES: [i64; 2] = [60, 120];

pub(super) fn invoke(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    for unsupported in ["ClientContext", "DurableExecutionName", "TenantId"] {
        if input.field(unsupported).is_some() {
            let what = format!("Invoke with {unsupported}");
            return Err(ApiError::not_implemented("lambda", &what));
        }
    }
    let name = input.text("FunctionName").unwrap_or_default();
    let reference = Reference::parse(name, input.text("Qualifier"))?;
    let spec = spec_of(call, &reference)?;
    let kind = input.text("InvocationType").unwrap_or("RequestResponse");
    let limit = if kind == "Event" {
        MAX_ASYNC_EVENT
    } else {
        MAX_EVENT
    };
    let event = event(&operation.body, limit)?;
    let request_id = call.request_id.clone();
    match kind {
        "DryRun" => Ok(Answer::Http(respond(204, "application/json", "")).into()),
        "Event" => {
            let target = Target {
                account: call.account.id.clone(),
                region: call.region.clone(),
                caller: call.caller.clone(),
                request_id,
            };
            let accepted = Accepted {
                target,
                reference,
                event,
            };
            call.account.later(attempt(call.now, accepted, 0));
            Ok(Answer::Http(respond(202, "application/json", "")).into())
        }
        "RequestResponse" => {
            let tail = match input.text("LogType") {
                None | Some("None") => false,
                Some("Tail") => true,
                Some(other) => return Err(unknown("logType", other, "[None, Tail]")),
            };
            let sandbox = call.sandbox.clone();
            Ok(Outcome::Later(Box::pin(async move {
                let ran = host::run(&sandbox, spec, request_id, event).await?;
                Ok(Answer::Http(answer(ran, tail)))
            })))
        }
        other => Err(unknown(
            "invocationType",
            other,
            "[Event, RequestResponse, DryRun]",
        )),
    }
}

/// What the host needs to know to run the function that `name` means.
pub(super) fn spec(call: &mut Call<'_>, name: &str) -> Result<Arc<Spec>, ApiError> {
    spec_of(call, &Reference::parse(name, None)?)
}

fn spec_of(call: &mut Call<'_>, reference: &Reference) -> Result<Arc<Spec>, ApiError> {
    let invoked_arn = reference.arn(call);
    let unreserved = concurrency::unreserved(call);
    let key = Key::new(&call.account.id, &call.region, &reference.name);
    let account = call.account.id.clone();
    let region = call.region.clone();
    let function = reference.find(call)?;
    let settings = function.settings.clone();
    Ok(Arc::new(Spec {
        key,
        account,
        region,
        invoked_arn,
        generation: function.generation,
        code: function.code.clone(),
        architecture: function.architecture,
        settings,
        concurrency: function.reserved_concurrency,
        unreserved,
    }))
}

/// The event as the function gets it: JSON, `{}` when there is none.
fn event(body: &Bytes, limit: usize) -> Result<Bytes, ApiError> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if body.len() > limit {
        return Err(ApiError::new(
            413,
            "RequestTooLargeException",
            format!("Request must be smaller than {limit} bytes for the InvokeFunction operation"),
        ));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(_) => Ok(body.clone()),
        Err(error) => Err(ApiError::bad(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: {error}"),
        )),
    }
}

/// An asynchronous invocation that has been accepted.
struct Accepted {
    target: Target,
    reference: Reference,
    event: Bytes,
}

/// The n-th attempt of an asynchronous invocation, and what happens when it fails.
fn attempt(due: Timestamp, accepted: Accepted, number: usize) -> Task {
    let lane = format!("lambda/{}", accepted.target.request_id);
    Task::new(due, lane, move |sandbox: Arc<Sandbox>| async move {
        let function = accepted.reference.name.clone();
        // The function may have been changed or deleted since the last attempt.
        let spec = sandbox.enter(&accepted.target, |call| spec_of(call, &accepted.reference));
        let ran = match spec {
            Ok(spec) => {
                let request_id = accepted.target.request_id.clone();
                host::run(&sandbox, spec, request_id, accepted.event.clone()).await
            }
            Err(error) => {
                tracing::info!(%function, %error, "an asynchronous invocation is dropped");
                return;
            }
        };
        let why = match ran {
            Ok(ran) if !ran.failed => return,
            Ok(ran) => String::from_utf8_lossy(&ran.payload).into_owned(),
            Err(error) => error.to_string(),
        };
        match RETRIES.get(number) {
            Some(seconds) => {
                tracing::info!(%function, why, "an asynchronous invocation failed and will be repeated");
                let due = sandbox.clock.now() + time::Duration::seconds(*seconds);
                sandbox
                    .engine
                    .schedule([attempt(due, accepted, number + 1)]);
            }
            None => {
                tracing::warn!(%function, why, "an asynchronous invocation failed for good");
            }
        }
    })
}

fn answer(ran: Ran, tail: bool) -> HttpResponse {
    let mut response = respond(200, "application/json", ran.payload);
    let headers = response.headers_mut();
    headers.insert("x-amz-executed-version", HeaderValue::from_static(LATEST));
    if ran.failed {
        headers.insert(
            "x-amz-function-error",
            HeaderValue::from_static("Unhandled"),
        );
    }
    if tail && let Ok(log) = HeaderValue::from_str(&BASE64_STANDARD.encode(&ran.log_tail)) {
        headers.insert("x-amz-log-result", log);
    }
    response
}

fn unknown(member: &str, value: &str, known: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: {known}"
    ))
}
