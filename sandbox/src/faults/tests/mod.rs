//! Every kind in every phase, in process and over HTTP.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

mod late;

use super::*;
use crate::caller::KeyRing;
use crate::error::ApiError;
use crate::ids::AccountId;
use crate::journal::{Ended, Query};
use crate::sandbox::Settings;
use crate::server;
use crate::signature::signing::{self, Signer};
use crate::testing;
use crate::testing::ACCOUNT;

#[derive(Clone, Default)]
struct Wrong;

/// A sandbox whose clock stands still.
type World = testing::World<Wrong>;

impl World {
    fn new() -> Self {
        let settings = Settings {
            secret: Some(testing::secret()),
            ..Settings::default()
        };
        Self::start_with(Service::Ec2, settings).frozen()
    }

    fn set(&self, rules: Vec<Rule>) -> Vec<u64> {
        let now = self.sandbox.clock.now();
        self.sandbox.faults.add(now, rules).unwrap()
    }

    async fn create(&self, name: &str) -> Result<Value, ApiError> {
        let input = json!({"GroupName": name, "GroupDescription": name});
        self.call("CreateSecurityGroup", input).await
    }

    /// How many groups of that name there really are.
    async fn groups(&self, name: &str) -> usize {
        let input = json!({"Filter": [{"Name": "group-name", "Value": [name]}]});
        let shown = self.call("DescribeSecurityGroups", input).await;
        shown.unwrap()["securityGroupInfo"]
            .as_array()
            .unwrap()
            .len()
    }

    /// The newest entry of the journal: how it ended, and which fault it had.
    fn last(&self) -> (Ended, Option<String>) {
        let found = self.sandbox.journal.list(&Query::default());
        let entry = found.calls.last().unwrap();
        (entry.ended.clone(), entry.fault.clone())
    }

    /// Serves HTTP and answers the address.
    async fn serve(&self) -> String {
        let listener = server::bind(&self.sandbox, 0).await.unwrap();
        tokio::spawn(server::serve(self.sandbox.clone(), listener));
        self.sandbox
            .endpoint()
            .strip_prefix("http://")
            .unwrap()
            .to_owned()
    }
}

