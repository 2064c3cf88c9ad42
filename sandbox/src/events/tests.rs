//! Rules through the front door, and events all the way into a function's log.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::journal::{Ended, Query};
use crate::protocol::Operation;
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing;
use crate::testing::{ACCOUNT, zipped};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/opened";

/// Not a test of its own: as a function's process it prints every event, and fails those that ask for it.
#[test]
fn printer() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let exchange = |method: &str, path: &str, body: &str| {
        let mut stream = TcpStream::connect(&api).unwrap();
        let length = body.len();
        let request = format!(
            "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {api}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    loop {
        let next = exchange("GET", "invocation/next", "");
        let (head, event) = next.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let id = lines.find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: "));
        let id = id.unwrap();
        writeln!(std::io::stdout(), "heard {event}").unwrap();
        let (path, body) = if event.contains("\"fail\"") {
            (
                "error",
                r#"{"errorType":"Boom","errorMessage":"on purpose"}"#,
            )
        } else {
            ("response", "{}")
        };
        exchange("POST", &format!("invocation/{id}/{path}"), body);
    }
}

#[derive(Clone, Default)]
struct Rules;

/// A sandbox whose clock stands still.
type World = testing::World<Rules>;

impl World {
    fn new() -> Self {
        // The function of these tests is this test program.
        let settings = Settings {
            function_paths: vec![std::env::current_exe().unwrap()],
            ..Settings::default()
        };
        Self::start_with(Service::Events, settings).frozen()
    }

    /// A function that prints what it hears, and the rule `opened` for it.
    async fn with_function(target: Value) -> Self {
        let world = Self::new();
        let trusted = json!({"Service": "lambda.amazonaws.com"});
        world.role("R", trusted).await;
        world.allow("R", json!("logs:*"), json!("*")).await;
        let function = json!({
            "FunctionName": "f",
            "Runtime": "provided.al2023",
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/R"),
            "Handler": "bootstrap",
            "Architectures": [if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }],
            "Code": {"ZipFile": package()},
        });
        world
            .of(Service::Lambda)
            .ok("CreateFunction", function)
            .await;
        let pattern = json!({"source": ["aws.ec2"], "detail": {
            "eventName": [{"prefix": "AuthorizeSecurityGroup"}], "errorCode": [{"exists": false}]}});
        let rule = json!({"Name": "opened", "EventPattern": pattern.to_string()});
        world.ok("PutRule", rule).await;
        let targets = json!({"Rule": "opened", "Targets": [target]});
        world.ok("PutTargets", targets).await;
        world
    }

    async fn permit(&self, rule: &str) {
        let input = json!({"FunctionName": "f", "StatementId": "events",
            "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": rule});
        self.of(Service::Lambda).ok("AddPermission", input).await;
    }

    /// Opens a port of the default group; answers the group's id.
    async fn open(&self, port: u16) -> String {
        let groups = self
            .of(Service::Ec2)
            .ok("DescribeSecurityGroups", json!({}))
            .await;
        let group = groups["securityGroupInfo"][0]["groupId"].clone();
        let input = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp",
            "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        self.of(Service::Ec2)
            .ok("AuthorizeSecurityGroupIngress", input)
            .await;
        group.as_str().unwrap().to_owned()
    }

    /// What the function has heard, once everything that was due has happened.
    async fn heard(&self) -> Vec<Value> {
        self.calm().await;
        let input = json!({"logGroupName": "/aws/lambda/f", "filterPattern": "heard"});
        let Ok(found) = self.of(Service::Logs).call("FilterLogEvents", input).await else {
            return Vec::new();
        };
        let events = found["events"].as_array().unwrap().iter();
        let heard = events.filter_map(|event| event["message"].as_str()?.strip_prefix("heard "));
        heard
            .map(|event| serde_json::from_str(event).unwrap())
            .collect()
    }
}

fn package() -> String {
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact events::tests::printer --nocapture\n",
        std::env::current_exe().unwrap().display()
    );
    BASE64_STANDARD.encode(zipped("bootstrap", script.as_bytes(), 0o755))
}

