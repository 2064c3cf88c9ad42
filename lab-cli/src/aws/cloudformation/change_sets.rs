//! Change sets: what CloudFormation would do with a stack, worked out by itself.

use aws_sdk_cloudformation::types::{
    Capability, Change as SdkChange, ChangeSetType, ResourceChange as SdkResourceChange,
};
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    CallError, CallResult, Reader, StackRequest, Writer, listed, moment, stack_is_missing,
};
use crate::aws::absent;
use crate::guard::MayChange;

/// The one write that a plan needs: change sets, and the empty stack that the first of them leaves. Nothing that is in use
/// can be changed with it, so it needs no consent.
#[derive(Debug, Clone)]
pub struct ChangeSets {
    aws: Reader,
}

/// A change set that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetId {
    /// Its ARN.
    pub id: String,
    /// The ARN of the stack it is for.
    pub stack_id: String,
}

/// A change set as a stack lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetSummary {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<OffsetDateTime>,
}

/// A change set as CloudFormation describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSetDescription {
    /// `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED` and their kin.
    pub status: String,
    /// Why, if CloudFormation says.
    pub reason: Option<String>,
    /// `AVAILABLE`, `EXECUTE_IN_PROGRESS` and their kin.
    pub execution: String,
    /// What it would do, resource by resource.
    pub changes: Vec<ResourceChange>,
}

/// What would become of one resource of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ResourceChange {
    /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
    pub action: String,
    /// The name in the template.
    pub logical_id: String,
    /// The name in AWS, once there is one.
    pub physical_id: Option<String>,
    /// `AWS::EC2::VPC`.
    pub resource_type: String,
    /// `True`, `False` or `Conditional`: whether it would be made anew; only for what is modified.
    pub replacement: Option<String>,
    /// What would be changed of it.
    pub details: Vec<PropertyChange>,
}

/// One property or attribute that would be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PropertyChange {
    /// `Properties`, `Tags`, …
    pub attribute: String,
    /// The property's name.
    pub name: Option<String>,
    /// `Never`, `Conditionally` or `Always`: whether changing it makes the resource anew.
    pub recreation: Option<String>,
}

impl ChangeSets {
    /// Beside a reader. No consent is needed.
    pub fn new(aws: &Reader, _: MayChange) -> Self {
        Self { aws: aws.clone() }
    }

