//! Who sent a request: AWS's signatures, verified.
//!
//! Signature version 4 in the `Authorization` header and in the query (presigned), and for S3 the presigned form of
//! version 2 as well, which is what boto3 makes unless it is told otherwise. Pure: a request, the keys and the time go
//! in, the caller or a [`Refusal`] comes out; [`words`] says it as each service does.
//!
//! Written here because what exists does not serve: `scratchstack-aws-signature` (0.11.3) knows neither S3's
//! chunked bodies nor version 2, wants `chrono`, `regex` and an asynchronous key store, and hashes with unoptimised
//! code in a development build. The tests hold this against AWS's own signer.
//!
//! Specification: "AWS Signature Version 4 for API requests" of the IAM user guide, "Authenticating Requests (AWS
//! Signature Version 4)" and "Signing and authenticating REST requests" (version 2) of the S3 documentation.

mod canonical;
mod chunks;
mod claim;
mod clocks;
mod derived;
mod legacy;
mod payload;
mod refusal;
mod scope;
mod sent;
#[cfg(test)]
pub(crate) mod signing;
#[cfg(test)]
mod tests;
mod v4;
mod words;

pub(crate) use self::canonical::segments;
pub(crate) use self::clocks::Clocks;
pub(crate) use self::derived::DerivedKeys;
pub(crate) use self::refusal::Refusal;
pub(crate) use self::scope::{Mechanism, Scope};

use crate::caller::{Caller, KeyRing};
use crate::ids::AccountId;
use crate::protocol::HttpRequest;
use crate::service::Service;

/// Returns the caller whose key signed the request.
///
/// # Errors
/// The first way in which the request fails to prove it.
pub(crate) fn verify(
    keys: &KeyRing,
    clocks: Clocks,
    service: Service,
    scope: &Scope,
    request: &HttpRequest,
) -> Result<(AccountId, Caller), Refusal> {
    match scope.mechanism {
        Mechanism::Header | Mechanism::Query => v4::verify(keys, clocks, service, scope, request),
        Mechanism::LegacyQuery => legacy::verify(keys, clocks, scope, request),
    }
}
