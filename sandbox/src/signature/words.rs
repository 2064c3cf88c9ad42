//! How each service says that a request proves nothing.
//!
//! Codes, statuses and the beginnings of the messages are AWS's; the tests name where each was seen. What may follow
//! says what to do in the sandbox.

use super::clocks::describe;
use super::refusal::Refusal;
use super::scope::Mechanism;
use crate::caller::KeyFault;
use crate::error::ApiError;
use crate::protocol::{HttpRequest, Protocol};
use crate::service::Service;

/// What makes a client's keys right.
const HINT: &str = "`cargo xtask sandbox env` prints the keys that this sandbox takes";

/// Kinds of refusal that the services name differently.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Incomplete,
    Missing,
    Token,
    Expired,
    Signature,
}

impl From<KeyFault> for Refusal {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Unknown(id) => Refusal::UnknownKey(id),
            KeyFault::NoToken(id) => Refusal::NoToken(id),
            KeyFault::WrongToken => Refusal::WrongToken,
            KeyFault::Expired => Refusal::ExpiredToken,
        }
    }
}

impl Refusal {
    /// The refusal in the words of `service`.
    pub(crate) fn answer(&self, service: Service) -> ApiError {
        match service.protocol() {
            Protocol::RestXml => self.of_s3(),
            Protocol::Ec2(_) => self.of_ec2(),
            protocol => self.of_others(protocol),
        }
    }

    /// The refusal in the words of `service`, where the request says of which it is, or in those of one that it
    /// resembles.
    pub(crate) fn answer_unscoped(&self, request: &HttpRequest) -> (Protocol, ApiError) {
        let service = resembled(request);
        (service.protocol(), self.answer(service))
    }

    fn of_others(&self, protocol: Protocol) -> ApiError {
        let (kind, message) = self.in_common_words(protocol);
        let is_json = matches!(protocol, Protocol::Json | Protocol::RestJson);
        let code = match (kind, is_json) {
            (Kind::Incomplete, false) => "IncompleteSignature",
            (Kind::Incomplete, true) => "IncompleteSignatureException",
            (Kind::Missing, false) => "MissingAuthenticationToken",
            (Kind::Missing, true) => "MissingAuthenticationTokenException",
            (Kind::Token, false) => "InvalidClientTokenId",
            (Kind::Token, true) => "UnrecognizedClientException",
            (Kind::Expired, false) => "ExpiredToken",
            (Kind::Expired, true) => "ExpiredTokenException",
            (Kind::Signature, false) => "SignatureDoesNotMatch",
            (Kind::Signature, true) => "InvalidSignatureException",
        };
        let status = match (protocol, kind) {
            (Protocol::Json, _) | (_, Kind::Incomplete) => 400,
            _ => 403,
        };
        ApiError::new(status, code, message)
    }

