//! What a rule asks for: its parameters, or a document kept elsewhere. `docs/policy.md` tells it to people.

mod document;

use crate::baseline::Baseline;
use crate::contested::Contested;
use crate::exemption::Exemptions;
use crate::scope::Scope;
use serde::Serialize;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The one version of the schema there is.
pub const VERSION: u64 = 1;

/// What a policy may say, in the order of the documentation.
pub const KEYS: [&str; 9] = [
    "version",
    "debug",
    "baseline",
    "match",
    "egress",
    "mode",
    "scope",
    "exemptions",
    "contested",
];

/// Whether drift is repaired or only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Repair drift.
    #[default]
    Enforce,
    /// Report drift, write nothing.
    Audit,
}

/// How a group is held against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// Exactly the approved rules.
    #[default]
    Exact,
    /// Nothing beyond the approved rules; narrower is fine, and so is less.
    AtMost,
}

/// A word that is not one of those that are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {known}")]
pub struct WordError {
    given: String,
    known: &'static str,
}

macro_rules! words {
    ($type:ty, $known:literal, $($variant:path => $word:literal),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($variant => $word),+ })
            }
        }

        impl FromStr for $type {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                match text {
                    $($word => Ok($variant),)+
                    other => Err(WordError { given: shown(other), known: $known }),
                }
            }
        }
    };
}

words!(Mode, "`enforce` or `audit`", Mode::Enforce => "enforce", Mode::Audit => "audit");
words!(Matching, "`exact` or `at-most`", Matching::Exact => "exact", Matching::AtMost => "at-most");

/// What to do about which groups, with the documented default for everything that is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Policy {
    /// `debug`: log the received event and the group's definition too. Default: false.
    pub debug: bool,
    /// `baseline`: what the inbound rules shall be. Default: `ipv4`.
    pub baseline: Baseline,
    /// `match`: exactly that, or at most. Default: `exact`.
    #[serde(rename = "match")]
    pub matching: Matching,
    /// `egress`: what the outbound rules shall be. Default: they are neither judged nor written.
    pub egress: Option<Baseline>,
    /// `mode`: repair, or only report. Default: `enforce`.
    pub mode: Mode,
    /// `scope`: which groups are ours. Default: no restriction here.
    pub scope: Scope,
    /// `exemptions`: whether a tag may exempt a group for a while. Default: `honour`.
    pub exemptions: Exemptions,
    /// `contested`: what to do about a group that comes back broken. Default: `report`.
    pub contested: Contested,
}

/// Where the policy of a rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// In the parameters themselves.
    Here(Policy),
    /// In a parameter of SSM Parameter Store, as a document in JSON.
    Stored {
        /// The parameter's name, like `/driftlab/policy`.
        name: String,
        /// `debug` of the rule, if it says so; wins over that of the document.
        debug: Option<bool>,
    },
}

/// A policy that cannot be followed. A healer that guesses is an outage.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not an object.
    #[error("the policy is not a JSON object")]
    NotAnObject(#[source] Option<serde_json::Error>),
    /// A parameter nobody knows.
    #[error("unknown parameter `{path}` (known: {known})")]
    Unknown {
        /// Where, like `baseline[0].port`.
        path: String,
        /// What there could be.
        known: String,
    },
    /// A parameter of the wrong JSON type. Config's own are strings only.
    #[error("parameter `{path}` is not {expected}")]
    Type {
        /// Where.
        path: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A parameter that does not have the notation of its kind.
    #[error("parameter `{path}` is malformed")]
    Value {
        /// Where.
        path: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A document without `version`, or of one that this program does not know.
    #[error("parameter `version` is not {VERSION}, the one version there is")]
    Version,
    /// `policy` beside a parameter that the document may set.
    #[error("parameter `{0}` cannot stand beside `policy`: set it in the document")]
    Beside(String),
    /// The parameters only say where the policy is.
    #[error("the policy is kept in the SSM parameter `{0}`")]
    Elsewhere(String),
}

impl PolicyError {
    /// Where in the policy it is, like `baseline[2].source`; nothing where it is everywhere.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Unknown { path, known: _ }
            | Self::Type { path, expected: _ }
            | Self::Value { path, source: _ } => path,
            Self::Version => "version",
            Self::Beside(name) => name,
            Self::NotAnObject(_) | Self::Elsewhere(_) => "",
        }
    }

    fn value<E: Error + Send + Sync + 'static>(path: &str, source: E) -> Self {
        Self::Value {
            path: path.to_owned(),
            source: Box::new(source),
        }
    }
}

