//! From an HTTP request to a service and back: who calls, which service, which operation.

use std::sync::Arc;

use crate::admin;
use crate::error::ApiError;
use crate::ids::{Region, unknown_region, uuid};
use crate::protocol::{HttpRequest, HttpResponse, Protocol, encode, encode_error};
use crate::sandbox::{Sandbox, Target};
use crate::service::Service;

/// Answers one request.
pub(crate) async fn answer(sandbox: &Arc<Sandbox>, request: HttpRequest) -> HttpResponse {
    if let Some(rest) = request.path.strip_prefix("/_sandbox/") {
        return admin::answer(sandbox, rest, &request).await;
    }
    let request_id = uuid();
    let scope = match Scope::of(&request) {
        Ok(scope) => scope,
        Err(error) => return encode_error(Protocol::RestXml, &error, &request_id),
    };
    let Some(service) = Service::from_signing_name(&scope.service) else {
        let error = ApiError::not_implemented(&scope.service, "*");
        return encode_error(guess_protocol(&request), &error, &request_id);
    };
    match perform(sandbox, service, &scope, &request, &request_id).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(service = service.signing_name(), %error, "refused");
            encode_error(service.protocol(), &error, &request_id)
        }
    }
}

async fn perform(
    sandbox: &Arc<Sandbox>,
    service: Service,
    scope: &Scope,
    request: &HttpRequest,
    request_id: &str,
) -> Result<HttpResponse, ApiError> {
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
    let answer = sandbox.perform(&target, service, &operation).await?;
    Ok(encode(
        service.protocol(),
        &operation.name,
        answer,
        request_id,
    ))
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
struct Scope {
    access_key: String,
    region: String,
    service: String,
}

impl Scope {
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
