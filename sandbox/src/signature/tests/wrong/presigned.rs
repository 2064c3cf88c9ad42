//! Signatures in the query, of version 4 and 2.

use super::*;

pub(super) fn presigned(bench: &Bench, name: &str, at: Timestamp) -> HttpRequest {
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

/// D: each parameter has to be there, and none stands in for another.
#[test]
fn presigned_without_any_of_its_parameters_is_refused() {
    let bench = Bench::new();
    for part in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
        "X-Amz-Expires",
    ] {
        let mut made = presigned(&bench, "s3", bench.now);
        let changed = made.query.replace(part, &part.to_lowercase());
        assert_ne!(changed, made.query, "nothing to change");
        made.query = changed;
        assert_eq!(bench.verify(&made), Err(Refusal::QueryIncomplete), "{part}");
    }
    let mut made = presigned(&bench, "s3", bench.now);
    let other = "AWS4-ECDSA-P256-SHA256";
    made.query = made.query.replace("AWS4-HMAC-SHA256", other);
    assert_eq!(
        bench.verify(&made),
        Err(Refusal::Algorithm(other.to_owned()))
    );
}

/// The signature is the one parameter that cannot be signed; every other one is, however often it comes.
#[test]
fn presigned_with_a_parameter_twice_is_refused() {
    let bench = Bench::new();
    for name in ["s3", "sts"] {
        let made = presigned(&bench, name, bench.now);
        let pairs: Vec<_> = made.query.split('&').map(str::to_owned).collect();
        for pair in pairs {
            for second in [pair.clone(), format!("{pair}0")] {
                let mut twice = presigned(&bench, name, bench.now);
                twice.query = format!("{}&{second}", made.query);
                assert!(bench.verify(&twice).is_err(), "{name} {second}");
            }
        }
    }
}

/// By the machine's clock or by the sandbox's, which some clients follow.
#[test]
fn presigned_is_good_by_either_clock() {
    let bench = Bench::new();
    let (now, day) = (bench.now, time::Duration::DAY);
    let made = presigned(&bench, "s3", now);
    for (machine, sandbox, expected) in [
        (now, now + day, Ok(Caller::Operator)),
        (now + day, now, Ok(Caller::Operator)),
        (now, now - day, Ok(Caller::Operator)),
        (now + day, now + day, Err(Refusal::PresignedLate)),
        (now - day, now - day, Err(Refusal::PresignedEarly)),
        // What is over by one clock and to come by the other is good by neither.
        (now + day, now - 2 * day, Err(Refusal::PresignedLate)),
        (now + 2 * day, now - day, Err(Refusal::PresignedEarly)),
    ] {
        let clocks = Clocks { machine, sandbox };
        assert_eq!(
            bench.verify_at(clocks, &made),
            expected,
            "{machine} {sandbox}"
        );
    }
}

#[test]
fn presigned_is_early_after_the_window_alone() {
    let bench = Bench::new();
    let edge = window("s3") - time::Duration::SECOND;
    let made = presigned(&bench, "s3", bench.now + edge);
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    let mut brief = bench.client("s3");
    brief.presign = Some(Duration::from_secs(604_800));
    let mut made = request(Method::GET, "/a/b", "", "");
    brief.sign(&mut made);
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
}

/// A session's token stands in the query, signed with the rest.
#[test]
fn presigned_token_is_the_sessions_own() {
    let bench = Bench::new();
    let made = |credentials: Credentials| {
        let mut client = bench.client("s3");
        client.credentials = credentials;
        client.presign = Some(Duration::from_secs(60));
        let mut made = request(Method::GET, "/a/b", "", "");
        client.sign(&mut made);
        made
    };
    let own = session(&bench, 60);
    let id = own.access_key_id.clone();
    assert_eq!(bench.verify(&made(own.clone())), Ok(Caller::Operator));
    let mut without = own.clone();
    without.session_token.clear();
    assert_eq!(
        bench.verify(&made(without)),
        Err(Refusal::NoToken(id.clone()))
    );
    let mut other = own.clone();
    other.session_token = session(&bench, 60).session_token;
    assert_eq!(bench.verify(&made(other)), Err(Refusal::WrongToken));
    let mut ended = session(&bench, 0);
    assert_eq!(
        bench.verify(&made(ended.clone())),
        Err(Refusal::ExpiredToken)
    );
    ended.session_token = own.session_token.clone();
    assert_eq!(bench.verify(&made(ended)), Err(Refusal::WrongToken));
    // In a header in place of the query it is none.
    let mut moved = made(own.clone());
    moved.query = moved
        .query
        .replace("X-Amz-Security-Token", "X-Amz-Other")
        .replace(
            "SignedHeaders=host",
            "SignedHeaders=host%3Bx-amz-security-token",
        );
    set(&mut moved, "x-amz-security-token", &own.session_token);
    assert_eq!(bench.verify(&moved), Err(Refusal::NoToken(id)));
}
