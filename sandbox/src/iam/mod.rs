//! IAM: roles, policies, and whether something is allowed.

use serde_json::Value;

pub use self::access::{Access, Decision};
pub use self::state::State;

pub(crate) use self::document::{Document, Kind};
pub(crate) use self::evaluate::{Verdict, Who};
pub(crate) use self::params::accept;

mod access;
mod condition;
mod document;
mod evaluate;
mod inspect;
mod managed;
mod params;
mod pattern;
mod policies;
mod roles;
mod simulate;
mod state;
#[cfg(test)]
mod tests;
mod versions;

use self::state::Role;
use crate::caller::Caller;
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::global_arn;
use crate::protocol::Operation;
use crate::sandbox::{Account, Call, Outcome};
use crate::service::Service;
use crate::{s3, sns};

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let answer = match operation.name.as_str() {
        "CreateRole" => roles::create(call, operation),
        "GetRole" => roles::get(call, operation),
        "ListRoles" => roles::list(call, operation),
        "UpdateRole" => roles::update(call, operation),
        "UpdateAssumeRolePolicy" => roles::update_trust(call, operation),
        "DeleteRole" => roles::delete(call, operation),
        "TagRole" => roles::tag(call, operation),
        "UntagRole" => roles::untag(call, operation),
        "ListRoleTags" => roles::list_tags(call, operation),
        "ListInstanceProfilesForRole" => roles::instance_profiles(call, operation),
        "PutRolePolicy" => policies::put_inline(call, operation),
        "GetRolePolicy" => policies::get_inline(call, operation),
        "DeleteRolePolicy" => policies::delete_inline(call, operation),
        "ListRolePolicies" => policies::list_inline(call, operation),
        "AttachRolePolicy" => policies::attach(call, operation),
        "DetachRolePolicy" => policies::detach(call, operation),
        "ListAttachedRolePolicies" => policies::list_attached(call, operation),
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
        "SimulatePrincipalPolicy" => simulate::simulate(call, operation),
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
    } else if let Some(arn) = input.text("PolicyArn") {
        arn.to_owned()
    } else if let Some(policy) = input.text("PolicyName") {
        own_arn(call, "policy", input.text("Path"), policy)
    } else {
        "*".to_owned()
    };
    let mut access = Access::on("iam", &operation.name, resource);
    // The operations on attachments can be limited to certain policies.
    if let (Some(arn), true) = (input.text("PolicyArn"), input.text("RoleName").is_some()) {
        access = access.with("iam:PolicyARN", arn);
    }
    vec![access]
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

/// Refuses `operation` unless the caller's policies allow it. The policies of role sessions (functions
/// at work) are always evaluated; the operator of an account may do everything.
///
/// # Errors
/// The service's own access-denied error, naming caller, action and resource.
pub(crate) fn authorize(
    call: &mut Call<'_>,
    service: Service,
    operation: &Operation,
) -> Result<(), ApiError> {
    let Caller::Role { role, .. } = call.caller.clone() else {
        return Ok(());
    };
    // Everybody may ask who they are, even where a policy denies it.
    if service == Service::Sts && operation.name == "GetCallerIdentity" {
        return Ok(());
    }
    let caller = call.caller.arn(&call.account.id, &call.region);
    for access in service.required_access(call, operation) {
        let access = with_request_keys(call, access);
        let identity = role_verdict(call.account, &role, &access);
        let resource = match resource_policy(call, service, &access.resource) {
            None => Verdict::Silent,
            // A policy that cannot be read (it was checked when it was stored) allows nothing.
            Some(policy) => Document::read(&policy, Kind::Resource)
                .map_or(Verdict::Denied, |document| {
                    document.judge(Some(&Who::Identity(&caller)), &access)
                }),
        };
        let action = &access.action;
        let why = match (identity, resource) {
            (Verdict::Denied, _) => "with an explicit deny in an identity-based policy".to_owned(),
            (_, Verdict::Denied) => "with an explicit deny in a resource-based policy".to_owned(),
            (Verdict::Allowed, _) | (_, Verdict::Allowed) => continue,
            (Verdict::Silent | Verdict::Delegated, Verdict::Silent | Verdict::Delegated) => {
                format!("because {}", no_identity_policy(action))
            }
        };
        let (status, code) = service.denial();
        return Err(ApiError::new(
            status,
            code,
            format!(
                "User: {caller} is not authorized to perform: {action} on resource: {} {why}",
                access.resource
            ),
        ));
    }
    Ok(())
}

