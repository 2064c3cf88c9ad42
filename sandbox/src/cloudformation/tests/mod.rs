//! Stacks from the outside: through the front door, as a client sees them.

#![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]

use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::protocol::Operation;
use crate::service::Service::{CloudFormation, Ec2, Iam, Lambda, Logs, S3, Sns};
use crate::testing;
use crate::testing::zipped;

mod bounds;
mod change_sets;
mod config;
mod deletion;
mod drift;
mod events;
mod failures;
mod lab;
mod recorded;
mod refusals;
mod tags;
mod updates;
mod versions;

#[derive(Clone, Default)]
struct Stacks;

type World = testing::World<Stacks>;

impl World {
    fn new() -> Self {
        Self::start(CloudFormation)
    }

    /// Makes a stack, waits, and answers with its status.
    async fn create(&self, name: &str, template: &str) -> String {
        self.create_with(name, template, json!({})).await
    }

    async fn create_with(&self, name: &str, template: &str, more: Value) -> String {
        let mut input = json!({
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        let id = self.ok("CreateStack", input).await["StackId"].clone();
        self.idle().await;
        self.status(id.as_str().unwrap()).await
    }

    async fn update(&self, name: &str, template: &str) -> Result<String, ApiError> {
        let input = json!({"StackName": name, "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"]});
        self.call("UpdateStack", input).await?;
        self.idle().await;
        Ok(self.status(name).await)
    }

    async fn delete(&self, name: &str) -> String {
        let id = self.stack(name).await["StackId"]
            .as_str()
            .unwrap()
            .to_owned();
        self.ok("DeleteStack", json!({"StackName": name})).await;
        self.idle().await;
        self.status(&id).await
    }

    async fn stack(&self, name: &str) -> Value {
        self.ok("DescribeStacks", json!({"StackName": name})).await["Stacks"][0].clone()
    }

    async fn status(&self, name: &str) -> String {
        self.stack(name).await["StackStatus"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn output(&self, name: &str, key: &str) -> String {
        let stack = self.stack(name).await;
        let outputs = stack["Outputs"].as_array().unwrap();
        let output = outputs
            .iter()
            .find(|output| output["OutputKey"] == key)
            .unwrap();
        output["OutputValue"].as_str().unwrap().to_owned()
    }

    async fn physical(&self, stack: &str, logical: &str) -> String {
        let input = json!({"StackName": stack, "LogicalResourceId": logical});
        let detail = self.ok("DescribeStackResource", input).await;
        detail["StackResourceDetail"]["PhysicalResourceId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// `status logical-id` of every event, oldest first, and the reasons beside it.
    async fn events(&self, stack: &str) -> Vec<(String, String)> {
        let mut events = Vec::new();
        let mut input = json!({"StackName": stack});
        loop {
            let page = self.ok("DescribeStackEvents", input.clone()).await;
            for event in page["StackEvents"].as_array().unwrap() {
                let what = format!(
                    "{} {}",
                    event["ResourceStatus"].as_str().unwrap(),
                    event["LogicalResourceId"].as_str().unwrap()
                );
                let reason = event["ResourceStatusReason"].as_str().unwrap_or_default();
                events.push((what, reason.to_owned()));
            }
            match page["NextToken"].as_str() {
                Some(token) => input["NextToken"] = token.into(),
                None => break,
            }
        }
        events.reverse();
        events
    }

    async fn reason(&self, stack: &str, what: &str) -> String {
        let events = self.events(stack).await;
        let found = events.iter().rev().find(|(event, _)| event == what);
        found
            .unwrap_or_else(|| panic!("{what} is not among {events:?}"))
            .1
            .clone()
    }

    /// A bucket with a package for a function in it.
    async fn package(&self) {
        self.of(S3)
            .ok("CreateBucket", json!({"Bucket": "code"}))
            .await;
        let mut put = Operation::new("PutObject", json!({"Bucket": "code", "Key": "f.zip"}));
        put.body = Bytes::from(zipped("bootstrap", b"#!/bin/sh\n", 0o755));
        self.of(S3).perform(&put).await.unwrap();
    }

    /// Everything that a lab could leave behind, apart from what every account has.
    async fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (service, operation, list, name) in [
            (Ec2, "DescribeVpcs", "vpcSet", "cidrBlock"),
            (
                Ec2,
                "DescribeSecurityGroups",
                "securityGroupInfo",
                "groupName",
            ),
            (Ec2, "DescribeRouteTables", "routeTableSet", "routeTableId"),
            (
                Ec2,
                "DescribeInternetGateways",
                "internetGatewaySet",
                "internetGatewayId",
            ),
            (Iam, "ListRoles", "Roles", "RoleName"),
            (Lambda, "ListFunctions", "Functions", "FunctionName"),
            (Logs, "DescribeLogGroups", "logGroups", "logGroupName"),
            (Sns, "ListTopics", "Topics", "TopicArn"),
        ] {
            let answer = self.of(service).ok(operation, json!({})).await;
            let items = answer[list].as_array().unwrap().clone();
            for item in items {
                let name = item[name].as_str().unwrap().to_owned();
                if !["172.31.0.0/16", "default", "code"].contains(&name.as_str()) {
                    found.push(name);
                }
            }
        }
        let buckets = self.sandbox.bucket_owners.lock().unwrap();
        found.extend(buckets.keys().filter(|name| *name != "code").cloned());
        // The default VPC's own.
        found.retain(|name| !name.starts_with("rtb-") && !name.starts_with("igw-"));
        found
    }
}

/// A group with the given inline rules, an exported output, and a log group that keeps its lines for `days`.
fn group(rules: &str, days: &str) -> String {
    format!(
        "
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: a group
      SecurityGroupIngress: [{rules}]
  Lines:
    Type: AWS::Logs::LogGroup
    DependsOn: Group
    Properties: {{RetentionInDays: {days}}}
Outputs:
  Id: {{Value: !Ref Group, Export: {{Name: !Sub '${{AWS::StackName}}-group'}}}}
"
    )
}

const HTTP: &str = "{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}";
const HTTPS: &str = "{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}";

async fn ports(world: &World, stack: &str) -> Vec<i64> {
    let id = world.physical(stack, "Group").await;
    let groups = world
        .of(Ec2)
        .ok("DescribeSecurityGroups", json!({"GroupId": [id]}))
        .await;
    let permissions = groups["securityGroupInfo"][0]["ipPermissions"]
        .as_array()
        .unwrap();
    permissions
        .iter()
        .map(|permission| permission["fromPort"].as_i64().unwrap())
        .collect()
}
