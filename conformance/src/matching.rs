//! Whether an answer is what a scenario expects.
//!
//! Expected members must be there; others may be. A list is expected as a whole, in order. Texts may hold `*`, which
//! stands for any run of characters. `null` expects absence. Beside these: `{$some: [a, b]}`, each of these is somewhere
//! in the list; `{$count: n}`, a list of that length; `{$not: x}`, anything else; `{$parsed: x}`, a text that is JSON and
//! holds `x`; `{$gunzipped: x}`, bytes that hold such a text, compressed.
//!
//! Clients name members each in its own way (`roleARN`, `role_arn`) and Rust's enums have names instead of values
//! (`InclusionByResourceTypes`): names are compared by their letters and digits alone.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// In front of the name of an enum's variant, where a client shows that instead of a value.
pub const VARIANT: char = '\u{1}';

/// What the SDK shows instead of a sensitive value. It says that there is one, not which.
const REDACTED: &str = "*** Sensitive Data Redacted ***";

/// Compares; the error says where and how they differ.
///
/// # Errors
/// The first difference.
pub fn check(expected: &Value, actual: &Value) -> Result<(), String> {
    compare(expected, actual, "")
}

/// Follows a path of member names and list indices separated by dots.
pub fn find<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .filter(|part| !part.is_empty())
        .try_fold(tree, |tree, part| match tree {
            Value::Object(members) => member(members, part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
}

fn compare(expected: &Value, actual: &Value, at: &str) -> Result<(), String> {
    if actual.as_str() == Some(REDACTED) && !expected.is_null() {
        return Ok(());
    }
    let differs = || Err(format!("`{at}` should be {expected}, but is {actual}"));
    match expected {
        Value::Null => {
            if actual.is_null() {
                Ok(())
            } else {
                differs()
            }
        }
        Value::Bool(_) | Value::Number(_) => match actual {
            // XML knows only text.
            Value::String(text) => {
                let shown = expected.to_string();
                if shown == *text { Ok(()) } else { differs() }
            }
            Value::Number(number) if number.as_f64() == expected.as_f64() => Ok(()),
            _ if expected == actual => Ok(()),
            _ => differs(),
        },
        Value::String(pattern) => text(pattern, actual).or_else(|()| differs()),
        Value::Array(items) => {
            let found = list(actual);
            if items.len() != found.len() {
                return differs();
            }
            for (index, (item, found)) in items.iter().zip(found).enumerate() {
                compare(item, found, &format!("{at}.{index}"))?;
            }
            Ok(())
        }
        Value::Object(members) => structure(members, actual, at),
    }
}

fn structure(members: &Map<String, Value>, actual: &Value, at: &str) -> Result<(), String> {
    for (name, expected) in members {
        match name.as_str() {
            "$some" => {
                for item in list(expected) {
                    if !list(actual).iter().any(|found| check(item, found).is_ok()) {
                        return Err(format!("`{at}` should hold {item}, but is {actual}"));
                    }
                }
            }
            "$count" => {
                if expected.as_u64() != Some(list(actual).len() as u64) {
                    return Err(format!(
                        "`{at}` should have {expected} items, but is {actual}"
                    ));
                }
            }
            "$not" => {
                if compare(expected, actual, at).is_ok() {
                    return Err(format!("`{at}` should not be {expected}"));
                }
            }
            "$parsed" => {
                let parsed = actual
                    .as_str()
                    .and_then(|text| serde_json::from_str(text).ok());
                let Some(parsed) = parsed else {
                    return Err(format!("`{at}` should be JSON, but is {actual}"));
                };
                compare(expected, &parsed, at)?;
            }
            "$gunzipped" => {
                let Some(parsed) = gunzipped(actual) else {
                    return Err(format!("`{at}` should be compressed JSON, but is {actual}"));
                };
                compare(expected, &parsed, at)?;
            }
            _ => {
                let found = match actual {
                    Value::Object(found) => member(found, name).unwrap_or(&Value::Null),
                    _ => &Value::Null,
                };
                compare(expected, found, &format!("{at}.{name}"))?;
            }
        }
    }
    Ok(())
}

fn gunzipped(bytes: &Value) -> Option<Value> {
    let bytes = BASE64_STANDARD
        .decode(bytes.get("$bytes")?.as_str()?)
        .ok()?;
    serde_json::from_reader(GzDecoder::new(bytes.as_slice())).ok()
}

/// An empty element of XML and an absent list are both empty lists.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(pattern: &str, actual: &Value) -> Result<(), ()> {
    let matches = match actual {
        Value::Null => false,
        Value::String(text) => match text.strip_prefix(VARIANT) {
            // The SDK calls `AWS::EC2::SecurityGroup` nothing but `SecurityGroup`.
            Some(variant) => {
                let name = pattern.rsplit("::").next().unwrap_or(pattern);
                [pattern, name]
                    .map(letters)
                    .iter()
                    .any(|name| glob(name, &letters(variant)))
            }
            None => glob(pattern, text),
        },
        other => pattern == "*" || glob(pattern, &other.to_string()),
    };
    if matches { Ok(()) } else { Err(()) }
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| {
        let wanted = letters(name);
        let mut found = members.iter().filter(|(name, _)| letters(name) == wanted);
        found.next().map(|(_, value)| value)
    })
}

fn letters(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '*')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_compared_by_their_letters() {
        let actual = json!({"role_arn": "arn:x", "use_only": "\u{1}InclusionByResourceTypes"});
        let expected = json!({"roleARN": "arn:*", "useOnly": "INCLUSION_BY_RESOURCE_TYPES"});
        assert_eq!(check(&expected, &actual), Ok(()));
        assert_eq!(find(&actual, "roleARN"), Some(&json!("arn:x")));
    }

    #[test]
    fn differences_are_found() {
        let actual = json!({"a": [1, "2"], "b": "text", "c": null, "d": "{\"x\": 1}"});
        for expected in [
            json!({"a": [1]}),
            json!({"a": [2, 2]}),
            json!({"b": "te*s"}),
            json!({"c": "*"}),
            json!({"b": null}),
            json!({"a": {"$some": [3]}}),
            json!({"a": {"$count": 1}}),
            json!({"b": {"$not": "t*"}}),
            json!({"b": {"$parsed": {}}}),
            json!({"d": {"$parsed": {"x": 2}}}),
            json!({"b": {"$gunzipped": {}}}),
        ] {
            assert!(check(&expected, &actual).is_err(), "{expected}");
        }
        let expected = json!({"a": [1, 2], "b": "t*xt", "c": null, "e": null, "d": {"$parsed": {"x": 1}}, "a": {"$some": [2]}});
        assert_eq!(check(&expected, &actual), Ok(()));
    }
}