#[tokio::test]
async fn a_function_hears_of_an_opened_port() {
    let world = World::with_function(json!({"Id": "t", "Arn": FUNCTION})).await;
    world.permit(RULE).await;
    let group = world.open(465).await;
    let heard = world.heard().await;
    let [event] = heard.as_slice() else {
        panic!("one call, one event: {heard:?}");
    };
    assert_eq!(event["detail-type"], "AWS API Call via CloudTrail");
    assert_eq!(event["source"], "aws.ec2");
    let detail = &event["detail"];
    assert_eq!(detail["eventSource"], "ec2.amazonaws.com");
    assert_eq!(
        detail["requestParameters"],
        json!({"groupId": group, "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 465,
            "toPort": 465, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
            "ipv6Ranges": {}, "prefixListIds": {}}]}})
    );
    assert_eq!(detail["responseElements"]["_return"], true);
    assert_eq!(detail["userIdentity"]["userName"], "operator");
    assert_eq!(detail["readOnly"], false);
    assert_eq!(detail["recipientAccountId"], ACCOUNT);
    // A failure is an event too, but this rule does not want it.
    let again = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp",
        "FromPort": 465, "ToPort": 465, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    let refused = world
        .of(Service::Ec2)
        .call("AuthorizeSecurityGroupIngress", again)
        .await;
    assert!(refused.is_err());
    world.ok("DisableRule", json!({"Name": "opened"})).await;
    world.open(993).await;
    assert_eq!(world.heard().await.len(), 1);
    world.ok("EnableRule", json!({"Name": "opened"})).await;
    world.open(143).await;
    assert_eq!(world.heard().await.len(), 2);
}

#[tokio::test]
async fn nobody_hears_without_permission() {
    let world = World::with_function(json!({"Id": "t", "Arn": FUNCTION})).await;
    world.open(465).await;
    assert!(world.heard().await.is_empty(), "no permission at all");
    world.permit(&format!("{RULE}-other")).await;
    world.open(993).await;
    assert!(
        world.heard().await.is_empty(),
        "permission for another rule"
    );
}

/// The order of the calls decides, not when the delivery's turn comes.
#[tokio::test]
async fn an_event_is_not_delivered_by_a_later_permission() {
    let world = World::with_function(json!({"Id": "t", "Arn": FUNCTION})).await;
    world.open(465).await;
    // Nothing has run in between.
    world.permit(RULE).await;
    assert!(world.heard().await.is_empty());
    world.open(993).await;
    assert_eq!(world.heard().await.len(), 1);
}