    /// What the services of one front door say alike.
    fn in_common_words(&self, protocol: Protocol) -> (Kind, String) {
        use Kind::{Expired, Incomplete, Missing, Signature, Token};
        match self {
            Refusal::Missing => {
                let message = match protocol {
                    Protocol::Json | Protocol::RestJson => "Missing Authentication Token",
                    _ => "Request is missing Authentication Token",
                };
                (Missing, format!("{message}: the request is not signed; {HINT}"))
            }
            Refusal::Twice => (Signature, "credentials stand in more than one place".to_owned()),
            Refusal::Algorithm(name) => (Incomplete, format!("Unsupported AWS 'algorithm': '{name}'{}", unsupported(name))),
            Refusal::Incomplete(parts) => {
                let parts = parts.iter().map(|part| format!("Authorization header requires '{part}' parameter."));
                (Incomplete, parts.collect::<Vec<_>>().join(" "))
            }
            Refusal::Repeated(part) => (Incomplete, format!("Authorization header has the parameter '{part}' more than once.")),
            Refusal::QueryIncomplete => (Incomplete, "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires'. Re-examine the query-string parameters.".to_owned()),
            Refusal::LegacyIncomplete | Refusal::LegacyExpires(_) => (Incomplete, "Unsupported AWS 'algorithm': signature version 2".to_owned()),
            Refusal::Credential { got, .. } => (Incomplete, format!("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{got}'")),
            Refusal::Terminator { got, .. } => (Signature, format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'.")),
            Refusal::ScopeDate { scope, moment, .. } => {
                let day = moment.get(..8).unwrap_or_default();
                (Signature, format!("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{day}', from '{moment}'."))
            }
            Refusal::NoDate => (Incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned()),
            Refusal::DateForm { got, .. } => (Incomplete, format!("Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601")),
            Refusal::ExpiresNumber | Refusal::ExpiresNegative | Refusal::ExpiresTooLong => (Incomplete, self.expires_words().to_owned()),
            Refusal::NotSigned(names) => {
                let name = match names.first().map_or("", String::as_str) {
                    "host" => "'Host' or ':authority'".to_owned(),
                    name => format!("'{name}'"),
                };
                (Signature, format!("{name} must be a 'SignedHeader' in the AWS Authorization."))
            }
            Refusal::Skewed { signed, now, window } => (Signature, describe(*signed, *now, *window)),
            Refusal::PresignedEarly => (Signature, "Signature not yet current: the request is signed for a later time".to_owned()),
            Refusal::PresignedLate => (Signature, "Signature expired: the time for which the request was signed is over".to_owned()),
            Refusal::UnknownKey(_) | Refusal::NoToken(_) | Refusal::WrongToken => (Token, format!("The security token included in the request is invalid.{}", self.key_hint())),
            Refusal::ExpiredToken => (Expired, "The security token included in the request is expired".to_owned()),
            Refusal::Body(error) => (Signature, error.message.clone()),
            Refusal::NoPayloadHash | Refusal::PayloadHashForm | Refusal::PayloadMismatch | Refusal::Mismatch => {
                (Signature, format!("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details. ({HINT})"))
            }
        }
    }

    /// EC2 has few words: what cannot be told apart is a failure to validate.
    fn of_ec2(&self) -> ApiError {
        let failure = |message: String| ApiError::new(401, "AuthFailure", message);
        match self {
            Refusal::Missing => ApiError::bad(
                "MissingParameter",
                format!(
                    "The request must contain the parameter AWSAccessKeyId; the request is not signed: {HINT}"
                ),
            ),
            Refusal::Skewed { .. }
            | Refusal::PresignedEarly
            | Refusal::PresignedLate
            | Refusal::ExpiredToken => ApiError::bad("RequestExpired", "Request has expired."),
            Refusal::UnknownKey(_)
            | Refusal::NoToken(_)
            | Refusal::WrongToken
            | Refusal::Mismatch => failure(format!(
                "AWS was not able to validate the provided access credentials{}",
                self.key_hint()
            )),
            other => {
                let (_, why) = other.in_common_words(Protocol::Ec2(""));
                failure(format!(
                    "Authorization header or parameters are not formatted correctly. ({why})"
                ))
            }
        }
    }

    fn of_s3(&self) -> ApiError {
        let bad = |code: &'static str, message: String| ApiError::bad(code, message);
        let forbidden = |code: &'static str, message: &str| ApiError::new(403, code, message);
        match self {
            Refusal::Missing => forbidden("AccessDenied", &format!("Access Denied: the request is not signed; {HINT}")),
            Refusal::Twice => bad("InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified".to_owned()),
            Refusal::Algorithm(name) => bad("InvalidRequest", format!("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.{}", unsupported(name))),
            Refusal::Incomplete(parts) => {
                let part = parts.first().copied().unwrap_or_default();
                malformed(Mechanism::Header, &format!("missing {part}."))
            }
            Refusal::Repeated(part) => malformed(Mechanism::Header, &format!("{part} stands in it more than once.")),
            Refusal::QueryIncomplete => bad("AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.".to_owned()),
            Refusal::LegacyIncomplete => forbidden("AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"),
            Refusal::LegacyExpires(got) => forbidden("AccessDenied", &format!("Invalid date (should be seconds since epoch): {got}")),
            Refusal::Credential { mechanism, .. } => malformed(*mechanism, "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."),
            Refusal::Terminator { mechanism, got } => malformed(*mechanism, &format!("incorrect terminal \"{got}\". This endpoint uses \"aws4_request\".")),
            Refusal::ScopeDate { mechanism, scope, moment } => {
                let day = moment.get(..8).unwrap_or_default();
                let message = format!("Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{day}\".");
                match mechanism {
                    Mechanism::Query => bad("AuthorizationQueryParametersError", message),
                    Mechanism::Header | Mechanism::LegacyQuery => malformed(*mechanism, &message),
                }
            }
            Refusal::NoDate | Refusal::DateForm { mechanism: Mechanism::Header | Mechanism::LegacyQuery, .. } => {
                forbidden("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
            }
            Refusal::DateForm { mechanism: Mechanism::Query, .. } => bad("AuthorizationQueryParametersError", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned()),
            Refusal::ExpiresNumber | Refusal::ExpiresNegative | Refusal::ExpiresTooLong => bad("AuthorizationQueryParametersError", self.expires_words().to_owned()),
            Refusal::NotSigned(names) => forbidden("AccessDenied", &format!("There were headers present in the request which were not signed: {}", names.join(", "))),
            Refusal::Skewed { .. } => forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
            Refusal::PresignedEarly => forbidden("AccessDenied", "Request is not valid yet"),
            Refusal::PresignedLate => forbidden("AccessDenied", "Request has expired"),
            Refusal::UnknownKey(_) | Refusal::NoToken(_) => forbidden("InvalidAccessKeyId", &format!("The AWS Access Key Id you provided does not exist in our records.{}", self.key_hint())),
            Refusal::WrongToken => bad("InvalidToken", "The provided token is malformed or otherwise invalid.".to_owned()),
            Refusal::ExpiredToken => bad("ExpiredToken", "The provided token has expired.".to_owned()),
            Refusal::NoPayloadHash => bad("InvalidRequest", "Missing required header for this request: x-amz-content-sha256".to_owned()),
            Refusal::PayloadHashForm => bad("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.".to_owned()),
            Refusal::PayloadMismatch => bad("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.".to_owned()),
            Refusal::Body(error) => error.clone(),
            Refusal::Mismatch => forbidden("SignatureDoesNotMatch", &format!("The request signature we calculated does not match the signature you provided. Check your key and signing method. ({HINT})")),
        }
    }

    fn expires_words(&self) -> &'static str {
        match self {
            Refusal::ExpiresNumber => "X-Amz-Expires should be a number",
            Refusal::ExpiresNegative => "X-Amz-Expires must be non-negative",
            _ => {
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
            }
        }
    }

    fn key_hint(&self) -> String {
        match self {
            Refusal::UnknownKey(id) => {
                format!(" (access key `{id}` is unknown here, deleted or inactive; {HINT})")
            }
            Refusal::NoToken(id) => {
                format!(" (access key `{id}` is of a session: its token is missing)")
            }
            Refusal::Mismatch => format!(" ({HINT})"),
            _ => String::new(),
        }
    }
}

fn malformed(mechanism: Mechanism, why: &str) -> ApiError {
    match mechanism {
        Mechanism::Query => ApiError::bad(
            "AuthorizationQueryParametersError",
            format!("Error parsing the X-Amz-Credential parameter; {why}"),
        ),
        Mechanism::Header | Mechanism::LegacyQuery => ApiError::bad(
            "AuthorizationHeaderMalformed",
            format!("The authorization header is malformed; {why}"),
        ),
    }
}

/// What AWS has and the sandbox does not.
fn unsupported(algorithm: &str) -> &'static str {
    match algorithm {
        "AWS4-ECDSA-P256-SHA256" => {
            " (SigV4A, AWS4-ECDSA-P256-SHA256, is not implemented by the sandbox)"
        }
        _ => "",
    }
}

/// A service that such a request may be meant for, so that the client can read the answer.
fn resembled(request: &HttpRequest) -> Service {
    let is_form = request
        .header("content-type")
        .is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    // Lambda's paths begin with the version of the API.
    let is_dated = request
        .path
        .get(1..5)
        .is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()))
        && request.path.get(5..6) == Some("-");
    if request.header("x-amz-target").is_some() {
        Service::Ssm
    } else if is_form || request.query.contains("Action=") {
        Service::Sts
    } else if is_dated {
        Service::Lambda
    } else {
        Service::S3
    }
}
