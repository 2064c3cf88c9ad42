//! `DescribeStackDriftDetectionStatus` and `DescribeStackResourceDrifts`.

use serde_json::{Value, json};

use super::{Difference, End};
use crate::clock::iso8601;
use crate::cloudformation::describe::page;
use crate::cloudformation::stack::{Record, Stack};
use crate::cloudformation::{invalid, no_stack};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(in crate::cloudformation) fn describe_detection_status(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let id = input.text("StackDriftDetectionId").unwrap_or_default();
    let stacks = call.here().cloudformation.stacks.values();
    let found = stacks
        .flat_map(|stack| stack.detections.iter().map(move |other| (stack, other)))
        .find(|(_, detection)| detection.id == id);
    let (stack, detection) =
        found.ok_or_else(|| invalid(format!("Drift detection with id [{id}] does not exist.")))?;
    let mut answer = json!({
        "StackId": stack.id,
        "StackDriftDetectionId": detection.id,
        "Timestamp": iso8601(detection.started),
    });
    match &detection.end {
        None => answer["DetectionStatus"] = "DETECTION_IN_PROGRESS".into(),
        Some(End::Failed { reason }) => {
            answer["DetectionStatus"] = "DETECTION_FAILED".into();
            answer["DetectionStatusReason"] = reason.as_str().into();
        }
        Some(End::Complete { drifted }) => {
            answer["DetectionStatus"] = "DETECTION_COMPLETE".into();
            answer["StackDriftStatus"] = if *drifted > 0 { "DRIFTED" } else { "IN_SYNC" }.into();
            answer["DriftedStackResourceCount"] = (*drifted).into();
        }
    }
    Ok(answer)
}

pub(in crate::cloudformation) fn describe_resource_drifts(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    if let Some(limit) = input.int("MaxResults")?
        && !(1..=100).contains(&limit)
    {
        return Err(invalid(format!(
            "1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must be between 1 and 100"
        )));
    }
    let wanted = input.texts("StackResourceDriftStatusFilters");
    let known = [
        "IN_SYNC",
        "MODIFIED",
        "DELETED",
        "NOT_CHECKED",
        "UNKNOWN",
        "UNSUPPORTED",
    ];
    if let Some(other) = wanted
        .iter()
        .find(|status| !known.contains(&status.as_str()))
    {
        return Err(invalid(format!(
            "1 validation error detected: Value '[{other}]' at 'stackResourceDriftStatusFilters' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
            known.join(", ")
        )));
    }
    let name = input.text("StackName").unwrap_or_default();
    let stack = call
        .here()
        .cloudformation
        .find(name)
        .ok_or_else(|| no_stack(name))?;
    let drifts = stack
        .resources
        .iter()
        .filter(|(_, record)| {
            let status = record.drift.as_ref().map(|drift| drift.status.name());
            wanted.is_empty() || wanted.iter().any(|wanted| Some(wanted.as_str()) == status)
        })
        .filter_map(|(name, record)| shown(stack, name, record))
        .collect();
    page(input, "StackResourceDrifts", drifts)
}

/// What was found out about a resource; `None` where nobody has looked.
pub(super) fn shown(stack: &Stack, name: &str, record: &Record) -> Option<Value> {
    let drift = record.drift.as_ref()?;
    let mask = stack.wish.mask();
    let differences = drift.differences.iter().map(difference);
    let differences: Vec<Value> = differences.map(|each| mask.hide(&each)).collect();
    Some(json!({
        "StackId": stack.id,
        "LogicalResourceId": name,
        "PhysicalResourceId": record.physical_id,
        "ResourceType": record.kind.name,
        "ExpectedProperties": mask.hide(&drift.expected).to_string(),
        "ActualProperties": (!drift.actual.is_null()).then(|| mask.hide(&drift.actual).to_string()),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": drift.status.name(),
        "Timestamp": iso8601(drift.at),
    }))
}

fn difference(difference: &Difference) -> Value {
    let text = |value: &Option<Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "null".to_owned(),
    };
    json!({
        "PropertyPath": difference.path,
        "ExpectedValue": text(&difference.expected),
        "ActualValue": text(&difference.actual),
        "DifferenceType": match (&difference.expected, &difference.actual) {
            (None, _) => "ADD",
            (Some(_), None) => "REMOVE",
            (Some(_), Some(_)) => "NOT_EQUAL",
        },
    })
}
