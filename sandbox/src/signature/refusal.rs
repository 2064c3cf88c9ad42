//! Each way in which a request fails to prove who sent it.

use super::scope::Mechanism;
use crate::clock::Timestamp;
use crate::error::ApiError;

/// Why a request is refused; [`Refusal::answer`](super::words) says it in a service's words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// No credentials.
    Missing,
    /// Credentials in more than one place.
    Twice,
    /// Another algorithm than version 4 with HMAC.
    Algorithm(String),
    /// The header lacks these parts.
    Incomplete(Vec<&'static str>),
    /// The header has this part more than once.
    Repeated(String),
    /// The query lacks a parameter of version 4.
    QueryIncomplete,
    /// The query lacks a parameter of version 2.
    LegacyIncomplete,
    /// The credential does not have five parts.
    Credential { mechanism: Mechanism, got: String },
    /// The scope does not end in `aws4_request`.
    Terminator { mechanism: Mechanism, got: String },
    /// The scope is of another day than the request.
    ScopeDate {
        mechanism: Mechanism,
        scope: String,
        moment: String,
    },
    /// Neither `X-Amz-Date` nor `Date`.
    NoDate,
    /// A date that cannot be read.
    DateForm { mechanism: Mechanism, got: String },
    /// `X-Amz-Expires` is no number.
    ExpiresNumber,
    /// `X-Amz-Expires` is negative.
    ExpiresNegative,
    /// `X-Amz-Expires` is more than a week.
    ExpiresTooLong,
    /// `Expires` of version 2 is no number of seconds.
    LegacyExpires(String),
    /// These headers have to be signed and are not; `host` alone, or `x-amz-…`.
    NotSigned(Vec<String>),
    /// Signed too early or too late.
    Skewed {
        signed: Timestamp,
        now: Timestamp,
        window: time::Duration,
    },
    /// A presigned request from the future.
    PresignedEarly,
    /// A presigned request that has ended.
    PresignedLate,
    /// Nobody's key, or an inactive one.
    UnknownKey(String),
    /// The key of a session without its token.
    NoToken(String),
    /// A token that does not belong to the key.
    WrongToken,
    /// The session has ended.
    ExpiredToken,
    /// S3 demands `x-amz-content-sha256`.
    NoPayloadHash,
    /// `x-amz-content-sha256` is none of its values.
    PayloadHashForm,
    /// The body is another than was hashed.
    PayloadMismatch,
    /// A chunked body that cannot be read.
    Body(ApiError),
    /// The signature is another than it should be.
    Mismatch,
}
