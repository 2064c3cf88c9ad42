//! Policies in users, and managed policies attached to them.

use serde_json::{Value, json};

use super::document::Kind;
use super::params::{accept, page, require, require_name};
use super::policies::policy_arn;
use super::state::{Policy, no_entity};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// AWS's default quota.
const POLICIES_PER_USER: usize = 10;

pub(super) fn put_inline(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &["UserName", "PolicyName", "PolicyDocument"],
    )?;
    let input = &operation.input;
    let name = require_name(input, "PolicyName", 128)?;
    let user = require_name(input, "UserName", 128)?;
    let user = call.account.iam.user_mut(user)?;
    let policy = Policy::parse(require(input, "PolicyDocument")?, Kind::Identity)?;
    user.inline.insert(name.to_owned(), policy);
    Ok(Value::Null)
}

pub(super) fn get_inline(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "PolicyName"])?;
    let input = &operation.input;
    let name = require_name(input, "PolicyName", 128)?;
    let user = require_name(input, "UserName", 128)?;
    let user = call.account.iam.user(user)?;
    let policy = user.inline.get(name).ok_or_else(|| no_inline(name))?;
    Ok(json!({
        "UserName": user.name,
        "PolicyName": name,
        "PolicyDocument": policy.encoded(),
    }))
}

pub(super) fn delete_inline(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "PolicyName"])?;
    let input = &operation.input;
    let name = require_name(input, "PolicyName", 128)?;
    let user = require_name(input, "UserName", 128)?;
    match call.account.iam.user_mut(user)?.inline.remove(name) {
        Some(_) => Ok(Value::Null),
        None => Err(no_inline(name)),
    }
}

pub(super) fn list_inline(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "Marker", "MaxItems"])?;
    let input = &operation.input;
    let user = require_name(input, "UserName", 128)?;
    let names = call.account.iam.user(user)?.inline.keys();
    page(
        input,
        "PolicyNames",
        names.map(|name| (name.as_str(), json!(name))),
    )
}

pub(super) fn attach(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "PolicyArn"])?;
    let input = &operation.input;
    let arn = policy_arn(input)?;
    let state = &mut call.account.iam;
    let known = state.managed_document(arn).is_some();
    let user = state.user_mut(require_name(input, "UserName", 128)?)?;
    if !known {
        return Err(no_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    if user.attached.len() >= POLICIES_PER_USER && !user.attached.contains(arn) {
        return Err(ApiError::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for PoliciesPerUser: {POLICIES_PER_USER}"),
        ));
    }
    user.attached.insert(arn.to_owned());
    Ok(Value::Null)
}

pub(super) fn detach(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "PolicyArn"])?;
    let input = &operation.input;
    let arn = policy_arn(input)?;
    let user = require_name(input, "UserName", 128)?;
    if call.account.iam.user_mut(user)?.attached.remove(arn) {
        Ok(Value::Null)
    } else {
        Err(no_entity(format!("Policy {arn} was not found.")))
    }
}

pub(super) fn list_attached(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &["UserName", "PathPrefix", "Marker", "MaxItems"],
    )?;
    let input = &operation.input;
    let prefix = input.text("PathPrefix").unwrap_or("/");
    let user = require_name(input, "UserName", 128)?;
    let attached = call.account.iam.user(user)?.attached.iter();
    let attached = attached.filter_map(|arn| {
        // `arn:…:policy/path/name`
        let (_, resource) = arn.split_once(":policy")?;
        let (_, name) = resource.rsplit_once('/')?;
        resource
            .starts_with(prefix)
            .then(|| (arn.as_str(), json!({"PolicyName": name, "PolicyArn": arn})))
    });
    page(input, "AttachedPolicies", attached)
}

fn no_inline(name: &str) -> ApiError {
    no_entity(format!("The user policy with name {name} cannot be found."))
}
