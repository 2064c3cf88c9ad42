//! Conditions: what holds, and what does not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Scope, arguments, two};
use crate::cloudformation::graph;
use crate::cloudformation::invalid;
use crate::cloudformation::parameters::scalar;
use crate::cloudformation::references::{Reference, function, references};
use crate::error::ApiError;

/// Whether each condition of a template holds.
pub(in crate::cloudformation) type Truths = BTreeMap<String, bool>;

/// The conditions so that each stands after those that it is made of.
///
/// # Errors
/// `ValidationError` for a circle. Its words are those of Eucalyptus 4.4, which imitates AWS's (`TemplateParser`).
pub(in crate::cloudformation) fn order(
    conditions: &Map<String, Value>,
) -> Result<Vec<String>, ApiError> {
    let mut needs = BTreeMap::new();
    for (name, condition) in conditions {
        let named: BTreeSet<String> = references(condition)?
            .into_iter()
            .filter_map(|reference| match reference {
                Reference::Condition(target) => Some(target),
                Reference::Name(_) | Reference::Attribute(..) => None,
            })
            .collect();
        needs.insert(name.clone(), named);
    }
    graph::sorted(&needs).map_err(|circle| {
        invalid(format!(
            "Template error: Found circular condition dependency: [{}]",
            circle.join(", ")
        ))
    })
}

impl Scope<'_> {
    /// Evaluates each condition of the template once, each after those that it is made of: neither their number nor how
    /// they refer to each other makes it deep.
    ///
    /// # Errors
    /// `ValidationError`, also for conditions that refer to themselves.
    pub(in crate::cloudformation) fn truths(&self) -> Result<Truths, ApiError> {
        let mut truths = Truths::new();
        for name in order(&self.template.conditions)? {
            if let Some(condition) = self.template.conditions.get(&name) {
                let scope = Scope {
                    truths: &truths,
                    ..*self
                };
                let holds = scope.truth(condition)?;
                truths.insert(name, holds);
            }
        }
        Ok(truths)
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// `ValidationError` where there is no such condition.
    pub(in crate::cloudformation) fn condition(&self, name: &str) -> Result<bool, ApiError> {
        self.truths.get(name).copied().ok_or_else(|| {
            invalid(format!(
                "Template error: unresolved condition dependency {name} in Fn::If"
            ))
        })
    }

    fn truth(&self, value: &Value) -> Result<bool, ApiError> {
        match value.as_object().and_then(function) {
            Some((name, argument)) => self.truth_of(name, argument),
            None => Err(no_condition()),
        }
    }

    /// Whether a function holds.
    ///
    /// # Errors
    /// `ValidationError` for functions that do not, or whose arguments do not fit.
    pub(super) fn truth_of(&self, name: &str, argument: &Value) -> Result<bool, ApiError> {
        self.budget.spend_value(0)?;
        let operands = || {
            argument
                .as_array()
                .map(Vec::as_slice)
                .ok_or_else(|| arguments(name))
        };
        match name {
            "Condition" => self.condition(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => {
                let [left, right] = two(name, argument)?;
                Ok(self.comparable(left)? == self.comparable(right)?)
            }
            "Fn::Not" => match operands()? {
                [operand] => Ok(!self.truth(operand)?),
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
                    truths.push(self.truth(operand)?);
                }
                Ok(if name == "Fn::And" {
                    truths.iter().all(|truth| *truth)
                } else {
                    truths.contains(&true)
                })
            }
            _ => Err(no_condition()),
        }
    }

    /// Scalars are compared as texts: `14` and `"14"` are the same to CloudFormation.
    fn comparable(&self, value: &Value) -> Result<Value, ApiError> {
        let resolved = self.resolve(value)?.unwrap_or(Value::Null);
        Ok(scalar(&resolved).map_or(resolved, Value::String))
    }
}

fn no_condition() -> ApiError {
    invalid(
        "Template format error: Conditions can only be boolean operations on parameters and other conditions",
    )
}
