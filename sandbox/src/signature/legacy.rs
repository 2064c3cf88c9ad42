//! Signature version 2 in the query of an S3 request: what boto3 presigns unless it is told otherwise.
//!
//! Specification: "Signing and authenticating REST requests" of the S3 documentation; what SDKs put into the query in
//! place of headers follows `HmacV1QueryAuth` of botocore (0e6e2404).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ring::hmac;

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
    let end = expires.parse().ok().map(Timestamp::from_unix_timestamp);
    let Some(Ok(end)) = end else {
        return Err(Refusal::LegacyExpires(expires.to_owned()));
    };
    clocks.check_end(end)?;
    let headers = amazon_headers(request, &pairs);
    let token = headers.get("x-amz-security-token").map(String::as_str);
    let who = keys.find(&scope.access_key, token, clocks.sandbox)?;
    let text = string_to_sign(request, find, &headers, expires);
    let secret = keys.secret_of(&scope.access_key);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let signature = BASE64_STANDARD.decode(signature);
    let signature = signature.map_err(|_| Refusal::Mismatch)?;
    // In constant time.
    hmac::verify(&key, text.as_bytes(), &signature).map_err(|_| Refusal::Mismatch)?;
    Ok(who)
}

/// Headers and parameters that begin with `x-amz-`; a header wins.
fn amazon_headers(request: &HttpRequest, pairs: &[(String, String)]) -> BTreeMap<String, String> {
    let is_amazon = |name: &str| name.starts_with("x-amz-");
    let mut found: BTreeMap<String, String> = pairs
        .iter()
        .filter(|(name, _)| is_amazon(name))
        .map(|(name, value)| (name.clone(), value.trim().to_owned()))
        .collect();
    for name in request
        .headers
        .keys()
        .filter(|name| is_amazon(name.as_str()))
    {
        let values = request.headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
            .collect();
        found.insert(name.as_str().to_owned(), values.join(","));
    }
    found
}

fn string_to_sign<'q>(
    request: &'q HttpRequest,
    find: impl Fn(&str) -> Option<&'q str>,
    amazon: &BTreeMap<String, String>,
    expires: &str,
) -> String {
    let standard = |name: &str| {
        let value = request.header(name).or_else(|| find(name));
        value.unwrap_or_default().trim()
    };
    let mut text = format!(
        "{}\n{}\n{}\n{expires}\n",
        request.method,
        standard("content-md5"),
        standard("content-type")
    );
    for (name, value) in amazon {
        text.extend([name, ":", value, "\n"]);
    }
    text.push_str(&request.path);
    let parameters = request.query.split('&').filter_map(|pair| {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        };
        SIGNED_PARAMETERS.contains(&name).then_some((name, value))
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
    text
}
