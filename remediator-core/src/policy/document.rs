//! The long form of a policy: a document, in JSON where the function reads it.

use super::{Policy, PolicyError, VERSION, object, shown};
use crate::baseline::{self, Baseline};
use crate::rule::Rule;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::error::Error;
use std::str::FromStr;

impl Policy {
    /// Reads a policy document in JSON.
    ///
    /// # Errors
    /// [`PolicyError`], which names the place.
    pub fn from_document(json: &str) -> Result<Self, PolicyError> {
        Self::from_object(&object(json)?)
    }

    /// Reads a policy document, already parsed.
    ///
    /// # Errors
    /// [`PolicyError`], which names the place.
    pub fn from_object(document: &Map<String, Value>) -> Result<Self, PolicyError> {
        // The keys come first: a document of another version may have others.
        if document.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(PolicyError::Version);
        }
        let mut policy = Self::default();
        for (key, value) in document {
            if key != "version" {
                policy.set(key, value)?;
            }
        }
        Ok(policy)
    }
}

/// `true` or `false`, also as text in any case.
pub(super) fn boolean(path: &str, value: &Value) -> Result<bool, PolicyError> {
    let text = match value {
        Value::Bool(value) => return Ok(*value),
        Value::String(text) => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    match text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(PolicyError::Type {
            path: path.to_owned(),
            expected: "`true` or `false`",
        }),
    }
}

/// A text in the notation of its kind.
pub(super) fn word<T>(path: &str, value: &Value) -> Result<T, PolicyError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text = value.as_str().ok_or_else(|| PolicyError::Type {
        path: path.to_owned(),
        expected: "a string",
    })?;
    text.parse().map_err(|e| PolicyError::value(path, e))
}

/// A preset or rules in one text, or a list of rules: each a text, or an object that may name
/// several ports and sources at once.
pub(super) fn baseline(path: &str, value: &Value) -> Result<Baseline, PolicyError> {
    let Value::Array(entries) = value else {
        return word(path, value);
    };
    if entries.is_empty() {
        return Err(PolicyError::Type {
            path: path.to_owned(),
            expected: "a list with at least one rule (say `none` for no rule)",
        });
    }
    let mut rules = BTreeSet::new();
    for (i, value) in entries.iter().enumerate() {
        let path = format!("{path}[{i}]");
        match value {
            Value::String(text) => {
                rules.insert(baseline::entry(text).map_err(|e| PolicyError::value(&path, e))?);
            }
            Value::Object(entry) => add(&mut rules, &path, entry)?,
            _ => {
                return Err(PolicyError::Type {
                    path,
                    expected: "a rule like `tcp:443:0.0.0.0/0`, or an object with `protocol`, `ports` and `sources`",
                });
            }
        }
    }
    Ok(Baseline::of(rules))
}

const RULE_KEYS: [&str; 3] = ["protocol", "ports", "sources"];

