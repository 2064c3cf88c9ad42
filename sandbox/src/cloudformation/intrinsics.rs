//! The intrinsic functions: from a part of a template to the value that it stands for.

mod cidr;
mod conditions;

pub(super) use self::conditions::{Truths, order as condition_order};

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::budget::Budget;
use super::invalid;
use super::limits::VALUE_WORK;
use super::parameters::scalar;
use super::references::{Part, attribute, function, parts, substitution};
use super::template::Template;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};

/// Everything that a function can look at.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) template: &'a Template,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) account: &'a AccountId,
    pub(super) region: &'a Region,
    pub(super) stack_name: &'a str,
    pub(super) stack_id: &'a str,
    /// What `Ref` and `Fn::GetAtt` give for the resources that exist.
    pub(super) resources: &'a BTreeMap<String, Known>,
    /// Values by the name of the export.
    pub(super) exports: &'a BTreeMap<String, String>,
    /// Whether each condition holds.
    pub(super) truths: &'a Truths,
    /// What the work is paid from.
    pub(super) budget: &'a Budget,
}

/// A resource that exists, as other parts of the template see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) reference: String,
    pub(super) attributes: Map<String, Value>,
}

impl Scope<'_> {
    /// What `value` stands for; `None` where it stands for `AWS::NoValue`.
    ///
    /// # Errors
    /// `ValidationError` for functions whose arguments do not fit.
    pub(super) fn resolve(&self, value: &Value) -> Result<Option<Value>, ApiError> {
        match value {
            Value::String(text) if text.contains("{{resolve:") => Err(ApiError::new(
                501,
                "NotImplemented",
                format!("the dynamic reference in `{text}` is not implemented by the sandbox"),
            )),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.copy(value).map(Some)
            }
            Value::Array(items) => {
                self.budget.spend_value(0)?;
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    resolved.extend(self.resolve(item)?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            Value::Object(members) => match function(members) {
                Some((name, argument)) => self.call(name, argument),
                None => {
                    self.budget.spend_value(0)?;
                    let mut resolved = Map::new();
                    for (name, member) in members {
                        self.budget.spend(name.len())?;
                        if let Some(member) = self.resolve(member)? {
                            resolved.insert(name.clone(), member);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
        }
    }

    /// Like [`Scope::resolve`], for what must be a text.
    ///
    /// # Errors
    /// `ValidationError`, naming `what`.
    pub(super) fn text(&self, value: &Value, what: &str) -> Result<String, ApiError> {
        self.resolve(value)?
            .as_ref()
            .and_then(scalar)
            .ok_or_else(|| invalid(format!("Template error: {what} must resolve to a string")))
    }

    fn copy(&self, value: &Value) -> Result<Value, ApiError> {
        self.budget.spend_copy(value)?;
        Ok(value.clone())
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, ApiError> {
        self.budget.spend_value(0)?;
        match name {
            "Ref" => return self.reference(argument.as_str().unwrap_or_default()),
            "Fn::If" => {
                let (condition, branches) = match argument.as_array().map(Vec::as_slice) {
                    Some([Value::String(condition), then, otherwise]) => {
                        (condition, (then, otherwise))
                    }
                    _ => return Err(arguments(name)),
                };
                let chosen = if self.condition(condition)? {
                    branches.0
                } else {
                    branches.1
                };
                return self.resolve(chosen);
            }
            _ => {}
        }
        let value = match name {
            "Condition" | "Fn::And" | "Fn::Equals" | "Fn::Not" | "Fn::Or" => {
                self.truth_of(name, argument)?.into()
            }
            "Fn::Base64" => {
                let text = self.text(argument, name)?;
                self.budget
                    .spend(text.len().div_ceil(3).saturating_mul(4))?;
                STANDARD.encode(text).into()
            }
            "Fn::Cidr" => self.cidr(argument)?,
            "Fn::FindInMap" => self.find_in_map(argument)?,
            "Fn::GetAtt" => {
                let (resource, attribute) = attribute(argument)?;
                self.attribute(resource, attribute)?
            }
            "Fn::GetAZs" => self.zones(argument)?,
            "Fn::ImportValue" => {
                let export = self.text(argument, name)?;
                let value = self
                    .exports
                    .get(&export)
                    .ok_or_else(|| invalid(format!("No export named {export} found")))?;
                self.budget.spend_value(value.len())?;
                value.as_str().into()
            }
            "Fn::Join" => self.join(argument)?,
            "Fn::Select" => return self.select(argument).map(Some),
            "Fn::Split" => {
                let [delimiter, source] = two(name, argument)?;
                let (delimiter, source) = (self.text(delimiter, name)?, self.text(source, name)?);
                if delimiter.is_empty() {
                    return Err(arguments(name));
                }
                let mut pieces: Vec<Value> = Vec::new();
                for piece in source.split(&delimiter) {
                    self.budget.spend_value(piece.len())?;
                    pieces.push(piece.into());
                }
                pieces.into()
            }
            "Fn::Sub" => self.substitute(argument)?.into(),
            other => {
                return Err(invalid(format!(
                    "Template error: {other} is not a function of CloudFormation"
                )));
            }
        };
        Ok(Some(value))
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, ApiError> {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => self.account.as_str(),
            "AWS::Partition" => self.region.partition(),
            "AWS::Region" => self.region.as_str(),
            "AWS::StackId" => self.stack_id,
            "AWS::StackName" => self.stack_name,
            "AWS::URLSuffix" => self.region.url_suffix(),
            "AWS::NotificationARNs" => return Ok(Some(Value::Array(Vec::new()))),
            _ => "",
        };
        if !pseudo.is_empty() {
            return Ok(Some(pseudo.into()));
        }
        if let (Some(declared), Some(value)) = (
            self.template.parameters.get(name),
            self.parameters.get(name),
        ) {
            let elements = value.split(',').count();
            self.budget.spend(elements * VALUE_WORK + value.len())?;
            return Ok(Some(declared.value(value)));
        }
        let known = self.known(name)?;
        self.budget.spend_value(known.reference.len())?;
        Ok(Some(known.reference.as_str().into()))
    }

    fn known(&self, name: &str) -> Result<&Known, ApiError> {
        self.resources.get(name).ok_or_else(|| {
            invalid(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            ))
        })
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<Value, ApiError> {
        let value = self.known(resource)?.attributes.get(attribute).ok_or_else(|| {
            invalid(format!(
                "Template error: resource {resource} does not support attribute type {attribute} in Fn::GetAtt"
            ))
        })?;
        self.copy(value)
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, ApiError> {
        let name = "Fn::FindInMap";
        let [map, top, second] = match argument.as_array().map(Vec::as_slice) {
            Some([map, top, second]) => [map, top, second],
            _ => {
                return Err(invalid(
                    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
                ));
            }
        };
        let (map, top, second) = (
            self.text(map, name)?,
            self.text(top, name)?,
            self.text(second, name)?,
        );
        let value = self
            .template
            .mappings
            .get(&map)
            .and_then(|mapping| mapping.get(&top))
            .and_then(|keys| keys.get(&second))
            .ok_or_else(|| {
                invalid(format!(
                    "Template error: Unable to get mapping for {map}::{top}::{second}"
                ))
            })?;
        self.copy(value)
    }

    fn zones(&self, argument: &Value) -> Result<Value, ApiError> {
        let asked = self.text(argument, "Fn::GetAZs")?;
        let region = if asked.is_empty() {
            self.region.clone()
        } else {
            Region::parse(&asked).ok_or_else(|| {
                invalid(format!(
                    "Template error: Fn::GetAZs: {asked} is not a region"
                ))
            })?
        };
        Ok(["a", "b", "c"]
            .map(|zone| format!("{region}{zone}"))
            .to_vec()
            .into())
    }

    fn join(&self, argument: &Value) -> Result<Value, ApiError> {
        let wrong = || {
            invalid(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            )
        };
        let (Some(delimiter), Some(Value::Array(items))) =
            (match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(delimiter), items]) => (Some(delimiter), self.resolve(items)?),
                _ => (None, None),
            })
        else {
            return Err(wrong());
        };
        let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
        let texts = texts.ok_or_else(wrong)?;
        let between = delimiter
            .len()
            .saturating_mul(texts.len().saturating_sub(1));
        let joined = texts.iter().map(String::len).sum::<usize>();
        self.budget.spend_value(joined.saturating_add(between))?;
        Ok(texts.join(delimiter).into())
    }

    fn select(&self, argument: &Value) -> Result<Value, ApiError> {
        let [index, list] = two("Fn::Select", argument)?;
        let index = self.text(index, "Fn::Select")?;
        let Some(Value::Array(list)) = self.resolve(list)? else {
            return Err(arguments("Fn::Select"));
        };
        index
            .parse::<usize>()
            .ok()
            .and_then(|index| list.into_iter().nth(index))
            .ok_or_else(|| {
                invalid(format!(
                    "Template error: Fn::Select cannot select nonexistent value at index {index}"
                ))
            })
    }

    fn substitute(&self, argument: &Value) -> Result<String, ApiError> {
        let (text, local) = substitution(argument)?;
        self.budget.spend(text.len())?;
        let mut out = String::new();
        // Each is resolved once, however often it is named.
        let mut locals: BTreeMap<&str, Option<Value>> = BTreeMap::new();
        for part in parts(text)? {
            self.budget.spend_value(0)?;
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Literal(name) => {
                    out.push_str("${");
                    out.push_str(name);
                    out.push('}');
                }
                Part::Variable(name) => {
                    let value = match (
                        local.and_then(|local| local.get(name)),
                        name.split_once('.'),
                    ) {
                        (Some(value), _) => {
                            if !locals.contains_key(name) {
                                locals.insert(name, self.resolve(value)?);
                            }
                            locals.get(name).and_then(Option::as_ref).and_then(scalar)
                        }
                        (None, Some((resource, attribute))) => {
                            scalar(&self.attribute(resource, attribute)?)
                        }
                        (None, None) => self.reference(name)?.as_ref().and_then(scalar),
                    };
                    let value = value.ok_or_else(|| {
                        invalid(format!(
                            "Template error: Fn::Sub: `{name}` does not resolve to a string"
                        ))
                    })?;
                    self.budget.spend(value.len())?;
                    out.push_str(&value);
                }
            }
        }
        Ok(out)
    }
}

fn two<'v>(name: &str, argument: &'v Value) -> Result<[&'v Value; 2], ApiError> {
    match argument.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok([first, second]),
        _ => Err(arguments(name)),
    }
}

fn arguments(name: &str) -> ApiError {
    invalid(format!(
        "Template error: the arguments of {name} do not fit"
    ))
}

#[cfg(test)]
mod tests;
