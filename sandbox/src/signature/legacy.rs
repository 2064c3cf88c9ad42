//! Signature version 2 in the query of an S3 request: what boto3 presigns unless it is told otherwise.
//!
//! Specification: "Signing and authenticating REST requests" of the S3 documentation; what SDKs put into the query in
//! place of headers follows `HmacV1QueryAuth` of botocore (0e6e2404).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ring::hmac;

use super::claim::names_twice;
use super::clocks::Clocks;
use super::refusal::Refusal;
use super::scope::Scope;
use crate::caller::{Caller, KeyRing};
use crate::clock::Timestamp;
use crate::ids::AccountId;
use crate::protocol::HttpRequest;

/// Parameters that are part of the signed resource. The last line is beyond the specification: what they select must
/// not be chosen by somebody who was given another address.
const SIGNED_PARAMETERS: &[&str] = &[
    "accelerate",
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "encryption",
    "ownershipControls",
    "publicAccessBlock",
];

pub(super) fn verify(
    keys: &KeyRing,
    clocks: Clocks,
    scope: &Scope,
    request: &HttpRequest,
) -> Result<(AccountId, Caller), Refusal> {
    let pairs = request.query_pairs();
    let find = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let get = |wanted: &str| find(wanted).ok_or(Refusal::LegacyIncomplete);
    let (signature, expires) = (get("Signature")?, get("Expires")?);
    // None of the three is signed as it stands, so a second one could say anything.
    let own = ["AWSAccessKeyId", "Expires", "Signature"];
    if own.iter().any(|name| names_twice(&pairs, name)) {
        return Err(Refusal::Mismatch);
    }
    let end = expires.parse().ok().map(Timestamp::from_unix_timestamp);
    let Some(Ok(end)) = end else {
        return Err(Refusal::LegacyExpires(expires.to_owned()));
    };
    clocks.check_end(end)?;
    let headers = amazon_headers(request, &pairs);
    let token = headers.get("x-amz-security-token").map(String::as_str);
    let who = keys.find(&scope.access_key, token, clocks.sandbox)?;
    let text = string_to_sign(request, &pairs, &headers, expires).ok_or(Refusal::Mismatch)?;
    let secret = keys.secret_of(&scope.access_key);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let signature = BASE64_STANDARD.decode(signature);
    let signature = signature.map_err(|_| Refusal::Mismatch)?;
    // In constant time.
    hmac::verify(&key, text.as_bytes(), &signature).map_err(|_| Refusal::Mismatch)?;
    Ok(who)
}

/// Headers and parameters that begin with `x-amz-`, every value of each: whichever of them is gone by later, all were
/// signed.
fn amazon_headers(request: &HttpRequest, pairs: &[(String, String)]) -> BTreeMap<String, String> {
    let in_query = pairs.iter();
    let in_query = in_query.map(|(name, value)| (name.as_str(), value.as_str().into()));
    let headers = request.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())));
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in in_query.chain(headers) {
        if !name.starts_with("x-amz-") {
            continue;
        }
        match found.entry(name.to_owned()) {
            Entry::Vacant(entry) => drop(entry.insert(value.trim().to_owned())),
            Entry::Occupied(mut entry) => entry.get_mut().extend([",", value.trim()]),
        }
    }
    found
}

/// Every value of a header, or of the parameter that stands for it.
fn standard(request: &HttpRequest, pairs: &[(String, String)], name: &str) -> String {
    let headers = request.headers.get_all(name).iter();
    let mut values: Vec<_> = headers
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    if values.is_empty() {
        let in_query = pairs.iter().filter(|(known, _)| known == name);
        values.extend(in_query.map(|(_, value)| value.as_str().into()));
    }
    let values: Vec<&str> = values.iter().map(|value| value.trim()).collect();
    values.join(",")
}

/// What is signed; `None` where a value pretends to be more than one line of it.
fn string_to_sign(
    request: &HttpRequest,
    pairs: &[(String, String)],
    amazon: &BTreeMap<String, String>,
    expires: &str,
) -> Option<String> {
    let [md5, kind] = ["content-md5", "content-type"].map(|name| standard(request, pairs, name));
    let values = amazon.iter().flat_map(|(name, value)| [name, value]);
    if [&md5, &kind]
        .into_iter()
        .chain(values)
        .any(|value| value.contains('\n'))
    {
        return None;
    }
    let mut text = format!("{}\n{md5}\n{kind}\n{expires}\n", request.method);
    for (name, value) in amazon {
        text.extend([name, ":", value, "\n"]);
    }
    text.push_str(&request.path);
    let parameters = request.query.split('&').filter_map(|pair| {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        };
        // By the name that is gone by, however it was encoded.
        let (name, _) = form_urlencoded::parse(name.as_bytes()).next()?;
        SIGNED_PARAMETERS.contains(&&*name).then_some((name, value))
    });
    let mut parameters: Vec<_> = parameters.collect();
    parameters.sort_unstable();
    for (at, (name, value)) in parameters.iter().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(&percent_decode_str(value).decode_utf8_lossy());
        }
    }
    Some(text)
}
