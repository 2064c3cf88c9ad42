//! How rules and resources stand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::item::ResourceKey;
use super::page::{limit, page};
use super::rule::{Compliance, Evaluation, Rule};
use super::rules::{named, no_such, with_token};
use super::scope::invalid;
use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// Contributors are counted up to here.
const COUNT_CAP: usize = 25;

const DEFAULT_PAGE: usize = 10;
const MAX_PAGE: usize = 100;

/// How many rows a page of evaluations has.
fn page_size(input: &Value) -> Result<usize, ApiError> {
    let code = "InvalidParameterValueException";
    limit(input, "Limit", DEFAULT_PAGE, MAX_PAGE, code)
}

pub(super) fn details_by_rule(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("ConfigRuleName")?;
    let wanted = wanted(input, false)?;
    let size = page_size(input)?;
    let rule = call
        .here()
        .config
        .rules
        .get(name)
        .ok_or_else(|| no_such(name))?;
    let results: Vec<Value> = rule
        .results
        .iter()
        .filter(|(_, evaluation)| wanted.accepts(evaluation.compliance.name()))
        .map(|(key, evaluation)| result(rule, key, evaluation))
        .collect();
    let token = input.text("NextToken");
    let (results, next) = page("GetComplianceDetailsByConfigRule", results, token, size)?;
    Ok(with_token(json!({ "EvaluationResults": results }), next))
}

pub(super) fn details_by_resource(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    if input.field("ResourceEvaluationId").is_some() {
        return Err(ApiError::not_implemented(
            "config",
            "GetComplianceDetailsByResource with ResourceEvaluationId",
        ));
    }
    let (Some(resource_type), Some(resource_id)) =
        (input.text("ResourceType"), input.text("ResourceId"))
    else {
        return Err(invalid("ResourceType and ResourceId are required."));
    };
    let wanted = wanted(input, false)?;
    let key = ResourceKey::new(resource_type, resource_id);
    let results: Vec<Value> = call
        .here()
        .config
        .rules
        .values()
        .filter_map(|rule| Some((rule, rule.results.get(&key)?)))
        .filter(|(_, evaluation)| wanted.accepts(evaluation.compliance.name()))
        .map(|(rule, evaluation)| result(rule, &key, evaluation))
        .collect();
    let token = input.text("NextToken");
    let (results, next) = page("GetComplianceDetailsByResource", results, token, MAX_PAGE)?;
    Ok(with_token(json!({ "EvaluationResults": results }), next))
}

fn result(rule: &Rule, key: &ResourceKey, evaluation: &Evaluation) -> Value {
    let mut result = json!({
        "EvaluationResultIdentifier": {
            "EvaluationResultQualifier": {
                "ConfigRuleName": rule.name,
                "ResourceType": key.resource_type,
                "ResourceId": key.resource_id,
                "EvaluationMode": "DETECTIVE",
            },
            "OrderingTimestamp": epoch_seconds(evaluation.ordering),
        },
        "ComplianceType": evaluation.compliance.name(),
        "ResultRecordedTime": epoch_seconds(evaluation.recorded),
        "ConfigRuleInvokedTime": epoch_seconds(evaluation.invoked),
    });
    if let Some(annotation) = &evaluation.annotation {
        result["Annotation"] = json!(annotation);
    }
    result
}

pub(super) fn by_rule(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let wanted = wanted(input, true)?;
    let rules: Vec<Value> = named(call, input)?
        .into_iter()
        .map(|rule| (rule, Standing::of(rule.results.values())))
        .filter(|(_, standing)| wanted.accepts(standing.name()))
        .map(|(rule, standing)| json!({"ConfigRuleName": rule.name, "Compliance": standing.to_json()}))
        .collect();
    let (rules, next) = page(
        "DescribeComplianceByConfigRule",
        rules,
        input.text("NextToken"),
        50,
    )?;
    Ok(with_token(
        json!({ "ComplianceByConfigRules": rules }),
        next,
    ))
}

pub(super) fn by_resource(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let (resource_type, resource_id) = (input.text("ResourceType"), input.text("ResourceId"));
    if resource_id.is_some() && resource_type.is_none() {
        return Err(invalid(
            "If you specify a ResourceId, you must also specify a type for ResourceType.",
        ));
    }
    let wanted = wanted(input, true)?;
    let size = page_size(input)?;
    let mut resources: BTreeMap<&ResourceKey, Vec<&Evaluation>> = BTreeMap::new();
    for rule in call.here().config.rules.values() {
        for (key, evaluation) in &rule.results {
            resources.entry(key).or_default().push(evaluation);
        }
    }
    let resources: Vec<Value> = resources
        .into_iter()
        .filter(|(key, _)| resource_type.is_none_or(|wanted| wanted == key.resource_type))
        .filter(|(key, _)| resource_id.is_none_or(|wanted| wanted == key.resource_id))
        .map(|(key, evaluations)| (key, Standing::of(evaluations.into_iter())))
        .filter(|(_, standing)| wanted.accepts(standing.name()))
        .map(|(key, standing)| {
            json!({
                "ResourceType": key.resource_type,
                "ResourceId": key.resource_id,
                "Compliance": standing.to_json(),
            })
        })
        .collect();
    let token = input.text("NextToken");
    let (resources, next) = page("DescribeComplianceByResource", resources, token, size)?;
    Ok(with_token(
        json!({ "ComplianceByResources": resources }),
        next,
    ))
}

/// How a rule stands with its resources, or a resource with its rules. Results that do not apply do not
/// count; where nothing counts there is not enough data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Compliant,
    NonCompliant { contributors: usize },
    Unknown,
}

impl Standing {
    pub(super) fn of<'e>(evaluations: impl Iterator<Item = &'e Evaluation>) -> Self {
        let (mut good, mut bad) = (0_usize, 0_usize);
        for evaluation in evaluations {
            match evaluation.compliance {
                Compliance::Compliant => good += 1,
                Compliance::NonCompliant => bad += 1,
                Compliance::NotApplicable => {}
            }
        }
        match (good, bad) {
            (0, 0) => Self::Unknown,
            (_, 0) => Self::Compliant,
            (_, contributors) => Self::NonCompliant { contributors },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant { .. } => "NON_COMPLIANT",
            Self::Unknown => "INSUFFICIENT_DATA",
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Compliant | Self::Unknown => json!({"ComplianceType": self.name()}),
            Self::NonCompliant { contributors } => json!({
                "ComplianceType": self.name(),
                "ComplianceContributorCount": counted(contributors, COUNT_CAP),
            }),
        }
    }
}

/// A count that stops at `cap`.
pub(super) fn counted(count: usize, cap: usize) -> Value {
    json!({"CappedCount": count.min(cap), "CapExceeded": count > cap})
}

/// Which compliance types are asked for; none means all.
struct Wanted(Vec<String>);

impl Wanted {
    fn accepts(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| wanted == name)
    }
}

/// Single results are never `INSUFFICIENT_DATA`, summaries never `NOT_APPLICABLE`.
fn wanted(input: &Value, summary: bool) -> Result<Wanted, ApiError> {
    let types = input.texts("ComplianceTypes");
    let third = if summary {
        "INSUFFICIENT_DATA"
    } else {
        "NOT_APPLICABLE"
    };
    let allowed = ["COMPLIANT", "NON_COMPLIANT", third];
    match types.iter().find(|name| !allowed.contains(&name.as_str())) {
        Some(unknown) => Err(invalid(format!(
            "The compliance type '{unknown}' cannot be used as a filter; the allowed values are {}.",
            allowed.join(", ")
        ))),
        None => Ok(Wanted(types)),
    }
}
