//! `ExecuteChangeSet` and `DeleteChangeSet`.

use serde_json::{Value, json};

use super::{ChangeSet, Progress, Purpose, find};
use crate::cloudformation::inputs;
use crate::cloudformation::stack::OnFailure;
use crate::cloudformation::{create, invalid, update};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// The executed sets of a stack that can still be described.
const MAX_REMEMBERED: usize = 20;

pub(in crate::cloudformation) fn execute_change_set(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    if input.flag("RetainExceptOnCreate")? == Some(true) {
        inputs::refuse(input, &["RetainExceptOnCreate"])?;
    }
    let (stack_id, set_id) = find(call, input)?;
    let now = call.now;
    let disable_rollback = input.flag("DisableRollback")?;
    let Some(stack) = call.here().cloudformation.stacks.get_mut(&stack_id) else {
        return Err(invalid(format!("Stack [{stack_id}] does not exist")));
    };
    let status = stack.status;
    let preserve = disable_rollback == Some(true);
    let ready = update::updatable(stack, Some(preserve));
    let Some(set) = stack.change_sets.iter_mut().find(|set| set.id == set_id) else {
        return Err(invalid(format!("ChangeSet [{set_id}] does not exist")));
    };
    executable(set)?;
    if set.on_failure.is_some() && disable_rollback.is_some() {
        return Err(invalid(
            "You can specify either DisableRollback on ExecuteChangeSet or OnStackFailure on CreateChangeSet, but not both.",
        ));
    }
    match set.purpose {
        Purpose::Create if status == "REVIEW_IN_PROGRESS" => {}
        Purpose::Create => {
            return Err(wrong_status(format!(
                "Stack:{stack_id} is in {status} state and can not be updated."
            )));
        }
        Purpose::Update => ready.map_err(|error| wrong_status(error.message.clone()))?,
    }
    set.progress = Progress::Executing;
    let (purpose, wish) = (set.purpose, set.wish.clone());
    let on_failure = set.on_failure.unwrap_or(match disable_rollback {
        Some(true) => OnFailure::Preserve,
        Some(false) | None => OnFailure::Rollback,
    });
    // The others were worked out for a stack that is no more.
    stack
        .change_sets
        .retain(|other| other.id == set_id || other.is_gone());
    let surplus = stack.change_sets.len().saturating_sub(MAX_REMEMBERED);
    stack.change_sets.drain(..surplus);
    stack.change_set = Some(set_id.clone());
    stack.updated = Some(now);
    let token = input.text("ClientRequestToken").map(str::to_owned);
    match purpose {
        Purpose::Create => {
            stack.wish = wish;
            stack.on_failure = on_failure;
            stack.token = token;
            create::begin(call, &stack_id);
        }
        Purpose::Update => {
            let roll_back = !preserve;
            update::begin(call, &stack_id, wish, roll_back, token, Some(set_id));
        }
    }
    Ok(json!({}))
}

fn executable(set: &ChangeSet) -> Result<(), ApiError> {
    match set.progress {
        Progress::Available => Ok(()),
        Progress::Pending | Progress::Failed(_) => Err(wrong_status(format!(
            "ChangeSet [{}] cannot be executed in its current status of [{}]",
            set.id,
            set.status()
        ))),
        Progress::Executing
        | Progress::Executed
        | Progress::ExecutionFailed
        | Progress::Obsolete => Err(wrong_status(format!(
            "ChangeSet [{}] cannot be executed in its current execution status of [{}]",
            set.id,
            set.execution_status()
        ))),
    }
}

fn wrong_status(message: String) -> ApiError {
    ApiError::bad("InvalidChangeSetStatus", message)
}

pub(in crate::cloudformation) fn delete_change_set(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let (stack_id, set_id) = match find(call, input) {
        Ok(found) => found,
        // One that is gone already counts as deleted.
        Err(error) if error.code == "ChangeSetNotFound" => return Ok(json!({})),
        Err(error) => return Err(error),
    };
    if let Some(stack) = call.here().cloudformation.stacks.get_mut(&stack_id) {
        let executing = |set: &ChangeSet| set.id == set_id && set.progress == Progress::Executing;
        if stack.change_sets.iter().any(executing) {
            return Err(wrong_status(
                "An operation on this ChangeSet is currently in progress.".to_owned(),
            ));
        }
        stack.change_sets.retain(|set| set.id != set_id);
    }
    Ok(json!({}))
}
