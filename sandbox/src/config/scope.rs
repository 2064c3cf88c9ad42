//! Which resources a rule is about.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::item::ResourceKey;
use super::page::length;
use super::recording_group::is_resource_type;
use crate::error::ApiError;
use crate::fields::Fields;

/// A rule's scope; the default is everything that is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    types: Vec<String>,
    resource_id: Option<String>,
    tag: Option<(String, Option<String>)>,
}

impl Scope {
    pub(super) fn parse(input: Option<&Value>) -> Result<Self, ApiError> {
        let Some(input) = input else {
            return Ok(Self::default());
        };
        let types = input.texts("ComplianceResourceTypes");
        if types.len() > 100 {
            return Err(invalid("The scope may name at most 100 resource types."));
        }
        if let Some(unknown) = types.iter().find(|name| !is_resource_type(name)) {
            return Err(invalid(format!(
                "The resource type '{unknown}' in the scope of the config rule is not valid."
            )));
        }
        let resource_id = input.text("ComplianceResourceId").map(str::to_owned);
        if let Some(id) = &resource_id {
            length(id, "configRule.scope.complianceResourceId", (1, 768))?;
            if types.len() != 1 {
                return Err(invalid(
                    "If you specify ComplianceResourceId, you must specify one resource type for ComplianceResourceTypes.",
                ));
            }
        }
        let value = input.text("TagValue").map(str::to_owned);
        let tag = match (input.text("TagKey"), value) {
            (Some(key), value) => {
                length(key, "configRule.scope.tagKey", (1, 128))?;
                Some((key.to_owned(), value))
            }
            (None, Some(_)) => {
                return Err(invalid(
                    "If you specify a value for TagValue, you must also specify a value for TagKey.",
                ));
            }
            (None, None) => None,
        };
        if tag.is_some() && !types.is_empty() {
            return Err(invalid(
                "The scope can have resource types or a tag, but not both.",
            ));
        }
        Ok(Self {
            types,
            resource_id,
            tag,
        })
    }

    /// Whether a resource with these tags belongs to the scope.
    pub(super) fn covers(&self, key: &ResourceKey, tags: &BTreeMap<String, String>) -> bool {
        let of_type = self.types.is_empty() || self.types.contains(&key.resource_type);
        let same_id = self
            .resource_id
            .as_ref()
            .is_none_or(|id| *id == key.resource_id);
        let tagged = self.tag.as_ref().is_none_or(|(name, value)| {
            tags.get(name)
                .is_some_and(|has| value.as_ref().is_none_or(|wanted| wanted == has))
        });
        of_type && same_id && tagged
    }

    /// As it was put; `None` when there is none.
    pub(super) fn to_json(&self) -> Option<Value> {
        if *self == Self::default() {
            return None;
        }
        let mut scope = json!({});
        if !self.types.is_empty() {
            scope["ComplianceResourceTypes"] = json!(self.types);
        }
        if let Some(id) = &self.resource_id {
            scope["ComplianceResourceId"] = json!(id);
        }
        if let Some((key, value)) = &self.tag {
            scope["TagKey"] = json!(key);
            if let Some(value) = value {
                scope["TagValue"] = json!(value);
            }
        }
        Some(scope)
    }
}

/// The rule operations' code for everything that is wrong with their input.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterValueException", message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const GROUP: &str = "AWS::EC2::SecurityGroup";

    fn check(input: Value, covers: Result<&[bool; 3], &str>) {
        let resources = [
            (
                ResourceKey::new(GROUP, "sg-1"),
                BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            ),
            (
                ResourceKey::new(GROUP, "sg-2"),
                BTreeMap::from([("a".to_owned(), "2".to_owned())]),
            ),
            (ResourceKey::new("AWS::EC2::VPC", "vpc-1"), BTreeMap::new()),
        ];
        let found = Scope::parse(Some(&input))
            .map(|scope| resources.map(|(key, tags)| scope.covers(&key, &tags)));
        match covers {
            Ok(expected) => assert_eq!(found.unwrap(), *expected, "{input}"),
            Err(code) => assert_eq!(found.unwrap_err().code, code, "{input}"),
        }
    }

    #[test]
    fn scopes_are_types_or_one_resource_or_a_tag() {
        check(json!({}), Ok(&[true, true, true]));
        check(
            json!({"ComplianceResourceTypes": [GROUP]}),
            Ok(&[true, true, false]),
        );
        check(
            json!({"ComplianceResourceTypes": [GROUP], "ComplianceResourceId": "sg-2"}),
            Ok(&[false, true, false]),
        );
        check(json!({"TagKey": "a"}), Ok(&[true, true, false]));
        check(
            json!({"TagKey": "a", "TagValue": "1"}),
            Ok(&[true, false, false]),
        );
        let invalid = Err("InvalidParameterValueException");
        check(json!({"ComplianceResourceId": "sg-1"}), invalid);
        check(
            json!({"ComplianceResourceTypes": [GROUP, "AWS::EC2::VPC"], "ComplianceResourceId": "sg-1"}),
            invalid,
        );
        check(json!({"TagValue": "1"}), invalid);
        check(
            json!({"TagKey": "a", "ComplianceResourceTypes": [GROUP]}),
            invalid,
        );
        check(
            json!({"ComplianceResourceTypes": ["AWS::EC2::Group"]}),
            invalid,
        );
    }
}
