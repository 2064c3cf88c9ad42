//! The signatures of a chunked body: each covers its chunk and the signature before it.
//!
//! Specification: "Signature calculations for the Authorization header: Transferring payload in multiple chunks" and
//! "… including trailing headers" of the S3 documentation.

use ring::digest::{SHA256, digest};
use ring::hmac;

use super::claim::{Claim, from_hex, push_hex};
use super::refusal::Refusal;
use super::scope::Scope;
use crate::protocol::{HttpRequest, aws_chunked};

/// The hash of nothing, in hexadecimal.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Whether every chunk, and the trailer where there is one, is signed with `key`.
pub(super) fn check(
    key: &hmac::Key,
    scope: &Scope,
    claim: &Claim,
    request: &HttpRequest,
    trailer: bool,
) -> Result<(), Refusal> {
    let decoded = aws_chunked::decode_request(request).map_err(Refusal::Body)?;
    let (_, scope_text) = scope.credential.split_once('/').unwrap_or_default();
    let head = |kind: &str, before: &[u8]| {
        let mut text = format!("{kind}\n{}\n{scope_text}\n", claim.moment_text);
        push_hex(&mut text, before);
        text.push('\n');
        text
    };
    let holds = |text: &str, signature: [u8; 32]| {
        hmac::verify(key, text.as_bytes(), &signature).map_err(|_| Refusal::Mismatch)
    };
    let mut before = claim.signature;
    for chunk in &decoded.chunks {
        let signature = chunk.signature.as_deref().and_then(from_hex);
        let signature = signature.ok_or(Refusal::Mismatch)?;
        let mut text = head("AWS4-HMAC-SHA256-PAYLOAD", &before);
        text.push_str(EMPTY);
        text.push('\n');
        let data = &request.body[chunk.data.clone()];
        push_hex(&mut text, digest(&SHA256, data).as_ref());
        holds(&text, signature)?;
        before = signature;
    }
    if !trailer {
        // Nothing vouches for what comes behind the last chunk.
        return match decoded.trailers.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Mismatch),
        };
    }
    let mut lines = String::new();
    let mut signature = None;
    for (name, value) in &decoded.trailers {
        match name.as_str() {
            aws_chunked::TRAILER_SIGNATURE => signature = from_hex(value),
            name => lines.extend([name, ":", value, "\n"]),
        }
    }
    let mut text = head("AWS4-HMAC-SHA256-TRAILER", &before);
    push_hex(&mut text, digest(&SHA256, lines.as_bytes()).as_ref());
    holds(&text, signature.ok_or(Refusal::Mismatch)?)
}
