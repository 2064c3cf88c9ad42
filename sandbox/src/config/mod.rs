//! AWS Config: recorder, channel, rules, items, evaluations.

use crate::error::ApiError;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("config", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("config", &operation.name)]
}

/// A resource as Config sees it at one moment.
#[derive(Debug, Clone)]
pub struct Resource {
    /// For example `AWS::EC2::SecurityGroup`.
    pub resource_type: &'static str,
    /// For example `sg-0123456789abcdef0`.
    pub resource_id: String,
    /// The name, where the type has one.
    pub resource_name: Option<String>,
    /// The resource's ARN.
    pub arn: String,
    /// Tags.
    pub tags: std::collections::BTreeMap<String, String>,
    /// `{resourceType, resourceId, relationshipName}` objects.
    pub relationships: Vec<serde_json::Value>,
    /// The type's own description, as in a configuration item's `configuration` (camelCase members).
    pub configuration: serde_json::Value,
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// It was modified.
    Modified,
    /// It is gone; the resource shows its last state.
    Deleted,
}

/// Tells Config about one mutation. Called under the account's lock by the mutation itself, so every
/// mutation yields exactly one configuration item, whatever happens before Config gets to record it.
pub(crate) fn observe(_call: &mut Call<'_>, _change: Change, _resource: Resource) {}
