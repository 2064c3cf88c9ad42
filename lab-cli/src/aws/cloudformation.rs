//! CloudFormation: the stack and its events; [`change_sets`] before it is made or changed, [`recovery`] when that failed.

mod change_sets;
mod recovery;

pub use change_sets::{
    ChangeSetDescription, ChangeSetId, ChangeSetSummary, ChangeSets, PropertyChange, ResourceChange,
};
pub use recovery::StackResource;

use std::collections::BTreeMap;
use std::error::Error as StdError;

use aws_sdk_cloudformation::types::{Capability, Parameter, StackEvent as SdkEvent, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use time::OffsetDateTime;

use super::{CallError, CallResult, Reader, Tags, Writer, moment};

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackDescription {
    /// The id (an ARN), which stays valid after the stack is deleted.
    pub id: String,
    /// The name.
    pub name: String,
    /// `CREATE_COMPLETE` and its kin.
    pub status: String,
    /// Why, if CloudFormation says.
    pub reason: Option<String>,
    /// Parameters as they were given.
    pub parameters: BTreeMap<String, String>,
    /// Outputs.
    pub outputs: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Option<OffsetDateTime>,
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// Unique.
    pub id: String,
    /// When.
    pub at: Option<OffsetDateTime>,
    /// The name in the template.
    pub logical_id: String,
    /// `AWS::EC2::VPC`.
    pub resource_type: String,
    /// `CREATE_IN_PROGRESS` and its kin.
    pub status: String,
    /// Why, if CloudFormation says.
    pub reason: Option<String>,
}

/// What a stack shall be.
#[derive(Debug, Clone)]
pub struct StackRequest {
    /// The name.
    pub name: String,
    /// The template's text.
    pub template: String,
    /// Parameters.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// The role that CloudFormation works with, now and from then on.
    pub role: Option<String>,
}

impl StackRequest {
    fn sdk_parameters(&self) -> Vec<Parameter> {
        self.parameters
            .iter()
            .map(|(key, value)| {
                Parameter::builder()
                    .parameter_key(key)
                    .parameter_value(value)
                    .build()
            })
            .collect()
    }

    fn sdk_tags(&self) -> Vec<Tag> {
        self.tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect()
    }
}

/// CloudFormation has one code for every invalid request; only the words tell that it is the stack which is not there, and
/// not, for example, its role.
fn stack_is_missing(error: &CallError) -> bool {
    let message = error.message();
    error.is(&["ValidationError"])
        && message.starts_with("Stack ")
        && message.contains("does not exist")
}

/// What was listed of a stack; nothing when there is no such stack.
fn listed<T, E>(
    operation: &'static str,
    found: Result<Vec<T>, SdkError<E, HttpResponse>>,
) -> CallResult<Vec<T>>
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    found.or_else(|e| {
        let error = CallError::from_sdk(operation, &e);
        if stack_is_missing(&error) {
            Ok(Vec::new())
        } else {
            Err(error)
        }
    })
}

impl Reader {
    /// A stack by name or id; `None` when there is none. A deleted one is found by its id only.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stack(&self, name: &str) -> CallResult<Option<StackDescription>> {
        match self
            .cloudformation
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
        {
            Ok(answer) => Ok(answer
                .stacks
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(stack_from_sdk)),
            Err(e) => {
                let error = CallError::from_sdk("cloudformation:DescribeStacks", &e);
                if stack_is_missing(&error) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// All stacks that carry a tag.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stacks_tagged(&self, key: &str, value: &str) -> CallResult<Vec<StackDescription>> {
        let mut stacks = self.stacks_with_tag(key).await?;
        stacks.retain(|stack| stack.tags.get(key).is_some_and(|v| v == value));
        Ok(stacks)
    }

    /// All stacks that carry a tag of this key, whatever its value.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stacks_with_tag(&self, key: &str) -> CallResult<Vec<StackDescription>> {
        let stacks: Vec<_> = self
            .cloudformation
            .describe_stacks()
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("cloudformation:DescribeStacks", &e))?;
        Ok(stacks
            .into_iter()
            .map(stack_from_sdk)
            .filter(|stack| stack.status != "DELETE_COMPLETE")
            .filter(|stack| stack.tags.contains_key(key))
            .collect())
    }

    /// The template of a stack as it was submitted.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stack_template(&self, name: &str) -> CallResult<String> {
        self.cloudformation
            .get_template()
            .stack_name(name)
            .send()
            .await
            .map(|answer| answer.template_body.unwrap_or_default())
            .map_err(|e| CallError::from_sdk("cloudformation:GetTemplate", &e))
    }

    /// The events of a stack, oldest first, back to one that is known already (which is left out, like all before it).
    ///
    /// # Errors
    /// The failed call.
    pub async fn stack_events(
        &self,
        name: &str,
        known: impl Fn(&str) -> bool,
    ) -> CallResult<Vec<StackEvent>> {
        let mut newest_first = self
            .cloudformation
            .describe_stack_events()
            .stack_name(name)
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(event) = newest_first.next().await {
            match event {
                Ok(event) => {
                    let event = event_from_sdk(event);
                    if known(&event.id) {
                        break;
                    }
                    events.push(event);
                }
                Err(e) => {
                    let error = CallError::from_sdk("cloudformation:DescribeStackEvents", &e);
                    if stack_is_missing(&error) {
                        break;
                    }
                    return Err(error);
                }
            }
        }
        events.reverse();
        Ok(events)
    }
}

