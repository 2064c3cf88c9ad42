//! What a resource type looks like, and whether a resource looks so.

use serde_json::Value;

use super::Family;
use super::work::Failure;

/// A resource type.
#[derive(Debug)]
pub(in crate::cloudformation) struct Kind {
    pub(in crate::cloudformation) name: &'static str,
    pub(in crate::cloudformation) family: Family,
    pub(in crate::cloudformation) properties: &'static [Property],
    /// What `Fn::GetAtt` knows.
    pub(in crate::cloudformation) attributes: &'static [&'static str],
    /// The property that names the thing, where a template may choose the name.
    pub(in crate::cloudformation) name_property: Option<&'static str>,
    /// Whether the stack's tags go onto it.
    pub(in crate::cloudformation) taggable: bool,
}

/// A property of a resource type.
#[derive(Debug)]
pub(in crate::cloudformation) struct Property {
    pub(in crate::cloudformation) name: &'static str,
    pub(in crate::cloudformation) required: bool,
    pub(in crate::cloudformation) change: Change,
}

/// What a changed property does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Change {
    /// It stays and is changed.
    InPlace,
    /// A new one is made and the old one deleted.
    Replace,
}

/// A property that must be there; a change replaces the resource.
pub(super) const fn must(name: &'static str) -> Property {
    Property {
        name,
        required: true,
        change: Change::Replace,
    }
}

/// A property that must be there and can be changed in place.
pub(super) const fn must_mutable(name: &'static str) -> Property {
    Property {
        name,
        required: true,
        change: Change::InPlace,
    }
}

/// A property that may be there; a change replaces the resource.
pub(super) const fn fixed(name: &'static str) -> Property {
    Property {
        name,
        required: false,
        change: Change::Replace,
    }
}

/// A property that may be there and can be changed in place.
pub(super) const fn mutable(name: &'static str) -> Property {
    Property {
        name,
        required: false,
        change: Change::InPlace,
    }
}

impl Kind {
    /// What a change of the property does; an unknown property never gets this far.
    pub(in crate::cloudformation) fn change(&self, property: &str) -> Change {
        self.properties
            .iter()
            .find(|known| known.name == property)
            .map_or(Change::Replace, |known| known.change)
    }
}

/// Refuses unknown and missing properties.
pub(super) fn check(kind: &Kind, logical_id: &str, properties: &Value) -> Result<(), Failure> {
    let allowed: Vec<&str> = kind
        .properties
        .iter()
        .map(|property| property.name)
        .collect();
    let required: Vec<&str> = kind
        .properties
        .iter()
        .filter(|property| property.required)
        .map(|property| property.name)
        .collect();
    shape(logical_id, "#", properties, &allowed, &required)
}

/// Refuses unknown and missing members of an object at any depth; `path` is where it stands, as in `#/Code`.
pub(super) fn shape(
    logical_id: &str,
    path: &str,
    value: &Value,
    allowed: &[&str],
    required: &[&str],
) -> Result<(), Failure> {
    let Some(members) = value.as_object() else {
        return Err(violation(
            logical_id,
            &format!("{path}: expected type: JSONObject"),
        ));
    };
    if let Some(name) = members
        .keys()
        .find(|name| !allowed.contains(&name.as_str()))
    {
        return Err(violation(
            logical_id,
            &format!(
                "{path}: extraneous key [{name}] is not permitted (the sandbox knows {})",
                allowed.join(", ")
            ),
        ));
    }
    match required.iter().find(|name| !members.contains_key(**name)) {
        Some(name) => Err(violation(
            logical_id,
            &format!("{path}: required key [{name}] not found"),
        )),
        None => Ok(()),
    }
}

/// The reason for properties that do not fit.
pub(super) fn violation(logical_id: &str, why: &str) -> Failure {
    Failure::new(format!(
        "Properties validation failed for resource {logical_id} with message:\n{why}"
    ))
}
