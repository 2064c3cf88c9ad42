//! Putting, showing and deleting rules.

use std::time::Duration;

use serde_json::{Value, json};

use super::page::{page, validation};
use super::place::Place;
use super::rule::Rule;
use super::rule_input::{self, Asked};
use super::scope::invalid;
use super::{PRINCIPAL, compliance_item, record, recorder, scheduled, tags};
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::lambda::{self, Invoker};
use crate::sandbox::{Call, Outcome};

/// How many rules an account's region may have.
const MAX_RULES: usize = 1000;

/// How long a rule stays `DELETING`. On AWS seconds at best; here just long enough to be seen.
const DELETION: Duration = Duration::from_millis(50);

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let rule = input
        .field("ConfigRule")
        .ok_or_else(|| validation("the request must contain the parameter ConfigRule"))?;
    let asked = rule_input::parse(rule)?;
    let tags = tags::parse(input)?;
    if call.here().config.recorder.is_none() {
        return Err(recorder::none_available());
    }
    let existing = find(call, &asked)?;
    let (name, id, arn) = match existing {
        Some(identity) => identity,
        None => new_identity(call, &asked)?,
    };
    check_function(call, &asked.function, &arn)?;

    let now = call.now;
    let rules = &mut call.here().config.rules;
    let rule = rules.entry(name.clone()).or_insert_with(|| Rule {
        tags,
        ..Rule::new(&name, &id, &arn, now)
    });
    rule.description = asked.description;
    rule.scope = asked.scope;
    rule.function = asked.function;
    rule.message_types = asked.message_types;
    rule.schedule = asked.schedule;
    rule.at_most = asked.at_most;
    rule.input_parameters = asked.input_parameters;
    // A rule that is new, or new in what it says, looks at everything by itself.
    let asked = record::evaluate_all(call, &name, false);
    let by_clock = scheduled::plan(call, &name);
    if asked > 0 || by_clock {
        scheduled::started(call, &[name]);
    }
    Ok(json!({}).into())
}

/// The rule that is updated, by any of its three names.
fn find(call: &mut Call<'_>, asked: &Asked) -> Result<Option<(String, String, String)>, ApiError> {
    let found = call.here().config.rules.values().find(|rule| {
        asked.name.as_ref() == Some(&rule.name)
            || asked.id.as_ref() == Some(&rule.id)
            || asked.arn.as_ref() == Some(&rule.arn)
    });
    let Some(rule) = found else {
        return Ok(None);
    };
    let same = |given: &Option<String>, has: &str| given.as_ref().is_none_or(|given| given == has);
    if !(same(&asked.name, &rule.name) && same(&asked.id, &rule.id) && same(&asked.arn, &rule.arn))
    {
        return Err(invalid(
            "ConfigRuleName, ConfigRuleId and ConfigRuleArn do not name the same rule.",
        ));
    }
    if rule.deleting {
        return Err(in_deletion(&rule.name));
    }
    Ok(Some((rule.name.clone(), rule.id.clone(), rule.arn.clone())))
}

fn new_identity(call: &mut Call<'_>, asked: &Asked) -> Result<(String, String, String), ApiError> {
    if asked.id.is_some() || asked.arn.is_some() {
        return Err(invalid(
            "ConfigRuleId and ConfigRuleArn are generated for new rules and cannot be given.",
        ));
    }
    let Some(name) = &asked.name else {
        return Err(invalid("The ConfigRuleName is required for a new rule."));
    };
    if call.here().config.rules.len() >= MAX_RULES {
        return Err(ApiError::bad(
            "MaxNumberOfConfigRulesExceededException",
            format!(
                "Failed to put config rule '{name}' because the maximum number of config rules: {MAX_RULES} is reached."
            ),
        ));
    }
    let mut id = String::from("config-rule-");
    id.extend(
        (0..6).map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[fastrand::usize(..36)])),
    );
    let arn = call.arn("config", &format!("config-rule/{id}"));
    Ok((name.clone(), id, arn))
}

