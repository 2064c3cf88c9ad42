//! The client against a server that answers as it is told: retries, clocks, connections.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(
    unreachable_pub,
    reason = "the stub is a module of this one test program"
)]

mod stub;

use aws_calls::{Client, Config, ErrorKind, GroupQuery, Operation, Retry};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use remediator_core::{Annotation, Compliance, Evaluation, GroupId, ResultToken, Rule, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;
use stub::{Reply, Stub};
use tokio::time::Instant;

fn config(url: &str) -> Config {
    let keys = Credentials::new(
        "123456789012",
        "secret",
        Some("session".to_owned()),
        None,
        "test",
    );
    let mut config = Config::new("us-east-1", SharedCredentialsProvider::new(keys));
    config.endpoint_url = Some(url.to_owned());
    // No waiting in between: the backoff itself is tested where it is computed.
    config.retry = Retry {
        max_attempts: 3,
        base: Duration::ZERO,
        cap: Duration::ZERO,
    };
    config
}

async fn start(script: impl IntoIterator<Item = Reply>) -> (Stub, Client) {
    let stub = Stub::start(script).await;
    let client = Client::new(config(&stub.url)).unwrap();
    (stub, client)
}

fn group() -> GroupId {
    "sg-0a".parse().unwrap()
}

fn rules() -> BTreeSet<Rule> {
    BTreeSet::from(["tcp:465:0.0.0.0/0".parse().unwrap()])
}

fn evaluations(n: usize) -> Vec<Evaluation> {
    let evaluation = Evaluation {
        resource_type: "AWS::EC2::SecurityGroup".to_owned(),
        resource_id: "sg-0a".to_owned(),
        compliance: Compliance::Compliant,
        annotation: Annotation::correct(),
        ordering_timestamp: Timestamp::from_millis(1_795_334_400_123),
    };
    vec![evaluation; n]
}

fn page(id: &str, next: &str) -> Reply {
    Reply::ok(format!(
        r#"<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>{id}</groupId><groupName>n</groupName></item></securityGroupInfo>{next}</DescribeSecurityGroupsResponse>"#
    ))
}

fn done() -> Reply {
    Reply::ok(
        "<RevokeSecurityGroupIngressResponse><return>true</return></RevokeSecurityGroupIngressResponse>",
    )
}

#[tokio::test]
async fn a_request_is_signed_and_complete() {
    let (stub, client) = start([done()]).await;
    client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap();
    let requests = stub.requests();
    let [request] = requests.as_slice() else {
        unreachable!("one request")
    };
    let header = |name: &str| request.headers[name].as_str();
    assert_eq!(request.method, "POST");
    assert_eq!(header("host"), stub.url.trim_start_matches("http://"));
    assert_eq!(
        header("content-type"),
        "application/x-www-form-urlencoded; charset=utf-8"
    );
    assert_eq!(header("x-amz-security-token"), "session");
    let authorization = header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=123456789012/"));
    assert!(
        authorization.contains("/us-east-1/ec2/aws4_request, SignedHeaders=content-type;host;")
    );
    assert!(
        request
            .body
            .starts_with("Action=RevokeSecurityGroupIngress&Version=2016-11-15")
    );
}

#[tokio::test]
async fn every_page_is_read() {
    let (stub, client) = start([
        page("sg-0a", "<nextToken>t1</nextToken>"),
        page("sg-0b", ""),
    ])
    .await;
    let query = GroupQuery::filter("vpc-id", ["vpc-0a"]);
    let groups = client.describe_security_groups(&query).await.unwrap();
    let ids: Vec<&str> = groups.iter().map(|group| group.group_id.as_str()).collect();
    assert_eq!(ids, ["sg-0a", "sg-0b"]);
    assert!(stub.requests()[1].body.ends_with("&NextToken=t1"));
}

#[tokio::test]
async fn a_page_that_repeats_itself_is_an_error() {
    let again = || page("sg-0a", "<nextToken>t1</nextToken>");
    let (_stub, client) = start([again(), again()]).await;
    let error = client
        .describe_security_groups(&GroupQuery::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Answer);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for first in [
        Reply::ec2_error(503, "RequestLimitExceeded"),
        Reply::ec2_error(500, "InternalError"),
        Reply::Answer(502, vec![], "bad gateway".to_owned()),
        Reply::Close,
    ] {
        let (stub, client) = start([first.clone(), done()]).await;
        let result = client
            .revoke_security_group_ingress(&group(), &rules())
            .await;
        assert!(result.is_ok(), "{first:?}: {result:?}");
        assert_eq!(stub.requests().len(), 2, "{first:?}");
    }
}

#[tokio::test]
async fn patience_ends() {
    let throttled = || Reply::ec2_error(503, "RequestLimitExceeded");
    let (stub, client) = start([throttled(), throttled(), throttled(), done()]).await;
    let error = client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap_err();
    assert_eq!(stub.requests().len(), 3);
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.operation(), Operation::RevokeSecurityGroupIngress);
    assert_eq!(
        error.to_string(),
        "`RevokeSecurityGroupIngress` of `sg-0a` failed: RequestLimitExceeded: words (status 503, request id req-1, 3 attempts)"
    );
}

