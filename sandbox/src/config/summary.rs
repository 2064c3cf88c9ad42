//! Counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compliance::{Standing, counted};
use super::page::{limit, page};
use super::rule::Evaluation;
use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// Rules are counted up to here in a summary, resources up to the second figure.
const RULE_CAP: usize = 25;
const RESOURCE_CAP: usize = 100;

pub(super) fn by_rule(call: &mut Call<'_>) -> Result<Outcome, ApiError> {
    let now = call.now;
    let standings = call
        .here()
        .config
        .rules
        .values()
        .map(|rule| Standing::of(rule.results.values()));
    let mut summary = summarise(standings, RULE_CAP);
    summary["ComplianceSummaryTimestamp"] = epoch_seconds(now);
    Ok(json!({ "ComplianceSummary": summary }).into())
}

pub(super) fn by_resource_type(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let now = call.now;
    let types = input.texts("ResourceTypes");
    let mut resources: BTreeMap<_, Vec<&Evaluation>> = BTreeMap::new();
    for rule in call.here().config.rules.values() {
        for (key, evaluation) in &rule.results {
            resources.entry(key).or_default().push(evaluation);
        }
    }
    let standings = |resource_type: Option<&str>| -> Vec<Standing> {
        resources
            .iter()
            .filter(|(key, _)| resource_type.is_none_or(|wanted| wanted == key.resource_type))
            .map(|(_, evaluations)| Standing::of(evaluations.iter().copied()))
            .collect()
    };
    let asked: Vec<Option<&str>> = if types.is_empty() {
        vec![None]
    } else {
        types.iter().map(|name| Some(name.as_str())).collect()
    };
    let summaries: Vec<Value> = asked
        .into_iter()
        .map(|resource_type| {
            let mut summary = summarise(standings(resource_type).into_iter(), RESOURCE_CAP);
            summary["ComplianceSummaryTimestamp"] = epoch_seconds(now);
            let mut entry = json!({ "ComplianceSummary": summary });
            if let Some(name) = resource_type {
                entry["ResourceType"] = json!(name);
            }
            entry
        })
        .collect();
    Ok(json!({ "ComplianceSummariesByResourceType": summaries }).into())
}

fn summarise(standings: impl Iterator<Item = Standing>, cap: usize) -> Value {
    let (mut good, mut bad) = (0, 0);
    for standing in standings {
        match standing {
            Standing::Compliant => good += 1,
            Standing::NonCompliant { .. } => bad += 1,
            Standing::Unknown => {}
        }
    }
    json!({
        "CompliantResourceCount": counted(good, cap),
        "NonCompliantResourceCount": counted(bad, cap),
    })
}

pub(super) fn discovered_counts(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let size = limit(input, "limit", 100, 100, "InvalidLimitException")?;
    let wanted = input.texts("resourceTypes");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in call
        .here()
        .config
        .history
        .newest()
        .filter(|item| item.is_live())
    {
        *counts.entry(&item.key.resource_type).or_default() += 1;
    }
    counts.retain(|name, _| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    let total: usize = counts.values().sum();
    let counts: Vec<Value> = counts
        .into_iter()
        .map(|(name, count)| json!({"resourceType": name, "count": count}))
        .collect();
    let (counts, next) = page(
        "GetDiscoveredResourceCounts",
        counts,
        input.text("nextToken"),
        size,
    )?;
    let mut answer = json!({"totalDiscoveredResources": total, "resourceCounts": counts});
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer.into())
}
