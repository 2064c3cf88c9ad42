//! Times: too early, too late, unreadable, and the day of the scope.

use super::*;

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