#[tokio::test]
async fn a_function_that_fails_is_run_twice_more() {
    let target = json!({"Id": "t", "Arn": FUNCTION, "Input": r#"{"do": "fail"}"#});
    let world = World::with_function(target).await;
    world.permit(RULE).await;
    world.open(465).await;
    assert_eq!(world.heard().await, [json!({"do": "fail"})]);
    for (seconds, times) in [(59, 1), (1, 2), (119, 2), (1, 3), (100_000, 3)] {
        world.sandbox.clock.advance(Duration::from_secs(seconds));
        assert_eq!(world.heard().await.len(), times, "after {seconds} s more");
    }
    assert!(world.sandbox.engine.is_idle());
}

#[tokio::test]
async fn an_event_that_cannot_be_handed_over_is_tried_again() {
    let policy = json!({"MaximumRetryAttempts": 2});
    let target = json!({"Id": "t", "Arn": FUNCTION, "Input": "1", "RetryPolicy": policy});
    let world = World::with_function(target).await;
    world.permit(RULE).await;
    let none = json!({"FunctionName": "f", "ReservedConcurrentExecutions": 0});
    world
        .of(Service::Lambda)
        .ok("PutFunctionConcurrency", none)
        .await;
    for port in [465, 993] {
        world.open(port).await;
    }
    assert!(world.heard().await.is_empty());
    world.sandbox.clock.advance(Duration::from_secs(1));
    assert!(world.heard().await.is_empty());
    let free = json!({"FunctionName": "f"});
    world
        .of(Service::Lambda)
        .ok("DeleteFunctionConcurrency", free)
        .await;
    world.sandbox.clock.advance(Duration::from_secs(1));
    assert!(world.heard().await.is_empty(), "the second wait is longer");
    world.sandbox.clock.advance(Duration::from_secs(1));
    assert_eq!(world.heard().await, [json!(1), json!(1)]);
    assert!(world.sandbox.engine.is_idle());
}

#[tokio::test]
async fn a_call_is_written_down_though_nobody_waits_for_its_end() {
    let world = World::with_function(json!({"Id": "t", "Arn": FUNCTION})).await;
    let functions = world.of(Service::Lambda);
    let asking = tokio::spawn(async move {
        let invoke = Operation::new("Invoke", json!({"FunctionName": "f"}));
        functions.perform(&invoke).await
    });
    // Far enough to be under way.
    tokio::task::yield_now().await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    let told = || {
        let found = world.sandbox.journal.list(&Query::default());
        let last = found.calls.last().unwrap().clone();
        (last.operation == "Invoke").then(|| last.ended.clone())
    };
    let ended = loop {
        match told() {
            Some(ended) => break ended,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(ended, Ended::Done);
    assert_eq!(world.heard().await, [json!({})]);
}

#[tokio::test]
async fn a_target_may_want_only_a_part() {
    let target =
        json!({"Id": "t", "Arn": FUNCTION, "InputPath": "$.detail.requestParameters.groupId"});
    let world = World::with_function(target).await;
    world.permit(RULE).await;
    let group = world.open(465).await;
    assert_eq!(world.heard().await, [json!(group)]);
}

#[tokio::test]
async fn rules_and_targets_live() {
    let world = World::new();
    let pattern = r#"{"source": ["aws.ec2"]}"#;
    let made = world
        .ok(
            "PutRule",
            json!({"Name": "a", "EventPattern": pattern, "Description": "d", "Tags": [{"Key": "k", "Value": "v"}]}),
        )
        .await;
    let arn = made["RuleArn"].clone();
    assert_eq!(arn, "arn:aws:events:us-east-1:123456789012:rule/a");
    world
        .ok(
            "PutRule",
            json!({"Name": "b", "EventPattern": pattern, "State": "DISABLED"}),
        )
        .await;
    let shown = world.ok("DescribeRule", json!({"Name": "a"})).await;
    assert_eq!(shown["State"], "ENABLED");
    assert_eq!(shown["EventPattern"], pattern);
    assert_eq!(shown["EventBusName"], "default");
    let first = world.ok("ListRules", json!({"Limit": 1})).await;
    let next = json!({"Limit": 1, "NextToken": first["NextToken"]});
    let second = world.ok("ListRules", next).await;
    assert_eq!(second["Rules"][0]["Name"], "b");
    assert!(second.get("NextToken").is_none());
    let target = json!({"Id": "t", "Arn": FUNCTION, "RetryPolicy": {"MaximumRetryAttempts": 3}});
    let put = json!({"Rule": "a", "Targets": [target]});
    world.ok("PutTargets", put).await;
    let listed = world.ok("ListTargetsByRule", json!({"Rule": "a"})).await;
    assert_eq!(listed["Targets"], json!([target]));
    let by = world
        .ok("ListRuleNamesByTarget", json!({"TargetArn": FUNCTION}))
        .await;
    assert_eq!(by["RuleNames"], json!(["a"]));
    assert_eq!(
        world.code("DeleteRule", json!({"Name": "a"})).await,
        "400 ValidationException"
    );
    let removed = world
        .ok("RemoveTargets", json!({"Rule": "a", "Ids": ["t", "u"]}))
        .await;
    assert_eq!(removed["FailedEntries"][0]["TargetId"], "u");
    let tags = json!({"ResourceARN": arn, "Tags": [{"Key": "l", "Value": "w"}]});
    world.ok("TagResource", tags).await;
    world
        .ok(
            "UntagResource",
            json!({"ResourceARN": arn, "TagKeys": ["k"]}),
        )
        .await;
    let tags = world
        .ok("ListTagsForResource", json!({"ResourceARN": arn}))
        .await;
    assert_eq!(tags["Tags"], json!([{"Key": "l", "Value": "w"}]));
    world.ok("DeleteRule", json!({"Name": "a"})).await;
    assert_eq!(
        world.code("DescribeRule", json!({"Name": "a"})).await,
        "400 ResourceNotFoundException"
    );
}

#[tokio::test]
async fn what_would_not_work_is_refused() {
    let world = World::new();
    let pattern = r#"{"source": ["aws.ec2"]}"#;
    world
        .ok("PutRule", json!({"Name": "a", "EventPattern": pattern}))
        .await;
    let target = |more: Value| {
        let mut target = json!({"Id": "t", "Arn": FUNCTION});
        for (name, value) in more.as_object().unwrap() {
            target[name] = value.clone();
        }
        json!({"Rule": "a", "Targets": [target]})
    };
    for (name, input, code) in [
        (
            "PutRule",
            json!({"Name": "x", "ScheduleExpression": "rate(1 minute)"}),
            "501 NotImplemented",
        ),
        ("PutRule", json!({"Name": "x"}), "400 ValidationException"),
        (
            "PutRule",
            json!({"Name": "x y", "EventPattern": pattern}),
            "400 ValidationException",
        ),
        (
            "PutRule",
            json!({"Name": "x", "EventPattern": "{}"}),
            "400 InvalidEventPatternException",
        ),
        (
            "PutRule",
            json!({"Name": "x", "EventPattern": pattern, "State": "ON"}),
            "400 ValidationException",
        ),
        (
            "PutRule",
            json!({"Name": "x", "EventPattern": pattern, "EventBusName": "b"}),
            "400 ResourceNotFoundException",
        ),
        (
            "PutTargets",
            target(json!({"Arn": "arn:aws:sqs:us-east-1:123456789012:q"})),
            "501 NotImplemented",
        ),
        (
            "PutTargets",
            target(json!({"DeadLetterConfig": {}})),
            "501 NotImplemented",
        ),
        (
            "PutTargets",
            target(json!({"Input": "{"})),
            "400 ValidationException",
        ),
        (
            "PutTargets",
            target(json!({"RetryPolicy": {"MaximumRetryAttempts": 186}})),
            "400 ValidationException",
        ),
        (
            "PutTargets",
            json!({"Rule": "z", "Targets": [{"Id": "t", "Arn": FUNCTION}]}),
            "400 ResourceNotFoundException",
        ),
        ("CreateEventBus", json!({"Name": "b"}), "501 NotImplemented"),
    ] {
        assert_eq!(
            world.code(name, input.clone()).await,
            code,
            "{name} {input}"
        );
    }
    let event = json!({"id": "1", "account": "1", "source": "aws.ec2", "time": "t", "region": "r",
        "resources": [], "detail-type": "d", "detail": {}});
    let tested = json!({"EventPattern": pattern, "Event": event.to_string()});
    assert_eq!(world.ok("TestEventPattern", tested).await["Result"], true);
}

#[tokio::test]
async fn a_stack_makes_changes_and_removes_a_rule() {
    let world = World::new();
    let stack = async |operation: &str, pattern: Value, targets: Value| {
        let template = json!({"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {
            "EventPattern": pattern, "Targets": targets, "Tags": [{"Key": "k", "Value": "v"}]}}},
            "Outputs": {"Name": {"Value": {"Ref": "Rule"}}, "Arn": {"Value": {"Fn::GetAtt": "Rule.Arn"}}}});
        let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
        world.of(Service::CloudFormation).ok(operation, input).await;
        world.calm().await;
        let shown = world
            .of(Service::CloudFormation)
            .ok("DescribeStacks", json!({"StackName": "s"}))
            .await;
        shown["Stacks"][0].clone()
    };
    let target = |id: &str| json!({"Id": id, "Arn": FUNCTION});
    let made = stack(
        "CreateStack",
        json!({"source": ["aws.ec2"]}),
        json!([target("a"), target("b")]),
    )
    .await;
    assert_eq!(made["StackStatus"], "CREATE_COMPLETE");
    let outputs = made["Outputs"].as_array().unwrap();
    let output = |key: &str| {
        let found = outputs.iter().find(|output| output["OutputKey"] == key);
        found.unwrap()["OutputValue"].as_str().unwrap().to_owned()
    };
    let (name, arn) = (output("Name"), output("Arn"));
    let tags = world.ok("ListTagsForResource", json!({"ResourceARN": arn}));
    assert!(
        tags.await["Tags"]
            .to_string()
            .contains(r#"{"Key":"k","Value":"v"}"#)
    );

    let changed = stack(
        "UpdateStack",
        json!({"source": ["aws.iam"]}),
        json!([target("b"), target("c")]),
    )
    .await;
    assert_eq!(changed["StackStatus"], "UPDATE_COMPLETE");
    let rule = world.ok("DescribeRule", json!({"Name": name})).await;
    assert_eq!(rule["EventPattern"], r#"{"source":["aws.iam"]}"#);
    let listed = world.ok("ListTargetsByRule", json!({"Rule": name}));
    assert_eq!(listed.await["Targets"], json!([target("b"), target("c")]));

    let refused = json!([{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:q"}]);
    let kept = stack("UpdateStack", json!({"source": ["aws.iam"]}), refused).await;
    assert_eq!(kept["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    let listed = world.ok("ListTargetsByRule", json!({"Rule": name}));
    assert_eq!(listed.await["Targets"], json!([target("b"), target("c")]));

    let delete = json!({"StackName": "s"});
    world
        .of(Service::CloudFormation)
        .ok("DeleteStack", delete)
        .await;
    world.calm().await;
    assert_eq!(
        world.code("DescribeRule", json!({"Name": name})).await,
        "400 ResourceNotFoundException"
    );
}
