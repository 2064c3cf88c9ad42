//! `SelectResourceConfig`: questions about the current items.
//!
//! The part of AWS's query language that the sandbox answers is `SELECT` of properties or `*`, `WHERE` with
//! `=`, `IN` and `LIKE` (a wildcard at the end) joined by `AND`, and `ORDER BY`. Everything else is refused
//! with `InvalidExpressionException`, and so is every comparison that AWS makes by other rules: no answer is
//! better than a wrong one.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::item::{ITEM_VERSION, Item};
use super::page::{length, limit, page};
use super::place::Place;
use super::rules::with_token;
use super::select_parse::{Condition, Direction, Path, Query, Test, invalid, parse};
use crate::allowance::Allowance;
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// What `SELECT *` stands for: the scalar properties of an item (AWS Config Developer Guide, "Querying the
/// Current Configuration State of AWS Resources", Limitations).
const SCALARS: [&str; 10] = [
    "accountId",
    "awsRegion",
    "arn",
    "availabilityZone",
    "configurationItemCaptureTime",
    "resourceCreationTime",
    "resourceId",
    "resourceName",
    "resourceType",
    "version",
];

const PAGE: usize = 25;

/// The comparisons that one query may take (the sandbox's own): 2,500 groups of sixty rules with ten conditions take half
/// of them.
const STEPS: usize = 4_000_000;

pub(super) fn select(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let expression = input.require("Expression")?;
    length(expression, "expression", (1, 4096))?;
    let size = limit(input, "Limit", PAGE, 100, "InvalidLimitException")?;
    let query = parse(expression)?;
    let place = Place::of(call);
    let steps = Allowance::of(STEPS);
    let items = call.here().config.history.newest();
    let mut found = Vec::new();
    for item in items.filter(|item| item.is_live()) {
        let item = properties(item, &place);
        if matches(&query.conditions, &item, &steps) {
            found.push(item);
        }
        // Each item that is found is shown with each field, and compared with some twenty others.
        let fields = query.fields.as_ref().map_or(SCALARS.len(), Vec::len);
        steps.take(fields + query.order.len() * 20);
        if steps.is_exhausted() {
            return Err(invalid(format!(
                "it takes more than {STEPS} comparisons, which the sandbox does not make"
            )));
        }
    }
    sort(&mut found, &query)?;
    let fields: Vec<Path> = match &query.fields {
        Some(fields) => fields.clone(),
        None => SCALARS.iter().map(|name| Path::root(name)).collect(),
    };
    let results: Vec<String> = found
        .iter()
        .map(|item| project(item, &fields).to_string())
        .collect();
    let (results, next) = page(
        "SelectResourceConfig",
        results,
        input.text("NextToken"),
        size,
    )?;
    let names: Vec<Value> = fields
        .iter()
        .map(|path| json!({"Name": path.to_string()}))
        .collect();
    let answer = json!({"Results": results, "QueryInfo": {"SelectFields": names}});
    Ok(with_token(answer, next))
}

/// An item as queries see it. Tags are a list with the members `key`, `value` and `tag` (`key=value`).
fn properties(item: &Item, place: &Place) -> Value {
    let tags: Vec<Value> = item
        .tags
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value, "tag": format!("{key}={value}")}))
        .collect();
    let mut properties = json!({
        "version": ITEM_VERSION,
        "accountId": place.account.as_str(),
        "awsRegion": place.region.as_str(),
        "availabilityZone": "Not Applicable",
        "configurationItemCaptureTime": iso8601(item.captured),
        "configurationItemStatus": item.status.name(),
        "configurationStateId": item.state_id.to_string(),
        "resourceType": item.key.resource_type,
        "resourceId": item.key.resource_id,
        "relationships": item.relationships,
        "configuration": item.configuration,
        "tags": tags,
    });
    if !item.arn.is_empty() {
        properties["arn"] = json!(item.arn);
    }
    if let Some(name) = &item.resource_name {
        properties["resourceName"] = json!(name);
    }
    properties
}

