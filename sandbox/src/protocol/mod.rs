//! The wire protocols of AWS, decoded to one tree and encoded from one tree, so that services never see HTTP.

pub(crate) mod aws_chunked;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod xml;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::error::ApiError;
use crate::guard::headers::OwnCaching;
use crate::signature::segments;

/// A complete HTTP request, as it came in.
#[derive(Debug)]
pub struct HttpRequest {
    /// The HTTP method.
    pub method: Method,
    /// The undecoded path, starting with `/`.
    pub path: String,
    /// The undecoded query string, without `?`; empty when there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl HttpRequest {
    /// A header as text; `None` when absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The decoded parts of the path of a REST service with JSON bodies: those that its signature covers.
    ///
    /// # Errors
    /// `SerializationException`.
    pub(crate) fn path_parts(&self) -> Result<Vec<String>, ApiError> {
        segments(&self.path)
            .into_iter()
            .map(|part| match percent_decode_str(part).decode_utf8() {
                Ok(decoded) => Ok(decoded.into_owned()),
                Err(_) => Err(ApiError::bad(
                    "SerializationException",
                    "the path is not UTF-8",
                )),
            })
            .collect()
    }

    /// The decoded query parameters in order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }
}

/// An HTTP answer whose body is in memory.
pub type HttpResponse = Response<Full<Bytes>>;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Form bodies in, XML with `<OpResult>` out (IAM, STS, SNS, CloudFormation). Holds the XML namespace.
    Query(&'static str),
    /// EC2's own dialect of the query protocol. Holds the XML namespace.
    Ec2(&'static str),
    /// JSON 1.1 with `X-Amz-Target` (Config, CloudWatch Logs).
    Json,
    /// REST with JSON bodies (Lambda, Scheduler).
    RestJson,
    /// REST with XML bodies (S3).
    RestXml,
}

/// Which operation is asked for, with its input.
#[derive(Debug, Clone)]
pub struct Operation {
    /// AWS's name of the operation, for example `DescribeSecurityGroups`.
    pub name: String,
    /// The input structure. Members have the names of the AWS API model as they stand on the wire.
    pub input: Value,
    /// The raw body where the operation carries one that is no structure (S3 objects, Lambda payloads).
    pub body: Bytes,
}

impl Operation {
    /// An operation without a raw body.
    pub fn new(name: impl Into<String>, input: Value) -> Self {
        Self {
            name: name.into(),
            input,
            body: Bytes::new(),
        }
    }

    /// Adds an item to a list of the input, as a query string does that repeats a parameter.
    pub(crate) fn push(&mut self, member: &str, item: String) {
        match self.input[member].as_array_mut() {
            Some(items) => items.push(item.into()),
            None => self.input[member] = vec![item].into(),
        }
    }
}

/// What a finished operation answers.
#[derive(Debug)]
pub enum Answer {
    /// The output structure. In XML protocols a list becomes `<Name><member>…`; a member named
    /// `Name|item` chooses another tag for its items, and `Name|` means a flattened list.
    Value(Value),
    /// A ready HTTP answer (REST protocols, where headers and bodies carry meaning).
    Http(HttpResponse),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Answer::Value(value)
    }
}

/// Encodes an answer in the service's protocol. `success` is the status of REST services with JSON bodies.
pub(crate) fn encode(
    protocol: Protocol,
    success: u16,
    operation: &str,
    answer: Answer,
    request_id: &str,
) -> HttpResponse {
    let value = match answer {
        Answer::Http(mut response) => {
            if protocol == Protocol::RestXml {
                response.extensions_mut().insert(OwnCaching);
            }
            return with_request_id(response, request_id);
        }
        Answer::Value(value) => value,
    };
    let response = match protocol {
        Protocol::Query(namespace) => respond(
            200,
            "text/xml",
            query::answer(namespace, operation, &value, request_id),
        ),
        Protocol::Ec2(namespace) => respond(
            200,
            "text/xml;charset=UTF-8",
            query::ec2_answer(namespace, operation, &value, request_id),
        ),
        Protocol::Json => respond(200, "application/x-amz-json-1.1", value.to_string()),
        Protocol::RestJson => match success {
            204 => respond(204, "application/json", ""),
            status => respond(status, "application/json", value.to_string()),
        },
        Protocol::RestXml => respond(
            200,
            "application/xml",
            xml::document(operation, "", &value, "member"),
        ),
    };
    with_request_id(response, request_id)
}

/// Encodes an error in the service's protocol.
pub(crate) fn encode_error(protocol: Protocol, error: &ApiError, request_id: &str) -> HttpResponse {
    let response = match protocol {
        Protocol::Query(namespace) => respond(
            error.status,
            "text/xml",
            query::error(namespace, error, request_id),
        ),
        Protocol::Ec2(_) => respond(
            error.status,
            "text/xml;charset=UTF-8",
            query::ec2_error(error, request_id),
        ),
        Protocol::Json => respond(
            error.status,
            "application/x-amz-json-1.1",
            json::error(error),
        ),
        Protocol::RestJson => json::rest_error(error),
        Protocol::RestXml => respond(
            error.status,
            "application/xml",
            query::s3_error(error, request_id),
        ),
    };
    with_request_id(response, request_id)
}

/// An HTTP answer with a content type.
pub fn respond(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    response
}

fn with_request_id(mut response: HttpResponse, request_id: &str) -> HttpResponse {
    if let Ok(id) = http::HeaderValue::from_str(request_id) {
        response
            .headers_mut()
            .insert("x-amzn-requestid", id.clone());
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}
