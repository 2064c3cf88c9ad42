//! The ways out of an operation on a stack that failed half-way.

use super::{CallError, CallResult, Reader, Writer, listed};

/// One resource of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackResource {
    /// The name in the template.
    pub logical_id: String,
    /// The name in AWS, once there is one.
    pub physical_id: Option<String>,
    /// `AWS::EC2::VPC`.
    pub resource_type: String,
    /// `UPDATE_FAILED` and its kin.
    pub status: String,
    /// Why, if CloudFormation says.
    pub reason: Option<String>,
}

impl Reader {
    /// The resources of a stack; none when there is no such stack.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stack_resources(&self, stack: &str) -> CallResult<Vec<StackResource>> {
        let found = self
            .cloudformation
            .list_stack_resources()
            .stack_name(stack)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await;
        let found = listed("cloudformation:ListStackResources", found)?;
        Ok(found
            .into_iter()
            .map(|resource| StackResource {
                logical_id: resource.logical_resource_id.unwrap_or_default(),
                physical_id: resource
                    .physical_resource_id
                    .filter(|id: &String| !id.is_empty()),
                resource_type: resource.resource_type.unwrap_or_default(),
                status: resource
                    .resource_status
                    .map(|s| s.as_str().to_owned())
                    .unwrap_or_default(),
                reason: resource.resource_status_reason,
            })
            .collect())
    }
}

impl Writer {
    /// Goes on with a rollback that failed. What is skipped stays as it is and counts as rolled back.
    ///
    /// # Errors
    /// The failed call.
    pub async fn continue_update_rollback(
        &self,
        stack: &str,
        skip: &[String],
        token: &str,
    ) -> CallResult<()> {
        self.aws
            .cloudformation
            .continue_update_rollback()
            .stack_name(stack)
            .set_resources_to_skip((!skip.is_empty()).then(|| skip.to_vec()))
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("cloudformation:ContinueUpdateRollback", &e))
    }

    /// Begins to take an update back that failed and was left where it stopped.
    ///
    /// # Errors
    /// The failed call.
    pub async fn rollback_stack(&self, stack: &str, token: &str) -> CallResult<()> {
        self.aws
            .cloudformation
            .rollback_stack()
            .stack_name(stack)
            .client_request_token(token)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("cloudformation:RollbackStack", &e))
    }
}
