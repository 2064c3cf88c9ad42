//! Answers of S3.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::protocol::{HttpResponse, respond, xml as writer};

pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An XML document.
pub(super) fn xml(root: &str, value: &Value) -> HttpResponse {
    let body = writer::document(root, NAMESPACE, value, "member");
    respond(200, "application/xml", body)
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Adds a header; a value that HTTP cannot carry is left out.
pub(super) fn with_header(mut response: HttpResponse, name: &str, value: &str) -> HttpResponse {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        response.headers_mut().insert(name, value);
    }
    response
}
