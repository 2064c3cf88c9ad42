//! Event patterns: which events a rule wants.
//!
//! All members of an object must match, one of a list is enough (EventBridge User Guide, "Comparison
//! operators for use in event patterns"). A pattern that cannot be understood in full is refused.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::error::ApiError;

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
        let value: Value =
            serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        let Value::Object(members) = &value else {
            return Err(refused("Filter is not an object".to_owned()));
        };
        object(members).map(Self).map_err(refused)
    }

    pub(super) fn matches(&self, event: &Value) -> bool {
        self.0.matches(event)
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
            Value::Array(items) => Node::Any(items.iter().map(test).collect::<Result<_, _>>()?),
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

fn anything_but(operand: &Value) -> Result<Vec<Test>, String> {
    let simple = |value: &Value| match value {
        Value::String(_) | Value::Number(_) => Ok(Test::Is(value.clone())),
        _ => Err("anything-but takes texts and numbers only".to_owned()),
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
                    let text = text_test(operator, choice)?
                        .ok_or_else(|| format!("Unsupported anything-but pattern: {operator}"))?;
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
    if read.is_empty() || read.len() > 2 {
        return Err("numeric takes one or two comparisons".to_owned());
    }
    Ok(read)
}

impl Object {
    fn matches(&self, event: &Value) -> bool {
        self.members
            .iter()
            .all(|(name, node)| node.matches(event.get(name)))
            && (self.either.is_empty() || self.either.iter().any(|choice| choice.matches(event)))
    }
}

impl Node {
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // Of a list of objects one must match as a whole.
            (Node::Object(object), Some(Value::Array(items))) => {
                items.iter().any(|item| object.matches(item))
            }
            // Below something that is not there nothing exists, which may be just what is wanted.
            (Node::Object(object), value) => object.matches(value.unwrap_or(&Value::Null)),
            (Node::Any(tests), value) => tests.iter().any(|test| test.holds(value)),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        // Only leaves exist: an object has members, but is no value.
        let value = value.filter(|value| !value.is_object());
        if let Test::Exists(wanted) = self {
            return value.is_some() == *wanted;
        }
        match value {
            None => false,
            Some(Value::Array(items)) => items.iter().any(|item| self.holds_for(item)),
            Some(value) => self.holds_for(value),
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::json;

    fn check(pattern: Value, matches: bool) {
        let event = json!({
            "source": "aws.ec2",
            "detail": {
                "eventName": "AuthorizeSecurityGroupIngress",
                "port": 465,
                "list": ["a", "b"],
                "nothing": null,
                "sourceIPAddress": "10.1.2.3",
                "items": [{"p": 1, "q": "x"}, {"p": 2, "q": "y"}],
            },
        });
        let read = Pattern::parse(&pattern.to_string()).unwrap();
        assert_eq!(read.matches(&event), matches, "{pattern}");
    }

    #[test]
    fn operators() {
        check(json!({"source": ["aws.s3", "aws.ec2"]}), true);
        check(json!({"source": ["aws.s3"]}), false);
        check(
            json!({"source": ["aws.ec2"], "detail": {"port": [466]}}),
            false,
        );
        check(json!({"detail": {"port": [465.0]}}), true);
        check(json!({"detail": {"nothing": [null]}}), true);
        check(json!({"detail": {"list": ["b"]}}), true);
        for (test, holds) in [
            (json!({"prefix": "Authorize"}), true),
            (json!({"prefix": {"equals-ignore-case": "AUTHOR"}}), true),
            (json!({"prefix": "Revoke"}), false),
            (json!({"suffix": "Ingress"}), true),
            (json!({"suffix": "Egress"}), false),
            (
                json!({"equals-ignore-case": "authorizesecuritygroupingress"}),
                true,
            ),
            (json!({"wildcard": "Auth*Group*ess"}), true),
            (json!({"wildcard": "Auth*Groups*ess"}), false),
            (json!({"anything-but": "X"}), true),
            (
                json!({"anything-but": ["X", "AuthorizeSecurityGroupIngress"]}),
                false,
            ),
            (json!({"anything-but": {"prefix": "Auth"}}), false),
            (
                json!({"anything-but": {"suffix": ["Egress", "Tags"]}}),
                true,
            ),
            (json!({"exists": true}), true),
            (json!({"exists": false}), false),
            (json!({"numeric": [">", 0]}), false),
        ] {
            check(json!({"detail": {"eventName": [test]}}), holds);
        }
        check(
            json!({"detail": {"port": [{"numeric": [">", 400, "<=", 465]}]}}),
            true,
        );
        check(
            json!({"detail": {"port": [{"numeric": ["<", 465]}]}}),
            false,
        );
        check(
            json!({"detail": {"sourceIPAddress": [{"cidr": "10.1.0.0/16"}]}}),
            true,
        );
        check(
            json!({"detail": {"sourceIPAddress": [{"cidr": "10.2.0.0/16"}]}}),
            false,
        );
        check(json!({"detail": {"missing": [{"exists": false}]}}), true);
        check(
            json!({"detail": {"missing": {"deeper": [{"exists": false}]}}}),
            true,
        );
        check(
            json!({"detail": {"missing": [{"anything-but": "x"}]}}),
            false,
        );
        // One and the same item must fit.
        check(json!({"detail": {"items": {"p": [1], "q": ["x"]}}}), true);
        check(json!({"detail": {"items": {"p": [1], "q": ["y"]}}}), false);
        let either = json!([{"detail": {"port": [1]}}, {"source": ["aws.ec2"]}]);
        check(json!({"$or": either}), true);
        check(json!({"$or": either, "detail": {"port": [1]}}), false);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"source": "aws.ec2"}"#,
            r#"{"source": []}"#,
            r#"{"source": [{"startswith": "a"}]}"#,
            r#"{"source": [{"prefix": 1}]}"#,
            r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#,
            r#"{"source": [{"anything-but": null}]}"#,
            r#"{"source": [{"anything-but": {"numeric": ["=", 1]}}]}"#,
            r#"{"source": [{"numeric": ["~", 1]}]}"#,
            r#"{"source": [{"numeric": [">"]}]}"#,
            r#"{"source": [{"exists": "yes"}]}"#,
            r#"{"source": [{"cidr": "10.0.0.0/33"}]}"#,
            r#"{"source": [["a"]]}"#,
            r#"{"$or": [{"a": [1]}]}"#,
        ] {
            let error = Pattern::parse(text).unwrap_err();
            assert_eq!(error.code, "InvalidEventPatternException", "{text}");
        }
    }
}