/// The policy of a bucket or topic of this account that an access goes to. A function's policy is asked by
/// Lambda itself.
fn resource_policy(call: &mut Call<'_>, service: Service, resource: &str) -> Option<Value> {
    match service {
        Service::S3 => {
            let bucket = resource
                .splitn(6, ':')
                .nth(5)?
                .split('/')
                .next()?
                .to_owned();
            s3::policy(call, &bucket).ok().flatten()
        }
        Service::Sns => sns::policy(call, resource),
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Ec2
        | Service::Events
        | Service::Iam
        | Service::Lambda
        | Service::Logs
        | Service::Sts => None,
    }
}

/// The condition keys that every request has. The sandbox stands for AWS's endpoints, which speak TLS.
fn with_request_keys(call: &Call<'_>, access: Access) -> Access {
    access
        .with("aws:RequestedRegion", call.region.as_str())
        .with("aws:CurrentTime", iso8601(call.now))
        .with("aws:EpochTime", call.now.unix_timestamp().to_string())
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "127.0.0.1")
}

/// Whether the identity policies of `caller` allow `access`.
pub(crate) fn decide(account: &Account, caller: &Caller, access: &Access) -> Decision {
    match caller {
        // An operator is an administrator, a service acts for itself: neither has policies here.
        Caller::Operator | Caller::Service(_) => Decision::Allowed,
        // The sandbox keeps no policies of users.
        Caller::User { .. } => Decision::Denied(no_identity_policy(&access.action)),
        Caller::Role { role, .. } => match role_verdict(account, role, access) {
            Verdict::Allowed => Decision::Allowed,
            Verdict::Denied => {
                Decision::Denied("of an explicit deny in an identity-based policy".to_owned())
            }
            Verdict::Silent | Verdict::Delegated => {
                Decision::Denied(no_identity_policy(&access.action))
            }
        },
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
    let mut access = access
        .clone()
        .with("aws:PrincipalArn", &role.arn)
        .with("aws:PrincipalAccount", account.id.as_str())
        .with("aws:PrincipalType", "AssumedRole");
    for (key, value) in &role.tags {
        access = access.with(&format!("aws:PrincipalTag/{key}"), value);
    }
    identity_verdict(&account.iam, role, &access)
}

/// What a role's inline and attached policies say, within its permissions boundary.
fn identity_verdict(state: &State, role: &Role, access: &Access) -> Verdict {
    let inline = role
        .inline
        .values()
        .map(|policy| policy.document.judge(None, access));
    let attached = role
        .attached
        .iter()
        .filter_map(|arn| state.managed_document(arn))
        .map(|document| document.judge(None, access));
    let verdict = inline.chain(attached).max().unwrap_or(Verdict::Silent);
    let Some(boundary) = &role.boundary else {
        return verdict;
    };
    // A boundary grants nothing; it only limits. One that is gone allows nothing.
    let limit = state
        .managed_document(boundary)
        .map_or(Verdict::Silent, |document| document.judge(None, access));
    match (verdict, limit) {
        (Verdict::Denied, _) | (_, Verdict::Denied) => Verdict::Denied,
        (Verdict::Allowed, Verdict::Allowed) => Verdict::Allowed,
        _ => Verdict::Silent,
    }
}

/// Whether the role exists, by its ARN, and lets `principal` (a service) assume it.
///
/// # Errors
/// Says which of the two is missing, as the end of a sentence.
pub(crate) fn assumable(account: &Account, role_arn: &str, principal: &str) -> Result<(), String> {
    let role = account
        .iam
        .role_by_arn(role_arn)
        .ok_or_else(|| format!("the role {role_arn} does not exist"))?;
    // Services assume roles on behalf of the account that they work for.
    let access = Access::on("sts", "AssumeRole", role_arn)
        .with("aws:SourceAccount", account.id.as_str())
        .with("aws:SecureTransport", "true");
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

/// The unique id of a role, for `GetCallerIdentity`.
pub(crate) fn role_id(account: &Account, name: &str) -> Option<String> {
    account.iam.role(name).ok().map(|role| role.id.clone())
}
