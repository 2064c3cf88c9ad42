//! Whether a caller may do what it asks for.

use serde_json::Value;

use super::access::Access;
use super::decide::{
    kept_by_boundary, no_identity_policy, role_verdict, trust_verdict, user_verdict,
};
use super::document::{Document, Kind};
use super::evaluate::{Verdict, Who};
use crate::caller::Caller;
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;
use crate::service::Service;
use crate::{kms, s3, sns};

/// The session in which CloudFormation uses the role of a stack.
pub(crate) const STACK_SESSION: &str = "AWSCloudFormation";

/// Refuses `operation` unless the caller's policies allow it. The policies of role sessions (functions
/// at work, stacks with a role) are always evaluated, those of users when the sandbox enforces IAM. The
/// operator of an account is its administrator, as its root user is: everything is allowed that no resource's policy denies.
/// Services act for themselves; they have asked for whom they act. `via` is the service that acts in the
/// caller's name.
///
/// # Errors
/// The service's own access-denied error, naming caller, action and resource.
pub(crate) fn authorize(
    call: &mut Call<'_>,
    service: Service,
    operation: &Operation,
    via: Option<&str>,
) -> Result<(), ApiError> {
    let enforced = match call.caller {
        Caller::Role { .. } => true,
        Caller::Operator | Caller::Root | Caller::User { .. } => call.sandbox.settings.enforce_iam,
        Caller::Service(_) => false,
    };
    // Everybody may ask who they are, even where a policy denies it.
    if !enforced || (service == Service::Sts && operation.name == "GetCallerIdentity") {
        return Ok(());
    }
    let mut needed = service.required_access(call, operation);
    needed.extend(passed_role(service, operation));
    needed.extend(tagging(service, operation, &needed));
    let caller = call.caller.arn(&call.account.id, &call.region);
    for access in needed {
        let access = with_request_keys(call, access, via);
        let identity = match &call.caller {
            Caller::Operator | Caller::Root | Caller::Service(_) => Verdict::Allowed,
            Caller::User { name } => user_verdict(call.account, name, &access),
            Caller::Role { role, .. } => role_verdict(call.account, role, &access),
        };
        let resource = resource_verdict(call, service, &caller, &access);
        let action = &access.action;
        let boundary = match &call.caller {
            Caller::Role { role, .. } => kept_by_boundary(call.account, role, &access),
            Caller::Operator | Caller::Root | Caller::User { .. } | Caller::Service(_) => None,
        };
        let why = match (identity, resource) {
            (Verdict::Denied, _) => boundary
                .unwrap_or_else(|| "with an explicit deny in an identity-based policy".to_owned()),
            (_, Verdict::Denied) => "with an explicit deny in a resource-based policy".to_owned(),
            (Verdict::Allowed, _) | (_, Verdict::Allowed) => continue,
            (Verdict::Silent | Verdict::Delegated, Verdict::Silent | Verdict::Delegated) => {
                boundary.unwrap_or_else(|| format!("because {}", no_identity_policy(action)))
            }
        };
        let (status, code) = service.denial();
        // EC2 alone begins with a sentence of its own.
        let preface = if service == Service::Ec2 {
            "You are not authorized to perform this operation. "
        } else {
            ""
        };
        let said = format!(
            "{preface}User: {caller} is not authorized to perform: {action} on resource: {} {why}",
            access.resource
        );
        return Err(ApiError::new(
            status,
            code,
            kms::told(service, &access, said),
        ));
    }
    Ok(())
}

