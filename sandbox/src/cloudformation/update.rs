//! `UpdateStack`: what is asked for, and whether it asks for anything.

use serde_json::{Value, json};

use super::budget::Budget;
use super::change;
use super::change_sets::{self, ResourceChange};
use super::inputs::{self, Request};
use super::intrinsics::Scope;
use super::invalid;
use super::job;
use super::stack::{OnFailure, OutputValue, Stack, Wish};
use super::template::Template;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// What the sandbox cannot do and must not ignore.
const REFUSED: &[&str] = &[
    "NotificationARNs",
    "ResourceTypes",
    "RetainExceptOnCreate",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
];

/// The states from which a stack can be updated.
const UPDATABLE: &[&str] = &[
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
];

/// Refuses stacks that cannot be updated in their state. `preserve` says whether rolling back is disabled; `None` while
/// that is not decided.
///
/// # Errors
/// `ValidationError`.
pub(super) fn updatable(stack: &Stack, preserve: Option<bool>) -> Result<(), ApiError> {
    let status = stack.status;
    let failed = ["CREATE_FAILED", "UPDATE_FAILED"].contains(&status);
    if failed && stack.on_failure == OnFailure::Nothing {
        return Err(invalid(format!(
            "This stack cannot be updated from [{status}] state because it contains [on-failure: DO_NOTHING]. Please use disable-rollback option instead during stack creation."
        )));
    }
    if failed && preserve == Some(false) {
        return Err(invalid(format!(
            "This stack is currently in a non-terminal [{status}] state. To update the stack from this state, please use the disable-rollback parameter with update-stack API. To rollback to the last known good state, use the rollback-stack API"
        )));
    }
    if failed || UPDATABLE.contains(&status) {
        return Ok(());
    }
    Err(invalid(format!(
        "Stack:{} is in {status} state and can not be updated.",
        stack.id
    )))
}

/// A checked request to make something else of a stack.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) id: String,
    pub(super) wish: Wish,
}

pub(super) fn update_stack(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    inputs::refuse(input, REFUSED)?;
    let preserve = input.flag("DisableRollback")?.unwrap_or(false);
    let Prepared { id, wish } = prepare(call, input, Some(preserve))?;
    let budget = Budget::default();
    let different = job::compare(call, &id, &wish, &budget, |stack, scope| {
        differs(&change_sets::plan(stack, &wish, scope), stack, &wish, scope)
    });
    budget.check()?;
    if different != Some(true) {
        return Err(invalid("No updates are to be performed."));
    }
    let token = input.text("ClientRequestToken").map(str::to_owned);
    begin(call, &id, wish, !preserve, token, None);
    Ok(json!({"StackId": id}))
}

/// Has the stack made what `wish` says, perhaps because a change set says so.
pub(super) fn begin(
    call: &mut Call<'_>,
    id: &str,
    wish: Wish,
    roll_back: bool,
    token: Option<String>,
    change_set: Option<String>,
) {
    let now = call.now;
    let Some(stack) = call.here().cloudformation.stacks.get_mut(id) else {
        return;
    };
    stack.outdate_change_sets();
    stack.change_set = change_set;
    stack.token = token;
    stack.updated = Some(now);
    let target = wish.target.clone();
    stack.wish = wish;
    stack.set_status("UPDATE_IN_PROGRESS", Some("User Initiated".to_owned()), now);
    job::start(call, id, target, move |job| change::update(job, roll_back));
}

/// Checks everything that can be checked before the stack is looked at closely.
///
/// # Errors
/// `ValidationError`, `InsufficientCapabilitiesException`.
pub(super) fn prepare(
    call: &mut Call<'_>,
    input: &Value,
    preserve: Option<bool>,
) -> Result<Prepared, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let stack = call.here().cloudformation.undeleted(name)?;
    updatable(stack, preserve)?;
    let (id, name, old) = (stack.id.clone(), stack.name.clone(), stack.wish.clone());
    let use_previous = input.flag("UsePreviousTemplate")?.unwrap_or(false);
    let body = match (inputs::template_text(call, input)?, use_previous) {
        (Some(_), true) => {
            return Err(invalid(
                "You cannot specify both a template and UsePreviousTemplate.",
            ));
        }
        (Some(body), false) => body,
        (None, true) => old.template.body.clone(),
        (None, false) => {
            return Err(invalid(
                "Either Template URL or Template Body must be specified.",
            ));
        }
    };
    let wish = Request {
        stack_name: &name,
        stack_id: &id,
        template: Template::parse(&body)?,
        previous: &old.parameters,
        tags: match input.field("Tags") {
            Some(_) => inputs::tags(input)?,
            None => old.tags.clone(),
        },
        role: input
            .text("RoleARN")
            .map(str::to_owned)
            .or_else(|| old.role.clone()),
    }
    .wish(call, input)?;
    if let Some(stack) = call.here().cloudformation.stacks.get(&id) {
        same_types(stack, &wish)?;
    }
    Ok(Prepared { id, wish })
}

fn same_types(stack: &Stack, wish: &Wish) -> Result<(), ApiError> {
    let changed: Vec<&str> = stack
        .resources
        .iter()
        .filter(|(name, record)| {
            let declared = wish.template.resources.get(*name);
            declared.is_some_and(|declared| declared.kind.name != record.kind.name)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
        changed.join(", ")
    )))
}

/// Whether anything would come out differently. What cannot be resolved yet depends on something new.
pub(super) fn differs(
    changes: &[ResourceChange],
    stack: &Stack,
    wish: &Wish,
    scope: &Scope<'_>,
) -> bool {
    !changes.is_empty() || outputs(wish, scope).is_none_or(|outputs| outputs != stack.outputs)
}

fn outputs(wish: &Wish, scope: &Scope<'_>) -> Option<Vec<OutputValue>> {
    let mut outputs = Vec::new();
    for (key, output) in &wish.template.outputs {
        let holds = match &output.condition {
            Some(condition) => scope.condition(condition).ok()?,
            None => true,
        };
        if !holds {
            continue;
        }
        outputs.push(OutputValue {
            key: key.clone(),
            value: scope.text(&output.value, "an output").ok()?,
            description: output.description.clone(),
            export: match &output.export {
                Some(export) => Some(scope.text(export, "an export").ok()?),
                None => None,
            },
        });
    }
    Some(outputs)
}
