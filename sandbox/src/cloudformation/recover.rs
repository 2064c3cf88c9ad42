//! `RollbackStack` and `ContinueUpdateRollback`: the ways out of a failed operation.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::inputs;
use super::invalid;
use super::job;
use super::provision;
use super::rollback;
use super::stack::{Done, Stack};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Target};

pub(super) fn rollback_stack(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    inputs::refuse(input, &["RetainExceptOnCreate"])?;
    let stack = existing(call, input)?;
    let (id, status, has_stable) = (stack.id.clone(), stack.status, stack.stable.is_some());
    if !["CREATE_FAILED", "UPDATE_FAILED"].contains(&status) {
        return Err(invalid(format!(
            "Stack:{id} is in {status} state and can not be rolled back."
        )));
    }
    let target = start(
        call,
        input,
        &id,
        if has_stable {
            "UPDATE_ROLLBACK_IN_PROGRESS"
        } else {
            "ROLLBACK_IN_PROGRESS"
        },
    )?;
    job::start(call, &id, target, move |job| async move {
        if has_stable {
            rollback::to_stable(&job, &BTreeSet::new()).await;
        } else {
            provision::roll_back(&job).await;
        }
    });
    Ok(json!({"StackId": id}))
}

pub(super) fn continue_update_rollback(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let skip: BTreeSet<String> = input.texts("ResourcesToSkip").into_iter().collect();
    let stack = existing(call, input)?;
    let id = stack.id.clone();
    if stack.status != "UPDATE_ROLLBACK_FAILED" {
        return Err(invalid(format!(
            "Stack:{id} is in {} state and can not continue update rollback.",
            stack.status
        )));
    }
    let failed = |name: &String| {
        let steps = stack.pending.iter();
        let mut changed = steps.filter(|step| matches!(step, Done::Changed(..)));
        changed.any(|step| step.name() == name)
    };
    if let Some(other) = skip.iter().find(|name| !failed(name)) {
        return Err(invalid(format!(
            "Resource {other} cannot be skipped: only resources whose rollback has failed and that are in the UPDATE_FAILED state can be"
        )));
    }
    let target = start(call, input, &id, "UPDATE_ROLLBACK_IN_PROGRESS")?;
    job::start(call, &id, target, move |job| async move {
        rollback::to_stable(&job, &skip).await;
    });
    Ok(json!({}))
}

fn existing<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<&'c Stack, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    call.here().cloudformation.undeleted(name)
}

/// Gives the stack its new status, and answers with who does the work.
fn start(
    call: &mut Call<'_>,
    input: &Value,
    id: &str,
    status: &'static str,
) -> Result<Target, ApiError> {
    let role = input.text("RoleARN").map(str::to_owned);
    let of_stack = call.here().cloudformation.stacks[id].wish.role.clone();
    let target = inputs::maker(call, role.or(of_stack).as_deref())?;
    let token = input.text("ClientRequestToken").map(str::to_owned);
    let now = call.now;
    if let Some(stack) = call.here().cloudformation.stacks.get_mut(id) {
        stack.token = token;
        stack.outdate_change_sets();
        stack.set_status(status, Some("User Initiated".to_owned()), now);
    }
    Ok(target)
}