fn check_function(call: &mut Call<'_>, function: &str, rule_arn: &str) -> Result<(), ApiError> {
    let invoker = Invoker {
        principal: PRINCIPAL,
        source_account: call.account.id.clone(),
        source_arn: Some(rule_arn.to_owned()),
    };
    match lambda::may_invoke(call, function, &invoker) {
        Ok(()) => Ok(()),
        Err(error) if error.status >= 500 => Err(error),
        Err(_) => Err(ApiError::bad(
            "InsufficientPermissionsException",
            format!(
                "The AWS Lambda function {function} cannot be invoked. Check the specified function ARN, and check the function's permissions."
            ),
        )),
    }
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    if let Some(filters) = input.field("Filters")
        && filters
            .text("EvaluationMode")
            .is_some_and(|mode| mode != "DETECTIVE")
    {
        return Ok(json!({ "ConfigRules": [] }).into());
    }
    let rules: Vec<Value> = named(call, input)?.into_iter().map(Rule::to_json).collect();
    let (rules, next) = page("DescribeConfigRules", rules, input.text("NextToken"), 25)?;
    Ok(with_token(json!({ "ConfigRules": rules }), next))
}

pub(super) fn describe_evaluation_status(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Outcome, ApiError> {
    let size = super::page::limit(input, "Limit", 25, 50, "InvalidParameterValueException")?;
    let status: Vec<Value> = named(call, input)?
        .into_iter()
        .map(Rule::activity_json)
        .collect();
    let token = input.text("NextToken");
    let (status, next) = page("DescribeConfigRuleEvaluationStatus", status, token, size)?;
    Ok(with_token(
        json!({ "ConfigRulesEvaluationStatus": status }),
        next,
    ))
}

/// No rule here can have a remediation: `PutRemediationConfigurations` is refused, so nothing is the
/// truth. AWS knows no error here for rules that do not exist.
pub(super) fn describe_remediations(
    _call: &mut Call<'_>,
    input: &Value,
) -> Result<Outcome, ApiError> {
    let names = input.texts("ConfigRuleNames");
    if input.field("ConfigRuleNames").is_none() || names.len() > 25 {
        return Err(validation(
            "1 validation error detected: Value at 'configRuleNames' failed to satisfy constraint: Member must have length between 0 and 25",
        ));
    }
    Ok(json!({ "RemediationConfigurations": [] }).into())
}

/// The rules that `ConfigRuleNames` names; all of them when it names none.
pub(super) fn named<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<Vec<&'c Rule>, ApiError> {
    let names = input.texts("ConfigRuleNames");
    if names.len() > 25 {
        return Err(validation(
            "1 validation error detected: Value at 'configRuleNames' failed to satisfy constraint: Member must have length less than or equal to 25",
        ));
    }
    let rules = &call.here().config.rules;
    if names.is_empty() {
        return Ok(rules.values().collect());
    }
    names
        .iter()
        .map(|name| rules.get(name).ok_or_else(|| no_such(name)))
        .collect()
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("ConfigRuleName")?;
    let rule = usable(call, name)?;
    rule.deleting = true;
    let id = rule.id.clone();
    let place = Place::of(call);
    let due = call.now + DELETION;
    let lane = place.lane(&id);
    call.account
        .later(Task::new(due, lane, move |sandbox| async move {
            sandbox.enter(&place.target(), |call| {
                let rules = &mut call.here().config.rules;
                let Some(name) = rules
                    .values()
                    .find(|rule| rule.id == id)
                    .map(|rule| rule.name.clone())
                else {
                    return;
                };
                let results = rules
                    .remove(&name)
                    .map(|rule| rule.results)
                    .unwrap_or_default();
                for key in results.keys() {
                    compliance_item::record(call, key);
                }
            });
        }));
    Ok(json!({}).into())
}

/// A rule that exists and is not being deleted.
pub(super) fn usable<'c>(call: &'c mut Call<'_>, name: &str) -> Result<&'c mut Rule, ApiError> {
    match call.here().config.rules.get_mut(name) {
        None => Err(no_such(name)),
        Some(rule) if rule.deleting => Err(in_deletion(name)),
        Some(rule) => Ok(rule),
    }
}

pub(super) fn no_such(name: &str) -> ApiError {
    ApiError::bad(
        "NoSuchConfigRuleException",
        format!(
            "The ConfigRule '{name}' provided in the request is invalid. Please check the configRule name."
        ),
    )
}

fn in_deletion(name: &str) -> ApiError {
    ApiError::bad(
        "ResourceInUseException",
        format!("The rule {name} is currently being deleted. Please retry after some time."),
    )
}

/// An answer with its page token, where there is another page.
pub(super) fn with_token(mut answer: Value, next: Option<String>) -> Outcome {
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    answer.into()
}
