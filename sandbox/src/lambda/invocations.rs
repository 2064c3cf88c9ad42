//! `Invoke`: at once, later, or only on paper.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;

use super::host::{self, Key, Ran, Spec, Wait};
use super::reference::Reference;
use super::{asynchronous, concurrency, invalid, versions};
use crate::budgets;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::{Answer, HttpResponse, Operation, respond};
use crate::sandbox::{Call, Outcome, Target};
use crate::service::Service;

/// The largest event of a synchronous invocation, in bytes.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// The largest event of an asynchronous invocation, in bytes.
const MAX_ASYNC_EVENT: usize = 1024 * 1024;

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
            if !call.sandbox.can_queue() {
                return Err(budgets::throttled(
                    Service::Lambda,
                    "as many events wait for functions as --event-bytes or --max-tasks allows; wait until some are done",
                ));
            }
            let target = Target {
                account: call.account.id.clone(),
                region: call.region.clone(),
                caller: call.caller.clone(),
                request_id,
            };
            asynchronous::accept(call, target, reference, event);
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
                let version = spec.key.version.clone();
                let ran = host::run(&sandbox, spec, request_id, event, Wait::Caller).await?;
                Ok(Answer::Http(answer(ran, &version, tail)))
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

pub(super) fn spec_of(call: &mut Call<'_>, reference: &Reference) -> Result<Arc<Spec>, ApiError> {
    let missing = reference.missing(call);
    let invoked_arn = reference.arn(call);
    let unreserved = concurrency::unreserved(call);
    let (account, region) = (call.account.id.clone(), call.region.clone());
    let function = reference.find(call)?;
    let Some(name) = versions::routed(function, reference.qualifier()) else {
        return Err(missing);
    };
    let version = function.version(&name).ok_or(missing)?;
    Ok(Arc::new(Spec {
        key: Key::new(&account, &region, &reference.name, &name),
        account,
        region,
        invoked_arn,
        generation: version.generation,
        code: version.code.clone(),
        architecture: version.architecture,
        settings: version.settings.clone(),
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

fn answer(ran: Ran, version: &str, tail: bool) -> HttpResponse {
    let mut response = respond(200, "application/json", ran.payload);
    let headers = response.headers_mut();
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("x-amz-executed-version", version);
    }
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
