//! Making a stack's resources, and taking them back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::change;
use super::graph;
use super::job::Job;
use super::parameters::{Element, Parameter};
use super::resources::{self, Failure, tags};
use super::stack::{OnFailure, OutputValue, Record, Wish};
use super::template::Retention;
use super::together;
use crate::service::Service;

/// Makes everything that the stack is asked to be.
pub(super) async fn create(job: Job) {
    let Some(wish) = job.wish() else {
        return;
    };
    let built = build(&job, &wish).await;
    // Somebody asked to delete the stack meanwhile: that comes next in this lane and takes back what there is.
    if !job.stack(|stack, _| stack.status == "CREATE_IN_PROGRESS") {
        return;
    }
    let Err(reason) = built else {
        job.stack(|stack, now| {
            stack.settle();
            stack.set_status("CREATE_COMPLETE", None, *now);
        });
        return;
    };
    let on_failure = job.stack(|stack, _| Some(stack.on_failure));
    match on_failure {
        Some(OnFailure::Nothing | OnFailure::Preserve) | None => {
            job.set_status("CREATE_FAILED", Some(reason));
        }
        Some(OnFailure::Rollback) => {
            job.set_status(
                "ROLLBACK_IN_PROGRESS",
                Some(format!("{reason}Rollback requested by user.")),
            );
            roll_back(&job).await;
        }
        Some(OnFailure::Delete) => {
            job.set_status(
                "DELETE_IN_PROGRESS",
                Some(format!("{reason}Delete requested by user.")),
            );
            finish_delete(&job, &BTreeSet::new(), true).await;
        }
    }
}

/// Takes back everything of a stack that has never been complete.
pub(super) async fn roll_back(job: &Job) {
    change::discard_replaced(job).await;
    match failed(&tear_down(job, &BTreeSet::new(), true).await) {
        None => job.set_status("ROLLBACK_COMPLETE", None),
        reason => job.set_status("ROLLBACK_FAILED", reason),
    }
}

/// Deletes everything that the stack has, and the stack.
pub(super) async fn delete(job: Job, retain: BTreeSet<String>, force: bool) {
    if force {
        // What cannot be deleted stays behind, as if it had been named.
        let failed = tear_down(&job, &retain, false).await;
        let retain = retain.into_iter().chain(failed).collect();
        finish_delete(&job, &retain, false).await;
    } else {
        finish_delete(&job, &retain, false).await;
    }
}

async fn finish_delete(job: &Job, retain: &BTreeSet<String>, creating: bool) {
    change::discard_replaced(job).await;
    match failed(&tear_down(job, retain, creating).await) {
        Some(reason) => job.set_status("DELETE_FAILED", Some(reason)),
        None => job.stack(|stack, now| {
            stack.deleted = Some(*now);
            stack.forget_change_sets();
            stack.set_status("DELETE_COMPLETE", None, *now);
        }),
    }
}

fn failed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| {
        format!(
            "The following resource(s) failed to delete: [{}]. ",
            names.join(", ")
        )
    })
}

async fn build(job: &Job, wish: &Wish) -> Result<(), String> {
    existing(job, wish)
        .await
        .map_err(|failure| failure.reason)?;
    let needs = graph::dependencies(&wish.template, &wish.active).map_err(|error| error.message)?;
    let preserve = job.stack(|stack, _| stack.on_failure == OnFailure::Preserve);
    let failed = together::make_all(job, wish, needs, preserve).await;
    if !job.stack(|stack, _| stack.status == "CREATE_IN_PROGRESS") {
        return Ok(());
    }
    if !failed.is_empty() {
        let names: Vec<String> = failed.into_iter().collect();
        return Err(format!(
            "The following resource(s) failed to create: [{}]. ",
            names.join(", ")
        ));
    }
    let outputs = outputs(job, wish).map_err(|failure| format!("{}. ", failure.reason))?;
    job.stack(|stack, _| stack.outputs = outputs);
    Ok(())
}

/// Makes one new resource. A failure is among the events when this returns.
pub(super) async fn make(
    job: &Job,
    wish: &Wish,
    name: &str,
    needs: BTreeSet<String>,
) -> Result<(), Failure> {
    begin(job, wish, name, needs)?;
    finish(job, name, &|| false).await
}

