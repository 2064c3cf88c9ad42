//! What policies decide together: those of an identity, within its boundary, a role's trust policy, and the policy of a
//! resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::access::{Access, Decision};
use super::document::{Document, Kind};
use super::evaluate::{Verdict, Who};
use super::state::{Policy, Role, State};
use super::users::User;
use crate::caller::Caller;
use crate::sandbox::Account;

/// Whether the identity policies of `caller` allow `access`.
pub(crate) fn decide(account: &Account, caller: &Caller, access: &Access) -> Decision {
    let verdict = match caller {
        // An operator is an administrator, as the root user is, a service acts for itself: none of them has policies here.
        Caller::Operator | Caller::Root | Caller::Service(_) => Verdict::Allowed,
        Caller::User { name } => user_verdict(account, name, access),
        Caller::Role { role, .. } => role_verdict(account, role, access),
    };
    match verdict {
        Verdict::Allowed => Decision::Allowed,
        Verdict::Denied => {
            Decision::Denied("of an explicit deny in an identity-based policy".to_owned())
        }
        Verdict::Silent | Verdict::Delegated => {
            Decision::Denied(no_identity_policy(&access.action))
        }
    }
}

pub(super) fn no_identity_policy(action: &str) -> String {
    format!("no identity-based policy allows the {action} action")
}

/// What the policies of the role with this name say; nothing when it does not exist (any more).
pub(super) fn role_verdict(account: &Account, role: &str, access: &Access) -> Verdict {
    let Ok(role) = account.iam.role(role) else {
        return Verdict::Silent;
    };
    let access = with_role_keys(account, role, access);
    role_policies(role).verdict(&account.iam, &access)
}

fn with_role_keys(account: &Account, role: &Role, access: &Access) -> Access {
    let principal = [
        ("aws:PrincipalArn", role.arn.as_str()),
        ("aws:PrincipalType", "AssumedRole"),
    ];
    with_principal_keys(account, access, &principal, &role.tags)
}

/// What the policies of the user with this name say; nothing when it does not exist (any more).
pub(super) fn user_verdict(account: &Account, user: &str, access: &Access) -> Verdict {
    let Ok(user) = account.iam.user(user) else {
        return Verdict::Silent;
    };
    let principal = [
        ("aws:PrincipalArn", user.arn.as_str()),
        ("aws:PrincipalType", "User"),
        ("aws:userid", user.id.as_str()),
        ("aws:username", user.name.as_str()),
    ];
    let access = with_principal_keys(account, access, &principal, &user.tags);
    user_policies_of(user).verdict(&account.iam, &access)
}

fn with_principal_keys(
    account: &Account,
    access: &Access,
    principal: &[(&str, &str)],
    tags: &BTreeMap<String, String>,
) -> Access {
    let mut access = access
        .clone()
        .with("aws:PrincipalAccount", account.id.as_str());
    for (key, value) in principal {
        access = access.with(key, *value);
    }
    for (key, value) in tags {
        access = access.with(&format!("aws:PrincipalTag/{key}"), value);
    }
    access
}

/// The policies of a role or a user.
pub(super) struct Policies<'p> {
    inline: &'p BTreeMap<String, Policy>,
    /// ARNs of managed policies.
    attached: &'p BTreeSet<String>,
    /// The ARN of the permissions boundary.
    boundary: Option<&'p str>,
}

pub(super) fn role_policies(role: &Role) -> Policies<'_> {
    Policies {
        inline: &role.inline,
        attached: &role.attached,
        boundary: role.boundary.as_deref(),
    }
}

pub(super) fn user_policies_of(user: &User) -> Policies<'_> {
    Policies {
        inline: &user.inline,
        attached: &user.attached,
        boundary: None,
    }
}

impl Policies<'_> {
    /// What they say together, within the permissions boundary.
    pub(super) fn verdict(&self, state: &State, access: &Access) -> Verdict {
        let verdict = self.granted(state, access);
        match (verdict, self.limit(state, access)) {
            (verdict, None) => verdict,
            (Verdict::Denied, _) | (_, Some(Verdict::Denied)) => Verdict::Denied,
            (Verdict::Allowed, Some(Verdict::Allowed)) => Verdict::Allowed,
            _ => Verdict::Silent,
        }
    }

    /// What they say together, the boundary left aside.
    pub(super) fn granted(&self, state: &State, access: &Access) -> Verdict {
        let inline = self
            .inline
            .values()
            .map(|policy| policy.document.judge(None, access));
        let attached = self
            .attached
            .iter()
            .filter_map(|arn| state.managed_document(arn))
            .map(|document| document.judge(None, access));
        inline.chain(attached).max().unwrap_or(Verdict::Silent)
    }

    /// What the permissions boundary says, if there is one. It grants nothing, it only limits; one that is gone allows
    /// nothing.
    pub(super) fn limit(&self, state: &State, access: &Access) -> Option<Verdict> {
        let limit = state.managed_document(self.boundary?);
        Some(limit.map_or(Verdict::Silent, |document| document.judge(None, access)))
    }
}

