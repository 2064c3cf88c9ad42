//! IAM: roles, policies, and whether something is allowed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use self::access::{Access, Decision};
pub(crate) use self::authorize::{STACK_SESSION, authorize};
pub(crate) use self::held_policies::MAX_ATTACHED;
pub(crate) use self::roles::MAX_ROLES;
pub use self::state::State;

pub(crate) use self::document::{Document, Kind};
pub(crate) use self::evaluate::{Verdict, Who};
pub(crate) use self::params::accept;

mod access;
mod authorize;
mod condition;
mod document;
#[cfg(test)]
mod enforcement;
mod evaluate;
mod held_policies;
mod inspect;
mod keys;
mod managed;
mod params;
mod pattern;
mod policies;
mod roles;
mod simulate;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod users;
mod versions;

use self::held_policies::Holder;
use self::state::{Policy, Role};
use self::users::User;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::global_arn;
use crate::protocol::Operation;
use crate::sandbox::{Account, Call, Outcome};

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let answer = match operation.name.as_str() {
        "CreateRole" => roles::create(call, operation),
        "GetRole" => roles::get(call, operation),
        "ListRoles" => roles::list(call, operation),
        "UpdateRole" => roles::update(call, operation),
        "UpdateAssumeRolePolicy" => roles::update_trust(call, operation),
        "DeleteRole" => roles::delete(call, operation),
        "PutRolePermissionsBoundary" => roles::put_boundary(call, operation),
        "DeleteRolePermissionsBoundary" => roles::delete_boundary(call, operation),
        "TagRole" => roles::tag(call, operation),
        "UntagRole" => roles::untag(call, operation),
        "ListRoleTags" => roles::list_tags(call, operation),
        "ListInstanceProfilesForRole" => roles::instance_profiles(call, operation),
        "PutRolePolicy" => Holder::Role.put_inline(call, operation),
        "GetRolePolicy" => Holder::Role.get_inline(call, operation),
        "DeleteRolePolicy" => Holder::Role.delete_inline(call, operation),
        "ListRolePolicies" => Holder::Role.list_inline(call, operation),
        "AttachRolePolicy" => Holder::Role.attach(call, operation),
        "DetachRolePolicy" => Holder::Role.detach(call, operation),
        "ListAttachedRolePolicies" => Holder::Role.list_attached(call, operation),
        "CreatePolicy" => policies::create(call, operation),
        "GetPolicy" => policies::get(call, operation),
        "CreatePolicyVersion" => versions::create(call, operation),
        "GetPolicyVersion" => versions::get(call, operation),
        "ListPolicyVersions" => versions::list(call, operation),
        "SetDefaultPolicyVersion" => versions::set_default(call, operation),
        "DeletePolicyVersion" => versions::delete(call, operation),
        "DeletePolicy" => policies::delete(call, operation),
        "ListPolicies" => policies::list(call, operation),
        "ListEntitiesForPolicy" => policies::entities(call, operation),
        "CreateUser" => users::create(call, operation),
        "GetUser" => users::get(call, operation),
        "ListUsers" => users::list(call, operation),
        "DeleteUser" => users::delete(call, operation),
        "TagUser" => users::tag(call, operation),
        "UntagUser" => users::untag(call, operation),
        "ListUserTags" => users::list_tags(call, operation),
        "CreateAccessKey" => keys::create(call, operation),
        "ListAccessKeys" => keys::list(call, operation),
        "UpdateAccessKey" => keys::update(call, operation),
        "DeleteAccessKey" => keys::delete(call, operation),
        "PutUserPolicy" => Holder::User.put_inline(call, operation),
        "GetUserPolicy" => Holder::User.get_inline(call, operation),
        "DeleteUserPolicy" => Holder::User.delete_inline(call, operation),
        "ListUserPolicies" => Holder::User.list_inline(call, operation),
        "AttachUserPolicy" => Holder::User.attach(call, operation),
        "DetachUserPolicy" => Holder::User.detach(call, operation),
        "ListAttachedUserPolicies" => Holder::User.list_attached(call, operation),
        "SimulatePrincipalPolicy" => simulate::principal(call, operation),
        "SimulateCustomPolicy" => simulate::custom(operation),
        "GetAccountSummary" => summary::summary(call, operation),
        name => Err(ApiError::not_implemented("iam", name)),
    }?;
    Ok(answer.into())
}

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let resource = if let Some(arn) = input.text("PolicySourceArn") {
        arn.to_owned()
    } else if let Some(role) = input.text("RoleName") {
        match call.account.iam.role(role) {
            Ok(role) => role.arn.clone(),
            Err(_) => own_arn(call, "role", input.text("Path"), role),
        }
    } else if let Some(user) = named_user(call, operation) {
        own_arn(call, "user", None, &user)
    } else if let Some(arn) = input.text("PolicyArn") {
        arn.to_owned()
    } else if let Some(policy) = input.text("PolicyName") {
        own_arn(call, "policy", input.text("Path"), policy)
    } else {
        "*".to_owned()
    };
    let mut access = Access::on("iam", &operation.name, resource);
    // The operations on attachments can be limited to certain policies.
    let holder = input.text("RoleName").or(input.text("UserName"));
    if let (Some(arn), Some(_)) = (input.text("PolicyArn"), holder) {
        access = access.with("iam:PolicyARN", arn);
    }
    // What changes a role's rights can be limited to roles with a certain boundary: the one that is asked for, or the one
    // that the role has.
    if let Some(role) = input.text("RoleName") {
        let asked = input.text("PermissionsBoundary");
        let role = call.account.iam.role(role).ok();
        let has = role.and_then(|role| role.boundary.as_deref());
        if let Some(arn) = asked.or(has) {
            access = access.with("iam:PermissionsBoundary", arn);
        }
    }
    vec![access]
}

