//! Evaluating again, and forgetting what was found.

use serde_json::{Value, json};

use super::page::validation;
use super::rules::usable;
use super::{compliance_item, record, scheduled};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// The most rules in one call.
const MAX_RULES: usize = 25;

/// How often one rule can be started.
const INTERVAL: time::Duration = time::Duration::minutes(1);

/// Evaluates the last *recorded* state of everything in the rules' scopes. All rules or none.
pub(super) fn start(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let names = input.texts("ConfigRuleNames");
    if names.is_empty() || names.len() > MAX_RULES {
        return Err(validation(format!(
            "1 validation error detected: Value at 'configRuleNames' failed to satisfy constraint: Member must have length between 1 and {MAX_RULES}"
        )));
    }
    let now = call.now;
    for name in &names {
        let rule = usable(call, name)?;
        if rule.running > 0 {
            return Err(ApiError::bad(
                "ResourceInUseException",
                format!("The rule {name} is currently evaluating. Please retry after some time."),
            ));
        }
        if rule.asked.is_some_and(|at| now < at + INTERVAL) {
            return Err(ApiError::bad(
                "LimitExceededException",
                format!(
                    "StartConfigRulesEvaluation can be called only once a minute for the rule {name}."
                ),
            ));
        }
        if rule
            .message_types
            .iter()
            .all(|name| name == scheduled::SNAPSHOT)
        {
            // It can only be asked with a snapshot, and AWS does not say what it does instead.
            return Err(ApiError::not_implemented(
                "config",
                &format!(
                    "StartConfigRulesEvaluation of a rule triggered by {} only",
                    scheduled::SNAPSHOT
                ),
            ));
        }
    }
    scheduled::started(call, &names);
    for name in &names {
        let mut count = record::evaluate_all(call, name, true);
        let rule = usable(call, name)?;
        if rule.schedule.is_some() {
            count += 1;
        }
        rule.running = count;
        rule.asked = Some(now);
        let by_clock = rule.schedule.map(|_| rule.id.clone());
        if let Some(id) = by_clock {
            scheduled::ask(call, &id, true);
        }
    }
    Ok(json!({}).into())
}

pub(super) fn delete_results(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("ConfigRuleName")?;
    let rule = usable(call, name)?;
    if rule.running > 0 {
        return Err(ApiError::bad(
            "ResourceInUseException",
            format!("The rule {name} is currently evaluating. Please retry after some time."),
        ));
    }
    let results = std::mem::take(&mut rule.results);
    for key in results.keys() {
        compliance_item::record(call, key);
    }
    Ok(json!({}).into())
}
