//! Looking at stacks, their resources and their events.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::drift;
use super::mask::MASK;
use super::resources::tags;
use super::stack::{Event, Record, Stack, Wish};
use super::{invalid, no_stack};
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// How many items an answer holds at most.
const PAGE: usize = 100;

pub(super) fn describe_stacks(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let state = &call.here().cloudformation;
    if let Some(name) = input.text("StackName").filter(|name| !name.is_empty()) {
        let stack = state.find(name).ok_or_else(|| no_stack(name))?;
        return Ok(json!({"Stacks": [shown(stack)]}));
    }
    let mut live: Vec<&Stack> = state
        .stacks
        .values()
        .filter(|stack| stack.deleted.is_none())
        .collect();
    live.sort_by_key(|stack| std::cmp::Reverse(stack.created));
    page(input, "Stacks", live.into_iter().map(shown).collect())
}

pub(super) fn list_stacks(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let wanted = input.texts("StackStatusFilter");
    let mut stacks: Vec<&Stack> = call
        .here()
        .cloudformation
        .stacks
        .values()
        .filter(|stack| wanted.is_empty() || wanted.iter().any(|status| status == stack.status))
        .collect();
    stacks.sort_by_key(|stack| std::cmp::Reverse(stack.created));
    let summaries = stacks
        .into_iter()
        .map(|stack| {
            json!({
                "StackId": stack.id,
                "StackName": stack.name,
                "TemplateDescription": stack.wish.template.description,
                "CreationTime": iso8601(stack.created),
                "LastUpdatedTime": stack.updated.map(iso8601),
                "DeletionTime": stack.deleted.map(iso8601),
                "StackStatus": stack.status,
                "StackStatusReason": stack.reason,
                "DriftInformation": drift::of_stack(stack.drift),
            })
        })
        .collect();
    page(input, "StackSummaries", summaries)
}

fn shown(stack: &Stack) -> Value {
    let wish = &stack.wish;
    let outputs: Vec<Value> = stack
        .outputs
        .iter()
        .map(|output| {
            json!({
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            })
        })
        .collect();
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": wish.template.description,
        "ChangeSetId": stack.change_set,
        "Parameters": some(shown_parameters(wish)),
        "CreationTime": iso8601(stack.created),
        "LastUpdatedTime": stack.updated.map(iso8601),
        "DeletionTime": stack.deleted.or_else(|| stack.rolled_back()).map(iso8601),
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.on_failure.name() == "DO_NOTHING",
        "NotificationARNs": [],
        "TimeoutInMinutes": stack.timeout,
        "Capabilities": some(wish.capabilities.clone()),
        "Outputs": some(outputs),
        "RoleARN": wish.role,
        "Tags": tags::list(&wish.tags),
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": drift::of_stack(stack.drift),
    })
}

/// A list that is left out where it is empty.
pub(super) fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// The parameters of a stack or a change set; secret ones masked.
pub(super) fn shown_parameters(wish: &Wish) -> Vec<Value> {
    wish.parameters
        .iter()
        .map(|(key, value)| {
            let value = if wish.is_secret(key) {
                MASK
            } else {
                value.as_str()
            };
            json!({"ParameterKey": key, "ParameterValue": value})
        })
        .collect()
}

pub(super) fn describe_stack_events(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let stack = call
        .here()
        .cloudformation
        .find(name)
        .ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))?;
    // The token counts from the oldest event, so that what happens between two pages moves nothing.
    let end = match input.text("NextToken") {
        Some(token) => read_token(token)?.min(stack.events.len()),
        None => stack.events.len(),
    };
    let start = end.saturating_sub(PAGE);
    let events: Vec<Value> = stack.events[start..end]
        .iter()
        .rev()
        .map(|event| shown_event(stack, event))
        .collect();
    let next = (start > 0).then(|| token(start));
    Ok(json!({"StackEvents": events, "NextToken": next}))
}

fn shown_event(stack: &Stack, event: &Event) -> Value {
    json!({
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.kind,
        "Timestamp": iso8601(event.at),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
    })
}

