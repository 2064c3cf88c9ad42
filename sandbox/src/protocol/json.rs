//! The JSON protocols.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{HttpResponse, respond};
use crate::error::ApiError;

/// Decodes a JSON body; an empty one is an empty structure.
pub(crate) fn decode(body: &Bytes) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ApiError::bad(
            "SerializationException",
            "the request body is not a JSON object",
        )),
        Err(error) => Err(ApiError::bad(
            "SerializationException",
            format!("the request body is not JSON: {error}"),
        )),
    }
}

pub(crate) fn error(error: &ApiError) -> String {
    json!({"__type": error.code, "message": error.message}).to_string()
}

/// REST services name the error in a header; Lambda writes the message under both spellings.
pub(crate) fn rest_error(error: &ApiError) -> HttpResponse {
    let kind = if error.status < 500 {
        "User"
    } else {
        "Service"
    };
    let mut body = json!({"Type": kind, "Message": error.message, "message": error.message});
    if let Some(reason) = error.reason {
        body["Reason"] = json!(reason);
    }
    let mut response = respond(error.status, "application/json", body.to_string());
    if let Ok(code) = http::HeaderValue::from_str(&error.code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}
