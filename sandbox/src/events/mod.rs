//! EventBridge: rules on the default event bus, and the API calls that they hear of.
//!
//! Names, limits and errors are those of the service's API model (`eventbridge-2015-10-07`). Of AWS's
//! events the sandbox sends one kind: `AWS API Call via CloudTrail`, as if the account had a trail.

use std::collections::BTreeMap;

use crate::cloudtrail;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::journal::Entry;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

pub(crate) use self::rules::MAX_RULES;

mod complexity;
mod delivery;
mod pattern;
mod rules;
mod tags;
mod targets;
#[cfg(test)]
mod tests;

/// The service principal under which EventBridge invokes functions.
const PRINCIPAL: &str = "events.amazonaws.com";

/// The only bus that the sandbox has.
const DEFAULT_BUS: &str = "default";

/// What the service holds: rules by name.
#[derive(Debug, Clone, Default)]
pub struct State {
    rules: BTreeMap<String, rules::Rule>,
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let answer = match operation.name.as_str() {
        "PutRule" => rules::put(call, input),
        "DescribeRule" => rules::describe(call, input),
        "ListRules" => rules::list(call, input),
        "ListRuleNamesByTarget" => rules::names_by_target(call, input),
        "EnableRule" => rules::switch(call, input, rules::Switch::Enabled),
        "DisableRule" => rules::switch(call, input, rules::Switch::Disabled),
        "DeleteRule" => rules::delete(call, input),
        "PutTargets" => targets::put(call, input),
        "ListTargetsByRule" => targets::list(call, input),
        "RemoveTargets" => targets::remove(call, input),
        "TestEventPattern" => rules::test(input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        "ListTagsForResource" => tags::list(call, input),
        name => Err(ApiError::not_implemented("events", name)),
    }?;
    Ok(answer.into())
}

/// Rules are resources for IAM; listing and testing are not about a rule.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let named = match operation.name.as_str() {
        "PutTargets" | "ListTargetsByRule" | "RemoveTargets" => input.text("Rule"),
        "TestEventPattern" | "ListRules" | "ListRuleNamesByTarget" => None,
        _ => input.text("Name"),
    };
    let resource = match (input.text("ResourceARN"), named) {
        (Some(arn), _) => arn.to_owned(),
        (None, Some(name)) => call.arn("events", &format!("rule/{name}")),
        (None, None) => "*".to_owned(),
    };
    let mut accesses = vec![Access::on("events", &operation.name, resource.clone())];
    // Whoever makes a rule with tags needs the right to tag it, too (API reference, `PutRule`).
    if operation.name == "PutRule" && !input.list("Tags").is_empty() {
        accesses.push(Access::on("events", "TagResource", resource));
    }
    accesses
}

/// Tells the rules of the called region about a call. Under the account's lock, by the door.
pub(crate) fn observe(call: &mut Call<'_>, entry: &Entry) {
    if call.here().events.rules.is_empty() {
        return;
    }
    if let Some(record) = cloudtrail::record(entry) {
        delivery::offer(call, entry, record);
    }
}

impl State {
    fn rule(&self, name: &str) -> Result<&rules::Rule, ApiError> {
        self.rules.get(name).ok_or_else(|| no_rule(name))
    }

    fn rule_mut(&mut self, name: &str) -> Result<&mut rules::Rule, ApiError> {
        self.rules.get_mut(name).ok_or_else(|| no_rule(name))
    }
}

fn no_rule(name: &str) -> ApiError {
    ApiError::bad(
        "ResourceNotFoundException",
        format!("Rule {name} does not exist on EventBus {DEFAULT_BUS}."),
    )
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

/// Refuses members that the operation would ignore, and every bus but the default one.
fn accept(
    call: &Call<'_>,
    operation: &str,
    input: &serde_json::Value,
    known: &[&str],
) -> Result<(), ApiError> {
    let members = input.as_object().into_iter().flatten();
    for (name, value) in members {
        if name == "EventBusName" {
            let arn = call.arn("events", &format!("event-bus/{DEFAULT_BUS}"));
            if value != DEFAULT_BUS && *value != arn {
                let bus = value.as_str().unwrap_or_default();
                return Err(ApiError::bad(
                    "ResourceNotFoundException",
                    format!("Event bus {bus} does not exist."),
                ));
            }
        } else if !value.is_null() && !known.contains(&name.as_str()) {
            let what = format!("{operation} with {name}");
            return Err(ApiError::not_implemented("events", &what));
        }
    }
    Ok(())
}
