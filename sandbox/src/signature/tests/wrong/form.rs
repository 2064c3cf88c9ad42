//! The header's form: its parts, the scope, and what has to be signed.

use ring::hmac;

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

/// C: a part of the header that is missing is named. E (S3): the scope has five parts, none of them empty.
#[test]
fn credential_of_another_form_is_refused() {
    let bench = Bench::new();
    for (from, to) in [
        ("/us-east-1/", "//"),
        ("/aws4_request", "/aws4_request/"),
        ("/aws4_request", "/aws4_request/x"),
        (ACCOUNT, ""),
    ] {
        let refusal = bench.verify(&rewritten(&bench, "sts", from, to));
        let is_form = matches!(refusal, Err(Refusal::Credential { .. }));
        assert!(is_form, "{to}: {refusal:?}");
    }
    for (part, other) in [
        ("Credential", "Credentials"),
        ("Signature", "signature"),
        ("SignedHeaders", "signedheaders"),
    ] {
        let made = rewritten(&bench, "sts", &format!("{part}="), &format!("{other}="));
        let refusal = bench.verify(&made);
        assert_eq!(refusal, Err(Refusal::Incomplete(vec![part])));
    }
}

/// Nothing is left to chance where another reader could go by the other one. What AWS answers is not known.
#[test]
fn header_or_part_of_it_that_comes_twice_is_refused() {
    let bench = Bench::new();
    for part in ["Credential", "SignedHeaders", "Signature"] {
        let mut made = call(&bench, "sts", |_| {});
        let header = made.header("authorization").unwrap().to_owned();
        set(&mut made, "authorization", &format!("{header}, {part}=x"));
        let refusal = bench.verify(&made);
        assert_eq!(refusal, Err(Refusal::Repeated(part.to_owned())));
    }
    let mut made = call(&bench, "sts", |_| {});
    let value = http::HeaderValue::from_static("Bearer x");
    made.headers.append("authorization", value);
    assert_eq!(bench.verify(&made), Err(Refusal::Twice));
    let repeated = Refusal::Repeated("Signature".to_owned());
    assert_eq!(repeated.answer(Service::Sts).code, "IncompleteSignature");
    assert_eq!(
        repeated.answer(Service::S3).code,
        "AuthorizationHeaderMalformed"
    );
}

/// B catalyst/moodle-tool_objectfs#303: each two of the three places.
#[test]
fn credentials_in_any_two_places_are_refused() {
    let bench = Bench::new();
    const FOUR: &str = "X-Amz-Credential=a/20261118/us-east-1/s3/aws4_request";
    const TWO: &str = "AWSAccessKeyId=a&Signature=b&Expires=1";
    for (header, query) in [
        (true, FOUR.to_owned()),
        (true, "X-Amz-Signature=1".to_owned()),
        (true, TWO.to_owned()),
        (true, "Signature=b".to_owned()),
        (false, format!("{FOUR}&{TWO}")),
    ] {
        let mut made = call(&bench, "s3", |_| {});
        made.query = query;
        if !header {
            made.headers.remove("authorization");
        }
        let refusal = bench.verify(&made);
        assert_eq!(refusal, Err(Refusal::Twice), "{}", made.query);
    }
}

/// What is added to the query counts, however it is written, where the signature is not one of the parameters.
#[test]
fn parameter_with_the_name_of_a_signature_is_signed() {
    let bench = Bench::new();
    let mut made = call(&bench, "sts", |_| {});
    made.query = "X%2DAmz%2DSignatur%65=1".to_owned();
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
}

/// A name in the list counts as it is written in the canonical request, in lower case.
#[test]
fn signed_headers_in_upper_case_sign_nothing() {
    let bench = Bench::new();
    let made = rewritten(&bench, "sts", "SignedHeaders=host", "SignedHeaders=Host");
    let host = Refusal::NotSigned(vec!["host".to_owned()]);
    assert_eq!(bench.verify(&made), Err(host));
}

#[test]
fn signature_in_upper_case_or_cut_off_is_none() {
    let bench = Bench::new();
    let made = call(&bench, "sts", |_| {});
    let (head, signature) = made
        .header("authorization")
        .unwrap()
        .split_once("ture=")
        .unwrap();
    for other in [
        signature.to_uppercase(),
        signature[..62].to_owned(),
        format!("{signature}0"),
        String::new(),
    ] {
        let mut made = call(&bench, "sts", |_| {});
        set(&mut made, "authorization", &format!("{head}ture={other}"));
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{other}");
    }
}

/// A request with a header of its own, signed without AWS's signer, which takes text alone.
fn signed_by_hand(bench: &Bench, canonical: &str) -> HttpRequest {
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const AT: &str = "20261118T082640Z";
    const SIGNED: &str = "host;x-amz-date;x-odd";
    let scope = format!("{}/us-east-1/sts/aws4_request", &AT[..8]);
    let text = format!(
        "POST\n/\n\nhost:localhost\nx-amz-date:{AT}\nx-odd:{canonical}\n\n{SIGNED}\n{EMPTY}"
    );
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let hash = hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{AT}\n{scope}\n{hash}");
    let sign = |key: &[u8], text: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    let mut key = format!("AWS4{}", bench.operator().secret_access_key).into_bytes();
    for part in scope.split('/') {
        key = sign(&key, part);
    }
    let mut made = request(Method::POST, "/", "", "");
    set(&mut made, "host", "localhost");
    set(&mut made, "x-amz-date", AT);
    let signature = hex(&sign(&key, &text));
    let header = format!(
        "AWS4-HMAC-SHA256 Credential={ACCOUNT}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"
    );
    set(&mut made, "authorization", &header);
    made
}

/// "Create a canonical request": spaces at the ends do not count, nor do several more than one. All else does, and what
/// is no text does not look like other things that are none.
#[test]
fn header_values_are_compared_byte_by_byte() {
    let bench = Bench::new();
    for (canonical, sent, is_same) in [
        ("a b", &[&b"a b"[..]][..], true),
        ("a b", &[b" a  b  "], true),
        ("a b", &[b"a\t \tb"], true),
        ("a,b", &[b"a", b" b"], true),
        ("a b", &[b"ab"], false),
        ("a", &[b"a", b"a"], false),
        ("a", &[], false),
        ("\u{e9}", &["\u{e9}".as_bytes()], true),
        ("\u{fffd}", &[b"\xff"], false),
        ("a \u{fffd}", &[b"a  \xff"], false),
        ("a", &["\u{a0}a".as_bytes()], false),
    ] {
        let mut made = signed_by_hand(&bench, canonical);
        for value in sent {
            let value = http::HeaderValue::from_bytes(value).unwrap();
            made.headers.append("x-odd", value);
        }
        let expected = match is_same {
            true => Ok(Caller::Operator),
            false => Err(Refusal::Mismatch),
        };
        assert_eq!(bench.verify(&made), expected, "{canonical} {sent:?}");
    }
}