impl World {
    /// Makes a group over HTTP, and sees to it that its effect is there long before the answer, which takes a minute.
    async fn answered_after_a_minute(
        &self,
        address: &str,
        group: &'static str,
    ) -> (String, String) {
        let (address, other) = (address.to_owned(), address.to_owned());
        let waiting =
            tokio::spawn(async move { send(&address, "POST", "/", &create_form(group)).await });
        while self.groups(group).await == 0 {
            tokio::task::yield_now().await;
        }
        // An answer that is not held is there long before other calls were made and answered.
        let others = async || {
            for _ in 0..3 {
                send(&other, "GET", "/_sandbox/health", "").await;
            }
        };
        others().await;
        self.sandbox.clock.advance(Duration::from_millis(59_999));
        others().await;
        assert!(!waiting.is_finished(), "the answer came too early");
        // The held call may not have begun to wait yet; then its minute begins later.
        while !waiting.is_finished() {
            self.sandbox.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        waiting.await.unwrap()
    }
}

/// Sends one request and reads until the server closes: the status line and the body, both empty when
/// the connection was closed without an answer.
async fn send(address: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = signing::request(method.parse().unwrap(), path, "", body);
    signing::set(&mut request, "host", address);
    let kind = "application/x-www-form-urlencoded";
    signing::set(&mut request, "content-type", kind);
    if path.starts_with("/_sandbox/") {
        let bearer = format!("Bearer {}", testing::secret().bearer());
        signing::set(&mut request, "authorization", &bearer);
    } else {
        let keys = KeyRing::new(testing::secret());
        let account = AccountId::parse(ACCOUNT).unwrap();
        Signer::new(keys.operator(&account), "ec2").sign(&mut request);
    }
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\nuser-agent: test/1\r\n",
        body.len()
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let request = format!("{text}\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.lines().next().unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

fn create_form(name: &str) -> String {
    format!("Action=CreateSecurityGroup&Version=2016-11-15&GroupName={name}&GroupDescription=d")
}

#[tokio::test]
async fn before_the_effect_nothing_happens_and_after_it_everything_has() {
    let world = World::new();
    let kinds = [
        (Fault::Throttling, 503, "RequestLimitExceeded"),
        (Fault::AccessDenied, 403, "UnauthorizedOperation"),
        (Fault::InternalError, 500, "InternalError"),
        (Fault::ServiceUnavailable, 503, "Unavailable"),
        (Fault::DroppedConnection, 503, "ServiceUnavailable"),
    ];
    for (number, (fault, status, code)) in kinds.into_iter().enumerate() {
        for phase in [Phase::Before, Phase::After] {
            let name = format!("g{number}{phase:?}");
            world.set(vec![Rule {
                phase,
                count: Some(1),
                ..Rule::new("ec2", "CreateSecurityGroup", fault.clone())
            }]);
            let error = world.create(&name).await.unwrap_err();
            assert_eq!((error.status, &*error.code), (status, code), "{fault:?}");
            let (ended, struck) = world.last();
            let struck = struck.unwrap();
            let happened = usize::from(phase == Phase::After);
            assert_eq!(world.groups(&name).await, happened, "{struck}");
            assert_eq!(ended == Ended::Done, phase == Phase::After, "{struck}");
        }
    }
}

#[tokio::test]
async fn every_service_throttles_with_its_own_code() {
    let world = World::new();
    world.set(vec![Rule::new("*", "*", Fault::Throttling)]);
    for (service, name, code) in [
        (Service::Ec2, "DescribeVpcs", "503 RequestLimitExceeded"),
        (Service::S3, "ListBuckets", "503 SlowDown"),
        (
            Service::Lambda,
            "ListFunctions",
            "429 TooManyRequestsException",
        ),
        (
            Service::Config,
            "DescribeConfigRules",
            "400 ThrottlingException",
        ),
        (Service::Iam, "ListRoles", "400 Throttling"),
    ] {
        let error = world.of(service).refusal(name, json!({})).await;
        assert_eq!(format!("{} {}", error.status, error.code), code);
    }
}

#[tokio::test]
async fn rules_choose_by_operation_caller_account_and_count() {
    let world = World::new();
    world.set(vec![
        Rule {
            caller: Some(CallerKind::Role),
            ..Rule::new("ec2", "*", Fault::InternalError)
        },
        Rule {
            account: Some("999999999999".to_owned()),
            ..Rule::new("ec2", "*", Fault::InternalError)
        },
        Rule::new("ec2", "DeleteSecurityGroup", Fault::InternalError),
        Rule::new("s3", "*", Fault::InternalError),
        Rule {
            skip: 1,
            count: Some(2),
            ..Rule::new("ec2", "CreateSecurityGroup", Fault::Throttling)
        },
    ]);
    let mut struck = Vec::new();
    for number in 0..5 {
        struck.push(world.create(&format!("g{number}")).await.is_err());
    }
    assert_eq!(struck, [false, true, true, false, false]);
    let listed = world.sandbox.faults.list(world.sandbox.clock.now());
    assert_eq!((listed[4].matched, listed[4].struck), (5, 2));
    assert!(listed[..4].iter().all(|active| active.matched == 0));
    assert!(world.sandbox.faults.remove(listed[0].id));
    assert!(!world.sandbox.faults.remove(listed[0].id));
    assert_eq!(world.sandbox.faults.clear(), 4);
}

#[tokio::test]
async fn chance_is_the_same_in_every_run() {
    let run = |seed| async move {
        let world = World::new();
        world.set(vec![Rule {
            probability: 0.5,
            seed,
            ..Rule::new("ec2", "*", Fault::Throttling)
        }]);
        let mut struck = Vec::new();
        for _ in 0..64 {
            let called = world.call("DescribeVpcs", json!({})).await;
            struck.push(called.is_err());
        }
        struck
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    let hits = first.iter().filter(|hit| **hit).count();
    assert!((16..=48).contains(&hits), "{hits} of 64");
}

#[tokio::test]
async fn a_rule_ends_with_its_time() {
    let world = World::new();
    world.set(vec![Rule {
        for_ms: Some(2_000),
        ..Rule::new("ec2", "*", Fault::Throttling)
    }]);
    assert!(world.create("a").await.is_err());
    world.sandbox.clock.advance(Duration::from_secs(2));
    assert!(world.create("a").await.is_ok());
    assert!(
        world
            .sandbox
            .faults
            .list(world.sandbox.clock.now())
            .is_empty()
    );
    world.set(vec![Rule {
        for_ms: Some(u64::MAX),
        ..Rule::new("ec2", "*", Fault::Throttling)
    }]);
    assert!(world.create("b").await.is_err());
}

#[tokio::test]
async fn a_stale_read_shows_what_was_true_then() {
    let world = World::new();
    world.create("old").await.unwrap();
    let rules = world.set(vec![Rule::new(
        "ec2",
        "DescribeSecurityGroups",
        Fault::StaleReads {
            lag_ms: 3_000,
            of: None,
        },
    )]);
    world.create("new").await.unwrap();
    assert_eq!(world.groups("old").await, 1);
    assert_eq!(world.groups("new").await, 0, "it was not there 3 s ago");
    assert_eq!(world.last().1.unwrap(), "read of 3000 ms ago");
    // What writes is never late: the name is taken although nobody can see it yet.
    let twice = world.create("new").await.unwrap_err();
    assert_eq!(twice.code, "InvalidGroup.Duplicate");
    world.sandbox.clock.advance(Duration::from_millis(2_999));
    assert_eq!(world.groups("new").await, 0);
    world.sandbox.clock.advance(Duration::from_millis(1));
    assert_eq!(world.groups("new").await, 1);
    world.create("newest").await.unwrap();
    assert_eq!(world.groups("newest").await, 0);
    assert!(world.sandbox.faults.remove(rules[0]));
    assert_eq!(world.groups("newest").await, 1);
}

#[tokio::test]
async fn what_is_no_rule_is_refused_as_a_whole() {
    let world = World::new();
    let now = world.sandbox.clock.now();
    let good = Rule::new("ec2", "*", Fault::Throttling);
    let stale = Fault::StaleReads {
        lag_ms: 1,
        of: None,
    };
    let no_code = Fault::Error {
        code: "not a code".to_owned(),
        status: 400,
        message: String::new(),
    };
    for (bad, error) in [
        (
            Rule::new("sqs", "*", Fault::Throttling),
            RuleError::Service("sqs".to_owned()),
        ),
        (
            Rule::new("ec2", "", Fault::Throttling),
            RuleError::Operation,
        ),
        (
            Rule {
                probability: 0.0,
                ..good.clone()
            },
            RuleError::Probability(0.0),
        ),
        (
            Rule::new("ec2", "*", Fault::Timeout { hold_ms: 900_001 }),
            RuleError::TooLong(900_001),
        ),
        (
            Rule::new("ec2", "*", Fault::Slow { hold_ms: 900_001 }),
            RuleError::TooLong(900_001),
        ),
        (
            Rule::new(
                "ec2",
                "*",
                Fault::StaleReads {
                    lag_ms: 900_001,
                    of: None,
                },
            ),
            RuleError::TooLong(900_001),
        ),
        (
            Rule::new("s3", "GetObject", stale.clone()),
            RuleError::StronglyConsistent,
        ),
        (
            Rule::new("ec2", "CreateVpc", stale.clone()),
            RuleError::Stale("CreateVpc".to_owned()),
        ),
        (
            Rule::new("ec2", "CreateVpc", no_code),
            RuleError::NoError("not a code".to_owned(), 400),
        ),
        (
            Rule {
                phase: Phase::After,
                ..Rule::new("ec2", "*", stale)
            },
            RuleError::StaleAfter,
        ),
    ] {
        let added = world.sandbox.faults.add(now, vec![good.clone(), bad]);
        assert_eq!(added, Err((1, error)));
    }
    assert!(world.sandbox.faults.list(now).is_empty());
}

#[tokio::test]
async fn a_dropped_connection_is_closed_without_a_byte() {
    let world = World::new();
    let address = world.serve().await;
    for (phase, there) in [("before", 0), ("after", 1)] {
        let rules = json!([{"service": "ec2", "operation": "CreateSecurityGroup", "count": 1,
            "phase": phase, "fault": "dropped-connection"}]);
        let (status, body) = send(&address, "POST", "/_sandbox/faults", &rules.to_string()).await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
        let answer = send(&address, "POST", "/", &create_form(phase)).await;
        assert_eq!(answer, (String::new(), String::new()));
        assert_eq!(world.groups(phase).await, there);
    }
    let (status, _) = send(&address, "POST", "/", &create_form("next")).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_timeout_holds_the_connection_by_the_sandboxs_clock() {
    let world = World::new();
    let address = world.serve().await;
    world.set(vec![Rule {
        phase: Phase::After,
        ..Rule::new(
            "ec2",
            "CreateSecurityGroup",
            Fault::Timeout { hold_ms: 60_000 },
        )
    }]);
    let answer = world.answered_after_a_minute(&address, "late").await;
    assert_eq!(answer, (String::new(), String::new()));
}

#[tokio::test]
async fn what_is_slow_is_answered_in_the_end() {
    let world = World::new();
    let address = world.serve().await;
    world.set(vec![Rule {
        phase: Phase::After,
        ..Rule::new(
            "ec2",
            "CreateSecurityGroup",
            Fault::Slow { hold_ms: 60_000 },
        )
    }]);
    let (status, _) = world.answered_after_a_minute(&address, "slow").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn what_is_slow_before_its_effect_has_none_until_then() {
    let world = World::new();
    let address = world.serve().await;
    world.set(vec![Rule::new(
        "ec2",
        "CreateSecurityGroup",
        Fault::Slow { hold_ms: 60_000 },
    )]);
    let waiting =
        tokio::spawn(async move { send(&address, "POST", "/", &create_form("slow")).await });
    while world.sandbox.faults.list(world.sandbox.clock.now())[0].struck == 0 {
        tokio::task::yield_now().await;
    }
    world.sandbox.clock.advance(Duration::from_millis(59_999));
    assert_eq!(world.groups("slow").await, 0);
    while !waiting.is_finished() {
        world.sandbox.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(world.groups("slow").await, 1);
}

#[tokio::test]
async fn a_stack_takes_as_long_as_cloudformations_own_calls() {
    let world = World::new();
    let slow = Fault::Slow { hold_ms: 60_000 };
    world.set(vec![Rule {
        caller: Some(CallerKind::Service),
        ..Rule::new("logs", "CreateLogGroup", slow)
    }]);
    let template = json!({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}});
    let stack = json!({"StackName": "s", "TemplateBody": template.to_string()});
    let cloudformation = world.of(Service::CloudFormation);
    cloudformation.ok("CreateStack", stack).await;
    let status = async || {
        let found = cloudformation.ok("DescribeStacks", json!({})).await;
        found["Stacks"][0]["StackStatus"].clone()
    };
    let struck = || world.sandbox.faults.list(world.sandbox.clock.now())[0].struck > 0;
    testing::until("the log group is asked for", struck).await;
    world.sandbox.clock.advance(Duration::from_millis(59_999));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status().await, "CREATE_IN_PROGRESS");
    world.sandbox.clock.advance(Duration::from_millis(1));
    world.idle().await;
    assert_eq!(status().await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn faults_and_calls_over_http() {
    let world = World::new();
    let address = world.serve().await;
    let rules = json!([{"service": "ec2", "count": 1, "fault": "throttling"},
        {"service": "ec2", "operation": "DescribeVpcs", "fault": {"stale-reads": {"lag_ms": 5}}}]);
    let (_, ids) = send(&address, "POST", "/_sandbox/faults", &rules.to_string()).await;
    assert_eq!(ids, r#"{"ids":[1,2]}"#);
    let (status, body) = send(&address, "POST", "/", &create_form("g")).await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(body.contains("<Code>RequestLimitExceeded</Code>"), "{body}");
    let (_, listed) = send(&address, "GET", "/_sandbox/faults", "").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["faults"][0]["struck"], 1);
    assert_eq!(
        listed["faults"][1]["rule"]["fault"]["stale-reads"]["lag_ms"],
        5
    );
    for (body, word) in [
        (r#"[{"fault": "earthquake"}]"#, "earthquake"),
        (r#"[{"fault": "throttling", "colour": "red"}]"#, "colour"),
        (r#"[{"service": "sqs", "fault": "throttling"}]"#, "rule 0"),
    ] {
        let (status, answer) = send(&address, "POST", "/_sandbox/faults", body).await;
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert!(answer.contains(word), "{answer}");
    }
    let (_, removed) = send(&address, "DELETE", "/_sandbox/faults?id=2", "").await;
    assert_eq!(removed, r#"{"removed":1}"#);
    let (_, removed) = send(&address, "DELETE", "/_sandbox/faults", "").await;
    assert_eq!(removed, r#"{"removed":1}"#);
    send(&address, "POST", "/", &create_form("g")).await;
    let path = format!("/_sandbox/calls?account={ACCOUNT}&region=us-east-1");
    let (_, calls) = send(&address, "GET", &path, "").await;
    let calls: Value = serde_json::from_str(&calls).unwrap();
    let [struck, done] = calls["calls"].as_array().unwrap().as_slice() else {
        panic!("two calls reached the account: {calls}");
    };
    assert_eq!(struck["result"]["code"], "RequestLimitExceeded");
    assert_eq!(struck["fault"], "throttling before the effect");
    assert_eq!(done["result"]["status"], "ok");
    assert_eq!(done["source"], "client");
    assert_eq!(done["user_agent"], "test/1");
    assert_eq!(done["caller"]["kind"], "operator");
    assert_eq!(done["input"]["GroupName"], "g");
    let (status, _) = send(&address, "GET", "/_sandbox/calls?acount=1", "").await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
}

#[tokio::test]
async fn an_answer_takes_its_time_by_the_sandboxs_clock_and_the_effect_takes_none() {
    let world = World::new();
    let address = world.serve().await;
    let path = "/_sandbox/call-latency?value=";
    let (status, _) = send(&address, "POST", &format!("{path}soon"), "").await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    let (_, body) = send(&address, "POST", &format!("{path}60s"), "").await;
    assert_eq!(body, r#"{"call_latency_ms":60000}"#);
    let answer = world.answered_after_a_minute(&address, "slow").await;
    assert_eq!(answer.0, "HTTP/1.1 200 OK");
}