/// Notes a resource that is going to be made. A failure is among the events when this returns.
pub(super) fn begin(
    job: &Job,
    wish: &Wish,
    name: &str,
    needs: BTreeSet<String>,
) -> Result<(), Failure> {
    let (record, sound) = record(job, wish, name, needs);
    job.stack(|stack, now| {
        stack.resources.insert(name.to_owned(), record);
        stack.set_resource_status(name, "CREATE_IN_PROGRESS", None, *now);
    });
    sound.inspect_err(|failure| {
        job.set_resource_status(name, "CREATE_FAILED", Some(failure.reason.clone()));
    })
}

/// Makes what [`begin`] has noted, unless it is cancelled meanwhile. A failure is among the events when this returns.
pub(super) async fn finish(
    job: &Job,
    name: &str,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(), Failure> {
    let cancel = || Failure::new("Resource creation cancelled");
    let made = match job.record(name) {
        _ if cancelled() => Err(cancel()),
        None => Err(cancel()),
        Some(record) => {
            let work = job.work(name, "CREATE_IN_PROGRESS");
            resources::create(&work, record.kind, &record.properties).await
        }
    };
    let made = made.and_then(|made| {
        // Known also when it is not wanted any more, so that it is taken back.
        job.keep(name, made);
        if cancelled() { Err(cancel()) } else { Ok(()) }
    });
    match &made {
        Ok(()) => job.set_resource_status(name, "CREATE_COMPLETE", None),
        Err(failure) => {
            job.set_resource_status(name, "CREATE_FAILED", Some(failure.reason.clone()));
        }
    }
    made
}

/// The record of a resource that is going to be; with the reason where it cannot be.
pub(super) fn record(
    job: &Job,
    wish: &Wish,
    name: &str,
    needs: BTreeSet<String>,
) -> (Record, Result<(), Failure>) {
    let declared = &wish.template.resources[name];
    let mut record = Record {
        kind: declared.kind,
        physical_id: None,
        attributes: Map::new(),
        properties: json!({}),
        tags: Vec::new(),
        status: "",
        reason: None,
        changed: job.sandbox.clock.now(),
        deletion: declared.deletion,
        needs,
        metadata: declared.metadata.clone(),
        drift: None,
    };
    let sound = fill(job, wish, name, &declared.properties, &mut record);
    (record, sound)
}

fn fill(
    job: &Job,
    wish: &Wish,
    name: &str,
    properties: &Value,
    record: &mut Record,
) -> Result<(), Failure> {
    if let Some(properties) = job.resolve(wish, properties)? {
        record.properties = properties;
    }
    if record.kind.taggable {
        record.tags = tags::wanted(name, &record.properties, &wish.tags)?;
    }
    Ok(())
}

/// Every output whose condition holds, resolved.
pub(super) fn outputs(job: &Job, wish: &Wish) -> Result<Vec<OutputValue>, Failure> {
    let mut outputs = Vec::new();
    for (key, output) in &wish.template.outputs {
        // A condition is resolved as the choice that it is.
        let chosen = |value: &Value| match &output.condition {
            Some(condition) => json!({"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}),
            None => value.clone(),
        };
        let Some(value) = job.resolve(wish, &chosen(&output.value))? else {
            continue;
        };
        let text = |value: &Value| {
            super::parameters::scalar(value).ok_or_else(|| {
                Failure::new(format!("Template format error: Output {key} is malformed. The Value field of every Outputs member must evaluate to a String"))
            })
        };
        let export = match &output.export {
            Some(export) => job
                .resolve(wish, export)?
                .map(|name| text(&name))
                .transpose()?,
            None => None,
        };
        if let Some(export) = &export {
            let owner = job.sandbox.enter(&job.target, |call| {
                call.here().cloudformation.exports().remove(export)
            });
            if let Some((owner, _)) = owner.filter(|(owner, _)| *owner != job.stack_id) {
                let owner = owner.split('/').nth(1).unwrap_or_default();
                return Err(Failure::new(format!(
                    "Export with name {export} is already exported by stack {owner}"
                )));
            }
        }
        outputs.push(OutputValue {
            key: key.clone(),
            value: text(&value)?,
            description: output.description.clone(),
            export,
        });
    }
    Ok(outputs)
}

/// Deletes the stack's resources, each before what it needs, and answers with those that are still there although they
/// should not be. Of `creating`, also what would otherwise be retained only from now on.
async fn tear_down(job: &Job, retain: &BTreeSet<String>, creating: bool) -> Vec<String> {
    let needs: BTreeMap<String, BTreeSet<String>> = job.stack(|stack, _| {
        let names: BTreeSet<&String> = stack.resources.keys().collect();
        stack
            .resources
            .iter()
            .map(|(name, record)| {
                let needs = record
                    .needs
                    .iter()
                    .filter(|need| names.contains(need))
                    .cloned()
                    .collect();
                (name.clone(), needs)
            })
            .collect()
    });
    let mut order = graph::order(&needs).unwrap_or_else(|_| needs.keys().cloned().collect());
    order.reverse();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    let mut blocked: BTreeSet<String> = BTreeSet::new();
    for name in order {
        let Some(record) = job
            .record(&name)
            .filter(|record| record.status != "DELETE_COMPLETE")
        else {
            continue;
        };
        if blocked.contains(&name) {
            blocked.extend(record.needs);
            continue;
        }
        let kept = match record.deletion {
            Retention::Delete => false,
            Retention::Retain => true,
            Retention::RetainExceptOnCreate => !creating,
        };
        if kept || retain.contains(&name) {
            job.set_resource_status(&name, "DELETE_SKIPPED", None);
        } else if remove(job, &name, &record).await.is_err() {
            // What it needs has to wait until it is gone.
            blocked.extend(record.needs);
            failed.insert(name);
        }
    }
    failed.into_iter().collect()
}

/// Deletes one resource. A failure is among the events when this returns.
pub(super) async fn remove(job: &Job, name: &str, record: &Record) -> Result<(), Failure> {
    if let Some(physical_id) = &record.physical_id {
        job.set_resource_status(name, "DELETE_IN_PROGRESS", None);
        let work = job.work(name, "DELETE_IN_PROGRESS");
        if let Err(failure) =
            resources::delete(&work, record.kind, physical_id, &record.properties).await
        {
            job.set_resource_status(name, "DELETE_FAILED", Some(failure.reason.clone()));
            return Err(failure);
        }
    }
    job.set_resource_status(name, "DELETE_COMPLETE", None);
    Ok(())
}

/// Parameters whose type says so must name something that exists.
pub(super) async fn existing(job: &Job, wish: &Wish) -> Result<(), Failure> {
    for (name, parameter) in &wish.template.parameters {
        let Element::Existing(kind) = parameter.kind.element else {
            continue;
        };
        for value in values(parameter, &wish.parameters[name]) {
            if !exists(job, kind, &value).await {
                return Err(Failure::new(format!(
                    "Parameter validation failed: parameter value {value} for parameter name {name} does not exist. "
                )));
            }
        }
    }
    Ok(())
}

fn values(parameter: &Parameter, text: &str) -> Vec<String> {
    match parameter.value(text) {
        Value::Array(values) => values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => vec![text.to_owned()],
    }
}

/// Whether EC2 knows it. Of the other types that a parameter can have, the sandbox has none, so none exists.
async fn exists(job: &Job, kind: &str, value: &str) -> bool {
    let (operation, member) = match kind {
        "AWS::EC2::AvailabilityZone::Name" => ("DescribeAvailabilityZones", "ZoneName"),
        "AWS::EC2::SecurityGroup::GroupName" => ("DescribeSecurityGroups", "GroupName"),
        "AWS::EC2::SecurityGroup::Id" => ("DescribeSecurityGroups", "GroupId"),
        "AWS::EC2::Subnet::Id" => ("DescribeSubnets", "SubnetId"),
        "AWS::EC2::VPC::Id" => ("DescribeVpcs", "VpcId"),
        _ => return false,
    };
    job.sandbox
        .perform_value(
            &job.target,
            Service::Ec2,
            operation,
            json!({member: [value]}),
        )
        .await
        .is_ok()
}
