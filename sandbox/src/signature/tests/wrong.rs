//! Each way to be wrong, as each kind of service words it.
//!
//! Sources, by letter: A the service's own list of common errors; B messages that users have reported, by repository
//! and number; C `scratchstack-aws-signature` 0.11.3, which cites AWS's answers; D answers of S3 that LocalStack has
//! recorded (8b9a79f0, `tests/aws/services/s3/test_s3.snapshot.json`); E versitygw (5d9d5480, `s3err/`), which copies S3's.

use std::time::Duration;

use super::*;

/// The kinds of services: query, EC2, JSON, REST with JSON, S3.
const KINDS: [&str; 5] = ["sts", "ec2", "config", "lambda", "s3"];

/// Checks the answer of each kind of service to a request that goes wrong in one way.
fn check(wrong: impl Fn(&Bench, &str) -> HttpRequest, expect: [(u16, &str, &str); 5]) {
    for (name, expect) in KINDS.into_iter().zip(expect) {
        check_one(&wrong, name, expect);
    }
}

fn check_one(
    wrong: impl Fn(&Bench, &str) -> HttpRequest,
    name: &str,
    (status, code, message): (u16, &str, &str),
) {
    let bench = Bench::new();
    let refusal = bench.verify(&wrong(&bench, name)).unwrap_err();
    let service = Service::from_signing_name(name).unwrap();
    let error = refusal.answer(service);
    assert_eq!(
        (error.status, &*error.code),
        (status, code),
        "{name} {error}"
    );
    assert!(error.message.starts_with(message), "{name}: {error}");
}

/// A small call of a service, rightly signed unless `spoil` sees to it.
fn call(bench: &Bench, name: &str, spoil: impl FnOnce(&mut Signer)) -> HttpRequest {
    let mut client = bench.client(name);
    spoil(&mut client);
    let mut made = request(Method::POST, "/a/b", "", "body");
    set(&mut made, "x-amz-target", "Target");
    client.sign(&mut made);
    made
}

/// The same with another text in the header that holds the signature.
fn rewritten(bench: &Bench, name: &str, from: &str, to: &str) -> HttpRequest {
    let mut made = call(bench, name, |_| {});
    let header = made.header("authorization").unwrap().to_owned();
    let changed = header.replace(from, to);
    assert_ne!(changed, header, "nothing to change");
    set(&mut made, "authorization", &changed);
    made
}

fn session(bench: &Bench, seconds: i64) -> Credentials {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let end = bench.now + time::Duration::seconds(seconds);
    bench.keys.issue_session(&account, Caller::Operator, end)
}

const INVALID: &str = "The security token included in the request is invalid.";
const DIFFERS: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const UNVALIDATED: &str = "AWS was not able to validate the provided access credentials";
const UNFORMATTED: &str = "Authorization header or parameters are not formatted correctly.";
const UNRECORDED: &str = "The AWS Access Key Id you provided does not exist in our records.";

/// Unknown key: B iann0036/iamlive#58 (Lambda), aws/chalice#152; A for the others; aws/aws-sdk-java-v2#2981 (EC2); E (S3).
const UNKNOWN: [(u16, &str, &str); 5] = [
    (403, "InvalidClientTokenId", INVALID),
    (401, "AuthFailure", UNVALIDATED),
    (400, "UnrecognizedClientException", INVALID),
    (403, "UnrecognizedClientException", INVALID),
    (403, "InvalidAccessKeyId", UNRECORDED),
];

#[test]
fn key_unknown_is_refused() {
    let spoil = |client: &mut Signer| client.credentials.access_key_id = "AKIAUNKNOWN".to_owned();
    check(|bench, name| call(bench, name, spoil), UNKNOWN);
}

#[test]
fn key_inactive_or_deleted_is_refused() {
    let inactive = |bench: &Bench, deleted: bool| {
        let account = AccountId::parse(ACCOUNT).unwrap();
        let key = bench.keys.issue_key(&account, Caller::Operator);
        if deleted {
            bench.keys.revoke(&key.access_key_id);
        } else {
            bench.keys.set_active(&key.access_key_id, false);
        }
        key
    };
    for deleted in [false, true] {
        let wrong = |bench: &Bench, name: &str| {
            let key = inactive(bench, deleted);
            call(bench, name, |client| client.credentials = key)
        };
        check(wrong, UNKNOWN);
    }
}

