//! How large policy documents may be (IAM User Guide, "IAM and AWS STS quotas"). White space does not count.

use crate::error::ApiError;

/// A managed policy, in characters; AWS does not raise it.
pub(super) const MANAGED: usize = 6_144;
/// All inline policies of a role together.
pub(super) const ROLE_INLINE: usize = 10_240;
/// All inline policies of a user together.
pub(super) const USER_INLINE: usize = 2_048;
/// A role's trust policy. AWS raises it to 8,192 for those who ask.
pub(super) const TRUST: usize = 2_048;
/// A document as it stands in a request, white space included (botocore 1.44.8, `policyDocumentType`).
pub(super) const DOCUMENT: usize = 131_072;

/// What counts of a document.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// Refuses a managed policy that is too large. The words of all three are quoted in many public reports.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_managed(document: &str) -> Result<(), ApiError> {
    at_most(size(document), MANAGED, || {
        format!("Cannot exceed quota for PolicySize: {MANAGED}")
    })
}

/// Refuses a trust policy that is too large.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_trust(document: &str) -> Result<(), ApiError> {
    at_most(size(document), TRUST, || {
        format!("Cannot exceed quota for ACLSizePerRole: {TRUST}")
    })
}

/// Refuses inline policies that are too large together. `holder` is a kind and a name: `role ops`.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_inline(together: usize, most: usize, holder: &str) -> Result<(), ApiError> {
    at_most(together, most, || {
        format!("Maximum policy size of {most} bytes exceeded for {holder}")
    })
}

fn at_most(size: usize, most: usize, message: impl Fn() -> String) -> Result<(), ApiError> {
    if size <= most {
        return Ok(());
    }
    Err(ApiError::new(409, "LimitExceeded", message()))
}
