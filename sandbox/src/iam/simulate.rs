//! `SimulatePrincipalPolicy`: what the policies of a role or a user would say.

use serde_json::{Value, json};

use super::access::Access;
use super::evaluate::Verdict;
use super::params::{accept, invalid, require};
use super::state::no_entity;
use super::{role_policies, user_policies_of};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// Evaluates every action on every resource, with the condition keys that the caller supplies and no others.
pub(super) fn simulate(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &[
            "PolicySourceArn",
            "ActionNames",
            "ResourceArns",
            "ContextEntries",
        ],
    )?;
    let input = &operation.input;
    let source = require(input, "PolicySourceArn")?;
    let state = &call.account.iam;
    let policies = match (state.role_by_arn(source), state.user_by_arn(source)) {
        (Some(role), _) => role_policies(role),
        (None, Some(user)) => user_policies_of(user),
        (None, None) => return Err(no_entity(format!("{source} cannot be found."))),
    };
    let actions = input.texts("ActionNames");
    if actions.is_empty() {
        return Err(invalid("ActionNames", "null", "Member must not be null"));
    }
    let mut resources = input.texts("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let mut results = Vec::new();
    for action in &actions {
        let Some((service, name)) = action.split_once(':') else {
            return Err(ApiError::bad(
                "InvalidInput",
                format!("Invalid Action/Resource combination: {action}"),
            ));
        };
        for resource in &resources {
            let mut access = Access::on(service, name, resource);
            for entry in input.list("ContextEntries") {
                for value in entry.texts("ContextKeyValues") {
                    access = access.with(require(entry, "ContextKeyName")?, value);
                }
            }
            let decision = match policies.verdict(state, &access) {
                Verdict::Allowed => "allowed",
                Verdict::Denied => "explicitDeny",
                Verdict::Silent | Verdict::Delegated => "implicitDeny",
            };
            results.push(json!({
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": decision,
            }));
        }
    }
    Ok(json!({"EvaluationResults": results, "IsTruncated": false}))
}
