//! IAM: roles, policies, and whether something is allowed.

pub use self::access::{Access, Decision};
pub(crate) use self::authorize::{STACK_SESSION, authorize};
pub(crate) use self::decide::{
    assumable, assumable_for, decide, decide_for, resource_policy_decides,
};
pub(crate) use self::held_policies::MAX_ATTACHED;
pub(crate) use self::roles::MAX_ROLES;
pub use self::state::State;

pub(crate) use self::document::{Document, Kind};
pub(crate) use self::evaluate::Verdict;
pub(crate) use self::params::{accept, invalid};

mod access;
mod authorize;
mod condition;
mod decide;
mod document;
#[cfg(test)]
mod enforcement;
mod evaluate;
mod formats;
mod held_policies;
mod inspect;
mod keys;
mod managed;
mod params;
mod pattern;
mod policies;
mod roles;
mod simulate;
mod sizes;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod users;
mod versions;

use self::decide::trust_verdict;
use self::held_policies::Holder;
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