/// Whether all conditions hold. The answer means nothing once `steps` are used up.
fn matches(conditions: &[Condition], item: &Value, steps: &Allowance) -> bool {
    let holds = |condition: &Condition| {
        let values = values(item, &condition.path.0);
        let wanted = match &condition.test {
            Test::OneOf(wanted) => wanted.len(),
            Test::Prefix { .. } => 1,
        };
        steps.take(1)
            && values
                .into_iter()
                .any(|value| steps.take(wanted) && holds(&condition.test, value))
    };
    conditions.iter().all(holds)
}

/// Every value at a path: lists are looked through, and a condition holds when it does for one of them.
fn values<'v>(value: &'v Value, path: &[String]) -> Vec<&'v Value> {
    match (value, path) {
        (Value::Null, _) => Vec::new(),
        (Value::Array(list), _) => list.iter().flat_map(|value| values(value, path)).collect(),
        (_, []) => vec![value],
        (Value::Object(members), [first, rest @ ..]) => members
            .get(first)
            .map(|value| values(value, rest))
            .unwrap_or_default(),
        (Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Vec::new(),
    }
}

fn holds(test: &Test, value: &Value) -> bool {
    match test {
        Test::OneOf(wanted) => wanted.iter().any(|wanted| equal(value, wanted)),
        Test::Prefix { prefix, rest } => {
            let left = value
                .as_str()
                .and_then(|text| text.strip_prefix(prefix.as_str()));
            left.is_some_and(|left| rest.accepts(left))
        }
    }
}

/// Numbers are equal however they are written.
fn equal(value: &Value, wanted: &Value) -> bool {
    match (value.as_f64(), wanted.as_f64()) {
        (Some(value), Some(wanted)) => value.total_cmp(&wanted) == Ordering::Equal,
        _ => value == wanted,
    }
}

/// Sorts by one property after the other; items without the property come last.
fn sort(found: &mut [Value], query: &Query) -> Result<(), ApiError> {
    for (path, _) in &query.order {
        let sortable = |item: &Value| {
            let values = values(item, &path.0);
            values.len() <= 1 && values.iter().all(|value| !value.is_object())
        };
        if !found.iter().all(sortable) {
            return Err(invalid(format!("{path} has no single value to order by")));
        }
    }
    found.sort_by(|a, b| {
        query
            .order
            .iter()
            .fold(Ordering::Equal, |order, (path, direction)| {
                order.then_with(|| {
                    let (a, b) = (values(a, &path.0), values(b, &path.0));
                    match (a.first(), b.first(), direction) {
                        (Some(a), Some(b), Direction::Ascending) => compare(a, b),
                        (Some(a), Some(b), Direction::Descending) => compare(b, a),
                        (a, b, _) => a.is_none().cmp(&b.is_none()),
                    }
                })
            })
    });
    Ok(())
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a
            .as_str()
            .unwrap_or_default()
            .cmp(b.as_str().unwrap_or_default()),
    }
}

/// Only these properties, in the structure in which the item has them; what it does not have is left out.
fn project(item: &Value, fields: &[Path]) -> Value {
    let paths: Vec<&[String]> = fields.iter().map(|path| path.0.as_slice()).collect();
    part(item, &paths).unwrap_or_else(|| json!({}))
}

fn part(value: &Value, paths: &[&[String]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return (!value.is_null()).then(|| value.clone());
    }
    match value {
        Value::Array(list) => {
            let parts: Vec<Value> = list.iter().filter_map(|value| part(value, paths)).collect();
            (!parts.is_empty()).then_some(Value::Array(parts))
        }
        Value::Object(members) => {
            let parts: Map<String, Value> = members
                .iter()
                .filter_map(|(name, value)| {
                    let below: Vec<&[String]> = paths
                        .iter()
                        .filter(|path| path[0] == *name)
                        .map(|path| &path[1..])
                        .collect();
                    let part = (!below.is_empty()).then(|| part(value, &below)).flatten()?;
                    Some((name.clone(), part))
                })
                .collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests;
