//! Each way to be wrong, as each kind of service words it.
//!
//! Sources, by letter: A the service's own list of common errors; B messages that users have reported, by repository
//! and number; C `scratchstack-aws-signature` 0.11.3, which cites AWS's answers; D answers of S3 that LocalStack has
//! recorded (8b9a79f0, `tests/aws/services/s3/test_s3.snapshot.json`); E versitygw (5d9d5480, `s3err/`), which copies S3's.

mod body;
mod form;
mod keys;
mod presigned;
mod times;

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

fn window(name: &str) -> time::Duration {
    let minutes = match name {
        "config" | "lambda" => 5,
        _ => 15,
    };
    time::Duration::minutes(minutes) + time::Duration::SECOND
}
