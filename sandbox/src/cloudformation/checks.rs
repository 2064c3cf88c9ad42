//! Whether everything that a template refers to exists.

use std::collections::BTreeSet;

use serde_json::Value;

use super::intrinsics::condition_order;
use super::invalid;
use super::references::{Reference, references};
use super::template::Template;
use crate::error::ApiError;

/// The pseudo parameters.
const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl Template {
    /// Refuses references to what does not exist.
    ///
    /// # Errors
    /// `ValidationError`, naming what is missing and in which section.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        self.check_conditions()?;
        let mut unresolved = BTreeSet::new();
        for (name, resource) in &self.resources {
            unresolved.extend(self.unresolved(&resource.properties)?);
            for target in &resource.depends_on {
                if target == name || !self.resources.contains_key(target) {
                    unresolved.insert(target.clone());
                }
            }
            self.check_condition_name(resource.condition.as_deref(), "Resources")?;
        }
        refuse_unresolved(&unresolved, "Resources")?;
        let mut unresolved = BTreeSet::new();
        for output in self.outputs.values() {
            unresolved.extend(self.unresolved(&output.value)?);
            if let Some(export) = &output.export {
                unresolved.extend(self.unresolved(export)?);
            }
            self.check_condition_name(output.condition.as_deref(), "Outputs")?;
        }
        refuse_unresolved(&unresolved, "Outputs")
    }

    fn check_condition_name(&self, name: Option<&str>, block: &str) -> Result<(), ApiError> {
        match name {
            Some(name) if !self.conditions.contains_key(name) => Err(invalid(format!(
                "Template format error: Unresolved condition dependency [{name}] in the {block} block of the template"
            ))),
            _ => Ok(()),
        }
    }

    fn check_conditions(&self) -> Result<(), ApiError> {
        let mut unresolved = BTreeSet::new();
        for condition in self.conditions.values() {
            for reference in references(condition)? {
                match reference {
                    Reference::Name(name)
                        if self.parameters.contains_key(&name)
                            || PSEUDO.contains(&name.as_str()) => {}
                    Reference::Name(target) | Reference::Attribute(target, _) => {
                        unresolved.insert(target);
                    }
                    Reference::Condition(target) if self.conditions.contains_key(&target) => {}
                    Reference::Condition(target) => {
                        return Err(invalid(format!(
                            "Template error: unresolved condition dependency {target} in the Conditions block of the template"
                        )));
                    }
                }
            }
        }
        if unresolved.is_empty() {
            return condition_order(&self.conditions).map(drop);
        }
        let names: Vec<String> = unresolved.into_iter().collect();
        Err(invalid(format!(
            "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of the template",
            names.join(", ")
        )))
    }

    /// The names that `value` refers to and that do not exist.
    fn unresolved(&self, value: &Value) -> Result<Vec<String>, ApiError> {
        let mut unresolved = Vec::new();
        for reference in references(value)? {
            match reference {
                Reference::Name(name) => {
                    let known = self.parameters.contains_key(&name)
                        || self.resources.contains_key(&name)
                        || PSEUDO.contains(&name.as_str());
                    if !known {
                        unresolved.push(name);
                    }
                }
                Reference::Attribute(resource, attribute) => {
                    self.check_attribute(&resource, &attribute)?
                }
                Reference::Condition(name) if self.conditions.contains_key(&name) => {}
                Reference::Condition(name) => {
                    return Err(invalid(format!(
                        "Template error: unresolved condition dependency {name} in Fn::If"
                    )));
                }
            }
        }
        Ok(unresolved)
    }

    fn check_attribute(&self, resource: &str, attribute: &str) -> Result<(), ApiError> {
        let Some(declared) = self.resources.get(resource) else {
            return Err(invalid(format!(
                "Template error: instance of Fn::GetAtt references undefined resource {resource}"
            )));
        };
        if declared.kind.attributes.contains(&attribute) {
            return Ok(());
        }
        Err(invalid(format!(
            "Template error: resource {resource} does not support attribute type {attribute} in Fn::GetAtt"
        )))
    }
}

fn refuse_unresolved(names: &BTreeSet<String>, block: &str) -> Result<(), ApiError> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(invalid(format!(
        "Template format error: Unresolved resource dependencies [{}] in the {block} block of the template",
        names.join(", ")
    )))
}
