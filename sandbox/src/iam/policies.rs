//! Policies with an ARN of their own.

use serde_json::{Value, json};

use super::managed;
use super::params::{accept, invalid, page, path, require, require_name};
use super::roles::{shown_tags, tags};
use super::state::{ManagedPolicy, Policy, PolicyVersion, no_entity};
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{global_arn, upper_id};
use crate::protocol::Operation;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &[
            "PolicyName",
            "Path",
            "PolicyDocument",
            "Description",
            "Tags",
        ],
    )?;
    let input = &operation.input;
    let name = require_name(input, "PolicyName", 128)?;
    let path = path(input)?;
    let document = require(input, "PolicyDocument")?;
    let policy = Policy::parse_managed(document)?;
    let arn = global_arn(
        call.region.partition(),
        &call.account.id,
        "iam",
        &format!("policy{path}{name}"),
    );
    let taken = call
        .account
        .iam
        .policies
        .values()
        .any(|known| known.name.eq_ignore_ascii_case(name));
    if taken {
        return Err(ApiError::new(
            409,
            "EntityAlreadyExists",
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
        ));
    }
    let created = ManagedPolicy {
        name: name.to_owned(),
        path,
        id: upper_id("ANPA", 17),
        created: call.now,
        description: input.text("Description").map(str::to_owned),
        versions: vec![PolicyVersion {
            number: 1,
            created: call.now,
            policy,
        }],
        default: 1,
        last_version: 1,
        tags: tags(input)?,
    };
    let shown = describe(&arn, &created, 0, true);
    call.account.iam.policies.insert(arn, created);
    Ok(json!({"Policy": shown}))
}

pub(super) fn get(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn"])?;
    let arn = policy_arn(&operation.input)?;
    let state = &call.account.iam;
    let attachments = state.attachments(arn);
    let shown = match (state.policies.get(arn), managed::by_arn(arn)) {
        (Some(policy), _) => describe(arn, policy, attachments, true),
        (None, Some(policy)) => describe_aws(arn, policy, attachments),
        (None, None) => return Err(no_policy(arn)),
    };
    Ok(json!({"Policy": shown}))
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn"])?;
    let arn = policy_arn(&operation.input)?;
    let state = &mut call.account.iam;
    if !state.policies.contains_key(arn) {
        return Err(no_policy(arn));
    }
    let is_boundary = state
        .roles
        .values()
        .any(|role| role.boundary.as_deref() == Some(arn));
    if is_boundary || state.attachments(arn) > 0 {
        return Err(ApiError::new(
            409,
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    if state
        .policies
        .get(arn)
        .is_some_and(|policy| policy.versions.len() > 1)
    {
        return Err(ApiError::new(
            409,
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        ));
    }
    state.policies.remove(arn);
    Ok(Value::Null)
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &["Scope", "OnlyAttached", "PathPrefix", "Marker", "MaxItems"],
    )?;
    let input = &operation.input;
    let (own, aws) = match input.text("Scope").unwrap_or("All") {
        "All" => (true, true),
        "Local" => (true, false),
        "AWS" => (false, true),
        other => {
            return Err(invalid(
                "Scope",
                other,
                "Member must satisfy enum value set: [All, AWS, Local]",
            ));
        }
    };
    let only_attached = input.flag("OnlyAttached")?.unwrap_or(false);
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let partition = call.region.partition();
    let state = &call.account.iam;
    let mut shown: Vec<(String, Value)> = Vec::new();
    for (arn, policy) in state.policies.iter().filter(|_| own) {
        let attachments = state.attachments(arn);
        if policy.path.starts_with(prefix) && (attachments > 0 || !only_attached) {
            shown.push((arn.clone(), describe(arn, policy, attachments, false)));
        }
    }
    for policy in managed::all().iter().filter(|_| aws) {
        let arn = format!(
            "arn:{partition}:iam::aws:policy{}{}",
            policy.path, policy.name
        );
        let attachments = state.attachments(&arn);
        if policy.path.starts_with(prefix) && (attachments > 0 || !only_attached) {
            shown.push((arn.clone(), describe_aws(&arn, policy, attachments)));
        }
    }
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    page(
        input,
        "Policies",
        shown
            .iter()
            .map(|(arn, policy)| (arn.as_str(), policy.clone())),
    )
}

pub(super) fn entities(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn", "Marker", "MaxItems"])?;
    let input = &operation.input;
    let arn = policy_arn(input)?;
    let state = &call.account.iam;
    if state.managed_document(arn).is_none() {
        return Err(no_policy(arn));
    }
    let roles = state
        .roles
        .values()
        .filter(|role| role.attached.contains(arn))
        .map(|role| {
            (
                role.name.as_str(),
                json!({"RoleName": role.name, "RoleId": role.id}),
            )
        });
    let mut answer = page(input, "PolicyRoles", roles)?;
    answer["PolicyGroups"] = json!([]);
    let users = state.users.values();
    answer["PolicyUsers"] = users
        .filter(|user| user.attached.contains(arn))
        .map(|user| json!({"UserName": user.name, "UserId": user.id}))
        .collect();
    Ok(answer)
}

fn describe(arn: &str, policy: &ManagedPolicy, attachments: usize, detail: bool) -> Value {
    let mut shown = json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": format!("v{}", policy.default),
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "CreateDate": iso8601(policy.created),
        "UpdateDate": iso8601(policy.versions.last().map_or(policy.created, |version| version.created)),
    });
    // `ListPolicies` leaves these two out.
    if detail {
        shown["Description"] = json!(policy.description);
        shown["Tags"] = shown_tags(&policy.tags);
    }
    shown
}

/// AWS's policies are older than any sandbox; their own dates are of no use to anybody.
pub(super) const AWS_POLICY_DATE: &str = "2015-04-02T00:00:00.000Z";

fn describe_aws(arn: &str, policy: &managed::AwsPolicy, attachments: usize) -> Value {
    json!({
        "PolicyName": policy.name,
        "PolicyId": "ANPAAAAAAAAAAAAAAAAAA",
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": "v1",
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "Description": policy.description,
        "CreateDate": AWS_POLICY_DATE,
        "UpdateDate": AWS_POLICY_DATE,
    })
}

pub(super) fn policy_arn(input: &Value) -> Result<&str, ApiError> {
    let arn = require(input, "PolicyArn")?;
    if arn.starts_with("arn:") && arn.contains(":policy/") && arn.len() >= 20 {
        Ok(arn)
    } else {
        // moto, verified on AWS (0af643a5).
        Err(ApiError::bad(
            "InvalidInput",
            "Invalid ARN:  Could not be parsed!",
        ))
    }
}

pub(super) fn no_policy(arn: &str) -> ApiError {
    no_entity(format!("Policy {arn} was not found."))
}
