//! `PutEvaluations`: what a rule's function found.

use serde_json::{Value, json};

use super::item::ResourceKey;
use super::page::{length, moment, one_of, validation};
use super::place::Place;
use super::rule::{Compliance, Evaluation};
use super::scope::invalid;
use super::{compliance_item, delivery, notice, rules};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// The most evaluations in one call.
const MAX_EVALUATIONS: usize = 100;

/// One evaluation as the function reports it.
struct Given {
    key: ResourceKey,
    compliance: Compliance,
    annotation: Option<String>,
    ordering: Timestamp,
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let list = input.list("Evaluations");
    if list.len() > MAX_EVALUATIONS {
        return Err(validation(format!(
            "1 validation error detected: Value at 'evaluations' failed to satisfy constraint: Member must have length less than or equal to {MAX_EVALUATIONS}"
        )));
    }
    let given: Vec<Given> = list.iter().map(parse).collect::<Result<_, _>>()?;
    let token = input.text("ResultToken").unwrap_or_default();
    if input.flag("TestMode")?.unwrap_or(false) {
        // Any token will do and nothing is stored, but there must be one.
        if input.field("ResultToken").is_none() {
            return Err(validation(
                "the request must contain the parameter ResultToken",
            ));
        }
        return Ok(json!({ "FailedEvaluations": [] }).into());
    }
    let now = call.now;
    let state = &call.here().config;
    let Some(issued) = state.tokens.get(token, now).cloned() else {
        return Err(ApiError::bad(
            "InvalidResultTokenException",
            "The result token provided is invalid.",
        ));
    };
    let name = state
        .rules
        .values()
        .find(|rule| rule.id == issued.rule_id && !rule.deleting)
        .map(|rule| rule.name.clone())
        .ok_or_else(|| rules::no_such(&issued.rule_id))?;
    for given in given {
        let evaluation = Evaluation {
            compliance: given.compliance,
            annotation: given.annotation,
            ordering: given.ordering,
            recorded: now,
            invoked: issued.invoked,
        };
        store(call, &name, given.key, evaluation);
    }
    Ok(json!({ "FailedEvaluations": [] }).into())
}

fn parse(given: &Value) -> Result<Given, ApiError> {
    let resource_type = given.require("ComplianceResourceType")?;
    let resource_id = given.require("ComplianceResourceId")?;
    length(
        resource_type,
        "evaluations.member.complianceResourceType",
        (1, 256),
    )?;
    length(
        resource_id,
        "evaluations.member.complianceResourceId",
        (1, 768),
    )?;
    let compliance = match given.require("ComplianceType")? {
        "COMPLIANT" => Compliance::Compliant,
        "NON_COMPLIANT" => Compliance::NonCompliant,
        "NOT_APPLICABLE" => Compliance::NotApplicable,
        "INSUFFICIENT_DATA" => {
            return Err(invalid(
                "INSUFFICIENT_DATA is not accepted as the ComplianceType of an evaluation.",
            ));
        }
        other => {
            one_of(
                other,
                "evaluations.member.complianceType",
                &[
                    "COMPLIANT",
                    "NON_COMPLIANT",
                    "NOT_APPLICABLE",
                    "INSUFFICIENT_DATA",
                ],
            )?;
            return Err(invalid(
                "The ComplianceType of the evaluation is not valid.",
            ));
        }
    };
    let annotation = given.text("Annotation").map(str::to_owned);
    if let Some(text) = &annotation {
        length(text, "evaluations.member.annotation", (1, 256))?;
    }
    let ordering = moment(given, "OrderingTimestamp")?
        .ok_or_else(|| validation("the request must contain the parameter OrderingTimestamp"))?;
    Ok(Given {
        key: ResourceKey::new(resource_type, resource_id),
        compliance,
        annotation,
        ordering,
    })
}

/// Stores an evaluation unless a newer one is there, and tells the world when the compliance changed.
fn store(call: &mut Call<'_>, rule_name: &str, key: ResourceKey, new: Evaluation) {
    let place = Place::of(call);
    let now = call.now;
    let state = &mut call.here().config;
    // What is deleted or recorded no more has no compliance any more: saying so takes the stale result away.
    let gone = state.history.has_left(&key) && new.compliance == Compliance::NotApplicable;
    let Some(rule) = state.rules.get_mut(rule_name) else {
        return;
    };
    rule.activity.evaluated = Some(now);
    let old = rule.results.get(&key).cloned();
    // The same moment may be evaluated again: a repair is reported as two evaluations of one item.
    if old.as_ref().is_some_and(|old| new.ordering < old.ordering) {
        return;
    }
    if gone {
        rule.results.remove(&key);
    } else {
        rule.results.insert(key.clone(), new.clone());
    }
    let changed = match &old {
        Some(old) => old.compliance != new.compliance,
        None => new.compliance != Compliance::NotApplicable,
    };
    if !changed {
        return;
    }
    let subject = notice::compliance_subject(&place, rule, &key, &new);
    let message = notice::of_compliance(&place, rule, &key, old.as_ref(), &new, now);
    delivery::stream(call, subject, message);
    compliance_item::record(call, &key);
}
