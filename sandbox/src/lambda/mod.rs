//! Lambda: functions and the processes that run them.
//!
//! Names, limits and error codes are those of the service's API model (`lambda-2015-03-31`).

use std::sync::Arc;

use bytes::Bytes;

use crate::caller::Caller;
use crate::error::ApiError;
use crate::iam::{self, Access, Decision};
use crate::ids::{AccountId, Region};
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome, Sandbox, Target};

mod code;
mod concurrency;
mod configuration;
mod environment;
mod function;
mod functions;
mod host;
mod invocations;
mod members;
mod permissions;
mod reference;
mod tags;
mod wire;

pub use self::function::State;
pub use self::host::Host;
pub use self::host::reaper;
use self::reference::Reference;
pub(crate) use self::wire::{decode, success};

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let known = members::of(&operation.name);
    if !known.is_empty() {
        iam::accept("lambda", operation, known)?;
    }
    let answer = match operation.name.as_str() {
        "CreateFunction" => functions::create(call, input),
        "GetFunction" => functions::get(call, input),
        "GetFunctionConfiguration" => functions::get_configuration(call, input),
        "ListFunctions" => functions::list(call, input),
        "UpdateFunctionCode" => functions::update_code(call, input),
        "UpdateFunctionConfiguration" => functions::update_configuration(call, input),
        "DeleteFunction" => functions::delete(call, input),
        "AddPermission" => permissions::add(call, input),
        "RemovePermission" => permissions::remove(call, input),
        "GetPolicy" => permissions::get(call, input),
        "Invoke" => return invocations::invoke(call, operation),
        "PutFunctionConcurrency" => concurrency::put(call, input),
        "GetFunctionConcurrency" => concurrency::get(call, input),
        "DeleteFunctionConcurrency" => concurrency::delete(call, input),
        "GetAccountSettings" => concurrency::account_settings(call),
        "ListTags" => tags::list(call, input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        name => Err(ApiError::not_implemented("lambda", name)),
    };
    answer.map(Outcome::from)
}

/// Most actions are checked on the function; the action of `Invoke` is `lambda:InvokeFunction`, and
/// who gives a function its role must be allowed to pass it.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    use crate::fields::Fields;
    let input = &operation.input;
    let name = match operation.name.as_str() {
        "Invoke" => "InvokeFunction",
        name => name,
    };
    let resource = if let Some(arn) = input.text("Resource") {
        arn.to_owned()
    } else {
        input
            .text("FunctionName")
            .and_then(|text| Reference::parse(text, input.text("Qualifier")).ok())
            .map_or_else(|| "*".to_owned(), |reference| reference.arn(call))
    };
    let mut accesses = vec![Access::on("lambda", name, resource)];
    if let Some(role) = input.text("Role") {
        accesses.push(
            Access::on("iam", "PassRole", role).with("iam:passedtoservice", "lambda.amazonaws.com"),
        );
    }
    accesses
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
    call: &mut Call<'_>,
    function: &str,
    invoker: &Invoker,
) -> Result<(), ApiError> {
    let reference = Reference::parse(function, None)?;
    let arn = reference.arn(call);
    let function = reference.find(call)?;
    let mut access = Access::on("lambda", "InvokeFunction", &arn)
        .with("aws:sourceaccount", invoker.source_account.as_str());
    if let Some(source) = &invoker.source_arn {
        access = access.with("aws:sourcearn", source);
    }
    let why = match function.policy() {
        None => "the function has no resource-based policy".to_owned(),
        Some(policy) => match iam::resource_policy_decides(&policy, invoker.principal, &access) {
            Decision::Allowed => return Ok(()),
            Decision::Denied(why) => why,
        },
    };
    Err(ApiError::new(
        403,
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: lambda:InvokeFunction on resource: {arn} because {why}",
            invoker.principal
        ),
    ))
}

/// Runs the function once on behalf of a service and waits for its end (bounded by the function's
/// time-out). Retries are the invoking service's business.
///
/// # Errors
/// When the function cannot be invoked at all; a function that fails is an `Invocation` with an error.
pub(crate) async fn invoke(
    sandbox: &Arc<Sandbox>,
    account: &AccountId,
    region: &Region,
    function: &str,
    payload: Bytes,
    invoker: &Invoker,
) -> Result<Invocation, ApiError> {
    let caller = Caller::Service(invoker.principal);
    let target = Target::new(account.clone(), region.clone(), caller);
    let spec = sandbox.enter(&target, |call| {
        may_invoke(call, function, invoker)?;
        invocations::spec(call, function)
    })?;
    let ran = host::run(sandbox, spec, target.request_id, payload).await?;
    Ok(Invocation {
        function_error: ran.failed.then_some("Unhandled"),
        payload: ran.payload,
    })
}

/// The service's word for most mistakes in a request.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterValueException", message)
}

fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "ResourceNotFoundException", message)
}

#[cfg(test)]
mod tests;