impl PolicySource {
    /// Reads `ruleParameters`: a JSON object of strings, possibly `{}`.
    ///
    /// # Errors
    /// [`PolicyError`], which names the parameter.
    pub fn from_parameters(json: &str) -> Result<Self, PolicyError> {
        let parameters = object(json)?;
        let mut policy = Policy::default();
        for (name, value) in &parameters {
            let Value::String(text) = value else {
                return Err(PolicyError::Type {
                    path: shown(name),
                    expected: "a string",
                });
            };
            match name.as_str() {
                "policy" => {}
                "version" if *text != VERSION.to_string() => return Err(PolicyError::Version),
                "version" => {}
                _ => policy.set(name, value)?,
            }
        }
        let Some(reference) = parameters.get("policy").and_then(Value::as_str) else {
            return Ok(Self::Here(policy));
        };
        let beside = |name: &&String| !matches!(name.as_str(), "policy" | "debug");
        if let Some(name) = parameters.keys().find(beside) {
            return Err(PolicyError::Beside(shown(name)));
        }
        let debug = parameters.contains_key("debug").then_some(policy.debug);
        Ok(Self::Stored {
            name: stored(reference)?,
            debug,
        })
    }
}

/// The name in `ssm:/driftlab/policy`.
fn stored(reference: &str) -> Result<String, PolicyError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_./:-".contains(c);
    match reference.strip_prefix("ssm:") {
        Some(name) if !name.is_empty() && name.len() <= 1011 && name.chars().all(known) => {
            Ok(name.to_owned())
        }
        Some(_) | None => Err(PolicyError::Type {
            path: "policy".to_owned(),
            expected: "`ssm:` and the name of a parameter, like `ssm:/driftlab/policy`",
        }),
    }
}

impl Policy {
    /// Reads `ruleParameters` that hold the policy themselves.
    ///
    /// # Errors
    /// [`PolicyError`], which names the parameter; [`PolicyError::Elsewhere`] where they only say
    /// where it is.
    pub fn from_parameters(json: &str) -> Result<Self, PolicyError> {
        match PolicySource::from_parameters(json)? {
            PolicySource::Here(policy) => Ok(policy),
            PolicySource::Stored { name, debug: _ } => Err(PolicyError::Elsewhere(name)),
        }
    }

    /// The `InputParameters` of a rule with this policy: what [`Policy::from_parameters`] reads.
    #[must_use]
    pub fn to_parameters(&self) -> String {
        let Self {
            debug,
            baseline,
            matching,
            egress,
            mode,
            scope,
            exemptions,
            contested,
        } = self;
        let mut parameters = Map::new();
        let mut put = |name: &str, value: String| parameters.insert(name.to_owned(), value.into());
        put("debug", debug.to_string());
        put("baseline", baseline.to_string());
        put("mode", mode.to_string());
        if *matching != Matching::default() {
            put("match", matching.to_string());
        }
        if let Some(egress) = egress {
            put("egress", egress.to_string());
        }
        if *scope != Scope::Unrestricted {
            put("scope", scope.to_string());
        }
        if *exemptions != Exemptions::default() {
            put("exemptions", exemptions.to_string());
        }
        if *contested != Contested::default() {
            put("contested", contested.to_string());
        }
        Value::Object(parameters).to_string()
    }

    /// Sets what one key of a policy says; `version` is the caller's affair.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), PolicyError> {
        match key {
            "debug" => self.debug = document::boolean(key, value)?,
            "baseline" => self.baseline = document::baseline(key, value)?,
            "match" => self.matching = document::word(key, value)?,
            "egress" => self.egress = Some(document::baseline(key, value)?),
            "mode" => self.mode = document::word(key, value)?,
            "scope" => self.scope = document::word(key, value)?,
            "exemptions" => self.exemptions = document::word(key, value)?,
            "contested" => self.contested = document::word(key, value)?,
            other => {
                return Err(PolicyError::Unknown {
                    path: shown(other),
                    known: format!("`{}`", KEYS.join("`, `")),
                });
            }
        }
        Ok(())
    }
}

