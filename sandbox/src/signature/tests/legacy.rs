//! Version 2 in the query.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use super::*;

/// A request that is good for a minute, signed by the letter of the specification: method, MD5, type, expiry, headers,
/// resource. `lines` are the headers, `extra` is what of the query is part of the resource.
fn presigned(bench: &Bench, extra: &str, lines: &str) -> HttpRequest {
    let resource = format!("/bucket/a%20key{extra}");
    sign(&bench.operator(), bench.now, &resource, lines)
}

/// The same without either.
pub(super) fn presigned_at(
    credentials: &Credentials,
    now: Timestamp,
    resource: &str,
) -> HttpRequest {
    sign(credentials, now, resource, "")
}

fn sign(credentials: &Credentials, now: Timestamp, resource: &str, lines: &str) -> HttpRequest {
    let expires = (now + time::Duration::MINUTE).unix_timestamp();
    let text = format!("GET\n\n\n{expires}\n{lines}{resource}");
    let secret = credentials.secret_access_key.as_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("AWSAccessKeyId", &credentials.access_key_id)
        .append_pair("Signature", &signature)
        .append_pair("Expires", &expires.to_string())
        .finish();
    let (path, extra) = resource.split_once('?').unwrap_or((resource, ""));
    let query = [query.as_str(), extra].join("&");
    request(Method::GET, path, query.trim_end_matches('&'), "")
}

#[test]
fn presigned_by_version_2_is_taken_until_it_expires() {
    let mut bench = Bench::new();
    let made = presigned(&bench, "?versionId=7", "");
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    bench.now += time::Duration::seconds(60);
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    bench.now += time::Duration::SECOND;
    assert_eq!(bench.verify(&made), Err(Refusal::PresignedLate));
}

#[test]
fn presigned_by_version_2_changed_is_refused() {
    let bench = Bench::new();
    let with_header = "x-amz-checksum-mode:ENABLED\n";
    let made = || {
        let mut made = presigned(&bench, "?versionId=7", with_header);
        made.query.push_str("&x-amz-checksum-mode=ENABLED");
        made
    };
    assert_eq!(bench.verify(&made()), Ok(Caller::Operator));
    type Change = fn(&mut HttpRequest);
    let changes: [(&str, Change); 7] = [
        ("method", |made| made.method = Method::PUT),
        ("key", |made| made.path.push('2')),
        ("version", |made| {
            made.query = made.query.replace("Id=7", "Id=8")
        }),
        ("parameter", |made| made.query.push_str("&policy")),
        ("setting", |made| made.query.push_str("&publicAccessBlock")),
        ("header", |made| set(made, "x-amz-acl", "public-read")),
        ("type", |made| set(made, "content-type", "text/html")),
    ];
    for (what, change) in changes {
        let mut made = made();
        change(&mut made);
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{what}");
    }
}
