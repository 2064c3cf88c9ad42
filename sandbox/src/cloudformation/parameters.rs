//! Parameters: what a template asks for, what a caller gives, and whether the two fit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::allowed_pattern::Pattern;
use super::invalid;
use super::limits::PARAMETER_BYTES;
pub(super) use super::parameter_types::{Element, ParameterType};
use super::template::Template;
use crate::allowance::Allowance;
use crate::bounded_regex::STEPS;
use crate::error::ApiError;

/// A parameter as the template declares it.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) kind: ParameterType,
    pub(super) type_name: String,
    pub(super) default: Option<String>,
    pub(super) description: Option<String>,
    pub(super) no_echo: bool,
    pub(super) allowed_values: Vec<String>,
    pattern: Option<Pattern>,
    length: (Option<u64>, Option<u64>),
    range: (Option<f64>, Option<f64>),
    constraint: Option<String>,
}

impl Parameter {
    /// Reads a declaration.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(super) fn read(name: &str, value: Value) -> Result<Self, ApiError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(invalid(format!(
                "Template format error: Parameter name {name} is non alphanumeric."
            )));
        }
        let Value::Object(mut members) = value else {
            return Err(invalid(format!(
                "Template format error: Every Parameters object must contain a Type member ({name})."
            )));
        };
        let type_name = text(&mut members, name, "Type")?.ok_or_else(|| {
            invalid("Template format error: Every Parameters object must contain a Type member.")
        })?;
        let parameter = Self {
            kind: ParameterType::parse(name, &type_name)?,
            type_name,
            default: text(&mut members, name, "Default")?,
            description: text(&mut members, name, "Description")?,
            no_echo: text(&mut members, name, "NoEcho")?.is_some_and(|flag| flag == "true"),
            allowed_values: allowed_values(&mut members, name)?,
            pattern: pattern(&mut members, name)?,
            length: (
                number(&mut members, name, "MinLength")?,
                number(&mut members, name, "MaxLength")?,
            ),
            range: (
                number(&mut members, name, "MinValue")?,
                number(&mut members, name, "MaxValue")?,
            ),
            constraint: text(&mut members, name, "ConstraintDescription")?,
        };
        match members.keys().next() {
            None => Ok(parameter),
            Some(other) => Err(invalid(format!(
                "Invalid template parameter property '{other}'"
            ))),
        }
    }

    /// The value that `Ref` gives: text, or a list of texts.
    pub(super) fn value(&self, text: &str) -> Value {
        if self.kind.list {
            Value::from(elements(text))
        } else {
            Value::from(text)
        }
    }

    fn check(&self, name: &str, given: &str, steps: &Allowance) -> Result<(), ApiError> {
        if given.len() > PARAMETER_BYTES {
            // The sandbox's own words.
            return Err(invalid(format!(
                "Parameter '{name}' must contain at most {PARAMETER_BYTES} bytes"
            )));
        }
        let values = if self.kind.list {
            elements(given)
        } else {
            vec![given.to_owned()]
        };
        let allowed: BTreeSet<&str> = self.allowed_values.iter().map(String::as_str).collect();
        for value in &values {
            if let Some(why) = self.violation(name, value, &allowed, steps)? {
                return Err(invalid(match &self.constraint {
                    Some(constraint) => {
                        format!("Parameter {name} failed to satisfy constraint: {constraint}")
                    }
                    None => why,
                }));
            }
        }
        Ok(())
    }

    fn violation(
        &self,
        name: &str,
        value: &str,
        allowed: &BTreeSet<&str>,
        steps: &Allowance,
    ) -> Result<Option<String>, ApiError> {
        if let Some(why) = self.outside(name, value) {
            return Ok(Some(why));
        }
        if !allowed.is_empty() && !allowed.contains(value) {
            return Ok(Some(format!(
                "Parameter '{name}' must be one of AllowedValues"
            )));
        }
        match &self.pattern {
            Some(pattern) if !pattern.matches(value, steps)? => Ok(Some(format!(
                "Parameter '{name}' must match pattern {}",
                pattern.text
            ))),
            _ => Ok(None),
        }
    }

    /// What is wrong with the range or the length of a value.
    fn outside(&self, name: &str, value: &str) -> Option<String> {
        let length = value.chars().count() as u64;
        if self.kind.element == Element::Number {
            let Ok(number) = value.parse::<f64>() else {
                return Some(format!("Parameter '{name}' must be a number."));
            };
            if let Some(min) = self.range.0.filter(|min| number < *min) {
                return Some(format!(
                    "Parameter '{name}' must be a number not less than {min}"
                ));
            }
            if let Some(max) = self.range.1.filter(|max| number > *max) {
                return Some(format!(
                    "Parameter '{name}' must be a number not greater than {max}"
                ));
            }
        } else if let Some(min) = self.length.0.filter(|min| length < *min) {
            return Some(format!(
                "Parameter '{name}' must contain at least {min} characters"
            ));
        } else if let Some(max) = self.length.1.filter(|max| length > *max) {
            return Some(format!(
                "Parameter '{name}' must contain at most {max} characters"
            ));
        }
        None
    }
}

fn elements(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',')
        .map(|element| element.trim().to_owned())
        .collect()
}