fn object(json: &str) -> Result<Map<String, Value>, PolicyError> {
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(PolicyError::NotAnObject(None)),
        Err(error) => Err(PolicyError::NotAnObject(Some(error))),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    /// P1: an absent parameter has its documented default.
    #[test]
    fn no_parameters_mean_the_defaults() {
        let policy = Policy::from_parameters("{}").unwrap();
        let expected = Policy {
            debug: false,
            baseline: Baseline::ipv4(),
            matching: Matching::Exact,
            egress: None,
            mode: Mode::Enforce,
            scope: Scope::Unrestricted,
            exemptions: Exemptions::Honour,
            contested: "report:6/60".parse().unwrap(),
        };
        assert_eq!(policy, expected);
    }

    #[test]
    fn debug_is_read_in_any_case() {
        for (value, expected) in [
            ("true", true),
            ("TRUE", true),
            ("False", false),
            ("FALSE", false),
        ] {
            let policy = Policy::from_parameters(&format!(r#"{{"debug":"{value}"}}"#)).unwrap();
            assert_eq!(policy.debug, expected, "{value}");
        }
    }

    /// P2: an unknown or malformed parameter is an error that names it.
    #[test]
    fn what_cannot_be_followed_is_named() {
        for (json, name) in [
            (r#"{"debug":"yes"}"#, "`debug`"),
            (r#"{"debug":""}"#, "`debug`"),
            (r#"{"debug":true}"#, "`debug`"),
            (r#"{"Debug":"true"}"#, "`Debug`"),
            (r#"{"baseline":"ipv6"}"#, "`baseline`"),
            (r#"{"baseline":""}"#, "`baseline`"),
            (r#"{"baseline":["ipv4"]}"#, "`baseline`"),
            (r#"{"match":"about"}"#, "`match`"),
            (r#"{"egress":"open"}"#, "`egress`"),
            (r#"{"mode":"dry-run"}"#, "`mode`"),
            (r#"{"scope":"region"}"#, "`scope`"),
            (r#"{"scope":null}"#, "`scope`"),
            (r#"{"exemptions":"yes"}"#, "`exemptions`"),
            (r#"{"contested":"fight"}"#, "`contested`"),
            (r#"{"version":"2"}"#, "`version`"),
            (r#"{"policy":"/driftlab/policy"}"#, "`policy`"),
            (r#"{"policy":"ssm:"}"#, "`policy`"),
            (r#"{"policy":"ssm:/a b"}"#, "`policy`"),
            (r#"{"policy":"ssm:/p","mode":"audit"}"#, "`mode`"),
            (r#"{"ports":"80"}"#, "`ports`"),
            ("", "JSON object"),
            ("[]", "JSON object"),
            ("null", "JSON object"),
        ] {
            let error = PolicySource::from_parameters(json).unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }

    /// P3: the parameters may say that the policy is kept in Parameter Store.
    #[test]
    fn a_policy_that_is_kept_elsewhere() {
        for (json, debug) in [
            (r#"{"policy":"ssm:/driftlab/policy:3"}"#, None),
            (
                r#"{"policy":"ssm:/driftlab/policy:3","debug":"true"}"#,
                Some(true),
            ),
        ] {
            let expected = PolicySource::Stored {
                name: "/driftlab/policy:3".to_owned(),
                debug,
            };
            assert_eq!(PolicySource::from_parameters(json).unwrap(), expected);
            let error = Policy::from_parameters(json).unwrap_err().to_string();
            assert!(error.contains("`/driftlab/policy:3`"), "{error}");
        }
    }

    #[test]
    fn a_policy_survives_its_own_parameters() {
        for json in [
            "{}",
            r#"{"debug":"true","baseline":"dual-stack","mode":"audit","scope":"vpc:vpc-0a"}"#,
            r#"{"baseline":"tcp:22:10.0.0.0/8,icmp:8/0:::/0","scope":"tag:a=\"b\""}"#,
            r#"{"version":"1","baseline":"none","match":"at-most","egress":"tcp:443:0.0.0.0/0","exemptions":"ignore","contested":"leave:3/60"}"#,
        ] {
            let policy = Policy::from_parameters(json).unwrap();
            assert_eq!(
                Policy::from_parameters(&policy.to_parameters()).unwrap(),
                policy,
                "{json}"
            );
        }
    }
}
