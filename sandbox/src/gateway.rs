//! From an HTTP request to a service and back: who calls, which service, which operation.

use std::sync::Arc;

use crate::admin;
use crate::aside::aside;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::faults::Refusal;
use crate::ids::{AccountId, Region, unknown_region, uuid};
use crate::journal::{Entry, Origin};
use crate::protocol::{HttpRequest, HttpResponse, Operation, Protocol, encode, encode_error};
use crate::s3;
use crate::sandbox::{Sandbox, Target};
use crate::service::Service;
use crate::signature::{self, Clocks, Mechanism, Scope};

/// A body that takes more than a moment to decode, in bytes.
const LARGE: usize = 64 * 1024;

/// The connection is to be closed without an answer: a fault asks for it.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer, as a fault asks")]
pub(crate) struct Hangup;

/// Answers one request.
///
/// # Errors
/// [`Hangup`] where there is to be no answer.
pub(crate) async fn answer(
    sandbox: &Arc<Sandbox>,
    request: HttpRequest,
) -> Result<HttpResponse, Hangup> {
    if let Some(rest) = request.path.strip_prefix("/_sandbox/") {
        return Ok(admin::answer(sandbox, rest, &request).await);
    }
    let answered = serve(sandbox, request).await;
    // What was done is done when the call arrived; the client learns of it later.
    let latency = sandbox.call_latency();
    if !latency.is_zero() {
        sandbox
            .clock
            .wait_until(sandbox.clock.now() + latency)
            .await;
    }
    answered
}

async fn serve(sandbox: &Arc<Sandbox>, request: HttpRequest) -> Result<HttpResponse, Hangup> {
    let request_id = uuid();
    let turned_away = |scope: &Scope, who: Option<(AccountId, Caller)>, error: &ApiError| {
        let place = (scope.service.as_str(), scope.region.as_str());
        let (now, origin) = (sandbox.clock.now(), origin(scope, &request));
        let entry = Entry::turned_away(now, origin, who, place, error, &request_id);
        sandbox.journal.write(entry);
    };
    let scope = match Scope::of(&request) {
        Ok(scope) => scope,
        Err(refusal) => {
            let (protocol, error) = refusal.answer_unscoped(&request);
            turned_away(&Scope::default(), None, &error);
            return Ok(encode_error(protocol, &error, &request_id));
        }
    };
    let Some(service) = Service::from_signing_name(&scope.service) else {
        let error = ApiError::not_implemented(&scope.service, "*");
        turned_away(&scope, None, &error);
        return Ok(encode_error(guess_protocol(&request), &error, &request_id));
    };
    // Nothing is understood, and nobody named, before it is proven who asks.
    let who = match at_leisure(&request, || caller(sandbox, service, &scope, &request)) {
        Ok(who) => who,
        Err(refusal) => {
            let error = refusal.answer(service);
            tracing::debug!(service = service.signing_name(), ?refusal, "not proven");
            turned_away(&scope, None, &error);
            return Ok(encode_error(service.protocol(), &error, &request_id));
        }
    };
    let understood = at_leisure(&request, || {
        understand(sandbox, service, &scope, &who, &request, &request_id)
    });
    let (target, operation) = match understood {
        Ok(understood) => understood,
        Err(error) => {
            turned_away(&scope, Some(who), &error);
            return Ok(encode_error(service.protocol(), &error, &request_id));
        }
    };
    let origin = origin(&scope, &request);
    match sandbox.admit(&target, &origin, service, &operation).await {
        Ok(answer) => Ok(encode(
            service.protocol(),
            service.success(&operation.name),
            &operation.name,
            answer,
            &request_id,
        )),
        Err(Refusal::Error(error)) => {
            tracing::debug!(service = service.signing_name(), %error, "refused");
            Ok(encode_error(service.protocol(), &error, &request_id))
        }
        Err(Refusal::Hangup) => Err(Hangup),
    }
}

/// Hashes or decodes a body; beside the threads that serve where it is a large one.
fn at_leisure<T>(request: &HttpRequest, work: impl FnOnce() -> T) -> T {
    match request.body.len() > LARGE {
        true => aside(work),
        false => work(),
    }
}

/// Who calls: whoever signed, or whoever it is said to be where signatures are not looked at.
fn caller(
    sandbox: &Sandbox,
    service: Service,
    scope: &Scope,
    request: &HttpRequest,
) -> Result<(AccountId, Caller), signature::Refusal> {
    let now = sandbox.clock.now();
    if sandbox.settings.ignore_signatures {
        let who = sandbox.keys.lookup(&scope.access_key, now);
        return who.ok_or_else(|| signature::Refusal::UnknownKey(scope.access_key.clone()));
    }
    let clocks = Clocks {
        machine: time::OffsetDateTime::now_utc(),
        sandbox: now,
    };
    signature::verify(&sandbox.keys, clocks, service, scope, request)
}

/// What is asked for, by a caller who is known.
fn understand(
    sandbox: &Arc<Sandbox>,
    service: Service,
    scope: &Scope,
    who: &(AccountId, Caller),
    request: &HttpRequest,
    request_id: &str,
) -> Result<(Target, Operation), ApiError> {
    let (account, caller) = who.clone();
    let region = match scope.mechanism {
        Mechanism::LegacyQuery => s3::region_of(sandbox, &account, &request.path),
        Mechanism::Header | Mechanism::Query => {
            Region::parse(&scope.region).ok_or_else(|| unknown_region(&scope.region))?
        }
    };
    let operation = service.decode(request)?;
    tracing::debug!(service = service.signing_name(), operation = operation.name, %account, %region, "call");
    let target = Target {
        account,
        region,
        caller,
        request_id: request_id.to_owned(),
    };
    Ok((target, operation))
}

/// The client behind the request, for the journal.
fn origin(scope: &Scope, request: &HttpRequest) -> Origin {
    Origin::Client {
        access_key: scope.access_key.clone(),
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
    }
}

/// The protocol of a service that the sandbox does not have, so that the client at least reads the error.
fn guess_protocol(request: &HttpRequest) -> Protocol {
    if request.header("x-amz-target").is_some() {
        Protocol::Json
    } else if request
        .header("content-type")
        .is_some_and(|kind| kind.contains("x-www-form-urlencoded"))
    {
        Protocol::Query("")
    } else {
        Protocol::RestJson
    }
}
