//! What a signature says of the body.

use ring::digest::{SHA256, digest};

use super::claim::{from_hex, push_hex};
use super::refusal::Refusal;
use super::scope::Mechanism;
use super::sent::Sent;
use crate::protocol::HttpRequest;
use crate::service::Service;

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How the body is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// By this hash of the whole, which is compared once the signature holds.
    Hashed([u8; 32]),
    /// Not at all, or by the canonical request itself.
    Settled,
    /// Each chunk has a signature.
    SignedChunks {
        /// And the trailer one of its own.
        trailer: bool,
    },
}

/// Returns the last line of the canonical request, and what is left to check of the body.
pub(super) fn claimed(
    service: Service,
    mechanism: Mechanism,
    request: &HttpRequest,
    sent: &Sent<'_>,
) -> Result<(String, Payload), Refusal> {
    if service != Service::S3 {
        // What a header says of the hash is nothing to the others: they hash what they received.
        let mut text = String::with_capacity(64);
        push_hex(&mut text, digest(&SHA256, &request.body).as_ref());
        return Ok((text, Payload::Settled));
    }
    let in_query = || {
        let pairs = request.query_pairs();
        let found = pairs
            .into_iter()
            .find(|(name, _)| name == "X-Amz-Content-Sha256");
        found.map(|(_, value)| value)
    };
    let text = match (sent.text("x-amz-content-sha256"), mechanism) {
        (Some(text), _) => text.to_owned(),
        (None, Mechanism::Query) => in_query().unwrap_or_else(|| UNSIGNED.to_owned()),
        (None, _) => return Err(Refusal::NoPayloadHash),
    };
    let payload = match text.as_str() {
        UNSIGNED | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Payload::Settled,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Payload::SignedChunks { trailer: false },
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Payload::SignedChunks { trailer: true },
        hash => Payload::Hashed(from_hex(hash).ok_or(Refusal::PayloadHashForm)?),
    };
    Ok((text, payload))
}

/// Whether the body is the one that was hashed.
pub(super) fn check(hash: [u8; 32], body: &[u8]) -> Result<(), Refusal> {
    if digest(&SHA256, body).as_ref() == hash {
        Ok(())
    } else {
        Err(Refusal::PayloadMismatch)
    }
}
