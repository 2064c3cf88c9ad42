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
fn presigned_by_version_2_with_its_own_parameter_twice_is_refused() {
    let bench = Bench::new();
    let made = || presigned(&bench, "?versionId=7", "");
    for second in ["AWSAccessKeyId=1", "Expires=1", "Signature=a"] {
        let mut made = made();
        made.query = format!("{}&{second}", made.query);
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{second}");
    }
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

/// Whoever was given an address adds nothing to it, however it is written: not another version, not a second value of
/// which another reader might take the last.
#[test]
fn presigned_by_version_2_with_parameters_added_is_refused() {
    let bench = Bench::new();
    let lines = "x-amz-checksum-mode:ENABLED\n";
    for added in [
        "versionId=8",
        "version%49d=8",
        "%76ersionId=8",
        "%61cl",
        "x-amz-checksum-mode=DISABLED",
        "%78-amz-checksum-mode=DISABLED",
        "x-amz-acl=public-read",
        "content-type=text/html",
        "content-md5=x",
    ] {
        for first in [false, true] {
            let mut made = presigned(&bench, "", lines);
            let own = format!("{}&x-amz-checksum-mode=ENABLED", made.query);
            made.query.clone_from(&own);
            assert_eq!(bench.verify(&made), Ok(Caller::Operator));
            made.query = match first {
                true => format!("{added}&{own}"),
                false => format!("{own}&{added}"),
            };
            assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{added}");
        }
    }
    let mut made = presigned(&bench, "", lines);
    made.query.push_str("&x-amz-checksum-mode=ENABLED");
    set(&mut made, "x-amz-checksum-mode", "ENABLED");
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "in both");
}

/// A value that holds the line break of the text that is signed does not pass for two headers.
#[test]
fn presigned_by_version_2_with_a_line_in_a_value_is_refused() {
    let bench = Bench::new();
    let lines = "x-amz-checksum-mode:ENABLED\nx-amz-expected-bucket-owner:1\n";
    let mut made = presigned(&bench, "", lines);
    let own = made.query.clone();
    made.query = format!("{own}&x-amz-checksum-mode=ENABLED&x-amz-expected-bucket-owner=1");
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    made.query = format!("{own}&x-amz-checksum-mode=ENABLED%0Ax-amz-expected-bucket-owner%3A1");
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
}

#[test]
fn presigned_by_version_2_in_another_form_is_refused() {
    let bench = Bench::new();
    let mut made = presigned(&bench, "", "");
    let own = made.query.clone();
    for part in ["AWSAccessKeyId", "Signature", "Expires"] {
        made.query = own.replace(part, &part.to_lowercase());
        assert_eq!(
            bench.verify(&made),
            Err(Refusal::LegacyIncomplete),
            "{part}"
        );
    }
    let (head, rest) = own.split_once("Signature=").unwrap();
    let (_, rest) = rest.split_once('&').unwrap();
    for none in ["%21", ""] {
        made.query = format!("{head}Signature={none}&{rest}");
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{none}");
    }
}

/// By the machine's clock or by the sandbox's.
#[test]
fn presigned_by_version_2_is_good_by_either_clock() {
    let bench = Bench::new();
    let (now, day) = (bench.now, time::Duration::DAY);
    let made = presigned(&bench, "", "");
    for (machine, sandbox, expected) in [
        (now, now + day, Ok(Caller::Operator)),
        (now + day, now, Ok(Caller::Operator)),
        (now + day, now + day, Err(Refusal::PresignedLate)),
    ] {
        let clocks = Clocks { machine, sandbox };
        assert_eq!(bench.verify_at(clocks, &made), expected);
    }
}

/// `HmacV1QueryAuth` of botocore puts the token into the query, and signs it.
#[test]
fn presigned_by_version_2_needs_an_active_key_and_its_token() {
    let bench = Bench::new();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let key = bench.keys.issue_key(&account, Caller::Operator);
    let made = presigned_at(&key, bench.now, "/bucket/key");
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    bench.keys.set_active(&key.access_key_id, false);
    let unknown = Refusal::UnknownKey(key.access_key_id);
    assert_eq!(bench.verify(&made), Err(unknown));
    let end = bench.now + time::Duration::MINUTE;
    let issue = || bench.keys.issue_session(&account, Caller::Operator, end);
    let (own, other) = (issue(), issue());
    let with = |token: &str| {
        let line = format!("x-amz-security-token:{token}\n");
        let mut made = sign(&own, bench.now, "/bucket/key", &line);
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        made.query
            .push_str(&format!("&x-amz-security-token={token}"));
        bench.verify(&made)
    };
    assert_eq!(with(&own.session_token), Ok(Caller::Operator));
    assert_eq!(with(&other.session_token), Err(Refusal::WrongToken));
    let without = presigned_at(&own, bench.now, "/bucket/key");
    let missing = Refusal::NoToken(own.access_key_id.clone());
    assert_eq!(bench.verify(&without), Err(missing));
}