/// How the permissions boundary of a role keeps it from what its policies grant, as the end of a sentence; `None` when the
/// boundary is not what stands in the way.
pub(super) fn kept_by_boundary(account: &Account, role: &str, access: &Access) -> Option<String> {
    let role = account.iam.role(role).ok()?;
    let access = with_role_keys(account, role, access);
    let policies = role_policies(role);
    match (
        policies.granted(&account.iam, &access),
        policies.limit(&account.iam, &access)?,
    ) {
        (Verdict::Denied, _) | (_, Verdict::Allowed | Verdict::Delegated) => None,
        (_, Verdict::Denied) => Some("with an explicit deny in a permissions boundary".to_owned()),
        (Verdict::Allowed, Verdict::Silent) => Some(format!(
            "because no permissions boundary allows the {} action",
            access.action
        )),
        (Verdict::Silent | Verdict::Delegated, Verdict::Silent) => None,
    }
}

/// Whether the role exists, by its ARN, and lets `principal` (a service) assume it.
///
/// # Errors
/// Says which of the two is missing, as the end of a sentence.
pub(crate) fn assumable(account: &Account, role_arn: &str, principal: &str) -> Result<(), String> {
    assumable_by(account, role_arn, principal, None)
}

/// Like [`assumable`], for a service that says for which of its resources (`aws:SourceArn`) it asks.
///
/// # Errors
/// As above.
pub(crate) fn assumable_for(
    account: &Account,
    role_arn: &str,
    principal: &str,
    source_arn: &str,
) -> Result<(), String> {
    assumable_by(account, role_arn, principal, Some(source_arn))
}

fn assumable_by(
    account: &Account,
    role_arn: &str,
    principal: &str,
    source_arn: Option<&str>,
) -> Result<(), String> {
    let role = account
        .iam
        .role_by_arn(role_arn)
        .ok_or_else(|| format!("the role {role_arn} does not exist"))?;
    // Services assume roles on behalf of the account that they work for.
    let mut access = Access::on("sts", "AssumeRole", role_arn)
        .with("aws:SourceAccount", account.id.as_str())
        .with("aws:SecureTransport", "true");
    if let Some(source) = source_arn {
        access = access.with("aws:SourceArn", source);
    }
    match trust_verdict(role, principal, &access) {
        Verdict::Allowed => Ok(()),
        Verdict::Denied | Verdict::Silent | Verdict::Delegated => Err(format!(
            "the trust policy of {role_arn} does not let {principal} assume it"
        )),
    }
}

pub(super) fn trust_verdict(role: &Role, principal: &str, access: &Access) -> Verdict {
    role.trust
        .document
        .judge(Some(&Who::parse(principal)), access)
}

/// Whether a resource-based policy lets `principal` (a service name or an ARN) do `access`. A policy
/// that names only the principal's account leaves the decision to identity policies, so it does not.
pub(crate) fn resource_policy_decides(
    policy: &Value,
    principal: &str,
    access: &Access,
) -> Decision {
    let document = match Document::read(policy, Kind::Resource) {
        Ok(document) => document,
        Err(error) => {
            return Decision::Denied(format!("the resource-based policy cannot be read: {error}"));
        }
    };
    // Who evaluates a resource's policy speaks for AWS's own endpoints, which are TLS.
    let access = access.clone().with("aws:SecureTransport", "true");
    match document.judge(Some(&Who::parse(principal)), &access) {
        Verdict::Allowed => Decision::Allowed,
        Verdict::Denied => {
            Decision::Denied("of an explicit deny in a resource-based policy".to_owned())
        }
        Verdict::Silent | Verdict::Delegated => Decision::Denied(format!(
            "no resource-based policy allows the {} action",
            access.action
        )),
    }
}

/// Whether `principal` (a service or the ARN of a role of this account) may do something to a resource
/// of this account with that policy. Of a role either side may allow it; either may deny it.
pub(crate) fn decide_for(
    account: &Account,
    principal: &str,
    policy: &Value,
    access: &Access,
) -> Decision {
    let resource = resource_policy_decides(policy, principal, access);
    let Some(role) = account.iam.role_by_arn(principal) else {
        return resource;
    };
    let access = access.clone().with("aws:SecureTransport", "true");
    let denied = || {
        Document::read(policy, Kind::Resource).map_or(true, |document| {
            document.judge(Some(&Who::Identity(principal)), &access) == Verdict::Denied
        })
    };
    match role_verdict(account, &role.name, &access) {
        Verdict::Denied => {
            Decision::Denied("of an explicit deny in an identity-based policy".to_owned())
        }
        Verdict::Allowed if !denied() => Decision::Allowed,
        Verdict::Allowed | Verdict::Silent | Verdict::Delegated => resource,
    }
}
