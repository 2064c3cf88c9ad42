//! `AllowedPattern` of a parameter.

use super::invalid;
use crate::allowance::Allowance;
use crate::bounded_regex::{BoundedRegex, STEPS};
use crate::error::ApiError;

/// A pattern that has been understood.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) text: String,
    regex: BoundedRegex,
}

impl Pattern {
    /// Compiles a pattern. AWS matches the whole value, whether or not the pattern says so.
    ///
    /// # Errors
    /// `ValidationError` for what is no pattern, is too large, or is one of Java's that the engine does not have.
    pub(super) fn compile(parameter: &str, text: String) -> Result<Self, ApiError> {
        match BoundedRegex::compile(&format!("^(?:{text})$")) {
            Ok(regex) => Ok(Self { text, regex }),
            Err(error) => Err(invalid(format!(
                "Template format error: AllowedPattern of parameter {parameter} cannot be used by the sandbox: {error}"
            ))),
        }
    }

    /// Whether the whole value matches.
    ///
    /// # Errors
    /// `ValidationError` when that may take more steps than there are.
    pub(super) fn matches(&self, value: &str, steps: &Allowance) -> Result<bool, ApiError> {
        self.regex.is_match(value, steps).ok_or_else(|| {
            invalid(format!(
                "Parameter validation failed: matching the AllowedPatterns of this template takes more than the {} million steps that the sandbox allows; use shorter patterns or values",
                STEPS / 1_000_000
            ))
        })
    }
}