pub(super) fn describe_stack_resource(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let logical_id = input.text("LogicalResourceId").unwrap_or_default();
    let stack = call.here().cloudformation.find(name);
    let stack = stack.ok_or_else(|| invalid(format!("Stack '{name}' does not exist")))?;
    let record = stack.resources.get(logical_id).ok_or_else(|| {
        invalid(format!(
            "Resource {logical_id} does not exist for stack {}",
            stack.name
        ))
    })?;
    let mut detail = summary(logical_id, record);
    detail["StackId"] = stack.id.as_str().into();
    detail["StackName"] = stack.name.as_str().into();
    detail["Metadata"] = record.metadata.as_ref().map(Value::to_string).into();
    Ok(json!({"StackResourceDetail": detail}))
}

pub(super) fn describe_stack_resources(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let physical_id = input.text("PhysicalResourceId");
    let stack = match (input.text("StackName"), physical_id) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "Either StackName or PhysicalResourceId must be specified, but not both",
            ));
        }
        (Some(name), None) => existing(call, name)?,
        (None, Some(physical_id)) => call
            .here()
            .cloudformation
            .stacks
            .values()
            .find(|stack| {
                stack.deleted.is_none()
                    && stack
                        .resources
                        .values()
                        .any(|record| record.physical_id.as_deref() == Some(physical_id))
            })
            .ok_or_else(|| invalid(format!("Stack for {physical_id} does not exist")))?,
    };
    let wanted = input.text("LogicalResourceId");
    let resources: Vec<Value> = stack
        .resources
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name.as_str()))
        .take(PAGE)
        .map(|(name, record)| {
            json!({
                "StackName": stack.name,
                "StackId": stack.id,
                "LogicalResourceId": name,
                "PhysicalResourceId": record.physical_id,
                "ResourceType": record.kind.name,
                "Timestamp": iso8601(record.changed),
                "ResourceStatus": record.status,
                "ResourceStatusReason": record.reason,
                "DriftInformation": drift::of_resource(record.drift.as_ref()),
            })
        })
        .collect();
    if let (Some(wanted), true) = (wanted, resources.is_empty()) {
        return Err(invalid(format!(
            "Resource {wanted} does not exist for stack {}",
            stack.name
        )));
    }
    Ok(json!({"StackResources": resources}))
}

pub(super) fn list_stack_resources(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let stack = existing(call, input.text("StackName").unwrap_or_default())?;
    let summaries = stack
        .resources
        .iter()
        .map(|(name, record)| summary(name, record))
        .collect();
    page(input, "StackResourceSummaries", summaries)
}

fn summary(name: &str, record: &Record) -> Value {
    json!({
        "LogicalResourceId": name,
        "PhysicalResourceId": record.physical_id,
        "ResourceType": record.kind.name,
        "LastUpdatedTimestamp": iso8601(record.changed),
        "ResourceStatus": record.status,
        "ResourceStatusReason": record.reason,
        "DriftInformation": drift::of_resource(record.drift.as_ref()),
    })
}

pub(super) fn list_exports(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let exports = call
        .here()
        .cloudformation
        .exports()
        .into_iter()
        .map(|(name, (stack, value))| json!({"ExportingStackId": stack, "Name": name, "Value": value}))
        .collect();
    page(input, "Exports", exports)
}

pub(super) fn list_imports(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let export = input.text("ExportName").unwrap_or_default();
    let state = &call.here().cloudformation;
    let importers = state.importers(export);
    if importers.is_empty() {
        return Err(invalid(format!(
            "Export '{export}' is not imported by any stack."
        )));
    }
    page(
        input,
        "Imports",
        importers.into_iter().map(Value::from).collect(),
    )
}

fn existing<'c>(call: &'c mut Call<'_>, name: &str) -> Result<&'c Stack, ApiError> {
    call.here()
        .cloudformation
        .find(name)
        .ok_or_else(|| no_stack(name))
}

/// One page of `items`, which must come in the same order every time.
pub(super) fn page(input: &Value, member: &str, mut items: Vec<Value>) -> Result<Value, ApiError> {
    let start = match input.text("NextToken") {
        Some(token) => read_token(token)?.min(items.len()),
        None => 0,
    };
    let mut rest = items.split_off(start);
    let more = rest.len() > PAGE;
    rest.truncate(PAGE);
    Ok(json!({member: rest, "NextToken": more.then(|| token(start + PAGE))}))
}

fn token(position: usize) -> String {
    URL_SAFE_NO_PAD.encode(position.to_string())
}

fn read_token(token: &str) -> Result<usize, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("NextToken is invalid"))
}
