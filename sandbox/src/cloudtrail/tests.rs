//! The history of calls through the front door.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::caller::Caller;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

struct World {
    sandbox: Arc<Sandbox>,
    target: Target,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::start(Settings::default());
        sandbox.clock.freeze();
        let target = Target::new(
            AccountId::parse("123456789012").unwrap(),
            Region::parse("us-east-1").unwrap(),
            Caller::Operator,
        );
        Self { sandbox, target }
    }

    async fn call(&self, service: Service, name: &str, input: Value) -> Result<Value, ApiError> {
        self.sandbox
            .perform_value(&self.target, service, name, input)
            .await
    }

    async fn group(&self, name: &str) -> String {
        let input = json!({"GroupName": name, "GroupDescription": name});
        let made = self
            .call(Service::Ec2, "CreateSecurityGroup", input)
            .await
            .unwrap();
        made["groupId"].as_str().unwrap().to_owned()
    }

    async fn lookup(&self, input: Value) -> Vec<Value> {
        let found = self.call(Service::CloudTrail, "LookupEvents", input).await;
        found.unwrap()["Events"].as_array().unwrap().clone()
    }

    async fn by(&self, key: &str, value: &str) -> Vec<String> {
        let attributes = json!([{"AttributeKey": key, "AttributeValue": value}]);
        let found = self.lookup(json!({ "LookupAttributes": attributes })).await;
        let names = found
            .iter()
            .map(|event| event["EventName"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn events_are_found_by_what_they_are_about() {
    let world = World::new();
    let group = world.group("g").await;
    world
        .call(Service::Ec2, "DescribeVpcs", json!({}))
        .await
        .unwrap();
    let twice = json!({"GroupName": "g", "GroupDescription": "g"});
    let refused = world.call(Service::Ec2, "CreateSecurityGroup", twice).await;
    assert!(refused.is_err());
    assert!(
        world
            .call(Service::Ec2, "RunInstances", json!({}))
            .await
            .is_err()
    );
    let put = json!({"logGroupName": "l", "logStreamName": "s", "logEvents": []});
    assert!(
        world
            .call(Service::Logs, "PutLogEvents", put)
            .await
            .is_err()
    );
    let delete = json!({"GroupId": group});
    world
        .call(Service::Ec2, "DeleteSecurityGroup", delete)
        .await
        .unwrap();

    let (create, delete) = ("CreateSecurityGroup", "DeleteSecurityGroup");
    assert_eq!(world.by("ResourceName", &group).await, [delete, create]);
    assert_eq!(world.by("EventName", create).await, [create, create]);
    assert_eq!(
        world.by("ReadOnly", "false").await,
        [delete, create, create]
    );
    assert_eq!(world.by("EventSource", "ec2.amazonaws.com").await.len(), 4);
    assert_eq!(world.by("EventSource", "logs.amazonaws.com").await.len(), 0);
    assert_eq!(world.by("Username", "operator").await.len(), 9);
    assert_eq!(
        world
            .by("ResourceType", "AWS::EC2::SecurityGroup")
            .await
            .len(),
        3
    );
    let failed = world.lookup(json!({"MaxResults": 50})).await;
    let failed = failed.iter().find_map(|event| {
        let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str()?).ok()?;
        record.get("errorCode").is_some().then_some(record)
    });
    assert_eq!(
        failed.unwrap()["errorCode"],
        "Client.InvalidGroup.Duplicate"
    );
    let event = world.lookup(json!({})).await.pop().unwrap();
    let id = event["EventId"].as_str().unwrap();
    assert_eq!(world.by("EventId", id).await, [create]);
}

#[tokio::test]
async fn pages_and_times() {
    let world = World::new();
    let start = world.sandbox.clock.now();
    for number in 0..5 {
        world.group(&format!("g{number}")).await;
        world.sandbox.clock.advance(Duration::from_secs(60));
    }
    let attributes =
        json!([{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]);
    let mut input = json!({"LookupAttributes": attributes, "MaxResults": 2});
    let mut seen = Vec::new();
    loop {
        let page = world.call(Service::CloudTrail, "LookupEvents", input.clone());
        let page = page.await.unwrap();
        seen.extend(page["Events"].as_array().unwrap().clone());
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    let name = |event: &Value| {
        let record: Value =
            serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
        record["requestParameters"]["groupName"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let names: Vec<String> = seen.iter().map(name).collect();
    assert_eq!(names, ["g4", "g3", "g2", "g1", "g0"]);
    let at = |seconds: i64| epoch_seconds(start + time::Duration::seconds(seconds));
    let between = json!({"LookupAttributes": attributes, "StartTime": at(60), "EndTime": at(120)});
    assert_eq!(world.lookup(between).await.len(), 2);
    for (input, code) in [
        (
            json!({"StartTime": at(1), "EndTime": at(0)}),
            "InvalidTimeRangeException",
        ),
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (json!({"NextToken": "x"}), "InvalidNextTokenException"),
        (
            json!({"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "red"}]}),
            "InvalidLookupAttributesException",
        ),
        (json!({"EventCategory": "insight"}), "NotImplemented"),
    ] {
        let error = world.call(Service::CloudTrail, "LookupEvents", input).await;
        assert_eq!(error.unwrap_err().code, code);
    }
}