/// Who gives a service a role to work with must be allowed to pass it. (Lambda asks for itself.)
fn passed_role(service: Service, operation: &Operation) -> Option<Access> {
    let input = &operation.input;
    let (role, principal) = match service {
        Service::CloudFormation => (input.text("RoleARN")?, "cloudformation.amazonaws.com"),
        Service::Config if operation.name == "PutConfigurationRecorder" => (
            input.field("ConfigurationRecorder")?.text("roleARN")?,
            "config.amazonaws.com",
        ),
        Service::Scheduler => (
            input.field("Target")?.text("RoleArn")?,
            "scheduler.amazonaws.com",
        ),
        Service::CloudTrail
        | Service::Config
        | Service::Ec2
        | Service::Events
        | Service::Iam
        | Service::Lambda
        | Service::Logs
        | Service::Quotas
        | Service::S3
        | Service::SecretsManager
        | Service::Sns
        | Service::Ssm
        | Service::Sts => return None,
    };
    Some(Access::on("iam", "PassRole", role).with("iam:PassedToService", principal))
}

/// Who makes something with tags must be allowed to tag it. (EC2 has a condition key of its own for that, and asks
/// itself; buckets get their tags by a call of their own.)
fn tagging(service: Service, operation: &Operation, needed: &[Access]) -> Option<Access> {
    let input = &operation.input;
    let action = match (service, operation.name.as_str()) {
        (Service::Iam, "CreatePolicy") => "TagPolicy",
        (Service::Iam, "CreateRole") => "TagRole",
        (Service::Iam, "CreateUser") => "TagUser",
        (Service::Config, "PutConfigRule" | "PutConfigurationRecorder")
        | (Service::Events, "PutRule")
        | (Service::Lambda, "CreateFunction")
        | (Service::Logs, "CreateLogGroup")
        | (Service::Sns, "CreateTopic") => "TagResource",
        _ => return None,
    };
    let tags = input.field("Tags").or_else(|| input.field("tags"))?;
    let none = match tags {
        Value::Array(tags) => tags.is_empty(),
        Value::Object(tags) => tags.is_empty(),
        _ => false,
    };
    let resource = needed.first().map(|access| access.resource.clone());
    (!none).then(|| Access::on(service.signing_name(), action, resource.unwrap_or_default()))
}

/// What the resource itself says: a bucket's or topic's policy, or the trust policy of a role that is to
/// be assumed. A function's policy is asked by Lambda itself.
fn resource_verdict(
    call: &mut Call<'_>,
    service: Service,
    caller: &str,
    access: &Access,
) -> Verdict {
    let policy: Option<Value> = match service {
        Service::S3 => {
            let path = access.resource.splitn(6, ':').nth(5);
            let bucket = path.and_then(|path| path.split('/').next());
            let bucket = bucket.unwrap_or_default().to_owned();
            s3::policy(call, &bucket).ok().flatten()
        }
        Service::Sns => sns::policy(call, &access.resource),
        Service::Sts => {
            let role = call.account.iam.role_by_arn(&access.resource);
            return role.map_or(Verdict::Silent, |role| trust_verdict(role, caller, access));
        }
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Ec2
        | Service::Events
        | Service::Iam
        | Service::Lambda
        | Service::Logs
        | Service::Quotas
        | Service::Scheduler
        | Service::SecretsManager
        | Service::Ssm => None,
    };
    let Some(policy) = policy else {
        return Verdict::Silent;
    };
    // A policy that cannot be read (it was checked when it was stored) allows nothing.
    Document::read(&policy, Kind::Resource).map_or(Verdict::Denied, |document| {
        document.judge(Some(&Who::Identity(caller)), access)
    })
}

/// The condition keys that every request has. The sandbox stands for AWS's endpoints, which speak TLS.
fn with_request_keys(call: &Call<'_>, access: Access, via: Option<&str>) -> Access {
    let access = match (via, &call.caller) {
        // A stack's own role acts for itself: there is nobody in whose name it is used.
        (Some(_), Caller::Role { session, .. }) if session == STACK_SESSION => access,
        (Some(service), _) => access.with("aws:CalledVia", service),
        (None, _) => access,
    };
    access
        .with("aws:RequestedRegion", call.region.as_str())
        .with("aws:CurrentTime", iso8601(call.now))
        .with("aws:EpochTime", call.now.unix_timestamp().to_string())
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "127.0.0.1")
}