#[tokio::test]
async fn a_refusal_is_final() {
    for (code, kind) in [
        ("UnauthorizedOperation", ErrorKind::Denied),
        ("InvalidGroup.NotFound", ErrorKind::GroupNotFound),
        ("InvalidPermission.NotFound", ErrorKind::RuleNotFound),
        ("RulesPerSecurityGroupLimitExceeded", ErrorKind::RuleLimit),
        ("AuthFailure", ErrorKind::Credentials),
    ] {
        let (stub, client) = start([Reply::ec2_error(400, code), done()]).await;
        let error = client
            .revoke_security_group_ingress(&group(), &rules())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        assert_eq!(error.request_id(), Some("req-1"));
        assert_eq!(stub.requests().len(), 1, "{code}");
    }
}

/// The first attempt took effect, its answer was lost, and the second tells.
#[tokio::test]
async fn a_lost_answer_surfaces_as_what_it_is() {
    let (_stub, client) = start([
        Reply::Close,
        Reply::ec2_error(400, "InvalidPermission.Duplicate"),
    ])
    .await;
    let error = client
        .authorize_security_group_ingress(&group(), &rules())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::RuleDuplicate, 2)
    );
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once() {
    let expired = || match Reply::ec2_error(400, "RequestExpired") {
        Reply::Answer(status, mut headers, body) => {
            headers.push(("date", "Fri, 01 Jan 2100 00:00:00 GMT".to_owned()));
            Reply::Answer(status, headers, body)
        }
        reply @ (Reply::Close | Reply::Hang) => reply,
    };
    let (stub, client) = start([expired(), done(), done()]).await;
    client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap();
    client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap();
    let dates: Vec<String> = stub
        .requests()
        .iter()
        .map(|request| request.headers["x-amz-date"][..4].to_owned())
        .collect();
    assert_ne!(dates[0], "2100");
    assert_eq!(dates[1..], ["2100", "2100"], "what was learned is kept");

    let (stub, client) = start([expired(), expired(), done()]).await;
    let error = client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("RequestExpired"));
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_failure() {
    let stub = Stub::start([Reply::Hang, Reply::Hang]).await;
    let mut config = config(&stub.url);
    config.timeouts.attempt = Duration::from_millis(20);
    config.retry.max_attempts = 2;
    let client = Client::new(config).unwrap();
    let error = client
        .describe_security_groups(&GroupQuery::id(group()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connection, 2));
    assert!(
        error.report().contains("no complete answer within 20ms"),
        "{}",
        error.report()
    );
}

/// R11: with little time a service that does not answer is asked twice and then given up, in time.
#[tokio::test]
async fn a_deadline_bounds_attempts_and_waits() {
    let stub = Stub::start([Reply::Hang, Reply::Hang, Reply::Hang, Reply::Hang]).await;
    let mut config = config(&stub.url);
    config.retry.max_attempts = 100;
    let client = Client::new(config).unwrap();
    let begun = Instant::now();
    let bounded = client.until(begun + Duration::from_secs(2));
    let error = bounded
        .describe_security_groups(&GroupQuery::id(group()))
        .await
        .unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert!(error.attempts() >= 2, "{error}");
    let kinds = [ErrorKind::Connection, ErrorKind::OutOfTime];
    assert!(kinds.contains(&error.kind()), "{error}");
    // What is over is not tried at all.
    let asked = stub.requests().len();
    let late = client.until(Instant::now());
    let error = late
        .describe_security_groups(&GroupQuery::id(group()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::OutOfTime, 0));
    assert_eq!(stub.requests().len(), asked);
}

