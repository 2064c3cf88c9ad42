//! `CreateStack`.

use serde_json::{Value, json};

use super::inputs;
use super::invalid;
use super::job;
use super::provision;
use super::stack::{OnFailure, Stack};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

/// What the sandbox cannot do and must not ignore.
const REFUSED: &[&str] = &[
    "NotificationARNs",
    "ResourceTypes",
    "RetainExceptOnCreate",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyURL",
];

pub(super) fn create_stack(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = stack_name(input)?;
    inputs::refuse(input, REFUSED)?;
    let token = input.text("ClientRequestToken").map(str::to_owned);
    let mut in_review = None;
    if let Some(existing) = call.here().cloudformation.live(name) {
        // The same request again, for example after an answer that was lost.
        if token.is_some() && existing.token == token && existing.updated.is_none() {
            return Ok(json!({"StackId": existing.id}));
        }
        // One that only waits for a change set is made by whoever comes first.
        if existing.status != "REVIEW_IN_PROGRESS" {
            return Err(ApiError::bad(
                "AlreadyExistsException",
                format!("Stack [{name}] already exists"),
            ));
        }
        in_review = Some(existing.id.clone());
    }
    let stack_id = in_review
        .unwrap_or_else(|| call.arn("cloudformation", &format!("stack/{name}/{}", uuid())));
    let wish = inputs::wish_for_new(call, input, name, &stack_id)?;
    let (on_failure, timeout) = (on_failure(input)?, timeout(input)?);
    let protected = input.flag("EnableTerminationProtection")?.unwrap_or(false);
    let mut stack = match call.here().cloudformation.stacks.remove(&stack_id) {
        Some(mut waiting) => {
            waiting.outdate_change_sets();
            waiting.wish = wish;
            waiting
        }
        None => Stack::new(&stack_id, name, call.now, wish),
    };
    stack.on_failure = on_failure;
    stack.timeout = timeout;
    stack.protected = protected;
    stack.token = token;
    call.here()
        .cloudformation
        .stacks
        .insert(stack_id.clone(), stack);
    begin(call, &stack_id);
    Ok(json!({"StackId": stack_id}))
}

/// Has the stack's wish made, perhaps because a change set says so.
pub(super) fn begin(call: &mut Call<'_>, stack_id: &str) {
    let now = call.now;
    let Some(stack) = call.here().cloudformation.stacks.get_mut(stack_id) else {
        return;
    };
    let target = stack.wish.target.clone();
    stack.set_status("CREATE_IN_PROGRESS", Some("User Initiated".to_owned()), now);
    job::start(call, stack_id, target, provision::create);
}

/// The name of the stack that is asked for.
///
/// # Errors
/// `ValidationError`.
pub(super) fn stack_name(input: &Value) -> Result<&str, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    check_name("stackName", name)?;
    Ok(name)
}

/// Refuses what cannot be the name of a stack or a change set.
///
/// # Errors
/// `ValidationError`.
pub(super) fn check_name(member: &str, name: &str) -> Result<(), ApiError> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !first || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )));
    }
    if name.len() > 128 {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to 128"
        )));
    }
    Ok(())
}

fn on_failure(input: &Value) -> Result<OnFailure, ApiError> {
    match (input.text("OnFailure"), input.flag("DisableRollback")?) {
        (Some(_), Some(_)) => Err(invalid(
            "You can specify either DisableRollback or OnFailure, but not both.",
        )),
        (Some(chosen), None) => failure_choice("onFailure", chosen),
        (None, Some(true)) => Ok(OnFailure::Preserve),
        (None, None | Some(false)) => Ok(OnFailure::Rollback),
    }
}

/// What is to be done when making the stack fails.
///
/// # Errors
/// `ValidationError`, naming the request's member.
pub(super) fn failure_choice(member: &str, chosen: &str) -> Result<OnFailure, ApiError> {
    match chosen {
        "DO_NOTHING" => Ok(OnFailure::Nothing),
        "ROLLBACK" => Ok(OnFailure::Rollback),
        "DELETE" => Ok(OnFailure::Delete),
        other => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]"
        ))),
    }
}

fn timeout(input: &Value) -> Result<Option<i64>, ApiError> {
    match input.int("TimeoutInMinutes")? {
        Some(minutes) if minutes < 1 => Err(invalid(format!(
            "1 validation error detected: Value '{minutes}' at 'timeoutInMinutes' failed to satisfy constraint: Member must have value greater than or equal to 1"
        ))),
        minutes => Ok(minutes),
    }
}
