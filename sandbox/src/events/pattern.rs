//! Event patterns: which events a rule wants.
//!
//! All members of an object must match, one of a list is enough (EventBridge User Guide, "Comparison
//! operators for use in event patterns"). A pattern that cannot be understood in full is refused.

mod matching;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::complexity::too_complex;
use crate::allowance::Allowance;
use crate::error::ApiError;
use crate::event_ruler::check_numeric;

/// A pattern that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern(Object);

#[derive(Debug, Clone, PartialEq)]
struct Object {
    members: Vec<(String, Node)>,
    /// `$or`: one of these must match too.
    either: Vec<Object>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Object(Object),
    /// One of these must hold.
    Any(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Value),
    Text(Text),
    AnythingBut(Vec<Test>),
    Numeric(Vec<(Comparison, f64)>),
    Cidr(IpNet),
    Exists(bool),
}

#[derive(Debug, Clone, PartialEq)]
enum Text {
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    IgnoringCase(String),
    Wildcard(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// Characters of a pattern: AWS's default quota, which can be raised to 4,096 there (EventBridge User Guide, "Quotas").
const MAX_PATTERN: usize = 2_048;

/// Combinations that the choices of `$or` may make: an error where they could be more (User Guide, "Complex example using
/// Or").
const MAX_COMBINATIONS: usize = 1_000;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `InvalidEventPatternException` with the reason.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = |reason: String| {
            ApiError::bad(
                "InvalidEventPatternException",
                format!("Event pattern is not valid. Reason: {reason}"),
            )
        };
        if text.chars().count() > MAX_PATTERN {
            return Err(ApiError::bad(
                "InvalidEventPatternException",
                format!("Event pattern is longer than {MAX_PATTERN} characters"),
            ));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        let Value::Object(members) = &value else {
            return Err(refused("Filter is not an object".to_owned()));
        };
        let read = object(members).map_err(refused)?;
        if read.combinations() > MAX_COMBINATIONS {
            return Err(refused(format!(
                "$or makes more than {MAX_COMBINATIONS} combinations"
            )));
        }
        Ok(Self(read))
    }

    /// Whether the pattern wants the event. The answer means nothing once `steps` are used up.
    pub(super) fn matches(&self, event: &Value, steps: &Allowance) -> bool {
        self.0.matches(event, steps)
    }
}

fn object(members: &Map<String, Value>) -> Result<Object, String> {
    if members.is_empty() {
        return Err("Empty objects are not allowed".to_owned());
    }
    let mut read = Object {
        members: Vec::new(),
        either: Vec::new(),
    };
    for (name, value) in members {
        let node = match value {
            Value::Array(choices) if name == "$or" => {
                if choices.len() < 2 {
                    return Err("$or must have at least two choices".to_owned());
                }
                for choice in choices {
                    let Value::Object(choice) = choice else {
                        return Err("the choices of $or must be objects".to_owned());
                    };
                    read.either.push(object(choice)?);
                }
                continue;
            }
            Value::Object(inner) => Node::Object(object(inner)?),
            Value::Array(items) if items.is_empty() => {
                return Err("Empty arrays are not allowed".to_owned());
            }
            Value::Array(items) => {
                let tests: Vec<Test> = items.iter().map(test).collect::<Result<_, _>>()?;
                let wildcards: Vec<&str> = tests.iter().flat_map(Test::wildcards).collect();
                if too_complex(&wildcards) {
                    return Err("Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character".to_owned());
                }
                Node::Any(tests)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(format!("\"{name}\" must be an object or an array"));
            }
        };
        read.members.push((name.clone(), node));
    }
    Ok(read)
}

fn test(value: &Value) -> Result<Test, String> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(_) => {
            return Err("Match value must be String, number, true, false, or null".to_owned());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Ok(Test::Is(value.clone()));
        }
    };
    let mut members = members.iter();
    let (Some((operator, operand)), None) = (members.next(), members.next()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    if let Some(text) = text_test(operator, operand)? {
        return Ok(Test::Text(text));
    }
    match (operator.as_str(), operand) {
        ("anything-but", operand) => anything_but(operand).map(Test::AnythingBut),
        ("numeric", Value::Array(items)) => comparisons(items).map(Test::Numeric),
        ("numeric", _) => Err("Value of numeric must be an array.".to_owned()),
        ("exists", Value::Bool(wanted)) => Ok(Test::Exists(*wanted)),
        ("exists", _) => Err("exists match pattern must be either true or false.".to_owned()),
        ("cidr", Value::String(range)) => range
            .parse()
            .map(Test::Cidr)
            .map_err(|_| format!("Malformed CIDR, {range}")),
        ("cidr", _) => Err("CIDR must be a string".to_owned()),
        (other, _) => Err(format!("Unrecognized match type {other}")),
    }
}

