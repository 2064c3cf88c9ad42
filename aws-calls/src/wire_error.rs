//! AWS's error documents, and what their codes mean.

use crate::error::ErrorKind;
use crate::transport::Answer;
use serde_json::Value;

/// What an answer that is not a success says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WireError {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl WireError {
    /// Reads an error in XML (EC2, and what stands in front of it) or AWS JSON.
    pub(crate) fn read(answer: &Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let mut error = if text.trim_start().starts_with('<') {
            xml(&text)
        } else {
            json(&text)
        };
        if let Some(code) = answer.header("x-amzn-errortype") {
            error.code = Some(bare(code).to_owned());
        }
        if error.request_id.is_none() {
            error.request_id = request_id(answer);
        }
        error
    }
}

/// The request id that AWS puts into the headers of every answer.
pub(crate) fn request_id(answer: &Answer) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| answer.header(name))
        .map(str::to_owned)
}

/// EC2 writes `Response/Errors/Error` and `RequestID`, the other query services
/// `ErrorResponse/Error` and `RequestId`.
fn xml(text: &str) -> WireError {
    let Ok(document) = roxmltree::Document::parse(text) else {
        return WireError::default();
    };
    let find = |names: &[&str]| {
        document
            .descendants()
            .find(|node| node.is_element() && names.contains(&node.tag_name().name()))
            .and_then(|node| node.text())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    WireError {
        code: find(&["Code"]),
        message: find(&["Message"]),
        request_id: find(&["RequestID", "RequestId", "requestId"]),
    }
}

fn json(text: &str) -> WireError {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return WireError::default();
    };
    let find = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
    WireError {
        code: find(&["__type", "code"]).map(|code| bare(code).to_owned()),
        message: find(&["message", "Message"]).map(str::to_owned),
        request_id: None,
    }
}

/// `com.amazonaws.config#NoSuchConfigRuleException:http://…` → `NoSuchConfigRuleException`.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// Sorts a failed answer by its code, or by its status where it has none.
///
/// Codes: EC2's "Error codes for the Amazon EC2 API" and Config's "Common Errors"; the throttling
/// codes are those that AWS's SDKs retry.
pub(crate) fn classify(code: Option<&str>, status: u16) -> ErrorKind {
    match code {
        Some("InvalidPermission.NotFound") => ErrorKind::RuleNotFound,
        Some("InvalidPermission.Duplicate") => ErrorKind::RuleDuplicate,
        Some("RulesPerSecurityGroupLimitExceeded") => ErrorKind::RuleLimit,
        Some("InvalidGroup.NotFound" | "InvalidGroupId.NotFound") => ErrorKind::GroupNotFound,
        Some("UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException") => {
            ErrorKind::Denied
        }
        Some(
            "AuthFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "RequestExpired"
            | "RequestInTheFuture"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException",
        ) => ErrorKind::Credentials,
        Some(
            "BandwidthLimitExceeded"
            | "EC2ThrottledException"
            | "PriorRequestNotComplete"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException",
        ) => ErrorKind::Throttled,
        Some("InternalError" | "InternalFailure" | "ServiceUnavailable" | "Unavailable") => {
            ErrorKind::Server
        }
        Some(_) | None => match status {
            429 => ErrorKind::Throttled,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::Refused,
        },
    }
}

/// Whether the clock may be the reason; `Some(true)` where it certainly is.
///
/// EC2 answers a wrong clock with `AuthFailure`, which has many other reasons too.
pub(crate) fn blames_clock(code: Option<&str>) -> Option<bool> {
    match code {
        Some("RequestExpired" | "RequestInTheFuture" | "RequestTimeTooSkewed") => Some(true),
        Some("AuthFailure" | "InvalidSignatureException" | "SignatureDoesNotMatch") => Some(false),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn answer(body: &'static str, headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect::<HeaderMap>();
        Answer {
            status: StatusCode::BAD_REQUEST,
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn check(answer: &Answer, code: Option<&str>, message: Option<&str>, request_id: Option<&str>) {
        let error = WireError::read(answer);
        assert_eq!(
            (
                error.code.as_deref(),
                error.message.as_deref(),
                error.request_id.as_deref()
            ),
            (code, message, request_id)
        );
    }

    #[test]
    fn the_error_documents_of_aws() {
        check(
            &answer(
                r#"<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>InvalidPermission.NotFound</Code><Message>The specified rule does not exist in this security group.</Message></Error></Errors><RequestID>0f1e2d3c</RequestID></Response>"#,
                &[],
            ),
            Some("InvalidPermission.NotFound"),
            Some("The specified rule does not exist in this security group."),
            Some("0f1e2d3c"),
        );
        check(
            &answer(
                r#"<ErrorResponse xmlns="https://example.org/"><Error><Type>Sender</Type><Code>Throttling</Code></Error><RequestId>1</RequestId></ErrorResponse>"#,
                &[],
            ),
            Some("Throttling"),
            None,
            Some("1"),
        );
        check(
            &answer(
                r#"{"__type":"com.amazonaws.config#NoSuchConfigRuleException","message":"gone"}"#,
                &[("x-amzn-requestid", "2")],
            ),
            Some("NoSuchConfigRuleException"),
            Some("gone"),
            Some("2"),
        );
        check(
            &answer(
                r#"{"Message":"no"}"#,
                &[("x-amzn-errortype", "AccessDeniedException:http://x")],
            ),
            Some("AccessDeniedException"),
            Some("no"),
            None,
        );
        check(&answer("<html>", &[]), None, None, None);
        check(
            &answer("", &[("x-amz-request-id", "3")]),
            None,
            None,
            Some("3"),
        );
    }

    #[test]
    fn codes_decide_and_statuses_help_out() {
        for (code, status, kind) in [
            (Some("RequestLimitExceeded"), 503, ErrorKind::Throttled),
            (Some("UnauthorizedOperation"), 403, ErrorKind::Denied),
            (
                Some("InvalidPermission.Duplicate"),
                400,
                ErrorKind::RuleDuplicate,
            ),
            (Some("SomethingNew"), 500, ErrorKind::Server),
            (Some("SomethingNew"), 400, ErrorKind::Refused),
            (None, 429, ErrorKind::Throttled),
            (None, 502, ErrorKind::Server),
            (None, 302, ErrorKind::Refused),
        ] {
            assert_eq!(classify(code, status), kind, "{code:?} {status}");
        }
    }
}
