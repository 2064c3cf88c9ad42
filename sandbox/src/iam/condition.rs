//! Condition operators. What cannot be decided (an unreadable number, a variable without a value) is
//! neither true nor false: it never lets an `Allow` through and never holds a `Deny` back.

use std::net::IpAddr;

use ipnet::IpNet;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::pattern::{Context, Token, expand, glob, literal};
use crate::allowance::Allowance;

/// One condition: all of a statement's must hold.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    /// In lower case.
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// An operator with its qualifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    set: Set,
    test: Test,
    /// `StringNotEquals` and its like.
    negated: bool,
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Single,
    ForAnyValue,
    ForAllValues,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    EqualsIgnoreCase,
    Like,
    Arn,
    Bool,
    Binary,
    Ip,
    Null,
    Numeric(Order),
    Date(Order),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equals,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// `None` for a name that IAM does not know.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            None => (Set::Single, name),
            Some(("ForAnyValue", rest)) => (Set::ForAnyValue, rest),
            Some(("ForAllValues", rest)) => (Set::ForAllValues, rest),
            Some(_) => return None,
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let (test, negated) = match name {
            "StringEquals" => (Test::Equals, false),
            "StringNotEquals" => (Test::Equals, true),
            "StringEqualsIgnoreCase" => (Test::EqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoreCase, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            "Bool" => (Test::Bool, false),
            "BinaryEquals" => (Test::Binary, false),
            "IpAddress" => (Test::Ip, false),
            "NotIpAddress" => (Test::Ip, true),
            "Null" if !if_exists => (Test::Null, false),
            "NumericEquals" => (Test::Numeric(Order::Equals), false),
            "NumericNotEquals" => (Test::Numeric(Order::Equals), true),
            "NumericLessThan" => (Test::Numeric(Order::Less), false),
            "NumericLessThanEquals" => (Test::Numeric(Order::LessOrEqual), false),
            "NumericGreaterThan" => (Test::Numeric(Order::Greater), false),
            "NumericGreaterThanEquals" => (Test::Numeric(Order::GreaterOrEqual), false),
            "DateEquals" => (Test::Date(Order::Equals), false),
            "DateNotEquals" => (Test::Date(Order::Equals), true),
            "DateLessThan" => (Test::Date(Order::Less), false),
            "DateLessThanEquals" => (Test::Date(Order::LessOrEqual), false),
            "DateGreaterThan" => (Test::Date(Order::Greater), false),
            "DateGreaterThanEquals" => (Test::Date(Order::GreaterOrEqual), false),
            _ => return None,
        };
        Some(Self {
            set,
            test,
            negated,
            if_exists,
        })
    }
}

impl Condition {
    /// Whether the condition holds; `None` when that cannot be said.
    pub(super) fn holds(
        &self,
        context: &Context,
        variables: bool,
        steps: &Allowance,
    ) -> Option<bool> {
        let operator = self.operator;
        let present = context
            .get(&self.key)
            .map(Vec::as_slice)
            .filter(|values| !values.is_empty());
        if operator.test == Test::Null {
            return self.null(present.is_none());
        }
        let Some(present) = present else {
            return Some(match operator.set {
                // An empty set fulfils "all" and never "any"; a single value that is not there
                // differs from everything.
                Set::ForAllValues => true,
                Set::ForAnyValue => operator.if_exists,
                Set::Single => operator.if_exists || operator.negated,
            });
        };
        let mut results = present
            .iter()
            .map(|actual| self.value_holds(actual, context, variables, steps));
        match operator.set {
            Set::ForAllValues => all(results),
            Set::ForAnyValue => any(results),
            // A key with several values under a plain operator: any of them, or none when negated.
            Set::Single if operator.negated => all(results),
            Set::Single => any(&mut results),
        }
    }

    /// The values of one condition are alternatives; a negated operator must hold for all of them.
    fn value_holds(
        &self,
        actual: &str,
        context: &Context,
        variables: bool,
        steps: &Allowance,
    ) -> Option<bool> {
        let matched = any(self.values.iter().map(|wanted| {
            if !steps.take(wanted.len() + actual.len()) {
                return None;
            }
            let pattern = expand(wanted, context, variables)?;
            test(self.operator.test, actual, &pattern, steps)
        }))?;
        Some(matched != self.operator.negated)
    }

    fn null(&self, absent: bool) -> Option<bool> {
        any(self
            .values
            .iter()
            .map(|wanted| boolean(wanted).map(|wanted| wanted == absent)))
    }
}

/// True as soon as one is true; undecided when one of the others is.
pub(super) fn any(results: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut undecided = false;
    for result in results {
        match result {
            Some(true) => return Some(true),
            Some(false) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(false)
}

fn all(results: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any(results.into_iter().map(|result| result.map(|held| !held))).map(|failed| !failed)
}

fn test(test: Test, actual: &str, pattern: &[Token], steps: &Allowance) -> Option<bool> {
    match test {
        Test::Like => glob(pattern, actual, steps),
        Test::Arn => arn_like(pattern, actual, steps),
        Test::Equals => Some(literal(pattern) == actual),
        Test::EqualsIgnoreCase => Some(literal(pattern).to_lowercase() == actual.to_lowercase()),
        Test::Binary => Some(literal(pattern) == actual),
        Test::Bool => Some(boolean(&literal(pattern))? == boolean(actual)?),
        Test::Ip => {
            let wanted = literal(pattern);
            let net = wanted
                .parse::<IpNet>()
                .or_else(|_| wanted.parse::<IpAddr>().map(IpNet::from))
                .ok()?;
            Some(net.contains(&actual.parse::<IpAddr>().ok()?))
        }
        Test::Numeric(order) => {
            let number = |text: &str| text.trim().parse::<f64>().ok();
            Some(order.holds(&number(actual)?, &number(&literal(pattern))?))
        }
        Test::Date(order) => Some(order.holds(&date(actual)?, &date(&literal(pattern))?)),
        // Decided before values are looked at.
        Test::Null => None,
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, actual: &T, wanted: &T) -> bool {
        match self {
            Order::Equals => actual == wanted,
            Order::Less => actual < wanted,
            Order::LessOrEqual => actual <= wanted,
            Order::Greater => actual > wanted,
            Order::GreaterOrEqual => actual >= wanted,
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// ISO 8601 as IAM documents it (a date, or date and time with zone), or seconds since 1970.
fn date(text: &str) -> Option<OffsetDateTime> {
    if let Ok(seconds) = text.parse::<i64>() {
        return OffsetDateTime::from_unix_timestamp(seconds).ok();
    }
    if text.len() == "2025-01-31".len() {
        return OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339).ok();
    }
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// The six parts of an ARN are compared one by one, so a `*` never reaches over a colon of the first five.
fn arn_like(pattern: &[Token], actual: &str, steps: &Allowance) -> Option<bool> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while parts.len() < 5 {
        let Some(colon) = rest.iter().position(|token| *token == Token::Char(':')) else {
            break;
        };
        parts.push(&rest[..colon]);
        rest = &rest[colon + 1..];
    }
    parts.push(rest);
    let actual: Vec<&str> = actual.splitn(6, ':').collect();
    // A lone `*` is documented to match every ARN.
    if let [[Token::Any]] = parts[..] {
        return Some(true);
    }
    if parts.len() != actual.len() {
        return Some(false);
    }
    let parts = parts.iter().zip(actual);
    all(parts.map(|(part, actual)| glob(part, actual, steps)))
}

#[cfg(test)]
mod tests;
