//! What is kept of inputs and outputs: enough to tell what happened, and nothing that is a secret.

use serde_json::{Map, Value, json};

/// Longer texts in inputs and answers are cut here, in characters: templates, payloads, policies.
const MAX_TEXT: usize = 2_048;

/// Longer lists are cut here.
const MAX_ITEMS: usize = 100;

/// A structure that is larger than this is left out, in bytes: CloudTrail's own limit for
/// `requestParameters` (CloudTrail User Guide, "CloudTrail record contents").
const MAX_KEPT: usize = 100 * 1024;

/// What stands in the place of secrets: CloudTrail's own words.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members that are secrets, or content of the customer that is nobody else's business.
const SECRETS: &[&str] = &[
    "logEvents",
    "Message",
    "ParameterValue",
    "Password",
    "ResultToken",
    "SecretAccessKey",
    "SecretBinary",
    "SecretString",
    "SessionToken",
    "Token",
    "Variables",
    "ZipFile",
];

/// A structure as it is kept: as text, which takes a tenth of the memory of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(Box<str>);

impl Default for Kept {
    /// Nothing: null.
    fn default() -> Self {
        Self("null".into())
    }
}

impl Kept {
    /// Keeps an output without its secrets.
    pub(crate) fn harmless(value: &Value) -> Self {
        Self::bounded(&harmless(value))
    }

    fn bounded(value: &Value) -> Self {
        let text = value.to_string();
        if text.len() <= MAX_KEPT {
            return Self(text.into());
        }
        let note = json!({"omitted": true, "originalSize": text.len(), "reason": "too large"});
        Self(note.to_string().into())
    }

    /// Bytes of text.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps an input without its secrets.
    pub(crate) fn input(operation: &str, value: &Value) -> Self {
        let mut kept = harmless(value);
        // Elsewhere a `Value` is a tag's or a filter's.
        if operation == "PutParameter" && kept.get("Value").is_some() {
            kept["Value"] = json!(HIDDEN);
        }
        Self::bounded(&kept)
    }

    /// Keeps a structure as it is.
    pub(crate) fn whole(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The structure again.
    pub fn value(&self) -> Value {
        // It was written from one, so it is one.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// An input or output as it may be kept: secrets hidden, long texts cut, absent members left out.
fn harmless(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let member = if SECRETS.contains(&name.as_str()) {
                    json!(HIDDEN)
                } else {
                    harmless(member)
                };
                kept.insert(name.clone(), member);
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let mut kept: Vec<Value> = items.iter().take(MAX_ITEMS).map(harmless).collect();
            if items.len() > MAX_ITEMS {
                kept.push(json!(format!("… ({} items)", items.len())));
            }
            Value::Array(kept)
        }
        Value::String(text) if text.len() > MAX_TEXT => {
            let head: String = text.chars().take(MAX_TEXT).collect();
            json!(format!("{head}… ({} bytes)", text.len()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn structure_over_the_limit_is_left_out_with_its_size() {
        let wide = |members: usize| -> Value {
            let members =
                (0..members).map(|number| (format!("{number:06}"), json!("x".repeat(90))));
            Value::Object(members.collect())
        };
        assert_eq!(Kept::harmless(&wide(900)).value(), wide(900));
        let kept = Kept::input("CreateStack", &wide(1_100));
        assert!(kept.len() < 100);
        assert_eq!(kept.value()["omitted"], true);
        assert!(kept.value()["originalSize"].as_u64().unwrap() > 100 * 1024);
    }

    #[test]
    fn secrets_are_not_kept_and_long_texts_are_cut() {
        let kept = harmless(&json!({
            "Code": {"ZipFile": "UEsDB", "S3Key": "k"},
            "Environment": {"Variables": {"PASSWORD": "hunter2"}},
            "TemplateBody": "x".repeat(MAX_TEXT + 1),
            "Keys": vec!["k"; MAX_ITEMS + 1],
            "Absent": null,
        }));
        assert_eq!(kept["Code"], json!({"ZipFile": HIDDEN, "S3Key": "k"}));
        assert!(!kept.to_string().contains("hunter2"));
        assert!(
            kept["TemplateBody"]
                .as_str()
                .unwrap()
                .ends_with("… (2049 bytes)")
        );
        assert_eq!(kept["Keys"].as_array().unwrap().len(), MAX_ITEMS + 1);
        assert_eq!(kept["Keys"][MAX_ITEMS], "… (101 items)");
        assert!(kept.get("Absent").is_none());
    }
}
