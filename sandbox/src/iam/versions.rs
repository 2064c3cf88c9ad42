//! Versions of customer-managed policies: at most five, one of them in force.

use serde_json::{Value, json};

use super::managed;
use super::params::{accept, page, require};
use super::policies::{AWS_POLICY_DATE, no_policy, policy_arn};
use super::state::{ManagedPolicy, Policy, PolicyVersion, encoded, no_entity};
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;

const MAX_VERSIONS: usize = 5;

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &["PolicyArn", "PolicyDocument", "SetAsDefault"],
    )?;
    let input = &operation.input;
    let now = call.now;
    let default = input.flag("SetAsDefault")?.unwrap_or(false);
    let policy = own(call, input)?;
    let document = require(input, "PolicyDocument")?;
    let parsed = Policy::parse_managed(document)?;
    if policy.versions.len() >= MAX_VERSIONS {
        return Err(ApiError::new(
            409,
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
        ));
    }
    // Numbers are never used twice, whatever was deleted.
    let number = policy.last_version + 1;
    policy.last_version = number;
    policy.versions.push(PolicyVersion {
        number,
        created: now,
        policy: parsed,
    });
    if default {
        policy.default = number;
    }
    Ok(json!({"PolicyVersion": {
        "VersionId": format!("v{number}"),
        "IsDefaultVersion": default,
        "CreateDate": iso8601(now),
    }}))
}

pub(super) fn get(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn", "VersionId"])?;
    let input = &operation.input;
    let arn = policy_arn(input)?;
    let id = require(input, "VersionId")?;
    let shown = match (call.account.iam.policies.get(arn), managed::by_arn(arn)) {
        (Some(policy), _) => {
            let version = version(policy, arn, id)?;
            let mut shown = describe(policy, version);
            shown["Document"] = json!(version.policy.encoded());
            shown
        }
        (None, Some(policy)) if id == "v1" => json!({
            "Document": encoded(policy.document),
            "VersionId": "v1",
            "IsDefaultVersion": true,
            "CreateDate": AWS_POLICY_DATE,
        }),
        (None, Some(_)) => return Err(no_version(arn, id)),
        (None, None) => return Err(no_policy(arn)),
    };
    Ok(json!({"PolicyVersion": shown}))
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn", "Marker", "MaxItems"])?;
    let input = &operation.input;
    let arn = policy_arn(input)?;
    let shown: Vec<(String, Value)> =
        match (call.account.iam.policies.get(arn), managed::by_arn(arn)) {
            (Some(policy), _) => policy
                .versions
                .iter()
                .map(|version| (format!("{:010}", version.number), describe(policy, version)))
                .collect(),
            (None, Some(_)) => vec![(
                String::new(),
                json!({"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": AWS_POLICY_DATE}),
            )],
            (None, None) => return Err(no_policy(arn)),
        };
    page(
        input,
        "Versions",
        shown
            .iter()
            .map(|(key, version)| (key.as_str(), version.clone())),
    )
}

pub(super) fn set_default(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn", "VersionId"])?;
    let input = &operation.input;
    let policy = own(call, input)?;
    policy.default = version(policy, policy_arn(input)?, require(input, "VersionId")?)?.number;
    Ok(Value::Null)
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PolicyArn", "VersionId"])?;
    let input = &operation.input;
    let policy = own(call, input)?;
    let number = version(policy, policy_arn(input)?, require(input, "VersionId")?)?.number;
    if number == policy.default {
        return Err(ApiError::new(
            409,
            "DeleteConflict",
            "Cannot delete the default version of a policy.",
        ));
    }
    policy.versions.retain(|version| version.number != number);
    Ok(Value::Null)
}

fn own<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut ManagedPolicy, ApiError> {
    let arn = policy_arn(input)?;
    call.account
        .iam
        .policies
        .get_mut(arn)
        .ok_or_else(|| no_policy(arn))
}

fn version<'a>(
    policy: &'a ManagedPolicy,
    arn: &str,
    id: &str,
) -> Result<&'a PolicyVersion, ApiError> {
    policy
        .versions
        .iter()
        .find(|version| format!("v{}", version.number) == id)
        .ok_or_else(|| no_version(arn, id))
}

fn describe(policy: &ManagedPolicy, version: &PolicyVersion) -> Value {
    json!({
        "VersionId": format!("v{}", version.number),
        "IsDefaultVersion": version.number == policy.default,
        "CreateDate": iso8601(version.created),
    })
}

fn no_version(arn: &str, id: &str) -> ApiError {
    no_entity(format!(
        "Policy {arn} version {id} does not exist or is not attachable."
    ))
}
