//! The history of calls through the front door.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::service::Service;
use crate::testing::World;

fn world() -> World {
    World::start(Service::CloudTrail).frozen()
}

async fn group(world: &World, name: &str) -> String {
    let input = json!({"GroupName": name, "GroupDescription": name});
    let made = world
        .of(Service::Ec2)
        .ok("CreateSecurityGroup", input)
        .await;
    made["groupId"].as_str().unwrap().to_owned()
}

async fn lookup(world: &World, input: Value) -> Vec<Value> {
    let found = world.ok("LookupEvents", input).await;
    found["Events"].as_array().unwrap().clone()
}

async fn by(world: &World, key: &str, value: &str) -> Vec<String> {
    let attributes = json!([{"AttributeKey": key, "AttributeValue": value}]);
    let found = lookup(world, json!({ "LookupAttributes": attributes })).await;
    let names = found
        .iter()
        .map(|event| event["EventName"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn events_are_found_by_what_they_are_about() {
    let world = world();
    let group = group(&world, "g").await;
    world.of(Service::Ec2).ok("DescribeVpcs", json!({})).await;
    let twice = json!({"GroupName": "g", "GroupDescription": "g"});
    let refused = world
        .of(Service::Ec2)
        .call("CreateSecurityGroup", twice)
        .await;
    assert!(refused.is_err());
    assert!(
        world
            .of(Service::Ec2)
            .call("RunInstances", json!({}))
            .await
            .is_err()
    );
    let put = json!({"logGroupName": "l", "logStreamName": "s", "logEvents": []});
    assert!(
        world
            .of(Service::Logs)
            .call("PutLogEvents", put)
            .await
            .is_err()
    );
    let delete = json!({"GroupId": group});
    world
        .of(Service::Ec2)
        .ok("DeleteSecurityGroup", delete)
        .await;

    let (create, delete) = ("CreateSecurityGroup", "DeleteSecurityGroup");
    assert_eq!(by(&world, "ResourceName", &group).await, [delete, create]);
    assert_eq!(by(&world, "EventName", create).await, [create, create]);
    assert_eq!(
        by(&world, "ReadOnly", "false").await,
        [delete, create, create]
    );
    assert_eq!(
        by(&world, "EventSource", "ec2.amazonaws.com").await.len(),
        4
    );
    assert_eq!(
        by(&world, "EventSource", "logs.amazonaws.com").await.len(),
        0
    );
    assert_eq!(by(&world, "Username", "operator").await.len(), 9);
    assert_eq!(
        by(&world, "ResourceType", "AWS::EC2::SecurityGroup")
            .await
            .len(),
        3
    );
    let failed = lookup(&world, json!({"MaxResults": 50})).await;
    let failed = failed.iter().find_map(|event| {
        let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str()?).ok()?;
        record.get("errorCode").is_some().then_some(record)
    });
    assert_eq!(
        failed.unwrap()["errorCode"],
        "Client.InvalidGroup.Duplicate"
    );
    let event = lookup(&world, json!({})).await.pop().unwrap();
    let id = event["EventId"].as_str().unwrap();
    assert_eq!(by(&world, "EventId", id).await, [create]);
}

#[tokio::test]
async fn pages_and_times() {
    let world = world();
    let start = world.sandbox.clock.now();
    for number in 0..5 {
        group(&world, &format!("g{number}")).await;
        world.pass(Duration::from_secs(60)).await;
    }
    let attributes =
        json!([{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}]);
    let mut input = json!({"LookupAttributes": attributes, "MaxResults": 2});
    let mut seen = Vec::new();
    loop {
        let page = world.call("LookupEvents", input.clone());
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
    assert_eq!(lookup(&world, between).await.len(), 2);
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
        let error = world.refused("LookupEvents", input).await;
        assert_eq!(error, code);
    }
}