    /// Has CloudFormation work out what a request would do. A stack that is not there is made for it, empty and under
    /// review. The name has to be new; asking again with it is the same request.
    ///
    /// # Errors
    /// The failed call.
    pub async fn create(
        &self,
        request: &StackRequest,
        is_new: bool,
        name: &str,
    ) -> CallResult<ChangeSetId> {
        const OPERATION: &str = "cloudformation:CreateChangeSet";
        let kind = if is_new {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let answer = self
            .aws
            .cloudformation
            .create_change_set()
            .stack_name(&request.name)
            .change_set_name(name)
            .client_token(name)
            .description("what driftlab deploy would do")
            .change_set_type(kind)
            .template_body(&request.template)
            .set_parameters(Some(request.sdk_parameters()))
            .set_tags(Some(request.sdk_tags()))
            .set_role_arn(request.role.clone())
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        Ok(ChangeSetId {
            id: answer.id.ok_or_else(|| absent(OPERATION, "Id"))?,
            stack_id: answer
                .stack_id
                .ok_or_else(|| absent(OPERATION, "StackId"))?,
        })
    }

    /// Deletes a change set. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete(&self, id: &str) -> CallResult<()> {
        let deleted = self
            .aws
            .cloudformation
            .delete_change_set()
            .change_set_name(id)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("cloudformation:DeleteChangeSet", &e);
                if error.is(&["ChangeSetNotFound", "ChangeSetNotFoundException"])
                    || stack_is_missing(&error)
                {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Begins to delete a stack that a first change set made and that has none any more, apart from `last`, which may be
    /// on its way out still. `false` when the stack is anything else, or gone.
    ///
    /// # Errors
    /// The failed call.
    pub async fn discard_empty_stack(&self, stack_id: &str, last: &str) -> CallResult<bool> {
        let (stack, sets) =
            tokio::try_join!(self.aws.stack(stack_id), self.aws.change_sets(stack_id))?;
        let empty = stack.is_some_and(|stack| stack.status == "REVIEW_IN_PROGRESS");
        if !empty || sets.iter().any(|set| set.id != last) {
            return Ok(false);
        }
        self.aws
            .cloudformation
            .delete_stack()
            .stack_name(stack_id)
            .send()
            .await
            .map(|_| true)
            .map_err(|e| CallError::from_sdk("cloudformation:DeleteStack", &e))
    }
}

impl Reader {
    /// A change set with everything that it would do; `None` when there is no such set.
    ///
    /// # Errors
    /// The failed call.
    pub async fn change_set(&self, id: &str) -> CallResult<Option<ChangeSetDescription>> {
        let mut found: Option<ChangeSetDescription> = None;
        let mut token = None;
        loop {
            let page = self
                .cloudformation
                .describe_change_set()
                .change_set_name(id)
                .set_next_token(token)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(e) => {
                    let error = CallError::from_sdk("cloudformation:DescribeChangeSet", &e);
                    return if error.is(&["ChangeSetNotFound", "ChangeSetNotFoundException"])
                        || stack_is_missing(&error)
                    {
                        Ok(None)
                    } else {
                        Err(error)
                    };
                }
            };
            let changes = page.changes.unwrap_or_default();
            let changes = changes.into_iter().filter_map(resource_change);
            let described = found.get_or_insert_with(|| ChangeSetDescription {
                status: page
                    .status
                    .map(|s| s.as_str().to_owned())
                    .unwrap_or_default(),
                reason: page.status_reason,
                execution: page
                    .execution_status
                    .map(|s| s.as_str().to_owned())
                    .unwrap_or_default(),
                changes: Vec::new(),
            });
            described.changes.extend(changes);
            token = page.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The change sets of a stack; none when there is no such stack.
    ///
    /// # Errors
    /// The failed call.
    pub async fn change_sets(&self, stack: &str) -> CallResult<Vec<ChangeSetSummary>> {
        let found = self
            .cloudformation
            .list_change_sets()
            .stack_name(stack)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await;
        let found = listed("cloudformation:ListChangeSets", found)?;
        Ok(found
            .into_iter()
            .map(|set| ChangeSetSummary {
                id: set.change_set_id.unwrap_or_default(),
                name: set.change_set_name.unwrap_or_default(),
                created: set.creation_time.as_ref().and_then(moment),
            })
            .collect())
    }
}

impl Writer {
    /// Begins to carry a change set out. One whose execution has begun already is fine: its name is used once only, so
    /// this is the same request after an answer that was lost.
    ///
    /// # Errors
    /// The failed call.
    pub async fn execute_change_set(&self, id: &str, token: &str) -> CallResult<()> {
        let begun = self
            .aws
            .cloudformation
            .execute_change_set()
            .change_set_name(id)
            .client_request_token(token)
            .send()
            .await;
        let error = match begun {
            Ok(_) => return Ok(()),
            Err(e) => CallError::from_sdk("cloudformation:ExecuteChangeSet", &e),
        };
        let may_have_begun = error.is(&[
            "InvalidChangeSetStatus",
            "InvalidChangeSetStatusException",
            "TokenAlreadyExistsException",
        ]);
        if may_have_begun
            && let Some(set) = self.aws.change_set(id).await?
            && ["EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"]
                .contains(&set.execution.as_str())
        {
            return Ok(());
        }
        Err(error)
    }
}

fn resource_change(change: SdkChange) -> Option<ResourceChange> {
    let SdkResourceChange {
        action,
        logical_resource_id,
        physical_resource_id,
        resource_type,
        replacement,
        details,
        ..
    } = change.resource_change?;
    let mut properties: Vec<_> = details
        .unwrap_or_default()
        .into_iter()
        .filter_map(|detail| detail.target)
        .map(|target| PropertyChange {
            attribute: target
                .attribute
                .map(|a| a.as_str().to_owned())
                .unwrap_or_default(),
            name: target.name,
            recreation: target.requires_recreation.map(|r| r.as_str().to_owned()),
        })
        .collect();
    // A property that changes for two reasons is told of twice.
    properties.sort();
    properties.dedup();
    Some(ResourceChange {
        action: action.map(|a| a.as_str().to_owned()).unwrap_or_default(),
        logical_id: logical_resource_id.unwrap_or_default(),
        physical_id: physical_resource_id.filter(|id| !id.is_empty()),
        resource_type: resource_type.unwrap_or_default(),
        replacement: replacement.map(|r| r.as_str().to_owned()),
        details: properties,
    })
}
