//! Change sets: what a stack would become, written down, and done later or never.

mod create;
mod describe;
mod execute;
mod plan;
mod resource_change;

use serde_json::Value;

pub(super) use self::create::create_change_set;
pub(super) use self::describe::{describe_change_set, list_change_sets};
pub(super) use self::execute::{delete_change_set, execute_change_set};
pub(super) use self::plan::plan;
pub(super) use self::resource_change::ResourceChange;
use super::invalid;
use super::stack::{OnFailure, Stack, Wish};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// What is going to be done when the set is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Update,
}

/// How far a change set has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Being worked out.
    Pending,
    /// There is nothing to execute; with the reason.
    Failed(String),
    Available,
    Executing,
    Executed,
    ExecutionFailed,
    /// The stack was changed by something else meanwhile.
    Obsolete,
}

/// One change set of a stack.
#[derive(Debug, Clone)]
pub(super) struct ChangeSet {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) created: Timestamp,
    pub(super) purpose: Purpose,
    pub(super) wish: Wish,
    pub(super) on_failure: Option<OnFailure>,
    pub(super) token: Option<String>,
    pub(super) progress: Progress,
    /// By logical id.
    pub(super) changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// The status of the set itself.
    fn status(&self) -> &'static str {
        match self.progress {
            Progress::Pending => "CREATE_IN_PROGRESS",
            Progress::Failed(_) => "FAILED",
            Progress::Available
            | Progress::Executing
            | Progress::Executed
            | Progress::ExecutionFailed
            | Progress::Obsolete => "CREATE_COMPLETE",
        }
    }

    fn execution_status(&self) -> &'static str {
        match self.progress {
            Progress::Pending | Progress::Failed(_) => "UNAVAILABLE",
            Progress::Available => "AVAILABLE",
            Progress::Executing => "EXECUTE_IN_PROGRESS",
            Progress::Executed => "EXECUTE_COMPLETE",
            Progress::ExecutionFailed => "EXECUTE_FAILED",
            Progress::Obsolete => "OBSOLETE",
        }
    }

    /// Whether the stack has it no more. CloudFormation removes a set that was executed; by its ARN alone it is still
    /// described.
    fn is_gone(&self) -> bool {
        self.progress == Progress::Executed
    }

    fn reason(&self) -> Option<&str> {
        match &self.progress {
            Progress::Failed(reason) => Some(reason),
            Progress::Pending
            | Progress::Available
            | Progress::Executing
            | Progress::Executed
            | Progress::ExecutionFailed
            | Progress::Obsolete => None,
        }
    }
}

impl Stack {
    /// Ends the execution of a change set together with the operation that it began.
    pub(super) fn end_execution(&mut self, status: &str) {
        let ended = match status {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Progress::Executed,
            status if status.ends_with("_IN_PROGRESS") => return,
            _ => Progress::ExecutionFailed,
        };
        for set in &mut self.change_sets {
            if set.progress == Progress::Executing {
                set.progress = ended.clone();
            }
        }
    }

    /// Takes away the sets that were not executed.
    pub(super) fn forget_change_sets(&mut self) {
        self.change_sets.retain(ChangeSet::is_gone);
    }

    /// The sets that were worked out for what the stack was: they cannot be executed any more.
    pub(super) fn outdate_change_sets(&mut self) {
        for set in &mut self.change_sets {
            if matches!(set.progress, Progress::Available | Progress::Pending) {
                set.progress = Progress::Obsolete;
            }
        }
    }
}

/// The ids of the stack and of the change set that a request names, by its ARN or by both names.
///
/// # Errors
/// `ChangeSetNotFound`; `ValidationError` when the stack is not named or does not exist.
fn find(call: &mut Call<'_>, input: &Value) -> Result<(String, String), ApiError> {
    let wanted = input.text("ChangeSetName").unwrap_or_default().to_owned();
    let stack_name = input.text("StackName").map(str::to_owned);
    let state = &call.here().cloudformation;
    let missing = || {
        ApiError::new(
            404,
            "ChangeSetNotFound",
            format!("ChangeSet [{wanted}] does not exist"),
        )
    };
    let matches = |set: &ChangeSet| set.id == wanted || (set.name == wanted && !set.is_gone());
    let stack = match &stack_name {
        Some(name) => state
            .find(name)
            .ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?,
        None if wanted.starts_with("arn:") => state
            .stacks
            .values()
            .find(|stack| stack.change_sets.iter().any(matches))
            .ok_or_else(missing)?,
        None => {
            return Err(invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            ));
        }
    };
    let set = stack
        .change_sets
        .iter()
        .find(|set| matches(set))
        .ok_or_else(missing)?;
    Ok((stack.id.clone(), set.id.clone()))
}

/// The stack of a change set that a request names by its ARN alone, for who is allowed what.
pub(super) fn stack_of(call: &mut Call<'_>, change_set: &str) -> Option<String> {
    call.here()
        .cloudformation
        .stacks
        .values()
        .find(|stack| stack.change_sets.iter().any(|set| set.id == change_set))
        .map(|stack| stack.id.clone())
}

/// The template of the change set that a request names.
///
/// # Errors
/// As [`find`].
pub(super) fn template_body(call: &mut Call<'_>, input: &Value) -> Result<String, ApiError> {
    let (stack_id, set_id) = find(call, input)?;
    let stack = &call.here().cloudformation.stacks[&stack_id];
    let set = stack.change_sets.iter().find(|set| set.id == set_id);
    Ok(set
        .map(|set| set.wish.template.body.clone())
        .unwrap_or_default())
}
