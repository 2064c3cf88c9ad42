//! Keys and sessions: unknown, inactive, ended, or with another's secret or token.

use ring::hmac;

use super::*;

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

/// A signing key that is kept opens nothing once its access key is taken back.
#[test]
fn key_deleted_after_it_was_used_is_refused() {
    let bench = Bench::new();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let key = bench.keys.issue_key(&account, Caller::Operator);
    let id = key.access_key_id.clone();
    let made = call(&bench, "sts", |client| client.credentials = key);
    assert_eq!(bench.verify(&made), Ok(Caller::Operator));
    assert_eq!(bench.keys.derived.len(), 1);
    bench.keys.revoke(&id);
    assert_eq!(bench.verify(&made), Err(Refusal::UnknownKey(id)));
}

/// Nobody drives out what others have proven, by scopes that he cannot sign for.
#[test]
fn key_that_proves_nothing_is_not_kept() {
    let bench = Bench::new();
    let made = call(&bench, "sts", |client| {
        client.credentials.secret_access_key.push('x');
    });
    assert_eq!(bench.verify(&made), Err(Refusal::Mismatch));
    assert_eq!(bench.keys.derived.len(), 0);
}

/// Whoever is asked for in the scope, the key of another account is that account's.
#[test]
fn key_of_another_account_names_its_own() {
    let bench = Bench::new();
    let other = AccountId::parse("210987654321").unwrap();
    let key = bench.keys.operator(&other);
    let made = call(&bench, "sts", |client| client.credentials = key);
    let scope = Scope::of(&made).unwrap();
    let clocks = Clocks {
        machine: bench.now,
        sandbox: bench.now,
    };
    let who = verify(&bench.keys, clocks, Service::Sts, &scope, &made);
    assert_eq!(who, Ok((other, Caller::Operator)));
    let stolen = call(&bench, "sts", |client| {
        client.credentials.access_key_id = "210987654321".to_owned();
    });
    assert_eq!(bench.verify(&stolen), Err(Refusal::Mismatch));
}

/// A key without a session takes no token, one that is no text included, and no token is taken unsigned.
#[test]
fn token_that_is_not_asked_for_is_refused() {
    let bench = Bench::new();
    let token = session(&bench, 60).session_token;
    let with_token = call(&bench, "sts", |client| {
        client.credentials.session_token = token.clone();
    });
    assert_eq!(bench.verify(&with_token), Err(Refusal::WrongToken));
    let mut added = call(&bench, "sts", |_| {});
    set(&mut added, "x-amz-security-token", &token);
    let unsigned = vec!["x-amz-security-token".to_owned()];
    assert_eq!(bench.verify(&added), Err(Refusal::NotSigned(unsigned)));
    let mut odd = with_token;
    let value = http::HeaderValue::from_bytes(b"\xff").unwrap();
    odd.headers.insert("x-amz-security-token", value);
    assert_eq!(bench.verify(&odd), Err(Refusal::WrongToken));
}

/// Many scopes of many days do not fill the memory.
#[test]
fn keys_are_kept_up_to_a_number() {
    let bench = Bench::new();
    let scope = |number: usize| Scope {
        credential: number.to_string(),
        ..Scope::default()
    };
    for number in 0..=2 * 1024 {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        bench.keys.derived.keep(&scope(number), key);
        assert!(bench.keys.derived.len() <= 1024, "{number}");
    }
    assert!(bench.keys.derived.get(&scope(2 * 1024)).is_some());
}
