//! Rules: which events are wanted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::delivery::MATCHING_STEPS;
use super::pattern::Pattern;
use super::targets::Target;
use super::{DEFAULT_BUS, accept, invalid, tags};
use crate::allowance::Allowance;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::listing::{self, PageSize};
use crate::sandbox::Call;

/// AWS's default quota for one bus.
pub(crate) const MAX_RULES: usize = 300;
/// Rules that a listing shows at once, unless asked for fewer.
const PAGE: usize = 100;

/// Which events a rule hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// API calls that change something.
    Enabled,
    /// API calls that only look, too.
    EnabledWithReads,
    /// None.
    Disabled,
}

impl Switch {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ENABLED" => Switch::Enabled,
            "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" => Switch::EnabledWithReads,
            "DISABLED" => Switch::Disabled,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Switch::Enabled => "ENABLED",
            Switch::EnabledWithReads => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            Switch::Disabled => "DISABLED",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) arn: String,
    /// As it was given.
    text: String,
    pub(super) pattern: Pattern,
    pub(super) switch: Switch,
    description: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// By their ids.
    pub(super) targets: BTreeMap<String, Target>,
}

impl Rule {
    fn describe(&self) -> Value {
        let mut shown = json!({
            "Name": self.name,
            "Arn": self.arn,
            "EventPattern": self.text,
            "State": self.switch.as_str(),
            "EventBusName": DEFAULT_BUS,
        });
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        shown
    }
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    // A schedule or a role would be ignored otherwise, and the rule would never do what it says.
    accept(
        call,
        "PutRule",
        input,
        &["Name", "EventPattern", "State", "Description", "Tags"],
    )?;
    let name = name(input, "Name")?;
    let text = input.text("EventPattern").ok_or_else(|| {
        invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    })?;
    let pattern = Pattern::parse(text)?;
    let switch = match input.text("State") {
        None => Switch::Enabled,
        Some(state) => Switch::parse(state).ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value '{state}' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"
            ))
        })?,
    };
    let description = input.text("Description").map(str::to_owned);
    let given = tags::given(call, input)?;
    let arn = call.arn("events", &format!("rule/{name}"));
    let rules = &mut call.here().events.rules;
    let full = rules.len() >= MAX_RULES;
    match rules.get_mut(name) {
        // What is not given is not kept: the call replaces the rule. Tags are left alone.
        Some(rule) => {
            rule.text = text.to_owned();
            rule.pattern = pattern;
            rule.switch = switch;
            rule.description = description;
        }
        None if full => {
            return Err(ApiError::bad(
                "LimitExceededException",
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        None => {
            let rule = Rule {
                name: name.to_owned(),
                arn: arn.clone(),
                text: text.to_owned(),
                pattern,
                switch,
                description,
                tags: given,
                targets: BTreeMap::new(),
            };
            rules.insert(name.to_owned(), rule);
        }
    }
    Ok(json!({"RuleArn": arn}))
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "DescribeRule", input, &["Name"])?;
    let account = call.account.id.clone();
    let mut shown = call.here().events.rule(name(input, "Name")?)?.describe();
    shown["CreatedBy"] = json!(account.as_str());
    Ok(shown)
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        call,
        "ListRules",
        input,
        &["NamePrefix", "NextToken", "Limit"],
    )?;
    let prefix = input.text("NamePrefix").unwrap_or_default();
    let rules = call.here().events.rules.values();
    let found = rules
        .filter(|rule| rule.name.starts_with(prefix))
        .map(|rule| (rule.name.as_str(), rule.describe()));
    page(input, "Rules", found)
}

pub(super) fn names_by_target(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        call,
        "ListRuleNamesByTarget",
        input,
        &["TargetArn", "NextToken", "Limit"],
    )?;
    let arn = input.require("TargetArn")?;
    let rules = call.here().events.rules.values();
    let found = rules
        .filter(|rule| rule.targets.values().any(|target| target.arn == arn))
        .map(|rule| (rule.name.as_str(), json!(rule.name)));
    page(input, "RuleNames", found)
}

pub(super) fn switch(
    call: &mut Call<'_>,
    input: &Value,
    switch: Switch,
) -> Result<Value, ApiError> {
    let operation = match switch {
        Switch::Disabled => "DisableRule",
        Switch::Enabled | Switch::EnabledWithReads => "EnableRule",
    };
    accept(call, operation, input, &["Name"])?;
    let rule = call.here().events.rule_mut(name(input, "Name")?)?;
    rule.switch = switch;
    Ok(json!({}))
}

/// A rule that does not exist counts as deleted.
pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "DeleteRule", input, &["Name", "Force"])?;
    let name = name(input, "Name")?;
    let rules = &mut call.here().events.rules;
    if rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
        return Err(invalid("Rule can't be deleted since it has targets."));
    }
    rules.remove(name);
    Ok(json!({}))
}

pub(super) fn test(input: &Value) -> Result<Value, ApiError> {
    let pattern = Pattern::parse(input.require("EventPattern")?)?;
    let event: Value = serde_json::from_str(input.require("Event")?)
        .map_err(|error| invalid(format!("Parameter Event is not valid JSON: {error}")))?;
    // The API reference also wants `resources`; AWS does not: 117 of the 155 events that LocalStack recorded (8b9a79f0) have
    // none.
    const MANDATORY: [&str; 6] = ["id", "account", "source", "time", "region", "detail-type"];
    if let Some(missing) = MANDATORY.iter().find(|name| event.field(name).is_none()) {
        return Err(invalid(format!(
            "Parameter Event is not valid. Reason: the event has no {missing}"
        )));
    }
    let steps = Allowance::of(MATCHING_STEPS);
    let result = pattern.matches(&event, &steps);
    if steps.is_exhausted() {
        return Err(invalid(format!(
            "comparing the event with the pattern takes more than {MATCHING_STEPS} steps, which the sandbox does not take; use a smaller event"
        )));
    }
    Ok(json!({"Result": result}))
}

/// The name of a rule as a request gives it.
pub(super) fn name<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    let name = input.require(member)?;
    let known = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.len() <= 64 && name.bytes().all(known) {
        return Ok(name);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{}' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+",
        member.to_ascii_lowercase()
    )))
}

/// Cuts one page out of a list that is ordered by its keys; the token is the last key shown.
pub(super) fn page<'a>(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Value, ApiError> {
    let size = PageSize::up_to(PAGE).of(input, "Limit", |_| {
        invalid(format!("Limit must be between 1 and {PAGE}"))
    })?;
    let page = listing::cut(items, input.text("NextToken"), size);
    Ok(listing::answer(member, page))
}
