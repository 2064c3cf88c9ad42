//! What a change set says of one resource, in CloudFormation's own words.

use std::collections::BTreeSet;

use serde_json::Value;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Action {
    Add,
    Modify,
    Remove,
}

/// The part of a resource that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Attribute {
    Properties,
    Metadata,
    DeletionPolicy,
    UpdateReplacePolicy,
    Tags,
}

/// Why it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Source {
    ResourceReference,
    ParameterReference,
    ResourceAttribute,
    DirectModification,
}

/// Whether the difference needs a new thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Recreation {
    Never,
    Always,
}

/// One resource that changes.
#[derive(Debug, Clone)]
pub(in crate::cloudformation) struct ResourceChange {
    pub(super) action: Action,
    pub(super) logical_id: String,
    pub(super) physical_id: Option<String>,
    pub(super) kind: &'static str,
    /// What becomes of the thing that is no longer wanted.
    pub(super) policy: Option<&'static str>,
    pub(super) details: Vec<Detail>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// One difference of a resource.
#[derive(Debug, Clone)]
pub(in crate::cloudformation) struct Detail {
    pub(super) attribute: Attribute,
    /// The property's name.
    pub(super) name: Option<String>,
    pub(super) recreation: Recreation,
    /// Only the execution will show whether it really differs.
    pub(super) dynamic: bool,
    pub(super) source: Source,
    /// The parameter, the resource, or the resource's attribute.
    pub(super) causing: Option<String>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Action::Add => "Add",
            Action::Modify => "Modify",
            Action::Remove => "Remove",
        }
    }
}

impl Attribute {
    pub(super) fn name(self) -> &'static str {
        match self {
            Attribute::Properties => "Properties",
            Attribute::Metadata => "Metadata",
            Attribute::DeletionPolicy => "DeletionPolicy",
            Attribute::UpdateReplacePolicy => "UpdateReplacePolicy",
            Attribute::Tags => "Tags",
        }
    }
}

impl Source {
    pub(super) fn name(self) -> &'static str {
        match self {
            Source::ResourceReference => "ResourceReference",
            Source::ParameterReference => "ParameterReference",
            Source::ResourceAttribute => "ResourceAttribute",
            Source::DirectModification => "DirectModification",
        }
    }
}

impl Recreation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Recreation::Never => "Never",
            Recreation::Always => "Always",
        }
    }
}

impl Detail {
    /// Something that the template or the request says differently.
    pub(super) fn direct(
        attribute: Attribute,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Self {
        Self {
            attribute,
            name: None,
            recreation: Recreation::Never,
            dynamic: false,
            source: Source::DirectModification,
            causing: None,
            before,
            after,
        }
    }

    /// Where in the resource's declaration it stands.
    pub(super) fn path(&self) -> String {
        match (self.attribute, &self.name) {
            (Attribute::Tags, _) => "/Properties/Tags".to_owned(),
            (attribute, Some(name)) => format!("/{}/{name}", attribute.name()),
            (attribute, None) => format!("/{}", attribute.name()),
        }
    }
}

impl ResourceChange {
    /// `True`, `False`, or `Conditional` while only the execution will show; `None` for what comes or goes.
    pub(super) fn replacement(&self) -> Option<&'static str> {
        if self.action != Action::Modify {
            return None;
        }
        let recreating = |dynamic: bool| {
            self.details
                .iter()
                .any(|detail| detail.recreation == Recreation::Always && detail.dynamic == dynamic)
        };
        Some(if recreating(false) {
            "True"
        } else if recreating(true) {
            "Conditional"
        } else {
            "False"
        })
    }

    /// The parts that differ, each once.
    pub(super) fn scope(&self) -> Vec<&'static str> {
        let names: BTreeSet<&str> = self
            .details
            .iter()
            .map(|detail| detail.attribute.name())
            .collect();
        names.into_iter().collect()
    }
}
