//! The header's form: its parts, the scope, and what has to be signed.

use super::*;

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
