//! From an HTTP request to a service and back: who calls, which service, which operation.

use std::sync::Arc;

use crate::admin;
use crate::aside::aside;
use crate::error::ApiError;
use crate::faults::Refusal;
use crate::ids::{Region, unknown_region, uuid};
use crate::journal::{Entry, Origin};
use crate::protocol::{HttpRequest, HttpResponse, Operation, Protocol, encode, encode_error};
use crate::sandbox::{Sandbox, Target};
use crate::service::Service;

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
    let turned_away = |scope: &Scope, error: &ApiError| {
        let place = (scope.service.as_str(), scope.region.as_str());
        let (now, origin) = (sandbox.clock.now(), scope.origin(&request));
        let who = sandbox.keys.lookup(&scope.access_key, now);
        let entry = Entry::turned_away(now, origin, who, place, error, &request_id);
        sandbox.journal.write(entry);
    };
    let scope = match Scope::of(&request) {
        Ok(scope) => scope,
        Err(error) => {
            turned_away(&Scope::default(), &error);
            return Ok(encode_error(Protocol::RestXml, &error, &request_id));
        }
    };
    let Some(service) = Service::from_signing_name(&scope.service) else {
        let error = ApiError::not_implemented(&scope.service, "*");
        turned_away(&scope, &error);
        return Ok(encode_error(guess_protocol(&request), &error, &request_id));
    };
    let read = || understand(sandbox, service, &scope, &request, &request_id);
    let understood = match request.body.len() > LARGE {
        true => aside(read),
        false => read(),
    };
    let (target, operation) = match understood {
        Ok(understood) => understood,
        Err(error) => {
            turned_away(&scope, &error);
            return Ok(encode_error(service.protocol(), &error, &request_id));
        }
    };
    let origin = scope.origin(&request);
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

/// Who calls, and what is asked for.
fn understand(
    sandbox: &Arc<Sandbox>,
    service: Service,
    scope: &Scope,
    request: &HttpRequest,
    request_id: &str,
) -> Result<(Target, Operation), ApiError> {
    let region = Region::parse(&scope.region).ok_or_else(|| unknown_region(&scope.region))?;
    let (account, caller) = sandbox.keys.lookup(&scope.access_key, sandbox.clock.now()).ok_or_else(|| {
        ApiError::new(
            403,
            "InvalidClientTokenId",
            format!(
                "the security token included in the request is invalid: access key `{}` was not issued by this sandbox; use a 12-digit account id as access key",
                scope.access_key
            ),
        )
    })?;
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

/// The credential scope of a signed request. The signature itself is not checked: the sandbox
/// listens on the loopback interface only and its secrets are nobody's secrets.
#[derive(Debug, Default)]
struct Scope {
    access_key: String,
    region: String,
    service: String,
}

impl Scope {
    /// The client behind the request, for the journal.
    fn origin(&self, request: &HttpRequest) -> Origin {
        Origin::Client {
            access_key: self.access_key.clone(),
            user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
        }
    }

    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let presigned = || {
            let pairs = request.query_pairs();
            pairs
                .into_iter()
                .find(|(name, _)| name == "X-Amz-Credential")
                .map(|(_, value)| value)
        };
        let credential = match request.header("authorization") {
            Some(header) => header
                .split_once("Credential=")
                .and_then(|(_, rest)| rest.split([',', ' ']).next())
                .map(str::to_owned),
            None => presigned(),
        };
        let parts: Vec<&str> = credential
            .as_deref()
            .map(|text| text.split('/').collect())
            .unwrap_or_default();
        match parts[..] {
            [access_key, _date, region, service, "aws4_request"] => Ok(Self {
                access_key: access_key.to_owned(),
                region: region.to_owned(),
                service: service.to_owned(),
            }),
            _ => Err(ApiError::new(
                403,
                "MissingAuthenticationToken",
                "the request is not signed; use an AWS client with AWS_ACCESS_KEY_ID set to a 12-digit account id",
            )),
        }
    }
}
