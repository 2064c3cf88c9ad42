//! EC2: networks and security groups.

use crate::error::ApiError;
use crate::iam::Access;
use crate::ids::{AccountId, Region};
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

impl State {
    /// An account's region as AWS hands it over: with the default VPC and its default group.
    pub fn new(_account: &AccountId, _region: &Region) -> Self {
        Self {}
    }
}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("ec2", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("ec2", &operation.name)]
}

/// Every resource here that Config can record, as it is now: what a recorder discovers when it starts.
pub(crate) fn recordable(_call: &mut Call<'_>) -> Vec<crate::config::Resource> {
    Vec::new()
}
