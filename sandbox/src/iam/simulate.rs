//! `SimulatePrincipalPolicy` and `SimulateCustomPolicy`: what policies would say.

use std::sync::Arc;

use serde_json::{Value, json};

use super::access::Access;
use super::decide::{Policies, role_policies, user_policies_of};
use super::document::{Document, Kind};
use super::evaluate::Verdict;
use super::params::{accept, invalid, require};
use super::state::{State, no_entity};
use crate::allowance::Allowance;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// Evaluates every action on every resource for a role or a user, with the condition keys that the caller supplies and no
/// others.
pub(super) fn principal(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
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
    let source = require(&operation.input, "PolicySourceArn")?;
    let operator = Caller::Operator.arn(&call.account.id, &call.region);
    let state = &call.account.iam;
    let (role, user) = (state.role_by_arn(source), state.user_by_arn(source));
    let subject = match (role, user) {
        (Some(role), _) => Subject::Held(state, role_policies(role)),
        (None, Some(user)) => Subject::Held(state, user_policies_of(user)),
        (None, None) if source == operator => Subject::Administrator,
        (None, None) => return Err(no_entity(format!("{source} cannot be found."))),
    };
    results(&subject, &operation.input)
}

/// The same for policies that are given as documents.
pub(super) fn custom(operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "iam",
        operation,
        &[
            "PolicyInputList",
            "PermissionsBoundaryPolicyInputList",
            "ActionNames",
            "ResourceArns",
            "ContextEntries",
        ],
    )?;
    let read = |member: &str| -> Result<Vec<Document>, ApiError> {
        let texts = operation.input.texts(member);
        let read = texts.iter().map(|text| {
            Document::parse(text, Kind::Identity).map_err(|error| {
                ApiError::bad("InvalidInput", format!("Invalid policy input: {error}"))
            })
        });
        read.collect()
    };
    let boundaries = read("PermissionsBoundaryPolicyInputList")?;
    if boundaries.len() > 1 {
        return Err(ApiError::bad(
            "InvalidInput",
            "Only one permissions boundary can be given.",
        ));
    }
    let policies = read("PolicyInputList")?;
    if policies.is_empty() {
        return Err(invalid(
            "PolicyInputList",
            "null",
            "Member must not be null",
        ));
    }
    let subject = Subject::Documents {
        policies,
        boundary: boundaries.into_iter().next(),
    };
    results(&subject, &operation.input)
}

/// Whose policies are asked.
enum Subject<'s> {
    /// Those of a role or user.
    Held(&'s State, Policies<'s>),
    /// Those that the request brought.
    Documents {
        policies: Vec<Document>,
        boundary: Option<Document>,
    },
    /// Nobody's: the operator of an account has none and may do everything.
    Administrator,
}

impl Subject<'_> {
    fn verdict(&self, access: &Access) -> Verdict {
        match self {
            Self::Held(state, policies) => policies.verdict(state, access),
            Self::Documents { policies, .. } => {
                let judged = policies.iter().map(|document| document.judge(None, access));
                let granted = judged.max().unwrap_or(Verdict::Silent);
                match (granted, self.limit(access)) {
                    (granted, None | Some(Verdict::Allowed)) => granted,
                    (Verdict::Denied, _) | (_, Some(Verdict::Denied)) => Verdict::Denied,
                    (_, Some(Verdict::Silent | Verdict::Delegated)) => Verdict::Silent,
                }
            }
            Self::Administrator => Verdict::Allowed,
        }
    }

    fn limit(&self, access: &Access) -> Option<Verdict> {
        match self {
            Self::Held(state, policies) => policies.limit(state, access),
            Self::Documents { boundary, .. } => boundary
                .as_ref()
                .map(|document| document.judge(None, access)),
            Self::Administrator => None,
        }
    }
}

/// The steps of one simulation, all actions on all resources together (the sandbox's own), and what a result costs.
const SIMULATION_STEPS: usize = 16_000_000;
const RESULT_STEPS: usize = 1_000;

fn too_many() -> ApiError {
    ApiError::bad(
        "InvalidInput",
        format!(
            "the simulation takes more than {SIMULATION_STEPS} steps, which the sandbox does not take; ask for fewer actions or resources at once"
        ),
    )
}

fn results(subject: &Subject<'_>, input: &Value) -> Result<Value, ApiError> {
    let actions = input.texts("ActionNames");
    if actions.is_empty() {
        return Err(invalid("ActionNames", "null", "Member must not be null"));
    }
    let mut resources = input.texts("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let steps = Arc::new(Allowance::of(SIMULATION_STEPS));
    let mut results = Vec::new();
    for action in &actions {
        let Some((service, name)) = action.split_once(':') else {
            return Err(ApiError::bad(
                "InvalidInput",
                format!("Invalid Action/Resource combination: {action}"),
            ));
        };
        for resource in &resources {
            let mut access = Access::on(service, name, resource).paid_from(&steps);
            for entry in input.list("ContextEntries") {
                for value in entry.texts("ContextKeyValues") {
                    if !steps.take(value.len()) {
                        return Err(too_many());
                    }
                    access = access.with(require(entry, "ContextKeyName")?, value);
                }
            }
            let verdict = subject.verdict(&access);
            let limit = subject.limit(&access);
            if !steps.take(RESULT_STEPS) {
                return Err(too_many());
            }
            let decision = match verdict {
                Verdict::Allowed => "allowed",
                Verdict::Denied => "explicitDeny",
                Verdict::Silent | Verdict::Delegated => "implicitDeny",
            };
            let mut result = json!({
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": decision,
            });
            if let Some(limit) = limit {
                result["PermissionsBoundaryDecisionDetail"] =
                    json!({"AllowedByPermissionsBoundary": limit == Verdict::Allowed});
            }
            results.push(result);
        }
    }
    Ok(json!({"EvaluationResults": results, "IsTruncated": false}))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]
    use super::*;

    #[test]
    fn a_simulation_takes_no_more_steps_than_are_allowed() {
        let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let simulate = |resources: usize| {
            let arns: Vec<String> = (0..resources)
                .map(|n| format!("arn:aws:s3:::b{n}"))
                .collect();
            let input = json!({"PolicyInputList": [policy], "ActionNames": ["s3:GetObject"], "ResourceArns": arns});
            custom(&Operation::new("SimulateCustomPolicy", input))
        };
        let answer = simulate(1_000).unwrap();
        assert_eq!(answer["EvaluationResults"].as_array().unwrap().len(), 1_000);
        let refused = simulate(SIMULATION_STEPS / RESULT_STEPS).unwrap_err();
        assert_eq!(refused.code, "InvalidInput");
        assert!(refused.message.contains("16000000 steps"));
    }
}
