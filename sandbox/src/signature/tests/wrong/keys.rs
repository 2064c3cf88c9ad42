//! Keys and sessions: unknown, inactive, ended, or with another's secret or token.

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