#[test]
fn session_without_its_token_is_refused() {
    let wrong = |bench: &Bench, name: &str| {
        let mut credentials = session(bench, 60);
        credentials.session_token.clear();
        call(bench, name, |client| client.credentials = credentials)
    };
    check(wrong, UNKNOWN);
}

/// S3: B ex-aws/ex_aws#228.
#[test]
fn session_with_another_token_is_refused() {
    let wrong = |bench: &Bench, name: &str| {
        let mut credentials = session(bench, 60);
        credentials.session_token = session(bench, 60).session_token;
        call(bench, name, |client| client.credentials = credentials)
    };
    let mut expect = UNKNOWN;
    let message = "The provided token is malformed or otherwise invalid.";
    expect[4] = (400, "InvalidToken", message);
    check(wrong, expect);
}

/// B cloudquery/cq-provider-aws#1171 (Lambda), ibi-group/datatools-ui#10 (S3), aws/aws-sdk-java#1443 (EC2); A for the others.
#[test]
fn session_that_has_ended_is_refused() {
    let wrong = |bench: &Bench, name: &str| {
        let credentials = session(bench, 0);
        call(bench, name, |client| client.credentials = credentials)
    };
    let expired = "The security token included in the request is expired";
    check(
        wrong,
        [
            (403, "ExpiredToken", expired),
            (400, "RequestExpired", "Request has expired."),
            (400, "ExpiredTokenException", expired),
            (403, "ExpiredTokenException", expired),
            (400, "ExpiredToken", "The provided token has expired."),
        ],
    );
}

/// B aws/aws-cli#5166 (IAM); A; D (S3).
const MISMATCH: [(u16, &str, &str); 5] = [
    (403, "SignatureDoesNotMatch", DIFFERS),
    (401, "AuthFailure", UNVALIDATED),
    (400, "InvalidSignatureException", DIFFERS),
    (403, "InvalidSignatureException", DIFFERS),
    (
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    ),
];

#[test]
fn secret_of_another_is_refused() {
    let spoil = |client: &mut Signer| client.credentials.secret_access_key.push('x');
    check(|bench, name| call(bench, name, spoil), MISMATCH);
}

#[test]
fn signature_that_is_none_is_refused() {
    check(
        |bench, name| rewritten(bench, name, "Signature=", "Signature=A"),
        MISMATCH,
    );
}

/// D, E: S3 tells a body that was changed from a signature that is wrong.
#[test]
fn body_changed_is_refused() {
    let wrong = |bench: &Bench, name: &str| {
        let mut made = call(bench, name, |_| {});
        made.body = "other".into();
        made
    };
    let mut expect = MISMATCH;
    let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    expect[4] = (400, "XAmzContentSHA256Mismatch", message);
    check(wrong, expect);
}