impl Writer {
    /// Begins to give a stack other tags; template and parameters stay. `false` when it has these already.
    ///
    /// # Errors
    /// The failed call.
    pub async fn retag_stack(&self, stack: &str, tags: &Tags) -> CallResult<bool> {
        const OPERATION: &str = "cloudformation:UpdateStack";
        let described = self.aws.stack(stack).await?.unwrap_or_default();
        let kept = described.parameters.into_keys().map(|key| {
            Parameter::builder()
                .parameter_key(key)
                .use_previous_value(true)
                .build()
        });
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build());
        let updated = self
            .aws
            .cloudformation
            .update_stack()
            .stack_name(stack)
            .use_previous_template(true)
            .set_parameters(Some(kept.collect()))
            .set_tags(Some(tags.collect()))
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await;
        match updated {
            Ok(_) => Ok(true),
            Err(e) => {
                let error = CallError::from_sdk(OPERATION, &e);
                // One code for everything; the words are all there is.
                let same = error.message().contains("No updates are to be performed");
                if error.is(&["ValidationError"]) && same {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Begins to delete a stack, with the role that it was made with or with another one. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_stack(&self, name: &str, role: Option<&str>) -> CallResult<()> {
        self.delete_stack_but(name, &[], role).await
    }

    /// Begins to delete a stack whose deletion has failed, but leaves these resources behind, by their names in the template.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_stack_but(
        &self,
        name: &str,
        retained: &[&str],
        role: Option<&str>,
    ) -> CallResult<()> {
        let retained = retained.iter().map(|&name| name.to_owned()).collect();
        match self
            .aws
            .cloudformation
            .delete_stack()
            .stack_name(name)
            .set_role_arn(role.map(str::to_owned))
            .set_retain_resources(Some(retained).filter(|names: &Vec<_>| !names.is_empty()))
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("cloudformation:DeleteStack", &e);
                if stack_is_missing(&error) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }
}

fn stack_from_sdk(stack: aws_sdk_cloudformation::types::Stack) -> StackDescription {
    StackDescription {
        id: stack.stack_id.unwrap_or_default(),
        name: stack.stack_name.unwrap_or_default(),
        status: stack
            .stack_status
            .map(|s| s.as_str().to_owned())
            .unwrap_or_default(),
        reason: stack.stack_status_reason,
        parameters: stack
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter_map(|p| Some((p.parameter_key?, p.parameter_value.unwrap_or_default())))
            .collect(),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|o| Some((o.output_key?, o.output_value?)))
            .collect(),
        tags: stack
            .tags
            .unwrap_or_default()
            .into_iter()
            .filter_map(|t| Some((t.key?, t.value.unwrap_or_default())))
            .collect(),
        created: stack.creation_time.as_ref().and_then(moment),
    }
}

fn event_from_sdk(event: SdkEvent) -> StackEvent {
    StackEvent {
        id: event.event_id.unwrap_or_default(),
        at: event.timestamp.as_ref().and_then(moment),
        logical_id: event.logical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        status: event
            .resource_status
            .map(|s| s.as_str().to_owned())
            .unwrap_or_default(),
        reason: event.resource_status_reason,
    }
}
