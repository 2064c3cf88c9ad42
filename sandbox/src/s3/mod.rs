//! S3: buckets and objects.

use crate::error::ApiError;
use crate::iam::Access;
use crate::protocol::{HttpRequest, Operation};
use crate::sandbox::{Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("s3", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("s3", &operation.name)]
}

/// Reads the operation out of a REST request.
pub(crate) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    Err(ApiError::not_implemented("s3", &request.path))
}

/// An object's newest version, for services that read one (Lambda, CloudFormation).
pub(crate) fn object(
    _call: &mut Call<'_>,
    bucket: &str,
    _key: &str,
) -> Result<bytes::Bytes, ApiError> {
    Err(ApiError::not_implemented("s3", bucket))
}

/// Writes an object on behalf of a service, without asking any policy: the service asks for itself.
pub(crate) fn put(
    _call: &mut Call<'_>,
    bucket: &str,
    _key: &str,
    _body: bytes::Bytes,
) -> Result<(), ApiError> {
    Err(ApiError::not_implemented("s3", bucket))
}

/// The bucket's policy document; an error when the bucket does not exist.
pub(crate) fn policy(
    _call: &mut Call<'_>,
    bucket: &str,
) -> Result<Option<serde_json::Value>, ApiError> {
    Err(ApiError::not_implemented("s3", bucket))
}
