//! The event that a custom rule's function receives.

use serde_json::{Value, json};

use super::place::Place;
use super::rule::Rule;

/// The version of the event format.
const EVENT_VERSION: &str = "1.0";

/// The whole event. `invokingEvent` and `ruleParameters` are strings that hold JSON.
pub(super) fn rule_event(
    place: &Place,
    rule: &Rule,
    execution_role: &str,
    invoking_event: &str,
    left_scope: bool,
    token: &str,
) -> Value {
    json!({
        "version": EVENT_VERSION,
        "invokingEvent": invoking_event,
        "ruleParameters": rule.input_parameters,
        "resultToken": token,
        "eventLeftScope": left_scope,
        "executionRoleArn": execution_role,
        "configRuleArn": rule.arn,
        "configRuleName": rule.name,
        "configRuleId": rule.id,
        "accountId": place.account.as_str(),
        "evaluationMode": "DETECTIVE",
    })
}
