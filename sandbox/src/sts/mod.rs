//! STS: identities and sessions.

use crate::error::ApiError;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("sts", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("sts", &operation.name)]
}
