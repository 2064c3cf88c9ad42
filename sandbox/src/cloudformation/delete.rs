//! `DeleteStack`, and what keeps it from happening by mistake.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::inputs;
use super::job;
use super::provision;
use super::{invalid, listed, no_stack};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::Arn;
use crate::sandbox::Call;

pub(super) fn delete_stack(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    if name.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '' at 'stackName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    let force = match input.text("DeletionMode") {
        None | Some("STANDARD") => false,
        Some("FORCE_DELETE_STACK") => true,
        Some(mode) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{mode}' at 'deletionMode' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, FORCE_DELETE_STACK]"
            )));
        }
    };
    // Whoever names another account's stack, or another region's, must not believe that it is gone
    // *(inferred: the sentence is that of DescribeStacks)*.
    if Arn::parse(name).is_some_and(|arn| call.owns(&arn).is_err()) {
        return Err(no_stack(name));
    }
    // A stack that never was, or is gone, counts as deleted.
    let Some(stack) = call.here().cloudformation.find(name) else {
        return Ok(json!({}));
    };
    if stack.deleted.is_some() || stack.status == "DELETE_IN_PROGRESS" {
        return Ok(json!({}));
    }
    let (id, status) = (stack.id.clone(), stack.status);
    if stack.protected {
        return Err(invalid(format!(
            "Stack [{}] cannot be deleted while TerminationProtection is enabled",
            stack.name
        )));
    }
    if stack.busy() && status != "CREATE_IN_PROGRESS" {
        return Err(invalid(format!(
            "Stack:{id} is in {status} state and can not be deleted."
        )));
    }
    let retain: BTreeSet<String> = input.texts("RetainResources").into_iter().collect();
    if !retain.is_empty() && status != "DELETE_FAILED" {
        return Err(invalid(format!(
            "Invalid operation on stack [{id}]. RetainResources can be specified only when the stack is in the DELETE_FAILED state"
        )));
    }
    if force && status != "DELETE_FAILED" {
        return Err(invalid(format!(
            "Invalid operation on stack [{id}]. DeletionMode FORCE_DELETE_STACK can be specified only when the stack is in the DELETE_FAILED state"
        )));
    }
    if let Some(unknown) = retain
        .iter()
        .find(|name| !stack.resources.contains_key(*name))
    {
        return Err(invalid(format!(
            "Resource {unknown} does not exist for stack {}",
            stack.name
        )));
    }
    let role = input.text("RoleARN").map(str::to_owned);
    let role = role.or_else(|| stack.wish.role.clone());
    let target = inputs::maker(call, role.as_deref())?;
    let token = input.text("ClientRequestToken").map(str::to_owned);
    let in_use = exports_in_use(call, &id);
    let now = call.now;
    if let Some(stack) = call.here().cloudformation.stacks.get_mut(&id) {
        stack.token = token;
        stack.set_status("DELETE_IN_PROGRESS", Some("User Initiated".to_owned()), now);
        if let Some((export, importers)) = in_use {
            let reason = format!(
                "Delete canceled. Cannot delete export {export} as it is in use by {importers}."
            );
            stack.set_status("DELETE_FAILED", Some(reason), now);
            return Ok(json!({}));
        }
    }
    job::start(call, &id, target, move |job| {
        provision::delete(job, retain, force)
    });
    Ok(json!({}))
}

pub(super) fn update_termination_protection(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let name = input.text("StackName").unwrap_or_default().to_owned();
    let on = input
        .flag("EnableTerminationProtection")?
        .ok_or_else(|| invalid("EnableTerminationProtection must be specified"))?;
    let stack = call
        .here()
        .cloudformation
        .find_mut(&name)
        .filter(|stack| stack.deleted.is_none())
        .ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?;
    stack.protected = on;
    Ok(json!({"StackId": stack.id}))
}

/// An export of the stack that another one imports, with the names of those that do.
fn exports_in_use(call: &mut Call<'_>, stack_id: &str) -> Option<(String, String)> {
    let state = &call.here().cloudformation;
    let exports = state
        .stacks
        .get(stack_id)?
        .outputs
        .iter()
        .filter_map(|output| output.export.clone());
    for export in exports {
        let importers = state.importers(&export);
        if !importers.is_empty() {
            return Some((export, listed(&importers)));
        }
    }
    None
}
