//! `DetectStackDrift` and `DetectStackResourceDrift`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::describe::shown;
use super::groups::{look, supported};
use super::{Detection, DriftStatus, End, StackDrift};
use crate::cloudformation::inputs;
use crate::cloudformation::invalid;
use crate::cloudformation::job::{self, Job};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::protocol::Answer;
use crate::sandbox::{Call, Outcome};

/// The states in which a stack can be looked at.
const DETECTABLE: &[&str] = &[
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
];

pub(in crate::cloudformation) fn detect_stack_drift(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Value, ApiError> {
    let stack_id = detectable(call, input)?;
    let only: BTreeSet<String> = input.texts("LogicalResourceIds").into_iter().collect();
    let target = inputs::maker(call, None)?;
    let now = call.now;
    let id = uuid();
    if let Some(stack) = call.here().cloudformation.stacks.get_mut(&stack_id) {
        if stack.detections.iter().any(|other| other.end.is_none()) {
            return Err(invalid(format!(
                "Drift detection is already in progress for stack [{stack_id}]"
            )));
        }
        if let Some(unknown) = only
            .iter()
            .find(|name| !stack.resources.contains_key(*name))
        {
            return Err(no_resource(unknown, &stack.name));
        }
        stack.detections.push(Detection {
            id: id.clone(),
            started: now,
            end: None,
        });
    }
    let detection = id.clone();
    job::start(call, &stack_id, target, move |job| async move {
        let end = detect(&job, &only).await;
        job.stack(|stack, now| {
            if let End::Complete { drifted } = &end {
                stack.drift = Some(StackDrift {
                    drifted: *drifted > 0,
                    at: *now,
                });
            }
            let found = stack
                .detections
                .iter_mut()
                .find(|other| other.id == detection);
            if let Some(found) = found {
                found.end = Some(end);
            }
        });
    });
    Ok(json!({"StackDriftDetectionId": id}))
}

async fn detect(job: &Job, only: &BTreeSet<String>) -> End {
    let names: Vec<String> = job.stack(|stack, _| stack.resources.keys().cloned().collect());
    let chosen = |name: &String| only.is_empty() || only.contains(name);
    for name in names.into_iter().filter(chosen) {
        match look(job, &name).await {
            Ok(drift) => job.stack(|stack, _| {
                if let Some(record) = stack.resources.get_mut(&name) {
                    record.drift = drift;
                }
            }),
            Err(failure) => {
                return End::Failed {
                    reason: format!(
                        "Failed to detect drift on resource [{name}]: {}",
                        failure.reason
                    ),
                };
            }
        }
    }
    let drifted = job.stack(|stack, _| {
        let drifts = stack
            .resources
            .values()
            .filter_map(|record| record.drift.as_ref());
        drifts
            .filter(|drift| drift.status != DriftStatus::InSync)
            .count()
    });
    End::Complete { drifted }
}

pub(in crate::cloudformation) fn detect_resource_drift(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Outcome, ApiError> {
    let stack_id = detectable(call, input)?;
    let name = input
        .text("LogicalResourceId")
        .unwrap_or_default()
        .to_owned();
    let stack = &call.here().cloudformation.stacks[&stack_id];
    let record = stack
        .resources
        .get(&name)
        .ok_or_else(|| no_resource(&name, &stack.name))?;
    if !supported(record.kind.name) {
        return Err(ApiError::new(
            501,
            "NotImplemented",
            format!(
                "drift detection of {} is not implemented by the sandbox",
                record.kind.name
            ),
        ));
    }
    let job = Job {
        sandbox: call.sandbox.clone(),
        target: inputs::maker(call, None)?,
        stack_id,
    };
    Ok(Outcome::Later(Box::pin(async move {
        let drift = look(&job, &name)
            .await
            .map_err(|failure| invalid(failure.reason))?;
        let described = job.stack(|stack, _| {
            let record = stack.resources.get_mut(&name)?;
            record.drift = drift;
            let record = stack.resources.get(&name)?;
            shown(stack, &name, record)
        });
        let described = described.ok_or_else(|| {
            invalid(format!(
                "Resource {name} was never made, so it cannot have drifted"
            ))
        })?;
        Ok(Answer::Value(json!({"StackResourceDrift": described})))
    })))
}

/// The id of the stack that a request names, if it is in a state in which it can be looked at.
fn detectable(call: &mut Call<'_>, input: &Value) -> Result<String, ApiError> {
    let name = input.text("StackName").unwrap_or_default();
    let stack = call.here().cloudformation.undeleted(name)?;
    if !DETECTABLE.contains(&stack.status) {
        return Err(invalid(format!(
            "Drift detection cannot be performed on stack [{}] in {} state",
            stack.id, stack.status
        )));
    }
    Ok(stack.id.clone())
}

fn no_resource(name: &str, stack: &str) -> ApiError {
    invalid(format!("Resource {name} does not exist for stack {stack}"))
}