/// R11: a pause that would outlast the deadline is not begun; the failure before it is told.
#[tokio::test]
async fn no_wait_beyond_the_deadline() {
    let stub = Stub::start([Reply::ec2_error(503, "RequestLimitExceeded")]).await;
    let mut config = config(&stub.url);
    config.retry.base = Duration::from_secs(36_000_000);
    config.retry.cap = Duration::from_secs(36_000_000);
    let client = Client::new(config).unwrap();
    let bounded = client.until(Instant::now() + Duration::from_secs(1));
    let error = bounded
        .describe_security_groups(&GroupQuery::id(group()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 1));
}

#[tokio::test]
async fn nobody_there() {
    // A port that was free a moment ago.
    let free = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let client = Client::new(config(&url)).unwrap();
    let error = client
        .describe_security_groups(&GroupQuery::id(group()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(
        error.report().contains("onnection refused"),
        "{}",
        error.report()
    );
    assert!(client.connect().await.is_err());
}

#[tokio::test]
async fn a_success_that_is_not_understood_is_no_success() {
    for body in [
        "",
        "<html/>",
        "<RevokeSecurityGroupIngressResponse><return>false</return></RevokeSecurityGroupIngressResponse>",
    ] {
        let (_stub, client) = start([Reply::ok(body)]).await;
        let error = client
            .revoke_security_group_ingress(&group(), &rules())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Answer, "{body}");
    }
}

#[tokio::test]
async fn reports_go_out_by_the_hundred() {
    let (stub, client) = start([Reply::ok("{\"FailedEvaluations\":[]}"), Reply::ok("{}")]).await;
    client
        .put_evaluations(&ResultToken::new("t"), &evaluations(101))
        .await
        .unwrap();
    let requests = stub.requests();
    assert_eq!(
        requests[0].headers["x-amz-target"],
        "StarlingDoveService.PutEvaluations"
    );
    assert_eq!(
        requests[0].headers["content-type"],
        "application/x-amz-json-1.1"
    );
    assert!(requests[0].headers["authorization"].contains("/config/aws4_request"));
    let counts: Vec<usize> = requests
        .iter()
        .map(|request| request.body.matches("OrderingTimestamp").count())
        .collect();
    assert_eq!(counts, [100, 1]);
}

#[tokio::test]
async fn a_report_that_config_does_not_take_is_an_error() {
    let failed =
        r#"{"FailedEvaluations":[{"ComplianceResourceId":"sg-0a","ComplianceType":"COMPLIANT"}]}"#;
    let headers = vec![("x-amzn-requestid", "req-3".to_owned())];
    let taken = Reply::Answer(200, headers, failed.to_owned());
    let (_stub, client) = start([Reply::Close, taken]).await;
    let error = client
        .put_evaluations(&ResultToken::new("t"), &evaluations(1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::EvaluationsFailed, 2)
    );
    assert_eq!(error.request_id(), Some("req-3"));
    assert!(
        error.report().contains("sg-0a COMPLIANT"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_refused_report_keeps_awss_code() {
    let body = r#"{"__type":"InvalidResultTokenException","message":"no"}"#.to_owned();
    let headers = vec![("x-amzn-requestid", "req-2".to_owned())];
    let (_stub, client) = start([Reply::Answer(400, headers, body)]).await;
    let error = client
        .put_evaluations(&ResultToken::new("t"), &evaluations(1))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`PutEvaluations` of `sg-0a` failed: InvalidResultTokenException: no (status 400, request id req-2)"
    );
}

/// Connections that were opened ahead are the ones that are used, and nothing is sent to open them.
#[tokio::test]
async fn connections_are_opened_ahead_and_kept() {
    let (stub, client) = start([done(), done()]).await;
    client.connect().await.unwrap();
    for _ in 0..2 {
        client
            .revoke_security_group_ingress(&group(), &rules())
            .await
            .unwrap();
    }
    assert_eq!(stub.connections(), 3);
    assert_eq!(stub.requests().len(), 2);
}

/// Connections that were given up while they waited cost one attempt, however many they are.
#[tokio::test]
async fn connections_that_died_ahead_cost_one_attempt() {
    let (stub, client) = start([done()]).await;
    stub.close_next(3);
    client.connect().await.unwrap();
    client
        .revoke_security_group_ingress(&group(), &rules())
        .await
        .unwrap();
    assert_eq!(stub.connections(), 4);
    assert_eq!(stub.requests().len(), 1);
}
