//! What a caller must be allowed to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::allowance::Allowance;

/// The steps of comparing one access with every policy that has a say in it (the sandbox's own). A step is one character
/// of a pattern beside one of a text; the policies of the lab take a few thousand.
const STEPS: usize = 8_000_000;

/// One action on one resource, with the condition keys that AWS fills in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `service:Operation`.
    pub action: String,
    /// An ARN, or `*` where the action supports no resource.
    pub resource: String,
    /// Condition keys in lower case (`ec2:vpc`, `aws:resourcetag/name`) with their values.
    pub context: BTreeMap<String, Vec<String>>,
    /// What comparing it with policies may still take; its copies share it.
    pub(super) effort: Effort,
}

/// A shared allowance that says nothing about what an access is.
#[derive(Debug, Clone)]
pub(super) struct Effort(pub(super) Arc<Allowance>);

impl PartialEq for Effort {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Effort {}

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
            effort: Effort(Arc::new(Allowance::of(STEPS))),
        }
    }

    /// Paid from an allowance that other accesses share.
    #[must_use]
    pub(super) fn paid_from(mut self, steps: &Arc<Allowance>) -> Self {
        self.effort = Effort(Arc::clone(steps));
        self
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
