//! Lambda: functions and the processes that run them.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::ApiError;
use crate::iam::Access;
use crate::ids::{AccountId, Region};
use crate::protocol::{HttpRequest, Operation};
use crate::sandbox::{Call, Outcome, Sandbox};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("lambda", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("lambda", &operation.name)]
}

/// The processes that run functions.
#[derive(Debug, Default)]
pub struct Host {}

impl Host {
    /// Ends every function process.
    pub async fn shut_down(&self) {}
}

/// Reads the operation out of a REST request.
pub(crate) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    Err(ApiError::not_implemented("lambda", &request.path))
}

/// A service that invokes a function, as resource-based policies see it.
#[derive(Debug, Clone)]
pub struct Invoker {
    /// For example `config.amazonaws.com`.
    pub principal: &'static str,
    /// `aws:SourceAccount`.
    pub source_account: AccountId,
    /// `aws:SourceArn`, where the service sends one.
    pub source_arn: Option<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// `Unhandled` (crash, time-out) or `Handled`; `None` when the function answered.
    pub function_error: Option<&'static str>,
    /// The answer, or the error document.
    pub payload: Bytes,
}

/// Whether the function's resource-based policy lets `invoker` invoke it.
///
/// # Errors
/// `ResourceNotFoundException` or `AccessDeniedException`.
pub(crate) fn may_invoke(
    _call: &mut Call<'_>,
    function: &str,
    _invoker: &Invoker,
) -> Result<(), ApiError> {
    Err(ApiError::not_implemented("lambda", function))
}

/// Runs the function once on behalf of a service and waits for its end (bounded by the function's
/// time-out). Retries are the invoking service's business.
///
/// # Errors
/// When the function cannot be invoked at all; a function that fails is an `Invocation` with an error.
pub(crate) async fn invoke(
    _sandbox: &Arc<Sandbox>,
    _account: &AccountId,
    _region: &Region,
    function: &str,
    _payload: Bytes,
    _invoker: &Invoker,
) -> Result<Invocation, ApiError> {
    Err(ApiError::not_implemented("lambda", function))
}
