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

mod aliases;
mod asynchronous;
mod code;
mod concurrency;
mod configuration;
mod destinations;
mod environment;
mod event_config;
mod function;
mod functions;
mod host;
mod invocations;
mod members;
mod page;
mod permissions;
mod reference;
mod tags;
mod versions;
mod wire;

pub(crate) use self::asynchronous::after;
pub(crate) use self::concurrency::{ACCOUNT_LIMIT, account_limit};
pub use self::function::State;
use self::function::UNQUALIFIED;
pub use self::host::Host;
pub use self::host::{FunctionLimits, isolation, reaper};
use self::reference::{LATEST, Reference};
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
        "PublishVersion" => versions::publish_version(call, input),
        "ListVersionsByFunction" => versions::list(call, input),
        "CreateAlias" => aliases::create(call, input),
        "UpdateAlias" => aliases::update(call, input),
        "GetAlias" => aliases::get(call, input),
        "DeleteAlias" => aliases::delete(call, input),
        "ListAliases" => aliases::list(call, input),
        "PutFunctionEventInvokeConfig" => event_config::put(call, input),
        "UpdateFunctionEventInvokeConfig" => event_config::update(call, input),
        "GetFunctionEventInvokeConfig" => event_config::get(call, input),
        "DeleteFunctionEventInvokeConfig" => event_config::delete(call, input),
        "ListFunctionEventInvokeConfigs" => event_config::list(call, input),
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
    // The package is fetched with the rights of who names it.
    let package = match input.field("Code") {
        Some(code) => code,
        None => input,
    };
    if let (Some(bucket), Some(key)) = (package.text("S3Bucket"), package.text("S3Key")) {
        let partition = call.region.partition();
        accesses.push(Access::on(
            "s3",
            "GetObject",
            format!("arn:{partition}:s3:::{bucket}/{key}"),
        ));
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
    /// `$LATEST` or the number of the version that ran.
    version: String,
    request_id: String,
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
    let (function, _) = reference.resolve(call)?;
    // Versions and aliases have policies of their own; `$LATEST` is the function itself.
    let qualifier = reference.qualifier().filter(|it| *it != LATEST);
    let arn = match qualifier {
        Some(qualifier) => format!("{}:{qualifier}", function.arn),
        None => function.arn.clone(),
    };
    let mut access = Access::on("lambda", "InvokeFunction", &arn)
        .with("aws:sourceaccount", invoker.source_account.as_str());
    if let Some(source) = &invoker.source_arn {
        access = access.with("aws:sourcearn", source);
    }
    let why = match function.policy(qualifier.unwrap_or(UNQUALIFIED)) {
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
/// time-out). Repeating what failed is the invoking service's business. Where there is no room to
/// run it, the event waits for it as in Lambda's own queue.
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
    let (mut throttled, since) = (0, sandbox.clock.now());
    loop {
        let spec = sandbox.enter(&target, |call| {
            may_invoke(call, function, invoker)?;
            invocations::spec(call, function)
        })?;
        // A function that may not run at all is not waited for.
        let stopped = spec.concurrency == Some(0);
        let request_id = target.request_id.clone();
        let version = spec.key.version.clone();
        match host::run(
            sandbox,
            spec,
            request_id,
            payload.clone(),
            host::Wait::Event,
        )
        .await
        {
            Ok(ran) => {
                return Ok(Invocation {
                    function_error: ran.failed.then_some("Unhandled"),
                    payload: ran.payload,
                    version,
                    request_id: target.request_id,
                });
            }
            Err(error) => {
                let now = sandbox.clock.now();
                if error.status != 429 || stopped || now - since > asynchronous::LONGEST_STAY {
                    return Err(error);
                }
                let wait = asynchronous::wait_for_room(throttled);
                throttled += 1;
                let due = now + time::Duration::seconds(wait);
                sandbox.clock.wait_until(due).await;
            }
        }
    }
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