fn add(
    rules: &mut BTreeSet<Rule>,
    path: &str,
    entry: &Map<String, Value>,
) -> Result<(), PolicyError> {
    if let Some(key) = entry.keys().find(|key| !RULE_KEYS.contains(&key.as_str())) {
        return Err(PolicyError::Unknown {
            path: format!("{path}.{}", shown(key)),
            known: format!("`{}`", RULE_KEYS.join("`, `")),
        });
    }
    let texts = |key: &str, absent: Option<&str>| -> Result<Vec<(String, String)>, PolicyError> {
        let path = format!("{path}.{key}");
        let text = |path: String, value: &Value| match value {
            Value::String(text) => Ok((path, text.clone())),
            Value::Number(number) => Ok((path, number.to_string())),
            _ => Err(PolicyError::Type {
                path,
                expected: "a string or a number",
            }),
        };
        match (entry.get(key), absent) {
            (Some(Value::Array(values)), _) if !values.is_empty() => values
                .iter()
                .enumerate()
                .map(|(i, value)| text(format!("{path}[{i}]"), value))
                .collect(),
            (Some(value), _) => Ok(vec![text(path, value)?]),
            (None, Some(absent)) => Ok(vec![(path, absent.to_owned())]),
            (None, None) => Err(PolicyError::Type {
                path,
                expected: "given",
            }),
        }
    };
    let (at, protocol) = texts("protocol", None)?.remove(0);
    let protocol: crate::Protocol = (protocol.parse()).map_err(|e| PolicyError::value(&at, e))?;
    for (ports_at, ports) in texts("ports", Some("all"))? {
        for (source_at, source) in texts("sources", None)? {
            source
                .parse::<crate::Source>()
                .map_err(|e| PolicyError::value(&source_at, e))?;
            // Now only the ports can be wrong.
            let rule = format!("{protocol}:{ports}:{source}").parse();
            rules.insert(rule.map_err(|e: crate::RuleError| PolicyError::value(&ports_at, e))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::json;

    fn read(document: &Value) -> Result<Policy, PolicyError> {
        Policy::from_document(&document.to_string())
    }

    /// P4: the short form and the long form say the same.
    #[test]
    fn both_forms_say_the_same() {
        let long = json!({
            "version": 1, "debug": true, "mode": "audit", "match": "at-most", "scope": "vpc:vpc-0a",
            "baseline": [
                "tcp:443:0.0.0.0/0",
                {"protocol": "tcp", "ports": [22, "8000-8080"], "sources": ["10.0.0.0/8", "pl-0a"]},
                {"protocol": "icmp", "ports": "8/0", "sources": "::/0"},
                {"protocol": 50, "sources": "sg-0a"}
            ],
            "egress": "none", "exemptions": "ignore", "contested": "quarantine:3/60"
        });
        let short = json!({
            "debug": "true", "mode": "audit", "match": "at-most", "scope": "vpc:vpc-0a",
            "baseline": "tcp:443:0.0.0.0/0,tcp:22:10.0.0.0/8,tcp:22:pl-0a,tcp:8000-8080:10.0.0.0/8,tcp:8000-8080:pl-0a,icmp:8/0:::/0,50:all:sg-0a",
            "egress": "none", "exemptions": "ignore", "contested": "quarantine:3/60"
        });
        let short = Policy::from_parameters(&short.to_string()).unwrap();
        assert_eq!(read(&long).unwrap(), short);
        assert_eq!(read(&json!({"version": 1})).unwrap(), Policy::default());
    }

    /// P4: the schema that editors read knows the same words.
    #[test]
    fn the_schema_knows_every_word() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../docs/policy.schema.json")).unwrap();
        let words = |pointer: &str| -> BTreeSet<String> {
            let properties = schema.pointer(pointer).unwrap().as_object().unwrap();
            properties.keys().cloned().collect()
        };
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(words("/properties"), set(&crate::policy::KEYS));
        assert_eq!(words("/$defs/rule/anyOf/1/properties"), set(&RULE_KEYS));
    }

    /// P4: what is wrong in a document is named with its place.
    #[test]
    fn the_place_is_named() {
        for (document, path) in [
            (json!({}), "version"),
            (json!({"version": 2}), "version"),
            (json!({"version": "1"}), "version"),
            (json!({"version": 1, "colour": "red"}), "colour"),
            (json!({"version": 1, "debug": 1}), "debug"),
            (json!({"version": 1, "baseline": []}), "baseline"),
            (json!({"version": 1, "baseline": {}}), "baseline"),
            (
                json!({"version": 1, "baseline": ["tcp:443:0.0.0.0/0", "tcp:443"]}),
                "baseline[1]",
            ),
            (json!({"version": 1, "baseline": [7]}), "baseline[0]"),
            (
                json!({"version": 1, "baseline": [{"ports": 80, "sources": "::/0"}]}),
                "baseline[0].protocol",
            ),
            (
                json!({"version": 1, "baseline": [{"protocol": "esp", "sources": "::/0"}]}),
                "baseline[0].protocol",
            ),
            (
                json!({"version": 1, "baseline": [{"protocol": "tcp", "ports": 80}]}),
                "baseline[0].sources",
            ),
            (
                json!({"version": 1, "baseline": [{"protocol": "tcp", "ports": [80, 70000], "sources": "::/0"}]}),
                "baseline[0].ports[1]",
            ),
            (
                json!({"version": 1, "egress": [{"protocol": "tcp", "ports": 80, "sources": ["::/0", "home"]}]}),
                "egress[0].sources[1]",
            ),
            (
                json!({"version": 1, "egress": [{"protocol": "tcp", "port": 80, "sources": "::/0"}]}),
                "egress[0].port",
            ),
            (json!({"version": 1, "mode": 7}), "mode"),
        ] {
            let error = read(&document).unwrap_err();
            assert_eq!(error.path(), path, "{document}: {error}");
            assert!(error.to_string().contains(path), "{error}");
        }
    }
}
