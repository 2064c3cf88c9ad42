//! Times: too early, too late, unreadable, and the day of the scope.

use super::super::super::Mechanism;
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

/// The services whose minutes are known say so beside `window`; each is exact to the second.
#[test]
fn time_each_service_has_its_window() {
    let bench = Bench::new();
    for (minutes, names) in [
        (15, &["ec2", "iam", "s3", "sns", "sts"][..]),
        (
            5,
            &[
                "cloudformation",
                "cloudtrail",
                "config",
                "events",
                "lambda",
                "logs",
                "servicequotas",
                "scheduler",
                "secretsmanager",
                "ssm",
            ],
        ),
    ] {
        let edge = time::Duration::minutes(minutes);
        let beyond = edge + time::Duration::SECOND;
        for name in names {
            for (at, is_good) in [
                (bench.now - edge, true),
                (bench.now + edge, true),
                (bench.now - beyond, false),
                (bench.now + beyond, false),
            ] {
                let made = call(&bench, name, |client| client.at = at.into());
                let refusal = bench.verify(&made).err();
                let is_skewed = matches!(refusal, Some(Refusal::Skewed { .. }));
                assert_eq!(is_skewed, !is_good, "{name} {at}: {refusal:?}");
                assert_eq!(refusal.is_none(), is_good, "{name} {at}");
            }
        }
    }
}

/// Of the machine's clock and the sandbox's, the message names the one that the client is nearer to.
#[test]
fn time_that_is_wrong_by_both_clocks_is_told_by_the_nearer_one() {
    let bench = Bench::new();
    let (hour, day) = (time::Duration::HOUR, time::Duration::DAY);
    let made = call(&bench, "sts", |_| {});
    let (near, far) = (bench.now + hour, bench.now + day);
    for (machine, sandbox) in [(near, far), (far, near)] {
        let refusal = bench.verify_at(Clocks { machine, sandbox }, &made);
        let Err(Refusal::Skewed { now, .. }) = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(now, near);
    }
}

/// "Create a signed request": the date may stand in `Date`, as HTTP writes it.
#[test]
fn date_of_http_is_taken() {
    let bench = Bench::new();
    let mut made = call(&bench, "sts", |_| {});
    let date = made.headers.remove("x-amz-date").unwrap();
    let header = made.header("authorization").unwrap();
    let header = header.replace(";x-amz-date", "");
    set(&mut made, "authorization", &header);
    // Signed with another list of headers: only the date is looked at here.
    set(&mut made, "date", "Wed, 18 Nov 2026 08:26:40 GMT");
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
    set(&mut made, "date", "Wed, 18 Nov 2026 08:46:40 GMT");
    let refusal = bench.verify(&made);
    assert!(
        matches!(refusal, Err(Refusal::Skewed { .. })),
        "{refusal:?}"
    );
    assert_eq!(date, "20261118T082640Z");
}

#[test]
fn date_each_part_is_read() {
    let bench = Bench::new();
    for date in [
        "20261118X082640Z",
        "20261118T082640X",
        "20261118T082640ZZ",
        "2026111aT082640Z",
        // The character after the digits.
        "2026111:T082640Z",
        "20261118T0826a0Z",
        "20261118T242640Z",
        "20261131T082640Z",
        "",
    ] {
        for name in ["x-amz-date", "date"] {
            let mut made = call(&bench, "sts", |_| {});
            made.headers.remove("x-amz-date");
            set(&mut made, name, date);
            let expected = Refusal::DateForm {
                mechanism: Mechanism::Header,
                got: date.to_owned(),
            };
            assert_eq!(bench.verify(&made), Err(expected), "{name} {date}");
        }
    }
}
