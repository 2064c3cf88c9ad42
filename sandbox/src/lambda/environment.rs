//! The variables that a function brings along.

use std::collections::BTreeMap;

use serde_json::Value;

use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;

/// Names that Lambda sets itself and lets nobody change, from the developer guide.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Bytes of all names and values together.
const MAX_SIZE: usize = 4096;

/// Reads `Environment`.
pub(super) fn read(environment: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(variables) = environment.field("Variables") else {
        return Ok(BTreeMap::new());
    };
    let variables = variables
        .as_object()
        .ok_or_else(|| invalid("Environment.Variables must be a map of strings"))?;
    let mut read = BTreeMap::new();
    let mut reserved = Vec::new();
    for (name, value) in variables {
        let value = value.as_str().ok_or_else(|| {
            invalid(format!(
                "the value of the environment variable {name} must be a string"
            ))
        })?;
        let mut bytes = name.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic());
        if RESERVED.contains(&name.as_str()) {
            reserved.push(name.as_str());
        } else if !starts
            || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
            || name.len() < 2
        {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+], not {name}"
            )));
        }
        if value.contains('\0') {
            return Err(invalid(format!(
                "the environment variable {name} holds a NUL character"
            )));
        }
        read.insert(name.clone(), value.to_owned());
    }
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let size: usize = read
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MAX_SIZE {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the {MAX_SIZE} bytes limit. {size} bytes were used."
        )));
    }
    Ok(read)
}
