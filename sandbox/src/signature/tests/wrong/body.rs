//! Bodies and paths: what of them a signature covers.

use super::*;

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

/// What a header says of the hash is S3's alone: to the other services the body is what came.
#[test]
fn body_is_hashed_by_all_but_s3_whatever_a_header_says() {
    let bench = Bench::new();
    for name in ["sts", "ec2", "config", "lambda"] {
        let mut client = bench.client(name);
        client.payload = Some("UNSIGNED-PAYLOAD");
        let mut made = request(Method::POST, "/", "", "body");
        set(&mut made, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        client.sign(&mut made);
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{name}");
    }
}

/// A presigned request may say the hash in its query; then the body is no longer open.
#[test]
fn body_of_a_presigned_request_is_open_unless_it_says_its_hash() {
    const HASH: &str = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
    let bench = Bench::new();
    let put = |query: &str, payload: Option<&'static str>, body: &str| {
        let mut client = bench.client("s3");
        client.presign = Some(Duration::from_secs(60));
        client.payload = payload;
        let mut made = request(Method::PUT, "/a/b", query, body);
        client.sign(&mut made);
        bench.verify(&made)
    };
    let hashed = format!("X-Amz-Content-Sha256={HASH}");
    let body = put(&hashed, Some(HASH), "body");
    assert_eq!(body, Ok(Caller::Operator));
    let other = put(&hashed, Some(HASH), "other");
    assert_eq!(other, Err(Refusal::PayloadMismatch));
    assert_eq!(put("", None, "other"), Ok(Caller::Operator));
}

/// A header that means something to S3 is not added to a presigned address by whoever was given it.
#[test]
fn headers_added_to_a_presigned_request_are_refused() {
    let bench = Bench::new();
    let mut made = presigned::presigned(&bench, "s3", bench.now);
    set(&mut made, "x-amz-acl", "public-read");
    let unsigned = vec!["x-amz-acl".to_owned()];
    assert_eq!(bench.verify(&made), Err(Refusal::NotSigned(unsigned)));
}

/// What is understood of a path is what was signed: dots and empty segments are in neither.
#[test]
fn path_is_understood_as_it_is_signed() {
    let bench = Bench::new();
    let mut made = request(Method::GET, "/2015-03-31/functions/f", "", "");
    bench.client("lambda").sign(&mut made);
    for path in [
        "/2015-03-31/functions/f",
        "//2015-03-31/functions//f",
        "/2015-03-31/functions/./f",
        "/2015-03-31/functions/other/../f",
        "/x/../2015-03-31/functions/f",
    ] {
        made.path = path.to_owned();
        assert_eq!(bench.verify(&made), Ok(Caller::Operator), "{path}");
        let operation = Service::Lambda.decode(&made).unwrap();
        assert_eq!(operation.name, "GetFunction", "{path}");
        assert_eq!(operation.input["FunctionName"], "f", "{path}");
    }
    // Encoded, dots are a name, and encoded twice they are another.
    for path in ["/2015-03-31/functions/%2e%2e", "/2015-03-31/functions/%66"] {
        made.path = path.to_owned();
        assert_eq!(bench.verify(&made), Err(Refusal::Mismatch), "{path}");
    }
    let mut made = request(Method::GET, "/bucket/a/../b", "", "");
    bench.client("s3").sign(&mut made);
    made.path = "/bucket/b".to_owned();
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
}
