//! CloudWatch Logs: groups, streams, events.

use crate::error::ApiError;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("logs", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("logs", &operation.name)]
}

/// Appends events to a stream on behalf of a service, making group and stream where they are missing.
pub(crate) fn append(
    _call: &mut Call<'_>,
    _group: &str,
    _stream: &str,
    _events: &[(crate::clock::Timestamp, String)],
) -> Result<(), ApiError> {
    Err(ApiError::not_implemented("logs", "append"))
}
