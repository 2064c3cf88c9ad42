//! What `PutConfigRule` asks for, as the request describes it.

use serde_json::Value;

use super::page::{length, validation};
use super::periodic::Frequency;
use super::scheduled::{SCHEDULED, SNAPSHOT};
use super::scope::{Scope, invalid};
use crate::error::ApiError;
use crate::fields::Fields;

/// The message types that are about one item.
const CHANGE_MESSAGES: [&str; 2] = [
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
];

/// A rule as the request describes it.
pub(super) struct Asked {
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) arn: Option<String>,
    pub(super) description: Option<String>,
    pub(super) scope: Scope,
    pub(super) function: String,
    pub(super) message_types: Vec<String>,
    pub(super) schedule: Option<Frequency>,
    pub(super) at_most: Option<Frequency>,
    pub(super) input_parameters: String,
}

pub(super) fn parse(rule: &Value) -> Result<Asked, ApiError> {
    let name = rule.text("ConfigRuleName").map(str::to_owned);
    if let Some(name) = &name {
        length(name, "configRule.configRuleName", (1, 128))?;
        if name.trim().is_empty() {
            return Err(validation("The name of a config rule cannot be blank."));
        }
    }
    let description = rule.text("Description").map(str::to_owned);
    if let Some(text) = &description {
        length(text, "configRule.description", (0, 256))?;
    }
    for mode in rule.list("EvaluationModes") {
        if mode.text("Mode") != Some("DETECTIVE") {
            return Err(ApiError::not_implemented(
                "config",
                "PutConfigRule with an evaluation mode other than DETECTIVE",
            ));
        }
    }
    let source = rule
        .field("Source")
        .ok_or_else(|| validation("the request must contain the parameter ConfigRule.Source"))?;
    let function = function(source)?;
    let (message_types, schedule) = details(source.list("SourceDetails"))?;
    let at_most = at_most(rule, &message_types)?;
    Ok(Asked {
        name,
        id: rule.text("ConfigRuleId").map(str::to_owned),
        arn: rule.text("ConfigRuleArn").map(str::to_owned),
        description,
        scope: Scope::parse(rule.field("Scope"))?,
        function,
        message_types,
        schedule,
        at_most,
        input_parameters: parameters(rule.text("InputParameters"))?,
    })
}

/// How often a rule follows the snapshots at most. For what is asked by the clock the frequency belongs into
/// `SourceDetails`, and a change has none.
fn at_most(rule: &Value, message_types: &[String]) -> Result<Option<Frequency>, ApiError> {
    let path = "configRule.maximumExecutionFrequency";
    let frequency = Frequency::read(rule, "MaximumExecutionFrequency", path)?;
    if frequency.is_some() && !message_types.iter().any(|name| name == SNAPSHOT) {
        return Err(invalid(format!(
            "The MaximumExecutionFrequency of a custom rule can be used only with the message type {SNAPSHOT}; for {SCHEDULED} it is part of SourceDetails."
        )));
    }
    Ok(frequency)
}

fn function(source: &Value) -> Result<String, ApiError> {
    match source.require("Owner")? {
        "CUSTOM_LAMBDA" => {}
        owner @ ("AWS" | "CUSTOM_POLICY") => {
            return Err(ApiError::not_implemented(
                "config",
                &format!("PutConfigRule of owner {owner}"),
            ));
        }
        owner => {
            return Err(validation(format!(
                "1 validation error detected: Value '{owner}' at 'configRule.source.owner' failed to satisfy constraint: Member must satisfy enum value set: [CUSTOM_LAMBDA, AWS, CUSTOM_POLICY]"
            )));
        }
    }
    let function = source.text("SourceIdentifier").unwrap_or_default();
    if !function.starts_with("arn:") {
        return Err(invalid(
            "The SourceIdentifier of a custom rule must be the ARN of a Lambda function.",
        ));
    }
    Ok(function.to_owned())
}

/// What the rule waits for, and how often it is asked by the clock.
fn details(details: &[Value]) -> Result<(Vec<String>, Option<Frequency>), ApiError> {
    if details.is_empty() {
        return Err(invalid(
            "A custom rule needs at least one entry in SourceDetails.",
        ));
    }
    let mut message_types: Vec<String> = Vec::new();
    let mut schedule = None;
    for detail in details {
        if detail
            .text("EventSource")
            .is_some_and(|source| source != "aws.config")
        {
            return Err(invalid("The only valid EventSource is aws.config."));
        }
        let name = detail.text("MessageType").unwrap_or_default();
        if !CHANGE_MESSAGES.contains(&name) && name != SCHEDULED && name != SNAPSHOT {
            return Err(invalid(format!("The message type '{name}' is not valid.")));
        }
        if message_types.iter().any(|known| known == name) {
            return Err(invalid(format!(
                "The message type {name} is in SourceDetails more than once."
            )));
        }
        let path = "configRule.source.sourceDetails.member.maximumExecutionFrequency";
        let frequency = Frequency::read(detail, "MaximumExecutionFrequency", path)?;
        if name == SCHEDULED {
            // "By default, rules with a periodic trigger are evaluated every 24 hours" (API reference).
            schedule = Some(frequency.unwrap_or(Frequency::TwentyFourHours));
        } else if frequency.is_some() {
            return Err(invalid(format!(
                "MaximumExecutionFrequency cannot be used with the message type {name}."
            )));
        }
        message_types.push(name.to_owned());
    }
    Ok((message_types, schedule))
}

/// Rule parameters: one JSON object of strings. Passed on unchanged; absent means `{}`.
fn parameters(text: Option<&str>) -> Result<String, ApiError> {
    let Some(text) = text else {
        return Ok("{}".to_owned());
    };
    length(text, "configRule.inputParameters", (1, 1024))?;
    let Ok(Value::Object(parameters)) = serde_json::from_str::<Value>(text) else {
        return Err(invalid(
            "The InputParameters of the config rule are not a valid JSON object.",
        ));
    };
    match parameters.iter().find(|(_, value)| !value.is_string()) {
        Some((name, _)) => Err(invalid(format!(
            "The value of the input parameter '{name}' must be a string."
        ))),
        None => Ok(text.to_owned()),
    }
}
