//! Filter policies: which messages a subscription gets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::allowance::Allowance;
use crate::event_ruler::check_numeric;

/// Keys of a filter, of a nested one those of the outermost level (SNS Developer Guide, "Filter policy constraints").
const MAX_KEYS: usize = 5;

/// Combinations of values, each key counted as often as it is deep (the same page).
const MAX_COMBINATIONS: usize = 150;

/// Bytes of a filter (the same page).
const MAX_BYTES: usize = 256 * 1024;

/// The steps of comparing one message with the filters of all subscriptions of its topic (the sandbox's own). Usual filters
/// take fewer than ten each.
pub(super) const MATCHING_STEPS: usize = 2_000_000;

/// A filter that has been understood in full. All keys must match, each with any of its conditions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    keys: BTreeMap<String, Rule>,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Any(Vec<Condition>),
    Nested(Filter),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    /// None of these.
    AnythingBut(Vec<Condition>),
    Exists(bool),
    /// Comparisons that all hold.
    Numeric(Vec<(Order, f64)>),
    Cidr(IpNet),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads a filter policy. Only filters on the body may be `nested`. The error is a sentence.
    pub(super) fn parse(text: &str, nested: bool) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("Filter policy is longer than {MAX_BYTES} bytes"));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|_| "failed to parse JSON".to_owned())?;
        let Value::Object(members) = value else {
            return Err("filter policy must be an object".to_owned());
        };
        // As LocalStack recorded them on AWS on 2024-05-14 (`test_policy_complexity`).
        if members.len() > MAX_KEYS {
            return Err(format!(
                "Filter policy can not have more than {MAX_KEYS} keys"
            ));
        }
        if combinations(&members, 1) > MAX_COMBINATIONS {
            return Err("Filter policy is too complex".to_owned());
        }
        Self::read(&members, nested, 0)
    }

    fn read(members: &Map<String, Value>, nested: bool, depth: usize) -> Result<Self, String> {
        if depth > 5 {
            return Err("Filter policy is nested too deeply".to_owned());
        }
        let mut keys = BTreeMap::new();
        for (name, rule) in members {
            if name == "$or" {
                return Err("$or is not implemented by the sandbox".to_owned());
            }
            let rule = match rule {
                Value::Array(conditions) if conditions.is_empty() => {
                    return Err("Empty arrays are not allowed".to_owned());
                }
                Value::Array(conditions) => {
                    Rule::Any(conditions.iter().map(condition).collect::<Result<_, _>>()?)
                }
                Value::Object(inner) if nested => {
                    Rule::Nested(Self::read(inner, nested, depth + 1)?)
                }
                Value::Object(_) => {
                    return Err(
                        "Filter policy scope MessageAttributes does not support nested filter policy"
                            .to_owned(),
                    );
                }
                _ => return Err(format!("\"{name}\" must be an object or an array")),
            };
            keys.insert(name.clone(), rule);
        }
        Ok(Self { keys })
    }

    /// Whether a message's attributes pass. The answer means nothing once `steps` are used up.
    pub(super) fn admits_attributes(
        &self,
        attributes: &BTreeMap<String, Value>,
        steps: &Allowance,
    ) -> bool {
        self.keys.iter().all(|(name, rule)| match rule {
            Rule::Any(conditions) => any(conditions, attributes.get(name), steps),
            Rule::Nested(_) => false,
        })
    }

    /// Whether a body passes; one that is no JSON object passes none but the empty filter. The answer means nothing once
    /// `steps` are used up.
    pub(super) fn admits_body(&self, body: &Body, steps: &Allowance) -> bool {
        match &body.0 {
            Some(members) => self.admits(members, steps),
            None => self.keys.is_empty(),
        }
    }

    fn admits(&self, members: &Map<String, Value>, steps: &Allowance) -> bool {
        self.keys.iter().all(|(name, rule)| {
            if !steps.take(1) {
                return false;
            }
            let value = members.get(name);
            match rule {
                Rule::Any(conditions) => any(conditions, value, steps),
                Rule::Nested(inner) => match value {
                    Some(Value::Object(members)) => inner.admits(members, steps),
                    Some(Value::Array(items)) => items
                        .iter()
                        .filter_map(Value::as_object)
                        .any(|members| inner.admits(members, steps)),
                    // Nothing is there: only "must not exist" is content with that.
                    _ => inner.admits(&Map::new(), steps),
                },
            }
        })
    }
}

/// The body of a message as filters look at it: read once, however many subscriptions there are.
#[derive(Debug)]
pub(super) struct Body(Option<Map<String, Value>>);

impl Body {
    pub(super) fn read(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Self(Some(members)),
            Ok(_) | Err(_) => Self(None),
        }
    }
}

