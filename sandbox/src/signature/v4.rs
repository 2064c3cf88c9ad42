//! Signature version 4.

use ring::digest::{SHA256, digest};
use ring::hmac;

use super::claim::{Claim, push_hex};
use super::clocks::Clocks;
use super::derived::derive;
use super::payload::{self, Payload};
use super::refusal::Refusal;
use super::scope::{ALGORITHM, Scope, TERMINATOR};
use super::sent::Sent;
use super::{canonical, chunks};
use crate::caller::{Caller, KeyRing};
use crate::ids::AccountId;
use crate::protocol::HttpRequest;
use crate::service::Service;

/// Form first, then the time, then the key, then the signature, then the body: the order in which AWS finds faults.
pub(super) fn verify(
    keys: &KeyRing,
    clocks: Clocks,
    service: Service,
    scope: &Scope,
    request: &HttpRequest,
) -> Result<(AccountId, Caller), Refusal> {
    let sent = Sent::of(request);
    let claim = Claim::read(scope, request, &sent)?;
    check_signed_headers(&sent, &claim)?;
    check_scope(scope, &claim)?;
    match claim.expires {
        None => clocks.check(service, claim.moment)?,
        Some(expires) => clocks.check_presigned(service, claim.moment, expires)?,
    }
    let who = keys.find(&scope.access_key, claim.token.as_deref(), clocks.sandbox)?;
    let known = keys.derived.get(scope);
    let is_known = known.is_some();
    let key = known.unwrap_or_else(|| derive(&keys.secret_of(&scope.access_key), scope));
    prove(&key, service, scope, (&claim, &sent), request)?;
    if !is_known {
        keys.derived.keep(scope, key);
    }
    Ok(who)
}

/// Whether the request, body included, was signed with `key`.
pub(super) fn prove(
    key: &hmac::Key,
    service: Service,
    scope: &Scope,
    (claim, sent): (&Claim, &Sent<'_>),
    request: &HttpRequest,
) -> Result<(), Refusal> {
    let (line, payload) = payload::claimed(service, scope.mechanism, request, sent)?;
    let holds = |path: &str| {
        let canonical = canonical::request(request, scope.mechanism, sent, claim, (path, &line));
        let text = string_to_sign(scope, claim, &canonical);
        // In constant time.
        hmac::verify(key, text.as_bytes(), &claim.signature).is_ok()
    };
    let is_signed = holds(&canonical::path(service, &request.path))
        || canonical::path_encoded_again(service, &request.path).is_some_and(|path| holds(&path));
    if !is_signed {
        return Err(Refusal::Mismatch);
    }
    match payload {
        Payload::Settled => Ok(()),
        Payload::Hashed(hash) => payload::check(hash, &request.body),
        Payload::SignedChunks { trailer } => chunks::check(key, scope, claim, request, trailer),
    }
}

fn string_to_sign(scope: &Scope, claim: &Claim, canonical: &[u8]) -> String {
    let (_, scope_text) = scope.credential.split_once('/').unwrap_or_default();
    let mut text = String::with_capacity(192);
    text.extend([ALGORITHM, "\n", &claim.moment_text, "\n", scope_text, "\n"]);
    push_hex(&mut text, digest(&SHA256, canonical).as_ref());
    text
}

/// The host, and every header that means something to AWS.
fn check_signed_headers(sent: &Sent<'_>, claim: &Claim) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    if !claim.signs("host") {
        missing.push("host".to_owned());
    }
    for name in sent.names() {
        if name.starts_with("x-amz-") && !claim.signs(name) {
            missing.push(name.to_owned());
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Refusal::NotSigned(missing))
    }
}

fn check_scope(scope: &Scope, claim: &Claim) -> Result<(), Refusal> {
    let mechanism = scope.mechanism;
    if scope.terminator != TERMINATOR {
        return Err(Refusal::Terminator {
            mechanism,
            got: scope.terminator.clone(),
        });
    }
    if claim.moment_text.get(..8) != Some(&scope.date) {
        return Err(Refusal::ScopeDate {
            mechanism,
            scope: scope.date.clone(),
            moment: claim.moment_text.clone(),
        });
    }
    Ok(())
}
