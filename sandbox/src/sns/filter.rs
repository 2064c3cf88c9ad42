//! Filter policies: which messages a subscription gets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

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
        let value: Value =
            serde_json::from_str(text).map_err(|_| "failed to parse JSON".to_owned())?;
        match value {
            Value::Object(members) => Self::read(&members, nested, 0),
            _ => Err("filter policy must be an object".to_owned()),
        }
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

    /// Whether a message's attributes pass.
    pub(super) fn admits_attributes(&self, attributes: &BTreeMap<String, Value>) -> bool {
        self.keys.iter().all(|(name, rule)| match rule {
            Rule::Any(conditions) => any(conditions, attributes.get(name)),
            Rule::Nested(_) => false,
        })
    }

    /// Whether a body passes; one that is no JSON object passes none but the empty filter.
    pub(super) fn admits_body(&self, body: &str) -> bool {
        match serde_json::from_str::<Value>(body) {
            Ok(Value::Object(members)) => self.admits(&members),
            Ok(_) | Err(_) => self.keys.is_empty(),
        }
    }

    fn admits(&self, members: &Map<String, Value>) -> bool {
        self.keys.iter().all(|(name, rule)| {
            let value = members.get(name);
            match rule {
                Rule::Any(conditions) => any(conditions, value),
                Rule::Nested(inner) => match value {
                    Some(Value::Object(members)) => inner.admits(members),
                    Some(Value::Array(items)) => items
                        .iter()
                        .filter_map(Value::as_object)
                        .any(|members| inner.admits(members)),
                    // Nothing is there: only "must not exist" is content with that.
                    _ => inner.admits(&Map::new()),
                },
            }
        })
    }
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
        "anything-but" => {
            let refused = match operand {
                Value::Array(items) if items.is_empty() => {
                    return Err("Empty arrays are not allowed".to_owned());
                }
                Value::Array(items) => items.iter().map(condition).collect::<Result<_, _>>()?,
                one => vec![condition(one)?],
            };
            Ok(Condition::AnythingBut(refused))
        }
        "cidr" => text()?
            .parse()
            .map(Condition::Cidr)
            .map_err(|_| "Malformed CIDR, one '/' required".to_owned()),
        "numeric" => numeric(operand).map(Condition::Numeric),
        other => Err(format!("Unrecognized match type {other}")),
    }
}

fn numeric(operand: &Value) -> Result<Vec<(Order, f64)>, String> {
    let malformed = || "Value of numeric must be an array of operators and numbers".to_owned();
    let items = operand
        .as_array()
        .filter(|items| matches!(items.len(), 2 | 4))
        .ok_or_else(malformed)?;
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

fn any(conditions: &[Condition], value: Option<&Value>) -> bool {
    conditions.iter().any(|condition| match (condition, value) {
        (Condition::Exists(exists), value) => *exists == value.is_some(),
        (_, None) => false,
        // `anything-but` on a list: one element that is something else is enough.
        (condition, Some(Value::Array(items))) => items.iter().any(|item| condition.matches(item)),
        (condition, Some(value)) => condition.matches(value),
    })
}

impl Condition {
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
mod tests {
    use super::*;
    use serde_json::json;

    fn body(filter: &Value, body: &Value) -> bool {
        Filter::parse(&filter.to_string(), true)
            .expect("a valid filter")
            .admits_body(&body.to_string())
    }

    #[test]
    fn the_labs_filter() {
        let filter = json!({"messageType": ["ComplianceChangeNotification"], "resourceType": ["AWS::EC2::SecurityGroup"]});
        let change = |kind: &str, of: &str| json!({"messageType": kind, "resourceType": of});
        assert!(body(
            &filter,
            &change("ComplianceChangeNotification", "AWS::EC2::SecurityGroup")
        ));
        assert!(!body(
            &filter,
            &change("ComplianceChangeNotification", "AWS::EC2::VPC")
        ));
        assert!(!body(
            &filter,
            &change(
                "ConfigurationItemChangeNotification",
                "AWS::EC2::SecurityGroup"
            )
        ));
        assert!(!body(
            &filter,
            &json!({"messageType": "ComplianceChangeNotification"})
        ));
        let filter = Filter::parse(&filter.to_string(), true).expect("a valid filter");
        assert!(!filter.admits_body("no json"));
    }

    #[test]
    fn conditions() {
        for (condition, value, expected) in [
            (json!("a"), json!("a"), true),
            (json!("a"), json!(["b", "a"]), true),
            (json!(1), json!(1.0), true),
            (json!(null), json!(null), true),
            (json!({"prefix": "ab"}), json!("abc"), true),
            (json!({"prefix": "ab"}), json!("xabc"), false),
            (json!({"suffix": "bc"}), json!("abc"), true),
            (json!({"equals-ignore-case": "AbC"}), json!("aBc"), true),
            (json!({"anything-but": ["a", "b"]}), json!("c"), true),
            (json!({"anything-but": "a"}), json!("a"), false),
            (
                json!({"anything-but": {"prefix": "a"}}),
                json!("abc"),
                false,
            ),
            (json!({"exists": true}), json!("x"), true),
            (json!({"exists": false}), json!("x"), false),
            (json!({"numeric": [">", 1, "<=", 5]}), json!(5), true),
            (json!({"numeric": [">", 1, "<=", 5]}), json!(1), false),
            (json!({"cidr": "10.0.0.0/8"}), json!("10.1.2.3"), true),
        ] {
            assert_eq!(
                body(&json!({"k": [condition]}), &json!({"k": value})),
                expected,
                "{condition} {value}"
            );
        }
        assert!(body(&json!({"k": [{"exists": false}]}), &json!({})));
        assert!(!body(&json!({"k": [{"anything-but": "a"}]}), &json!({})));
    }

    #[test]
    fn nested_filters_reach_into_lists() {
        let filter = json!({"detail": {"rules": {"port": [465]}}});
        assert!(body(
            &filter,
            &json!({"detail": {"rules": [{"port": 80}, {"port": 465}]}})
        ));
        assert!(!body(
            &filter,
            &json!({"detail": {"rules": [{"port": 80}]}})
        ));
        assert!(!body(&filter, &json!({"detail": 1})));
    }

    #[test]
    fn wrong_filters() {
        for filter in [
            "[",
            "[]",
            r#"{"a":"b"}"#,
            r#"{"a":[]}"#,
            r#"{"a":[{"regex":"x"}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":[{"numeric":["~",1]}]}"#,
            r#"{"$or":[{"a":["b"]}]}"#,
        ] {
            assert!(Filter::parse(filter, true).is_err(), "{filter}");
        }
        assert!(Filter::parse(r#"{"a":{"b":["c"]}}"#, false).is_err());
    }
}
