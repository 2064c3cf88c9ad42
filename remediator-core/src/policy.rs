//! What the rule's parameters ask for.

use crate::baseline::{Baseline, BaselineError};
use crate::scope::{Scope, ScopeError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

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

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        })
    }
}

/// A text that is neither `enforce` nor `audit`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mode (`enforce` or `audit`)")]
pub struct ModeError(String);

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        match text {
            "enforce" => Ok(Self::Enforce),
            "audit" => Ok(Self::Audit),
            other => Err(ModeError(shown(other))),
        }
    }
}

/// The rule parameters, with the documented default for each that is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Policy {
    /// `debug`: log the received event and the group's definition too. Default: false.
    pub debug: bool,
    /// `baseline`: what the inbound rules shall be. Default: `ipv4`.
    pub baseline: Baseline,
    /// `mode`: repair, or only report. Default: `enforce`.
    pub mode: Mode,
    /// `scope`: which groups are ours. Default: no restriction here.
    pub scope: Scope,
}

/// Rule parameters that cannot be followed. A healer that guesses is an outage.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not an object.
    #[error("rule parameters are not a JSON object")]
    NotAnObject(#[source] Option<serde_json::Error>),
    /// A parameter nobody knows.
    #[error("unknown rule parameter `{0}` (known: `debug`, `baseline`, `mode`, `scope`)")]
    Unknown(String),
    /// A parameter that is not a string. Config sends strings only.
    #[error("rule parameter `{0}` is not a string")]
    NotAString(&'static str),
    /// `debug` is neither true nor false.
    #[error("rule parameter `debug` is `{0}`, not `true` or `false`")]
    Debug(String),
    /// `baseline` is malformed.
    #[error("rule parameter `baseline` is malformed")]
    Baseline(#[source] BaselineError),
    /// `mode` is malformed.
    #[error("rule parameter `mode` is malformed")]
    Mode(#[source] ModeError),
    /// `scope` is malformed.
    #[error("rule parameter `scope` is malformed")]
    Scope(#[source] ScopeError),
}

impl Policy {
    /// Reads `ruleParameters`: a JSON object of strings, possibly `{}`.
    ///
    /// # Errors
    /// [`PolicyError`], which names the parameter.
    pub fn from_parameters(json: &str) -> Result<Self, PolicyError> {
        let value = serde_json::from_str(json).map_err(|e| PolicyError::NotAnObject(Some(e)))?;
        let Value::Object(parameters) = value else {
            return Err(PolicyError::NotAnObject(None));
        };
        Self::from_map(&parameters)
    }

    fn from_map(parameters: &Map<String, Value>) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        for (name, value) in parameters {
            match name.as_str() {
                "debug" => policy.debug = boolean(text("debug", value)?)?,
                "baseline" => {
                    let baseline = text("baseline", value)?.parse();
                    policy.baseline = baseline.map_err(PolicyError::Baseline)?;
                }
                "mode" => policy.mode = text("mode", value)?.parse().map_err(PolicyError::Mode)?,
                "scope" => {
                    policy.scope = text("scope", value)?.parse().map_err(PolicyError::Scope)?;
                }
                other => return Err(PolicyError::Unknown(shown(other))),
            }
        }
        Ok(policy)
    }

    /// The `InputParameters` of a rule with this policy: what [`Policy::from_parameters`] reads.
    #[must_use]
    pub fn to_parameters(&self) -> String {
        let Self {
            debug,
            baseline,
            mode,
            scope,
        } = self;
        let mut parameters = Map::new();
        parameters.insert("debug".to_owned(), debug.to_string().into());
        parameters.insert("baseline".to_owned(), baseline.to_string().into());
        parameters.insert("mode".to_owned(), mode.to_string().into());
        if *scope != Scope::Unrestricted {
            parameters.insert("scope".to_owned(), scope.to_string().into());
        }
        Value::Object(parameters).to_string()
    }
}

fn text<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, PolicyError> {
    value.as_str().ok_or(PolicyError::NotAString(name))
}

fn boolean(text: &str) -> Result<bool, PolicyError> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(PolicyError::Debug(shown(text)))
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
            mode: Mode::Enforce,
            scope: Scope::Unrestricted,
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
            (r#"{"mode":"dry-run"}"#, "`mode`"),
            (r#"{"scope":"region"}"#, "`scope`"),
            (r#"{"scope":null}"#, "`scope`"),
            (r#"{"ports":"80"}"#, "`ports`"),
            ("", "JSON object"),
            ("[]", "JSON object"),
            ("null", "JSON object"),
        ] {
            let error = Policy::from_parameters(json).unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }

    #[test]
    fn a_policy_survives_its_own_parameters() {
        for json in [
            "{}",
            r#"{"debug":"true","baseline":"dual-stack","mode":"audit","scope":"vpc:vpc-0a"}"#,
            r#"{"baseline":"tcp:22:10.0.0.0/8,icmp:8/0:::/0","scope":"tag:a=\"b\""}"#,
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
