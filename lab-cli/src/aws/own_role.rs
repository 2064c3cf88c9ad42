//! IAM: the one role that this program makes itself, without a stack.

use aws_sdk_iam::types::Tag;

use super::{CallError, CallResult, Reader, Tags, Writer};

/// The folder of the roles that this program makes itself, without a stack.
pub const ROLE_PATH: &str = "/driftlab/";

/// A role that this program makes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRequest {
    /// The name.
    pub name: String,
    /// What it is for, in words.
    pub description: String,
    /// The trust policy, JSON.
    pub trust: String,
    /// The name of its one inline policy.
    pub policy_name: String,
    /// That policy, JSON.
    pub policy: String,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
}

const CREATE: &str = "iam:CreateRole";
const GONE: [&str; 1] = ["NoSuchEntity"];

impl Reader {
    /// The names of the roles in this program's folder.
    ///
    /// # Errors
    /// The failed call.
    pub async fn own_roles(&self) -> CallResult<Vec<String>> {
        let roles: Vec<_> = self
            .iam
            .list_roles()
            .path_prefix(ROLE_PATH)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("iam:ListRoles", &e))?;
        Ok(roles.into_iter().map(|role| role.role_name).collect())
    }
}

impl Writer {
    /// Makes a role with its policy, or brings the one of that name up to date. One with another boundary is made anew: who
    /// may change the boundary of a role may also lift it, and that right is not asked for.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_role(&self, request: &RoleRequest) -> CallResult<()> {
        let iam = &self.aws.iam;
        let tags = request
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| CallError::unusable(CREATE, &e))?;
        if let Err(error) = self.create_role(request, &tags).await {
            if !error.is(&["EntityAlreadyExists"]) {
                return Err(error);
            }
            if self.aws.role_boundary(&request.name).await? == request.boundary {
                iam.tag_role()
                    .role_name(&request.name)
                    .set_tags(Some(tags))
                    .send()
                    .await
                    .map_err(|e| CallError::from_sdk("iam:TagRole", &e))?;
            } else {
                self.delete_role(&request.name, &request.policy_name)
                    .await?;
                self.create_role(request, &tags).await?;
            }
        }
        iam.put_role_policy()
            .role_name(&request.name)
            .policy_name(&request.policy_name)
            .policy_document(&request.policy)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("iam:PutRolePolicy", &e))
    }

    async fn create_role(&self, request: &RoleRequest, tags: &[Tag]) -> CallResult<()> {
        self.aws
            .iam
            .create_role()
            .role_name(&request.name)
            .path(ROLE_PATH)
            .description(&request.description)
            .assume_role_policy_document(&request.trust)
            .set_permissions_boundary(request.boundary.clone())
            .set_tags(Some(tags.to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(CREATE, &e))
    }

    /// Deletes a role with its one inline policy. What is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_role(&self, name: &str, policy_name: &str) -> CallResult<()> {
        let iam = &self.aws.iam;
        let stripped = iam
            .delete_role_policy()
            .role_name(name)
            .policy_name(policy_name)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("iam:DeleteRolePolicy", &e));
        fine_when_gone(stripped)?;
        let deleted = iam
            .delete_role()
            .role_name(name)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("iam:DeleteRole", &e));
        fine_when_gone(deleted)
    }
}

fn fine_when_gone(result: CallResult<()>) -> CallResult<()> {
    match result {
        Err(error) if error.is(&GONE) => Ok(()),
        other => other,
    }
}
