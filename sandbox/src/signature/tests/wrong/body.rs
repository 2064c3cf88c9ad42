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
