//! Whether a pattern wants an event.

use std::net::IpAddr;

use serde_json::Value;

use super::{Comparison, Node, Object, Test, Text};
use crate::allowance::Allowance;

impl Object {
    /// Whether all members match, and one of the choices.
    pub(super) fn matches(&self, event: &Value, steps: &Allowance) -> bool {
        self.members
            .iter()
            .all(|(name, node)| node.matches(event.get(name), steps))
            && (self.either.is_empty()
                || self
                    .either
                    .iter()
                    .any(|choice| choice.matches(event, steps)))
    }

    /// How many rules without `$or` the object stands for.
    pub(super) fn combinations(&self) -> usize {
        let inner = self.members.iter().map(|(_, node)| match node {
            Node::Object(object) => object.combinations(),
            Node::Any(_) => 1,
        });
        let either = match self.either.is_empty() {
            true => 1,
            false => self.either.iter().map(Object::combinations).sum(),
        };
        inner.fold(either, usize::saturating_mul)
    }
}

impl Node {
    fn matches(&self, value: Option<&Value>, steps: &Allowance) -> bool {
        if !steps.take(1) {
            return false;
        }
        match (self, value) {
            // Of a list of objects one must match as a whole.
            (Node::Object(object), Some(Value::Array(items))) => {
                items.iter().any(|item| object.matches(item, steps))
            }
            // Below something that is not there nothing exists, which may be just what is wanted.
            (Node::Object(object), value) => object.matches(value.unwrap_or(&Value::Null), steps),
            (Node::Any(tests), value) => tests.iter().any(|test| test.holds(value, steps)),
        }
    }
}

impl Test {
    /// The wildcard patterns that the test looks for.
    pub(super) fn wildcards(&self) -> Vec<&str> {
        match self {
            Test::Text(Text::Wildcard(pattern)) => vec![pattern],
            Test::AnythingBut(tests) => tests.iter().flat_map(Test::wildcards).collect(),
            Test::Is(_) | Test::Text(_) | Test::Numeric(_) | Test::Cidr(_) | Test::Exists(_) => {
                Vec::new()
            }
        }
    }

    /// The steps of comparing the test with a value: one for each text of the test, and those of the value's length where
    /// the whole of it is read.
    fn cost(&self, value: &Value) -> usize {
        let length = value.as_str().map_or(1, |text| text.len() / 16 + 1);
        match self {
            Test::AnythingBut(tests) => tests.len().saturating_mul(length),
            Test::Text(Text::Wildcard(pattern)) => pattern.len().saturating_add(length),
            Test::Is(_) | Test::Text(_) | Test::Numeric(_) | Test::Cidr(_) | Test::Exists(_) => {
                length
            }
        }
    }

    fn holds(&self, value: Option<&Value>, steps: &Allowance) -> bool {
        // Only leaves exist: an object has members, but is no value, and an empty list has none (LocalStack, 2025-10).
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        let value = value.filter(|value| !value.is_object() && !empty(value));
        if let Test::Exists(wanted) = self {
            return value.is_some() == *wanted;
        }
        match value {
            None => false,
            Some(Value::Array(items)) => items
                .iter()
                .any(|item| steps.take(self.cost(item)) && self.holds_for(item)),
            Some(value) => steps.take(self.cost(value)) && self.holds_for(value),
        }
    }

    fn holds_for(&self, value: &Value) -> bool {
        match self {
            Test::Is(Value::Number(wanted)) => value
                .as_f64()
                .is_some_and(|number| Some(number) == wanted.as_f64()),
            Test::Is(wanted) => value == wanted,
            Test::Text(text) => value.as_str().is_some_and(|value| text.holds(value)),
            Test::AnythingBut(tests) => !tests.iter().any(|test| test.holds_for(value)),
            Test::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons
                    .iter()
                    .all(|(comparison, limit)| comparison.holds(number, *limit))
            }),
            Test::Cidr(range) => value
                .as_str()
                .and_then(|text| text.parse::<IpAddr>().ok())
                .is_some_and(|address| range.contains(&address)),
            Test::Exists(wanted) => *wanted,
        }
    }
}

impl Text {
    fn holds(&self, value: &str) -> bool {
        match self {
            Text::Prefix(prefix) => value.starts_with(prefix),
            Text::PrefixIgnoringCase(prefix) => value.to_lowercase().starts_with(prefix),
            Text::Suffix(suffix) => value.ends_with(suffix),
            Text::SuffixIgnoringCase(suffix) => value.to_lowercase().ends_with(suffix),
            Text::IgnoringCase(text) => value.to_lowercase() == *text,
            Text::Wildcard(pattern) => wildcard(pattern, value),
        }
    }
}

/// `*` stands for any characters. The pieces between are looked for from the left, which finds a match
/// whenever there is one.
fn wildcard(pattern: &str, value: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == value;
    };
    let Some(mut value) = value.strip_prefix(head) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match value.find(piece) {
            Some(at) => value = &value[at + piece.len()..],
            None => return false,
        }
    }
    value.ends_with(tail)
}

impl Comparison {
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Comparison::Less => number < limit,
            Comparison::LessOrEqual => number <= limit,
            Comparison::Equal => number.total_cmp(&limit).is_eq(),
            Comparison::GreaterOrEqual => number >= limit,
            Comparison::Greater => number > limit,
        }
    }
}
