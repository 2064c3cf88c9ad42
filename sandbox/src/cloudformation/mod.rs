//! CloudFormation: stacks of the resources that a lab needs.
//!
//! A request is checked while its caller waits ([`template`], [`parameters`], [`graph`]); what it asks for is done by a
//! task in the stack's own lane ([`provision`], [`change`]), through the same front door that every client uses. So the
//! reasons of a failure are those of the services themselves.

mod allowed_pattern;
mod budget;
mod change;
mod change_sets;
mod checks;
mod counts;
mod create;
mod delete;
mod describe;
mod drift;
mod graph;
mod inputs;
mod intrinsics;
mod job;
mod limits;
mod mask;
mod parameter_types;
mod parameters;
mod provision;
mod recover;
mod references;
mod resources;
mod rollback;
mod stack;
mod template;
mod templates;
mod text;
mod together;
mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::stack::Stack;
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// What the service holds: every stack of the account's region by its id, deleted ones included.
#[derive(Debug, Clone, Default)]
pub struct State {
    stacks: BTreeMap<String, Stack>,
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let answer = match operation.name.as_str() {
        "CreateStack" => create::create_stack(call, input)?,
        "UpdateStack" => update::update_stack(call, input)?,
        "DeleteStack" => delete::delete_stack(call, input)?,
        "CreateChangeSet" => change_sets::create_change_set(call, input)?,
        "DescribeChangeSet" => change_sets::describe_change_set(call, input)?,
        "ListChangeSets" => change_sets::list_change_sets(call, input)?,
        "ExecuteChangeSet" => change_sets::execute_change_set(call, input)?,
        "DeleteChangeSet" => change_sets::delete_change_set(call, input)?,
        "DetectStackDrift" => drift::detect_stack_drift(call, input)?,
        "DetectStackResourceDrift" => return drift::detect_resource_drift(call, input),
        "DescribeStackDriftDetectionStatus" => drift::describe_detection_status(call, input)?,
        "DescribeStackResourceDrifts" => drift::describe_resource_drifts(call, input)?,
        "DescribeStacks" => describe::describe_stacks(call, input)?,
        "DescribeStackEvents" => describe::describe_stack_events(call, input)?,
        "DescribeStackResource" => describe::describe_stack_resource(call, input)?,
        "DescribeStackResources" => describe::describe_stack_resources(call, input)?,
        "ListStackResources" => describe::list_stack_resources(call, input)?,
        "ListStacks" => describe::list_stacks(call, input)?,
        "ListExports" => describe::list_exports(call, input)?,
        "ListImports" => describe::list_imports(call, input)?,
        "GetTemplate" => templates::get_template(call, input)?,
        "GetTemplateSummary" => templates::get_template_summary(call, input)?,
        "ValidateTemplate" => templates::validate_template(call, input)?,
        "ContinueUpdateRollback" => recover::continue_update_rollback(call, input)?,
        "RollbackStack" => recover::rollback_stack(call, input)?,
        "UpdateTerminationProtection" => delete::update_termination_protection(call, input)?,
        name => return Err(ApiError::not_implemented("cloudformation", name)),
    };
    Ok(answer.into())
}

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let name = operation.name.as_str();
    let by_change_set = match operation.input.text("ChangeSetName") {
        Some(arn) if arn.starts_with("arn:") => change_sets::stack_of(call, arn),
        Some(_) | None => None,
    };
    let stack = operation.input.text("StackName").map(str::to_owned);
    let stack = stack.or(by_change_set);
    let resource = match (name, stack.as_deref()) {
        (
            "ValidateTemplate"
            | "ListStacks"
            | "ListExports"
            | "ListImports"
            | "DescribeStackDriftDetectionStatus",
            _,
        )
        | (_, None) => "*".to_owned(),
        (_, Some(stack)) if stack.starts_with("arn:") => stack.to_owned(),
        (_, Some(stack)) => match call.here().cloudformation.live(stack) {
            Some(stack) => stack.id.clone(),
            None => call.arn("cloudformation", &format!("stack/{stack}/*")),
        },
    };
    let mut needed = vec![Access::on("cloudformation", name, resource)];
    // Who describes all stacks lists them.
    if name == "DescribeStacks" && stack.is_none() {
        needed.push(Access::anywhere("cloudformation", "ListStacks"));
    }
    needed
}

impl State {
    /// Forgets the older half of the deleted stacks; answers how many. AWS does so after 90 days.
    pub(crate) fn forget_deleted(&mut self) -> usize {
        let stacks = self.stacks.values();
        let mut deleted: Vec<(Timestamp, String)> = stacks
            .filter_map(|stack| Some((stack.deleted?, stack.id.clone())))
            .collect();
        deleted.sort();
        deleted.truncate(deleted.len().div_ceil(2));
        for (_, id) in &deleted {
            self.stacks.remove(id);
        }
        deleted.len()
    }

    /// The stack of that name that is not deleted.
    fn live(&self, name: &str) -> Option<&Stack> {
        self.stacks
            .values()
            .find(|stack| stack.name == name && stack.deleted.is_none())
    }

    /// The stack of that name, or, by its id, also a deleted one.
    fn find(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks
            .get(name_or_id)
            .or_else(|| self.live(name_or_id))
    }

    /// The stack of that name or id, for what cannot be done to a deleted one.
    fn undeleted(&self, name_or_id: &str) -> Result<&Stack, ApiError> {
        self.find(name_or_id)
            .filter(|stack| stack.deleted.is_none())
            .ok_or_else(|| invalid(format!("Stack [{name_or_id}] does not exist")))
    }

    fn find_mut(&mut self, name_or_id: &str) -> Option<&mut Stack> {
        let id = self.find(name_or_id)?.id.clone();
        self.stacks.get_mut(&id)
    }

    /// Every exported value by its name, with the exporting stack's id.
    fn exports(&self) -> BTreeMap<String, (String, String)> {
        let mut exports = BTreeMap::new();
        for stack in self.stacks.values().filter(|stack| stack.deleted.is_none()) {
            for output in &stack.outputs {
                if let Some(name) = &output.export {
                    exports.insert(name.clone(), (stack.id.clone(), output.value.clone()));
                }
            }
        }
        exports
    }

    /// The names of the stacks that import the export.
    fn importers(&self, export: &str) -> Vec<String> {
        self.stacks
            .values()
            .filter(|stack| stack.deleted.is_none() && stack.imports.contains(export))
            .map(|stack| stack.name.clone())
            .collect()
    }
}

/// Names as CloudFormation lists them in a sentence: `a, b and c` (quoted in pull request 474 of
/// aws-samples/iam-identity-center-team).
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The error for everything that is wrong with a request or a template.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationError", message)
}

fn no_stack(name_or_id: &str) -> ApiError {
    invalid(format!("Stack with id {name_or_id} does not exist"))
}