/// B aws/aws-cli#6676 (STS), aws/aws-sdk-net#1506 (JSON), pulumi/pulumi-aws#55 (Lambda); A (EC2, S3). 15 minutes
/// and 5, each with a second beyond.
#[test]
fn time_too_early_or_late_is_refused() {
    let late = |bench: &Bench, name: &str| {
        call(bench, name, |client| {
            client.at = (bench.now - window(name)).into()
        })
    };
    check(
        late,
        [
            (
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 20261118T081139Z is now earlier than 20261118T081140Z (20261118T082640Z - 15 min.)",
            ),
            (400, "RequestExpired", "Request has expired."),
            (
                400,
                "InvalidSignatureException",
                "Signature expired: 20261118T082139Z is now earlier than 20261118T082140Z (20261118T082640Z - 5 min.)",
            ),
            (
                403,
                "InvalidSignatureException",
                "Signature expired: 20261118T082139Z is now earlier than 20261118T082140Z (20261118T082640Z - 5 min.)",
            ),
            (
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
        ],
    );
    let early = |bench: &Bench, name: &str| {
        call(bench, name, |client| {
            client.at = (bench.now + window(name)).into()
        })
    };
    let (code, message) = (
        "SignatureDoesNotMatch",
        "Signature not yet current: 20261118T084141Z is still later than 20261118T084140Z (20261118T082640Z + 15 min.)",
    );
    check_one(early, "sts", (403, code, message));
}

fn window(name: &str) -> time::Duration {
    let minutes = match name {
        "config" | "lambda" => 5,
        _ => 15,
    };
    time::Duration::minutes(minutes) + time::Duration::SECOND
}

#[test]
fn time_at_the_edge_or_by_the_other_clock_is_taken() {
    let bench = Bench::new();
    for name in KINDS {
        let edge = window(name) - time::Duration::SECOND;
        for at in [bench.now - edge, bench.now + edge] {
            let made = call(&bench, name, |client| client.at = at.into());
            assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{name}");
        }
        let made = call(&bench, name, |_| {});
        let day = time::Duration::DAY;
        for (machine, sandbox) in [(bench.now, bench.now + day), (bench.now + day, bench.now)] {
            let clocks = Clocks { machine, sandbox };
            assert_eq!(
                bench.verify_at(clocks, &made),
                Ok(Caller::Operator),
                "{name}"
            );
        }
    }
}

/// B tedder/requests-aws4auth#7; E (S3).
#[test]
fn scope_of_another_day_is_refused() {
    let wrong = |bench: &Bench, name: &str| rewritten(bench, name, "/20261118/", "/20261117/");
    let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261117' != '20261118', from '20261118T082640Z'.";
    check(
        wrong,
        [
            (403, "SignatureDoesNotMatch", message),
            (401, "AuthFailure", UNFORMATTED),
            (400, "InvalidSignatureException", message),
            (403, "InvalidSignatureException", message),
            (
                400,
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; Invalid credential date",
            ),
        ],
    );
}

/// C; E (S3).
#[test]
fn scope_with_another_end_is_refused() {
    let wrong =
        |bench: &Bench, name: &str| rewritten(bench, name, "/aws4_request", "/aws5_request");
    let message =
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.";
    check(
        wrong,
        [
            (403, "SignatureDoesNotMatch", message),
            (401, "AuthFailure", UNFORMATTED),
            (400, "InvalidSignatureException", message),
            (403, "InvalidSignatureException", message),
            (
                400,
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; incorrect terminal \"aws5_request\". This endpoint uses \"aws4_request\".",
            ),
        ],
    );
}

/// The canonical request has them in order ("Create a canonical request"), whatever the order in which they are listed.
#[test]
fn signed_headers_may_be_listed_in_any_order() {
    let bench = Bench::new();
    let (from, to) = (
        "host;x-amz-date;x-amz-target",
        "x-amz-target;host;x-amz-date",
    );
    let made = rewritten(&bench, "sts", from, to);
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
}

/// S3's paths are signed as they are sent, or as S3's documentation encodes them ("Create a canonical request"); the key is
/// the same.
#[test]
fn path_of_an_object_may_be_signed_either_way() {
    let bench = Bench::new();
    for (sent, signed) in [
        ("/bucket/a+b", "/bucket/a+b"),
        ("/bucket/a+b", "/bucket/a%2Bb"),
        ("/bucket/a%2bb", "/bucket/a%2Bb"),
    ] {
        let mut made = request(Method::GET, signed, "", "");
        bench.client("s3").sign(&mut made);
        made.path = sent.to_owned();
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{sent}");
        made.path = "/bucket/a%20b".to_owned();
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{sent}");
    }
}

/// Region and service are in the key: another than signed for is another signature.
#[test]
fn scope_of_another_region_or_service_is_refused() {
    let region = |bench: &Bench, name: &str| rewritten(bench, name, "/us-east-1/", "/eu-west-1/");
    check(region, MISMATCH);
    let bench = Bench::new();
    let made = rewritten(&bench, "config", "/config/", "/sts/");
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
}

/// C; D for S3's words in the query, E for those in the header.
#[test]
fn parts_that_are_missing_are_named() {
    let malformed = "AuthorizationHeaderMalformed";
    check(
        |bench, name| rewritten(bench, name, "SignedHeaders=", "Signed="),
        [
            (
                400,
                "IncompleteSignature",
                "Authorization header requires 'SignedHeaders' parameter.",
            ),
            (401, "AuthFailure", UNFORMATTED),
            (
                400,
                "IncompleteSignatureException",
                "Authorization header requires 'SignedHeaders' parameter.",
            ),
            (
                400,
                "IncompleteSignatureException",
                "Authorization header requires 'SignedHeaders' parameter.",
            ),
            (
                400,
                malformed,
                "The authorization header is malformed; missing SignedHeaders.",
            ),
        ],
    );
    let five = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '";
    check(
        |bench, name| rewritten(bench, name, "/aws4_request", ""),
        [
            (400, "IncompleteSignature", five),
            (401, "AuthFailure", UNFORMATTED),
            (400, "IncompleteSignatureException", five),
            (400, "IncompleteSignatureException", five),
            (
                400,
                malformed,
                "The authorization header is malformed; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
        ],
    );
}

/// C; E (S3).
#[test]
fn date_missing_or_malformed_is_refused() {
    for date in [
        None,
        Some("yesterday"),
        Some("20261318T082640Z"),
        Some("20261118T08264\u{e9}"),
    ] {
        let wrong = |bench: &Bench, name: &str| {
            let mut made = call(bench, name, |_| {});
            made.headers.remove("x-amz-date");
            if let Some(date) = date {
                let value = http::HeaderValue::from_bytes(date.as_bytes()).unwrap();
                made.headers.insert("date", value);
            }
            made
        };
        let message = match date {
            Some(_) => "Date must be in ISO-8601 'basic format'. Got '",
            None => {
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            }
        };
        check(
            wrong,
            [
                (400, "IncompleteSignature", message),
                (401, "AuthFailure", UNFORMATTED),
                (400, "IncompleteSignatureException", message),
                (400, "IncompleteSignatureException", message),
                (
                    403,
                    "AccessDenied",
                    "AWS authentication requires a valid Date or x-amz-date header",
                ),
            ],
        );
    }
}

/// C ("SignedHeaders must include host"; "prefixes"); D (S3).
#[test]
fn headers_that_have_to_be_signed_are_named() {
    let unsigned = "There were headers present in the request which were not signed";
    let host = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    check(
        |bench, name| rewritten(bench, name, "host;", ""),
        [
            (403, "SignatureDoesNotMatch", host),
            (401, "AuthFailure", UNFORMATTED),
            (400, "InvalidSignatureException", host),
            (403, "InvalidSignatureException", host),
            (403, "AccessDenied", unsigned),
        ],
    );
    let added = |bench: &Bench, name: &str| {
        let mut made = call(bench, name, |_| {});
        set(&mut made, "x-amz-extra", "1");
        made
    };
    let extra = "'x-amz-extra' must be a 'SignedHeader' in the AWS Authorization.";
    check(
        added,
        [
            (403, "SignatureDoesNotMatch", extra),
            (401, "AuthFailure", UNFORMATTED),
            (400, "InvalidSignatureException", extra),
            (403, "InvalidSignatureException", extra),
            (
                403,
                "AccessDenied",
                "There were headers present in the request which were not signed: x-amz-extra",
            ),
        ],
    );
}

/// C; B aws/aws-cli#2432 (S3). SigV4A is refused by its name.
#[test]
fn algorithm_that_is_another_is_named() {
    let asymmetric = "AWS4-ECDSA-P256-SHA256";
    let wrong = |bench: &Bench, name: &str| rewritten(bench, name, "AWS4-HMAC-SHA256", asymmetric);
    let message = "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (SigV4A";
    check(
        wrong,
        [
            (400, "IncompleteSignature", message),
            (401, "AuthFailure", UNFORMATTED),
            (400, "IncompleteSignatureException", message),
            (400, "IncompleteSignatureException", message),
            (
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256. (SigV4A",
            ),
        ],
    );
    let version_2 = |bench: &Bench, name: &str| {
        let mut made = call(bench, name, |_| {});
        set(&mut made, "authorization", "AWS 123456789012:c2lnbmF0dXJl");
        made
    };
    let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    check_one(version_2, "s3", (400, "InvalidRequest", message));
}

/// A; B test-kitchen/kitchen-ec2#440 (EC2). S3 takes whoever does not sign for nobody, who may do nothing.
#[test]
fn credentials_missing_are_missed() {
    check(
        |_, _| request(Method::GET, "/", "", ""),
        [
            (
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            (
                400,
                "MissingParameter",
                "The request must contain the parameter AWSAccessKeyId",
            ),
            (
                400,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            (
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            (403, "AccessDenied", "Access Denied"),
        ],
    );
}

/// B catalyst/moodle-tool_objectfs#303 (S3); C for the others.
#[test]
fn credentials_in_two_places_are_refused() {
    let wrong = |bench: &Bench, name: &str| {
        let mut made = call(bench, name, |_| {});
        made.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256".to_owned();
        made
    };
    check_one(wrong, "sts", (403, "SignatureDoesNotMatch", ""));
    check_one(
        wrong,
        "s3",
        (400, "InvalidArgument", "Only one auth mechanism allowed;"),
    );
}

/// E; A (`InvalidRequest` of "Missing required header" and the list of values).
#[test]
fn payload_hash_missing_or_malformed_is_refused() {
    let missing = |bench: &Bench, name: &str| {
        let mut made = call(bench, name, |_| {});
        made.headers.remove("x-amz-content-sha256");
        made
    };
    let message = "Missing required header for this request: x-amz-content-sha256";
    check_one(missing, "s3", (400, "InvalidRequest", message));
    let malformed =
        |bench: &Bench, name: &str| call(bench, name, |client| client.payload = Some("hash"));
    let message =
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,";
    check_one(malformed, "s3", (400, "InvalidArgument", message));
}

fn presigned(bench: &Bench, name: &str, at: Timestamp) -> HttpRequest {
    let mut client = bench.client(name).at(at);
    client.presign = Some(Duration::from_secs(3600));
    let mut made = request(Method::GET, "/a/b", "", "");
    client.sign(&mut made);
    made
}

/// D: `Request has expired`; E: `Request is not valid yet`.
#[test]
fn presigned_is_taken_until_it_expires() {
    let bench = Bench::new();
    let hour = time::Duration::HOUR;
    for name in ["s3", "sts"] {
        let made = presigned(&bench, name, bench.now - hour);
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{name}");
    }
    let late = |bench: &Bench, name: &str| {
        presigned(bench, name, bench.now - hour - time::Duration::SECOND)
    };
    check_one(late, "s3", (403, "AccessDenied", "Request has expired"));
    check_one(
        late,
        "sts",
        (403, "SignatureDoesNotMatch", "Signature expired"),
    );
    let early = |bench: &Bench, name: &str| presigned(bench, name, bench.now + window(name));
    check_one(
        early,
        "s3",
        (403, "AccessDenied", "Request is not valid yet"),
    );
}

/// E; D for what is missing.
#[test]
fn presigned_with_wrong_parameters_is_refused() {
    let code = "AuthorizationQueryParametersError";
    for (from, to, message) in [
        (
            "X-Amz-Expires=3600",
            "X-Amz-Expires=soon",
            "X-Amz-Expires should be a number",
        ),
        (
            "X-Amz-Expires=3600",
            "X-Amz-Expires=-1",
            "X-Amz-Expires must be non-negative",
        ),
        (
            "X-Amz-Expires=3600",
            "X-Amz-Expires=604801",
            "X-Amz-Expires must be less than a week",
        ),
        (
            "X-Amz-Expires=3600",
            "X-Amz-Other=3600",
            "Query-string authentication version 4 requires the X-Amz-Algorithm,",
        ),
        (
            "X-Amz-Date=2026",
            "X-Amz-Date=x",
            "X-Amz-Date must be in the ISO8601 Long Format",
        ),
        (
            "%2F20261118%2F",
            "%2F20261117%2F",
            "Invalid credential date \"20261117\". This date is not the same as X-Amz-Date: \"20261118\".",
        ),
        (
            "%2Faws4_request",
            "",
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed;",
        ),
        (
            "%2Faws4_request",
            "%2Fx",
            "Error parsing the X-Amz-Credential parameter; incorrect terminal \"x\".",
        ),
    ] {
        let wrong = |bench: &Bench, name: &str| {
            let mut made = presigned(bench, name, bench.now);
            let changed = made.query.replace(from, to);
            assert_ne!(changed, made.query, "nothing to change");
            made.query = changed;
            made
        };
        check_one(wrong, "s3", (400, code, message));
    }
    let longest = |bench: &Bench, name: &str| {
        let mut made = presigned(bench, name, bench.now);
        made.query = made.query.replace("=3600", "=604800");
        made
    };
    let bench = Bench::new();
    assert_eq!(bench.verify(&longest(&bench, "s3")), Err(Refusal::Mismatch));
}

/// D: `Query-string authentication requires …`.
#[test]
fn presigned_by_version_2_with_wrong_parameters_is_refused() {
    let query =
        |text: &'static str| move |_: &Bench, _: &str| request(Method::GET, "/a/b", text, "");
    let message =
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
    for text in ["AWSAccessKeyId=1&Signature=a", "Signature=a&Expires=1"] {
        check_one(query(text), "s3", (403, "AccessDenied", message));
    }
    let text = "AWSAccessKeyId=1&Signature=a&Expires=soon";
    let message = "Invalid date (should be seconds since epoch): soon";
    check_one(query(text), "s3", (403, "AccessDenied", message));
    let text = "AWSAccessKeyId=1&Signature=a&Expires=99999999999";
    check_one(query(text), "s3", (403, "InvalidAccessKeyId", UNRECORDED));
}