/// The user that a request is about: the caller itself where an operation on users names none.
fn named_user(call: &Call<'_>, operation: &Operation) -> Option<String> {
    match operation.name.as_str() {
        "GetUser" | "CreateAccessKey" | "ListAccessKeys" | "UpdateAccessKey"
        | "DeleteAccessKey" => users::meant(call, operation).ok(),
        _ => operation.input.text("UserName").map(str::to_owned),
    }
}

fn own_arn(call: &Call<'_>, kind: &str, path: Option<&str>, name: &str) -> String {
    let path = path.unwrap_or("/");
    global_arn(
        call.region.partition(),
        &call.account.id,
        "iam",
        &format!("{kind}{path}{name}"),
    )
}

/// Whether the identity policies of `caller` allow `access`.
pub(crate) fn decide(account: &Account, caller: &Caller, access: &Access) -> Decision {
    let verdict = match caller {
        // An operator is an administrator, a service acts for itself: neither has policies here.
        Caller::Operator | Caller::Service(_) => Verdict::Allowed,
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

fn no_identity_policy(action: &str) -> String {
    format!("no identity-based policy allows the {action} action")
}

/// What the policies of the role with this name say; nothing when it does not exist (any more).
fn role_verdict(account: &Account, role: &str, access: &Access) -> Verdict {
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
fn user_verdict(account: &Account, user: &str, access: &Access) -> Verdict {
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
struct Policies<'p> {
    inline: &'p BTreeMap<String, Policy>,
    /// ARNs of managed policies.
    attached: &'p BTreeSet<String>,
    /// The ARN of the permissions boundary.
    boundary: Option<&'p str>,
}

fn role_policies(role: &Role) -> Policies<'_> {
    Policies {
        inline: &role.inline,
        attached: &role.attached,
        boundary: role.boundary.as_deref(),
    }
}

fn user_policies_of(user: &User) -> Policies<'_> {
    Policies {
        inline: &user.inline,
        attached: &user.attached,
        boundary: None,
    }
}

impl Policies<'_> {
    /// What they say together, within the permissions boundary.
    fn verdict(&self, state: &State, access: &Access) -> Verdict {
        let verdict = self.granted(state, access);
        match (verdict, self.limit(state, access)) {
            (verdict, None) => verdict,
            (Verdict::Denied, _) | (_, Some(Verdict::Denied)) => Verdict::Denied,
            (Verdict::Allowed, Some(Verdict::Allowed)) => Verdict::Allowed,
            _ => Verdict::Silent,
        }
    }

    /// What they say together, the boundary left aside.
    fn granted(&self, state: &State, access: &Access) -> Verdict {
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
    fn limit(&self, state: &State, access: &Access) -> Option<Verdict> {
        let limit = state.managed_document(self.boundary?);
        Some(limit.map_or(Verdict::Silent, |document| document.judge(None, access)))
    }
}

/// How the permissions boundary of a role keeps it from what its policies grant, as the end of a sentence; `None` when the
/// boundary is not what stands in the way.
fn kept_by_boundary(account: &Account, role: &str, access: &Access) -> Option<String> {
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

fn trust_verdict(role: &Role, principal: &str, access: &Access) -> Verdict {
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

/// A role as STS needs it.
pub(crate) struct Assumable {
    /// The role's name.
    pub(crate) name: String,
    /// `AROA…`
    pub(crate) id: String,
    /// The longest session in seconds.
    pub(crate) max_session: i64,
    /// What the trust policy says about the caller.
    pub(crate) trust: Verdict,
}

/// Looks up the role for a caller (by ARN) that wants to assume it.
pub(crate) fn for_session(
    account: &Account,
    role_arn: &str,
    caller_arn: &str,
    access: &Access,
) -> Option<Assumable> {
    let role = account.iam.role_by_arn(role_arn)?;
    Some(Assumable {
        name: role.name.clone(),
        id: role.id.clone(),
        max_session: role.max_session,
        trust: trust_verdict(role, caller_arn, access),
    })
}

/// The unique id of a user, for `GetCallerIdentity`.
pub(crate) fn user_id(account: &Account, name: &str) -> Option<String> {
    account.iam.user(name).ok().map(|user| user.id.clone())
}

/// The unique id of a role, for `GetCallerIdentity`.
pub(crate) fn role_id(account: &Account, name: &str) -> Option<String> {
    account.iam.role(name).ok().map(|role| role.id.clone())
}
