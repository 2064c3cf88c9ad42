//! What a caller must be allowed to do.

use std::collections::BTreeMap;

/// One action on one resource, with the condition keys that AWS fills in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `service:Operation`.
    pub action: String,
    /// An ARN, or `*` where the action supports no resource.
    pub resource: String,
    /// Condition keys in lower case (`ec2:vpc`, `aws:resourcetag/name`) with their values.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Access {
    /// An action that supports no resource-level permission.
    pub fn anywhere(service: &str, operation: &str) -> Self {
        Self::on(service, operation, "*")
    }

    /// An action on one resource.
    pub fn on(service: &str, operation: &str, resource: impl Into<String>) -> Self {
        Self {
            action: format!("{service}:{operation}"),
            resource: resource.into(),
            context: BTreeMap::new(),
        }
    }

    /// With a condition key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context
            .entry(key.to_ascii_lowercase())
            .or_default()
            .push(value.into());
        self
    }
}

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Some statement allows it and none denies it.
    Allowed,
    /// Why not, as the end of a sentence: "no identity-based policy allows the … action".
    Denied(String),
}
