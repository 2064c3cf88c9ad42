//! Signatures in the query, of version 4 and 2.

use super::*;

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