/// How many combinations of values a policy has: a key with four values at the third level counts as twelve.
fn combinations(members: &Map<String, Value>, depth: usize) -> usize {
    let each = members.values().map(|rule| match rule {
        Value::Array(values) => values.len().saturating_mul(depth),
        Value::Object(inner) => combinations(inner, depth + 1),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    });
    each.fold(1, usize::saturating_mul)
}

fn condition(value: &Value) -> Result<Condition, String> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(_) => {
            return Err("Match value must be String, number, true, false, or null".to_owned());
        }
        plain => return Ok(Condition::Equals(plain.clone())),
    };
    let mut pairs = members.iter();
    let (Some((name, operand)), None) = (pairs.next(), pairs.next()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    let text = || match operand {
        Value::String(text) => Ok(text.clone()),
        _ => Err(format!("{name} match pattern must be a string")),
    };
    match name.as_str() {
        "prefix" => Ok(Condition::Prefix(text()?)),
        "suffix" => Ok(Condition::Suffix(text()?)),
        "equals-ignore-case" => Ok(Condition::EqualsIgnoreCase(text()?.to_lowercase())),
        "exists" => match operand {
            Value::Bool(exists) => Ok(Condition::Exists(*exists)),
            _ => Err("exists match pattern must be either true or false.".to_owned()),
        },
        "anything-but" => anything_but(operand).map(Condition::AnythingBut),
        "cidr" => text()?
            .parse()
            .map(Condition::Cidr)
            .map_err(|_| "Malformed CIDR, one '/' required".to_owned()),
        "numeric" => numeric(operand).map(Condition::Numeric),
        other => Err(format!("Unrecognized match type {other}")),
    }
}

/// Plain values, or a prefix: as LocalStack recorded it on AWS on 2024-05-15
/// (`test_validate_policy_nested_anything_but_operator`).
fn anything_but(operand: &Value) -> Result<Vec<Condition>, String> {
    let plain = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) => {
            Err("Inside anything but list, start|null|boolean is not supported.".to_owned())
        }
        plain => Ok(Condition::Equals(plain.clone())),
    };
    match operand {
        Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => match members.keys().find(|operator| *operator != "prefix") {
            Some(operator) => Err(format!("Unsupported anything-but pattern: {operator}")),
            None => Ok(vec![condition(operand)?]),
        },
        one => Ok(vec![plain(one)?]),
    }
}

fn numeric(operand: &Value) -> Result<Vec<(Order, f64)>, String> {
    let malformed = || "Value of numeric must be an array of operators and numbers".to_owned();
    let items = operand.as_array().ok_or_else(malformed)?;
    check_numeric(items)?;
    items
        .chunks(2)
        .map(|pair| {
            let order = match pair[0].as_str() {
                Some("=") => Order::Equal,
                Some("<") => Order::Less,
                Some("<=") => Order::LessOrEqual,
                Some(">") => Order::Greater,
                Some(">=") => Order::GreaterOrEqual,
                _ => return Err(malformed()),
            };
            Ok((order, pair[1].as_f64().ok_or_else(malformed)?))
        })
        .collect()
}

fn any(conditions: &[Condition], value: Option<&Value>, steps: &Allowance) -> bool {
    let matches =
        |condition: &Condition, value| steps.take(condition.cost()) && condition.matches(value);
    conditions.iter().any(|condition| match (condition, value) {
        (Condition::Exists(exists), value) => *exists == value.is_some(),
        (_, None) => false,
        // `anything-but` on a list: one element that is something else is enough.
        (condition, Some(Value::Array(items))) => items.iter().any(|item| matches(condition, item)),
        (condition, Some(value)) => matches(condition, value),
    })
}

impl Condition {
    /// The steps of comparing the condition with a value.
    fn cost(&self) -> usize {
        match self {
            Condition::AnythingBut(refused) => refused.len(),
            Condition::Equals(_)
            | Condition::EqualsIgnoreCase(_)
            | Condition::Prefix(_)
            | Condition::Suffix(_)
            | Condition::Exists(_)
            | Condition::Numeric(_)
            | Condition::Cidr(_) => 1,
        }
    }

    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Condition::Equals(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
            Condition::EqualsIgnoreCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == *wanted)
            }
            Condition::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
            Condition::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix.as_str())),
            Condition::AnythingBut(refused) => !refused.iter().any(|each| each.matches(value)),
            Condition::Exists(exists) => *exists,
            Condition::Numeric(comparisons) => value.as_f64().is_some_and(|value| {
                comparisons.iter().all(|(order, wanted)| match order {
                    Order::Equal => value == *wanted,
                    Order::Less => value < *wanted,
                    Order::LessOrEqual => value <= *wanted,
                    Order::Greater => value > *wanted,
                    Order::GreaterOrEqual => value >= *wanted,
                })
            }),
            Condition::Cidr(net) => text
                .and_then(|text| text.parse::<IpAddr>().ok())
                .is_some_and(|address| net.contains(&address)),
        }
    }
}

#[cfg(test)]
mod tests;
