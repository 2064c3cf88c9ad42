//! Conditions: what holds, and what does not.

use serde_json::Value;

use super::{Scope, arguments, two};
use crate::cloudformation::invalid;
use crate::cloudformation::parameters::scalar;
use crate::cloudformation::references::function;
use crate::error::ApiError;

impl Scope<'_> {
    /// Whether the condition holds.
    ///
    /// # Errors
    /// `ValidationError`, also for conditions that refer to themselves.
    pub(in crate::cloudformation) fn condition(&self, name: &str) -> Result<bool, ApiError> {
        self.condition_at(name, 0)
    }

    fn condition_at(&self, name: &str, depth: usize) -> Result<bool, ApiError> {
        let condition = self.template.conditions.get(name).ok_or_else(|| {
            invalid(format!(
                "Template error: unresolved condition dependency {name} in Fn::If"
            ))
        })?;
        // More steps than there are conditions can only be a circle.
        if depth > self.template.conditions.len() {
            return Err(invalid(format!(
                "Template error: circular dependency between conditions, through {name}"
            )));
        }
        self.truth(condition, depth + 1)
    }

    pub(super) fn truth(&self, value: &Value, depth: usize) -> Result<bool, ApiError> {
        let Some((name, argument)) = value.as_object().and_then(function) else {
            return Err(invalid(
                "Template format error: Conditions can only be boolean operations on parameters and other conditions",
            ));
        };
        let operands = || {
            argument
                .as_array()
                .map(Vec::as_slice)
                .ok_or_else(|| arguments(name))
        };
        match name {
            "Condition" => self.condition_at(argument.as_str().unwrap_or_default(), depth),
            "Fn::Equals" => {
                let [left, right] = two(name, argument)?;
                Ok(self.comparable(left)? == self.comparable(right)?)
            }
            "Fn::Not" => match operands()? {
                [operand] => Ok(!self.truth(operand, depth)?),
                _ => Err(arguments(name)),
            },
            "Fn::And" | "Fn::Or" => {
                let operands = operands()?;
                if !(2..=10).contains(&operands.len()) {
                    return Err(invalid(format!(
                        "Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
                    )));
                }
                let mut truths = Vec::with_capacity(operands.len());
                for operand in operands {
                    truths.push(self.truth(operand, depth)?);
                }
                Ok(if name == "Fn::And" {
                    truths.iter().all(|truth| *truth)
                } else {
                    truths.contains(&true)
                })
            }
            _ => Err(invalid(
                "Template format error: Conditions can only be boolean operations on parameters and other conditions",
            )),
        }
    }

    /// Scalars are compared as texts: `14` and `"14"` are the same to CloudFormation.
    fn comparable(&self, value: &Value) -> Result<Value, ApiError> {
        let resolved = self.resolve(value)?.unwrap_or(Value::Null);
        Ok(scalar(&resolved).map_or(resolved, Value::String))
    }
}