fn text(
    members: &mut Map<String, Value>,
    name: &str,
    member: &str,
) -> Result<Option<String>, ApiError> {
    members
        .remove(member)
        .map(|value| {
            scalar(&value).ok_or_else(|| {
                invalid(format!(
                    "Template format error: Every {member} member must be a string (parameter {name})."
                ))
            })
        })
        .transpose()
}

/// A scalar as the text that AWS makes of it.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number<T: std::str::FromStr>(
    members: &mut Map<String, Value>,
    name: &str,
    member: &str,
) -> Result<Option<T>, ApiError> {
    text(members, name, member)?
        .map(|text| {
            text.parse().map_err(|_| {
                invalid(format!(
                    "Template format error: {member} of parameter {name} must be a number."
                ))
            })
        })
        .transpose()
}

fn allowed_values(members: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, ApiError> {
    let wrong = || {
        invalid(format!(
            "Template format error: AllowedValues of parameter {name} must be a list of strings."
        ))
    };
    match members.remove("AllowedValues") {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) if !values.is_empty() => values
            .iter()
            .map(|value| scalar(value).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn pattern(members: &mut Map<String, Value>, name: &str) -> Result<Option<Pattern>, ApiError> {
    let text = text(members, name, "AllowedPattern")?;
    text.map(|text| Pattern::compile(name, text)).transpose()
}

/// A parameter of a request.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) name: String,
    /// `None` asks for the value of the stack as it is.
    pub(super) value: Option<String>,
}

/// Fits what was given to what the template asks for. `previous` holds the values of the stack that is updated.
///
/// # Errors
/// `ValidationError` for missing, unknown, repeated or unfitting values.
pub(super) fn bind(
    template: &Template,
    given: &[Given],
    previous: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut values = BTreeMap::new();
    let mut unknown = Vec::new();
    for parameter in given {
        if !template.parameters.contains_key(&parameter.name) {
            unknown.push(parameter.name.clone());
            continue;
        }
        let value = match &parameter.value {
            Some(value) => value.clone(),
            None => previous.get(&parameter.name).cloned().ok_or_else(|| {
                invalid(format!(
                    "Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a parameter key not in the previous template",
                    parameter.name
                ))
            })?,
        };
        if values.insert(parameter.name.clone(), value).is_some() {
            return Err(invalid(format!(
                "Parameters: [{}] must not be given more than once",
                parameter.name
            )));
        }
    }
    if !unknown.is_empty() {
        return Err(invalid(format!(
            "Parameters: [{}] do not exist in the template",
            unknown.join(", ")
        )));
    }
    let mut missing = Vec::new();
    for (name, parameter) in &template.parameters {
        if values.contains_key(name) {
            continue;
        }
        match &parameter.default {
            Some(default) => {
                values.insert(name.clone(), default.clone());
            }
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(invalid(format!(
            "Parameters: [{}] must have values",
            missing.join(", ")
        )));
    }
    let steps = Allowance::of(STEPS);
    for (name, parameter) in &template.parameters {
        parameter.check(name, &values[name], &steps)?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;

    fn with(parameters: &str, given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
        let template = Template::parse(&format!(
            "Parameters:\n  P: {parameters}\nResources:\n  T:\n    Type: AWS::SNS::Topic\n"
        ))
        .unwrap();
        let given: Vec<Given> = given
            .iter()
            .map(|(name, value)| Given {
                name: (*name).to_owned(),
                value: Some((*value).to_owned()),
            })
            .collect();
        bind(&template, &given, &BTreeMap::new()).map_err(|error| error.message)
    }

    #[test]
    fn values_must_fit() {
        let refused = |parameters, value| with(parameters, &[("P", value)]).unwrap_err();
        assert_eq!(
            refused("{Type: String, AllowedPattern: 'a+'}", "xaax"),
            "Parameter 'P' must match pattern a+"
        );
        assert_eq!(
            refused(
                "{Type: String, AllowedPattern: '[a-z]*|b', ConstraintDescription: be small}",
                "A"
            ),
            "Parameter P failed to satisfy constraint: be small"
        );
        assert_eq!(
            refused("{Type: Number}", "1x"),
            "Parameter 'P' must be a number."
        );
        assert_eq!(
            refused("{Type: Number, MinValue: 3}", "2"),
            "Parameter 'P' must be a number not less than 3"
        );
        assert_eq!(
            refused("{Type: String, MaxLength: 3}", "abcd"),
            "Parameter 'P' must contain at most 3 characters"
        );
        assert_eq!(
            refused("{Type: String, AllowedValues: [arm64]}", "x"),
            "Parameter 'P' must be one of AllowedValues"
        );
        assert_eq!(
            refused("{Type: CommaDelimitedList, AllowedValues: [a, b]}", "a,c"),
            "Parameter 'P' must be one of AllowedValues"
        );
        assert!(with("{Type: Number, AllowedValues: [1, 14]}", &[("P", "14")]).is_ok());
    }

    #[test]
    fn missing_and_unknown_ones_are_named() {
        assert_eq!(
            with("{Type: String}", &[]).unwrap_err(),
            "Parameters: [P] must have values"
        );
        assert_eq!(
            with("{Type: String, Default: ''}", &[("Q", "1")]).unwrap_err(),
            "Parameters: [Q] do not exist in the template"
        );
        assert_eq!(with("{Type: String, Default: ''}", &[]).unwrap()["P"], "");
    }
}