/// The operators on texts; `None` when the operator is not one of them.
fn text_test(operator: &str, operand: &Value) -> Result<Option<Text>, String> {
    let plain = || match operand {
        Value::String(text) => Ok(text.clone()),
        _ => Err(format!("{operator} match pattern must be a string")),
    };
    let ignoring_case = operand
        .get("equals-ignore-case")
        .and_then(Value::as_str)
        .filter(|_| {
            operand
                .as_object()
                .is_some_and(|members| members.len() == 1)
        })
        .map(str::to_lowercase);
    Ok(Some(match (operator, ignoring_case) {
        ("prefix", Some(text)) => Text::PrefixIgnoringCase(text),
        ("prefix", None) => Text::Prefix(plain()?),
        ("suffix", Some(text)) => Text::SuffixIgnoringCase(text),
        ("suffix", None) => Text::Suffix(plain()?),
        ("equals-ignore-case", _) => Text::IgnoringCase(plain()?.to_lowercase()),
        ("wildcard", _) => {
            let text = plain()?;
            if text.contains("**") {
                return Err("Consecutive wildcard characters at pos".to_owned());
            }
            if text.contains('\\') {
                return Err("escapes in wildcard are not implemented by the sandbox".to_owned());
            }
            Text::Wildcard(text)
        }
        _ => return Ok(None),
    }))
}

/// As LocalStack recorded it on AWS on 2025-10-15 (`content_anything_prefix_ignorecase_EXC` and others).
const NOT_ANYTHING_BUT: &str =
    "Value of anything-but must be an array or single string/number value.";

fn anything_but(operand: &Value) -> Result<Vec<Test>, String> {
    let simple = |value: &Value| match value {
        Value::String(_) | Value::Number(_) => Ok(Test::Is(value.clone())),
        _ => Err(NOT_ANYTHING_BUT.to_owned()),
    };
    match operand {
        Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(items) => items.iter().map(simple).collect(),
        Value::Object(members) => {
            let mut tests = Vec::new();
            for (operator, operand) in members {
                let choices = match operand {
                    Value::Array(choices) if !choices.is_empty() => choices.as_slice(),
                    single => std::slice::from_ref(single),
                };
                for choice in choices {
                    if choice.is_object() {
                        return Err(NOT_ANYTHING_BUT.to_owned());
                    }
                    let text = text_test(operator, choice)?
                        .ok_or_else(|| format!("Unsupported anything-but pattern: {operator}"))?;
                    if let Text::Prefix(text) | Text::Suffix(text) = &text
                        && text.is_empty()
                    {
                        return Err("Null prefix/suffix not allowed".to_owned());
                    }
                    tests.push(Test::Text(text));
                }
            }
            if members.len() == 1 {
                Ok(tests)
            } else {
                Err("Only one key allowed in match expression".to_owned())
            }
        }
        single => Ok(vec![simple(single)?]),
    }
}

fn comparisons(items: &[Value]) -> Result<Vec<(Comparison, f64)>, String> {
    check_numeric(items)?;
    let mut read = Vec::new();
    for pair in items.chunks(2) {
        let [Value::String(operator), Value::Number(number)] = pair else {
            return Err("Value of numeric must be pairs of an operator and a number".to_owned());
        };
        let comparison = match operator.as_str() {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            "=" => Comparison::Equal,
            ">=" => Comparison::GreaterOrEqual,
            ">" => Comparison::Greater,
            other => return Err(format!("Unrecognized numeric range operator: {other}")),
        };
        read.push((comparison, number.as_f64().unwrap_or(f64::NAN)));
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
