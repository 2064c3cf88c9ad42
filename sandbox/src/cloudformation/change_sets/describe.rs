//! `DescribeChangeSet` and `ListChangeSets`.

use serde_json::{Value, json};

use super::resource_change::{Action, Detail, ResourceChange};
use super::{ChangeSet, find};
use crate::clock::iso8601;
use crate::cloudformation::describe::{page, shown_parameters, some};
use crate::cloudformation::invalid;
use crate::cloudformation::resources::tags;
use crate::cloudformation::stack::OnFailure;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(in crate::cloudformation) fn describe_change_set(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let (stack_id, set_id) = find(call, input)?;
    let values = input.flag("IncludePropertyValues")?.unwrap_or(false);
    let state = &call.here().cloudformation;
    let stack = &state.stacks[&stack_id];
    let Some(set) = stack.change_sets.iter().find(|set| set.id == set_id) else {
        return Err(invalid(format!("ChangeSet [{set_id}] does not exist")));
    };
    // What is there may hold the old secrets, what is wished for the new ones.
    let (old, new) = (stack.wish.mask(), set.wish.mask());
    let hide = |value: &Value| old.hide(&new.hide(value));
    let changes = set
        .changes
        .iter()
        .map(|change| json!({"Type": "Resource", "ResourceChange": shown(change, values.then_some(&hide as Hide))}))
        .collect();
    let mut answer = page(input, "Changes", changes)?;
    let described = json!({
        "ChangeSetName": set.name,
        "ChangeSetId": set.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": set.description,
        "Parameters": some(shown_parameters(&set.wish)),
        "CreationTime": iso8601(set.created),
        "ExecutionStatus": set.execution_status(),
        "Status": set.status(),
        "StatusReason": set.reason(),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": some(set.wish.capabilities.clone()),
        "Tags": tags::list(&set.wish.tags),
        "IncludeNestedStacks": false,
        "OnStackFailure": set.on_failure.map(OnFailure::name),
    });
    if let (Value::Object(answer), Value::Object(described)) = (&mut answer, described) {
        answer.extend(described);
    }
    Ok(answer)
}

pub(in crate::cloudformation) fn list_change_sets(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let stack = call.here().cloudformation.undeleted(name)?;
    let summaries = stack
        .change_sets
        .iter()
        .filter(|set| !set.is_gone())
        .map(|set| summary(&stack.id, &stack.name, set))
        .collect();
    page(input, "Summaries", summaries)
}

fn summary(stack_id: &str, stack_name: &str, set: &ChangeSet) -> Value {
    json!({
        "StackId": stack_id,
        "StackName": stack_name,
        "ChangeSetId": set.id,
        "ChangeSetName": set.name,
        "ExecutionStatus": set.execution_status(),
        "Status": set.status(),
        "StatusReason": set.reason(),
        "CreationTime": iso8601(set.created),
        "Description": set.description,
        "IncludeNestedStacks": false,
    })
}

/// Masks what is secret in a property's value.
type Hide<'h> = &'h dyn Fn(&Value) -> Value;

/// `values` is there where the values of properties are to be shown.
fn shown(change: &ResourceChange, values: Option<Hide<'_>>) -> Value {
    let details: Vec<Value> = change
        .details
        .iter()
        .map(|detail| shown_detail(detail, values))
        .collect();
    let mut shown = json!({
        "PolicyAction": change.policy,
        "Action": change.action.name(),
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.kind,
        "Replacement": change.replacement(),
        "Scope": change.scope(),
        "Details": details,
    });
    if let Some(hide) = values {
        let context = |properties: &Option<Value>| {
            let properties = hide(properties.as_ref()?);
            Some(json!({"Properties": properties}).to_string())
        };
        shown["BeforeContext"] = context(&change.before).into();
        shown["AfterContext"] = match change.action {
            Action::Remove => Value::Null,
            Action::Add | Action::Modify => context(&change.after).into(),
        };
    }
    shown
}

fn shown_detail(detail: &Detail, values: Option<Hide<'_>>) -> Value {
    let mut target = json!({
        "Attribute": detail.attribute.name(),
        "Name": detail.name,
        "RequiresRecreation": detail.recreation.name(),
    });
    if let Some(hide) = values {
        let text = |value: &Value| text(&hide(value));
        target["Path"] = detail.path().into();
        target["BeforeValue"] = detail.before.as_ref().map(text).into();
        target["AfterValue"] = detail.after.as_ref().map(text).into();
        target["AttributeChangeType"] = match (&detail.before, &detail.after) {
            (None, _) => "Add",
            (Some(_), None) => "Remove",
            (Some(_), Some(_)) => "Modify",
        }
        .into();
    }
    json!({
        "Target": target,
        "Evaluation": if detail.dynamic { "Dynamic" } else { "Static" },
        "ChangeSource": detail.source.name(),
        "CausingEntity": detail.causing,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
