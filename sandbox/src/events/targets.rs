//! Targets: who is told. Functions only.

use serde_json::{Value, json};

use super::rules::{name, page};
use super::{accept, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// AWS's default quota for one rule.
const MAX_TARGETS: usize = 5;

/// How long EventBridge tries to hand an event to a target, and how often, unless the target's own
/// `RetryPolicy` says less (User Guide, "How EventBridge retries delivering events").
const MAX_AGE_SECONDS: i64 = 86_400;
const MAX_RETRIES: i64 = 185;

/// A function that is told of a rule's events.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) input: Input,
    pub(super) max_retries: i64,
    /// Seconds.
    pub(super) max_age: i64,
    /// As it was given.
    shown: Value,
}

/// What the function gets.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// The event.
    Event,
    /// Always the same JSON text.
    Constant(String),
    /// A part of the event, by the names of the members on the way.
    Part(Vec<String>),
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "PutTargets", input, &["Rule", "Targets"])?;
    let rule = name(input, "Rule")?;
    call.here().events.rule(rule)?;
    let functions = call.arn("lambda", "function:");
    let mut targets = Vec::new();
    for given in input.list("Targets") {
        targets.push(target(given, &functions)?);
    }
    if targets.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    let rule = call.here().events.rule_mut(rule)?;
    let mut all = rule.targets.clone();
    all.extend(
        targets
            .into_iter()
            .map(|target| (target.id.clone(), target)),
    );
    if all.len() > MAX_TARGETS {
        return Err(ApiError::bad(
            "LimitExceededException",
            "The requested resource exceeds the maximum number allowed.",
        ));
    }
    rule.targets = all;
    Ok(json!({"FailedEntryCount": 0, "FailedEntries": []}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        call,
        "ListTargetsByRule",
        input,
        &["Rule", "NextToken", "Limit"],
    )?;
    let rule = call.here().events.rule(name(input, "Rule")?)?;
    let targets = rule.targets.values();
    page(
        input,
        "Targets",
        targets.map(|target| (target.id.as_str(), target.shown.clone())),
    )
}

pub(super) fn remove(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "RemoveTargets", input, &["Rule", "Ids", "Force"])?;
    let ids = input.texts("Ids");
    let rule = call.here().events.rule_mut(name(input, "Rule")?)?;
    let mut failed = Vec::new();
    for id in ids {
        if rule.targets.remove(&id).is_none() {
            failed.push(json!({
                "TargetId": id,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": format!("Target {id} does not exist on Rule {}.", rule.name),
            }));
        }
    }
    Ok(json!({"FailedEntryCount": failed.len(), "FailedEntries": failed}))
}

fn target(given: &Value, functions: &str) -> Result<Target, ApiError> {
    let id = name(given, "Id")?;
    let arn = given.require("Arn")?;
    if !arn.starts_with("arn:") {
        return Err(invalid(format!(
            "Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
        )));
    }
    if !arn.starts_with(functions) {
        let what = format!(
            "PutTargets with a target that is no function of this account and region ({arn})"
        );
        return Err(ApiError::not_implemented("events", &what));
    }
    let known = ["Id", "Arn", "Input", "InputPath", "RetryPolicy"];
    let members = given.as_object().into_iter().flatten();
    for (member, value) in members {
        if !value.is_null() && !known.contains(&member.as_str()) {
            let what = format!("PutTargets with {member}");
            return Err(ApiError::not_implemented("events", &what));
        }
    }
    let policy = given.field("RetryPolicy").cloned().unwrap_or(json!({}));
    Ok(Target {
        id: id.to_owned(),
        arn: arn.to_owned(),
        input: what(given)?,
        max_retries: within(&policy, "MaximumRetryAttempts", 0, MAX_RETRIES)?,
        max_age: within(&policy, "MaximumEventAgeInSeconds", 60, MAX_AGE_SECONDS)?,
        shown: given.clone(),
    })
}

fn what(given: &Value) -> Result<Input, ApiError> {
    match (given.text("Input"), given.text("InputPath")) {
        (Some(_), Some(_)) => Err(invalid(
            "Only one of Input, InputPath, or InputTransformer must be provided.",
        )),
        (Some(text), None) => match serde_json::from_str::<Value>(text) {
            Ok(_) => Ok(Input::Constant(text.to_owned())),
            Err(error) => Err(invalid(format!("JSON syntax error in input: {error}"))),
        },
        (None, Some("$")) | (None, None) => Ok(Input::Event),
        (None, Some(path)) => {
            let names: Option<Vec<String>> = path
                .strip_prefix("$.")
                .map(|rest| rest.split('.').map(str::to_owned).collect());
            names
                .filter(|names| names.iter().all(|name| plain(name)))
                .map(Input::Part)
                .ok_or_else(|| {
                    let what = format!("PutTargets with an InputPath other than $.a.b ({path})");
                    ApiError::not_implemented("events", &what)
                })
        }
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A number of the retry policy; the upper limit is what holds when it is absent.
fn within(policy: &Value, member: &str, least: i64, most: i64) -> Result<i64, ApiError> {
    match policy.int(member)? {
        None => Ok(most),
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(number) => Err(invalid(format!(
            "1 validation error detected: Value '{number}' at '{member}' failed to satisfy constraint: Member must be between {least} and {most}"
        ))),
    }
}
