//! What IAM holds.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::document::{Document, Kind};
use super::managed;
use super::sizes;
use super::users::User;
use crate::clock::{Timestamp, iso8601};
use crate::error::ApiError;
use crate::tags;

/// Roles, users and customer-managed policies of one account.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) users: BTreeMap<String, User>,
    /// By ARN.
    pub(super) policies: BTreeMap<String, ManagedPolicy>,
}

/// A policy's text as it was given, with what it means.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) text: String,
    pub(super) document: Document,
}

#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) created: Timestamp,
    pub(super) trust: Policy,
    pub(super) description: Option<String>,
    /// Seconds.
    pub(super) max_session: i64,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) inline: BTreeMap<String, Policy>,
    /// ARNs of managed policies.
    pub(super) attached: BTreeSet<String>,
    /// The ARN of the managed policy that is the role's permissions boundary.
    pub(super) boundary: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct ManagedPolicy {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) description: Option<String>,
    /// Oldest first; never empty.
    pub(super) versions: Vec<PolicyVersion>,
    /// The number of the version in force.
    pub(super) default: u32,
    /// The highest number that was ever given.
    pub(super) last_version: u32,
    pub(super) tags: BTreeMap<String, String>,
}

/// One text of a managed policy.
#[derive(Debug, Clone)]
pub(super) struct PolicyVersion {
    /// `v1` is 1.
    pub(super) number: u32,
    pub(super) created: Timestamp,
    pub(super) policy: Policy,
}

impl Policy {
    pub(super) fn parse(text: &str, kind: Kind) -> Result<Self, ApiError> {
        if text.chars().count() > sizes::DOCUMENT {
            return Err(ApiError::bad(
                "ValidationError",
                format!(
                    "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must have length less than or equal to {}",
                    sizes::DOCUMENT
                ),
            ));
        }
        let document = Document::parse(text, kind)
            .map_err(|message| ApiError::bad("MalformedPolicyDocument", message))?;
        Ok(Self {
            text: text.to_owned(),
            document,
        })
    }

    /// A managed policy is of the newer version, which inline ones need not be.
    pub(super) fn parse_managed(text: &str) -> Result<Self, ApiError> {
        let policy = Self::parse(text, Kind::Identity)?;
        if !policy.document.variables {
            return Err(ApiError::bad(
                "MalformedPolicyDocument",
                "Policy document must be version 2012-10-17 or greater.",
            ));
        }
        sizes::check_managed(text)?;
        Ok(policy)
    }

    /// As IAM shows policies: URL-encoded according to RFC 3986.
    pub(super) fn encoded(&self) -> String {
        encoded(&self.text)
    }
}

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

impl State {
    pub(super) fn role(&self, name: &str) -> Result<&Role, ApiError> {
        self.roles.get(name).ok_or_else(|| no_role(name))
    }

    pub(super) fn role_mut(&mut self, name: &str) -> Result<&mut Role, ApiError> {
        self.roles.get_mut(name).ok_or_else(|| no_role(name))
    }

    /// The role with this ARN.
    pub(super) fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(name).filter(|role| role.arn == arn)
    }

    /// The document of a managed policy, the account's own or AWS's.
    pub(super) fn managed_document(&self, arn: &str) -> Option<Document> {
        match self.policies.get(arn) {
            Some(policy) => policy
                .versions
                .iter()
                .find(|version| version.number == policy.default)
                .map(|version| version.policy.document.clone()),
            None => Document::parse(managed::by_arn(arn)?.document, Kind::Identity).ok(),
        }
    }

    /// How many roles and users a managed policy is attached to.
    pub(super) fn attachments(&self, arn: &str) -> usize {
        let roles = self.roles.values().map(|role| &role.attached);
        let users = self.users.values().map(|user| &user.attached);
        roles
            .chain(users)
            .filter(|attached| attached.contains(arn))
            .count()
    }
}

fn no_role(name: &str) -> ApiError {
    no_entity(format!("The role with name {name} cannot be found."))
}

/// IAM's error for what does not exist.
pub(super) fn no_entity(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "NoSuchEntity", message)
}

impl Role {
    /// The role as `GetRole` shows it; the other operations leave `detail` out.
    pub(super) fn describe(&self, detail: bool) -> Value {
        let mut shown = json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601(self.created),
            "AssumeRolePolicyDocument": self.trust.encoded(),
            "Description": self.description,
            "MaxSessionDuration": self.max_session,
        });
        if detail {
            shown["PermissionsBoundary"] = match &self.boundary {
                Some(arn) => {
                    json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn})
                }
                None => Value::Null,
            };
            if !self.tags.is_empty() {
                shown["Tags"] = tags::list(&self.tags).into();
            }
            shown["RoleLastUsed"] = json!({});
        }
        shown
    }
}
