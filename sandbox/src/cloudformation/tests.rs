//! Stacks from the outside: through the front door, as a client sees them.

#![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::protocol::Operation;
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service::{self, CloudFormation, Ec2, Iam, Lambda, Logs, S3, Sns};

const LAB: &str = include_str!("../../../templates/lab.yaml");

/// A sandbox with one account in it, seen by its operator.
struct World {
    sandbox: Arc<Sandbox>,
    target: Target,
}

impl World {
    fn new() -> Self {
        let account = AccountId::parse("123456789012").unwrap();
        let region = Region::parse("us-east-1").unwrap();
        Self {
            sandbox: Sandbox::start(Settings::default()),
            target: Target::new(account, region, Caller::Operator),
        }
    }

    fn of(&self, account: &str) -> Self {
        Self {
            sandbox: self.sandbox.clone(),
            target: Target {
                account: AccountId::parse(account).unwrap(),
                ..self.target.clone()
            },
        }
    }

    async fn ask(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, ApiError> {
        self.sandbox
            .perform_value(&self.target, service, operation, input)
            .await
    }

    async fn must(&self, service: Service, operation: &str, input: Value) -> Value {
        self.ask(service, operation, input).await.unwrap()
    }

    async fn settle(&self) {
        while !self.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
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
        let id = self.must(CloudFormation, "CreateStack", input).await["StackId"].clone();
        self.settle().await;
        self.status(id.as_str().unwrap()).await
    }

    async fn update(&self, name: &str, template: &str) -> Result<String, ApiError> {
        let input = json!({"StackName": name, "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"]});
        self.ask(CloudFormation, "UpdateStack", input).await?;
        self.settle().await;
        Ok(self.status(name).await)
    }

    async fn delete(&self, name: &str) -> String {
        let id = self.stack(name).await["StackId"]
            .as_str()
            .unwrap()
            .to_owned();
        self.must(CloudFormation, "DeleteStack", json!({"StackName": name}))
            .await;
        self.settle().await;
        self.status(&id).await
    }

    async fn stack(&self, name: &str) -> Value {
        self.must(CloudFormation, "DescribeStacks", json!({"StackName": name}))
            .await["Stacks"][0]
            .clone()
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
        let detail = self
            .must(CloudFormation, "DescribeStackResource", input)
            .await;
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
            let page = self
                .must(CloudFormation, "DescribeStackEvents", input.clone())
                .await;
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
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        zip.start_file("bootstrap", options).unwrap();
        zip.write_all(b"#!/bin/sh\n").unwrap();
        let body = zip.finish().unwrap().into_inner();
        self.must(S3, "CreateBucket", json!({"Bucket": "code"}))
            .await;
        let mut put = Operation::new("PutObject", json!({"Bucket": "code", "Key": "f.zip"}));
        put.body = Bytes::from(body);
        self.sandbox.perform(&self.target, S3, &put).await.unwrap();
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
            let answer = match self.ask(service, operation, json!({})).await {
                Ok(answer) => answer,
                Err(error) => panic!("{operation}: {error}"),
            };
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

fn lab_parameters(key: &str) -> Value {
    json!({"Parameters": [
        {"ParameterKey": "ITSCAccountString", "ParameterValue": "ab"},
        {"ParameterKey": "SubscriptionEmail", "ParameterValue": "student+lab@example.com"},
        {"ParameterKey": "CodeS3Bucket", "ParameterValue": "code"},
        {"ParameterKey": "CodeS3Key", "ParameterValue": key},
    ]})
}

#[tokio::test]
async fn the_lab_is_made_as_described_and_leaves_nothing() {
    let world = World::new();
    world.package().await;
    let status = world.create_with("lab", LAB, lab_parameters("f.zip")).await;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("lab").await);

    let group = world.output("lab", "LabSecurityGroupId").await;
    let groups = world
        .must(Ec2, "DescribeSecurityGroups", json!({"GroupId": [group]}))
        .await;
    let group = &groups["securityGroupInfo"][0];
    assert_eq!(group["groupName"], "LabSG1");
    assert_eq!(group["ipPermissions"][0]["fromPort"], json!(80));
    assert_eq!(group["ipPermissions"].as_array().unwrap().len(), 1);
    let tags = group["tagSet"].as_array().unwrap();
    assert!(
        tags.contains(&json!({"key": "driftlab:lab", "value": "lab"})),
        "{tags:?}"
    );
    assert!(
        tags.contains(&json!({"key": "aws:cloudformation:stack-name", "value": "lab"})),
        "{tags:?}"
    );

    let function = world.output("lab", "FunctionArn").await;
    let policy = world
        .must(Lambda, "GetPolicy", json!({"FunctionName": function}))
        .await;
    assert!(
        policy["Policy"]
            .as_str()
            .unwrap()
            .contains("config.amazonaws.com")
    );
    let configuration = world
        .must(
            Lambda,
            "GetFunctionConfiguration",
            json!({"FunctionName": function}),
        )
        .await;
    assert_eq!(
        configuration["LoggingConfig"]["LogGroup"],
        "awsconfig_lambda_security_group"
    );
    assert_eq!(
        world.output("lab", "TopicArn").await,
        "arn:aws:sns:us-east-1:123456789012:ust-ab-config-topic"
    );
    let bucket = world.output("lab", "DeliveryBucketName").await;
    assert!(bucket.starts_with("lab-deliverybucket-"), "{bucket}");

    assert_eq!(world.delete("lab").await, "DELETE_COMPLETE");
    assert_eq!(world.leftovers().await, [""; 0]);
    let gone = world
        .ask(
            CloudFormation,
            "DescribeStacks",
            json!({"StackName": "lab"}),
        )
        .await
        .unwrap_err();
    assert_eq!(
        gone.to_string(),
        "ValidationError: Stack with id lab does not exist"
    );
}

#[tokio::test]
async fn a_lab_that_fails_half_way_is_taken_back_with_the_reason() {
    let world = World::new();
    world.package().await;
    let status = world
        .create_with("lab", LAB, lab_parameters("none.zip"))
        .await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let reason = world
        .reason("lab", "CREATE_FAILED RemediationFunction")
        .await;
    assert!(
        reason.contains("NoSuchKey") && reason.contains("Service: Lambda, Status Code: 400"),
        "{reason}"
    );
    assert_eq!(
        world.reason("lab", "ROLLBACK_IN_PROGRESS lab").await,
        "The following resource(s) failed to create: [RemediationFunction]. Rollback requested by user."
    );
    assert_eq!(world.leftovers().await, [""; 0]);

    let refused = world.update("lab", LAB).await.unwrap_err();
    assert!(
        refused
            .message
            .ends_with("is in ROLLBACK_COMPLETE state and can not be updated."),
        "{refused}"
    );
    let again = json!({"StackName": "lab", "TemplateBody": LAB});
    let refused = world
        .ask(CloudFormation, "CreateStack", again)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "AlreadyExistsException: Stack [lab] already exists"
    );
    assert_eq!(world.delete("lab").await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn roles_must_be_acknowledged() {
    let world = World::new();
    let named = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: R, AssumeRolePolicyDocument: {}}}}";
    let unnamed =
        "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}";
    let refusal = async |template: &str, capabilities: &[&str]| {
        let input =
            json!({"StackName": "s", "TemplateBody": template, "Capabilities": capabilities});
        world
            .ask(CloudFormation, "CreateStack", input)
            .await
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        refusal(named, &["CAPABILITY_IAM"]).await.unwrap_err(),
        "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_NAMED_IAM]"
    );
    assert_eq!(
        refusal(unnamed, &[]).await.unwrap_err(),
        "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]"
    );
    assert!(refusal(unnamed, &["CAPABILITY_IAM"]).await.is_ok());
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
        .must(Ec2, "DescribeSecurityGroups", json!({"GroupId": [id]}))
        .await;
    let permissions = groups["securityGroupInfo"][0]["ipPermissions"]
        .as_array()
        .unwrap();
    permissions
        .iter()
        .map(|permission| permission["fromPort"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn updates_are_made_in_place_and_taken_back_when_one_fails() {
    let world = World::new();
    assert_eq!(
        world.create("s", &group(HTTP, "14")).await,
        "CREATE_COMPLETE"
    );
    let refused = world.update("s", &group(HTTP, "14")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationError: No updates are to be performed."
    );

    let before = world.physical("s", "Group").await;
    assert_eq!(
        world.update("s", &group(HTTPS, "14")).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [443]);
    assert_eq!(world.physical("s", "Group").await, before);

    // The group is changed, then the log group refuses.
    assert_eq!(
        world.update("s", &group(HTTP, "2")).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert!(
        world
            .reason("s", "UPDATE_FAILED Lines")
            .await
            .contains("retentionInDays")
    );
    assert_eq!(ports(&world, "s").await, [443]);
    let refused = world.update("s", &group(HTTPS, "14")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationError: No updates are to be performed."
    );
}

#[tokio::test]
async fn what_cannot_be_changed_is_replaced_and_the_old_one_deleted() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let before = world.physical("s", "Group").await;
    let changed = group(HTTP, "14").replace("a group", "another group");
    assert_eq!(
        world.update("s", &changed).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    let after = world.physical("s", "Group").await;
    assert_ne!(after, before);
    assert_eq!(world.output("s", "Id").await, after);
    let gone = world
        .ask(Ec2, "DescribeSecurityGroups", json!({"GroupId": [before]}))
        .await
        .unwrap_err();
    assert_eq!(gone.code, "InvalidGroup.NotFound");

    let named = changed.replace("GroupDescription:", "GroupName: g\n      GroupDescription:");
    assert_eq!(world.update("s", &named).await.unwrap(), "UPDATE_COMPLETE");
    let renamed = named.replace("another group", "a third group");
    assert_eq!(
        world.update("s", &renamed).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert!(world.reason("s", "UPDATE_FAILED Group").await.starts_with(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing."
    ));
}

#[tokio::test]
async fn resources_come_and_go_with_the_template() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let lines = world.physical("s", "Lines").await;
    let with_topic = group(HTTP, "14").replace("Resources:", "Resources:\n  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}}}}");
    assert_eq!(
        world.update("s", &with_topic).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(
        world
            .leftovers()
            .await
            .iter()
            .filter(|name| name.starts_with("s-Role-"))
            .count(),
        1
    );
    let only_group = "Resources: {Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: a group}}}";
    assert_eq!(
        world.update("s", only_group).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    let left = world.leftovers().await;
    assert!(
        !left.contains(&lines) && !left.iter().any(|name| name.starts_with("s-Role-")),
        "{left:?}"
    );
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_full_bucket_stops_the_deletion_until_it_is_empty_or_given_up() {
    let world = World::new();
    world.package().await;
    let template = "Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: full}}, T: {Type: AWS::Logs::LogGroup, DependsOn: B}}";
    assert_eq!(world.create("s", template).await, "CREATE_COMPLETE");
    let mut put = Operation::new("PutObject", json!({"Bucket": "full", "Key": "x"}));
    put.body = Bytes::from_static(b"x");
    world
        .sandbox
        .perform(&world.target, S3, &put)
        .await
        .unwrap();

    assert_eq!(world.delete("s").await, "DELETE_FAILED");
    let reason = world.reason("s", "DELETE_FAILED B").await;
    assert!(
        reason.contains("not empty") && reason.contains("Service: S3, Status Code: 409"),
        "{reason}"
    );
    assert_eq!(
        world.stack("s").await["StackStatusReason"],
        "The following resource(s) failed to delete: [B]. "
    );

    let retain = json!({"StackName": "s", "RetainResources": ["B"]});
    let id = world.stack("s").await["StackId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.must(CloudFormation, "DeleteStack", retain).await;
    world.settle().await;
    assert_eq!(world.status(&id).await, "DELETE_COMPLETE");
    assert_eq!(world.leftovers().await, ["full"]);
    world
        .must(CloudFormation, "DeleteStack", json!({"StackName": "s"}))
        .await;
}

#[tokio::test]
async fn an_export_is_unique_and_stays_while_it_is_used() {
    let world = World::new();
    assert_eq!(
        world.create("a", &group(HTTP, "14")).await,
        "CREATE_COMPLETE"
    );
    let importing = "
Resources:
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !ImportValue a-group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}
";
    assert_eq!(world.create("b", importing).await, "CREATE_COMPLETE");
    assert_eq!(ports(&world, "a").await.len(), 2);
    assert_eq!(world.delete("a").await, "DELETE_FAILED");
    assert_eq!(
        world.stack("a").await["StackStatusReason"],
        "Delete canceled. Cannot delete export a-group as it is in use by b."
    );
    let other = group(HTTP, "14").replace("${AWS::StackName}", "a");
    assert_eq!(world.create("c", &other).await, "ROLLBACK_COMPLETE");
    assert_eq!(world.delete("b").await, "DELETE_COMPLETE");
    assert_eq!(ports(&world, "a").await, [80]);
    assert_eq!(world.delete("a").await, "DELETE_COMPLETE");
    assert_eq!(world.create("d", importing).await, "ROLLBACK_COMPLETE");
    assert_eq!(
        world.reason("d", "CREATE_FAILED Rule").await,
        "No export named a-group found"
    );
}

#[tokio::test]
async fn properties_are_checked() {
    let world = World::new();
    for (name, properties, expected) in [
        (
            "a",
            "{CidrBlok: 10.0.0.0/16}",
            "extraneous key [CidrBlok] is not permitted",
        ),
        (
            "b",
            "{EnableDnsSupport: true}",
            "required key [CidrBlock] not found",
        ),
        (
            "c",
            "{CidrBlock: 10.0.0.0/16, EnableDnsSupport: maybe}",
            "#/EnableDnsSupport: expected type: Boolean",
        ),
        (
            "d",
            "{CidrBlock: 10.0.0.0/33}",
            "Service: Ec2, Status Code: 400",
        ),
    ] {
        let template =
            format!("Resources: {{V: {{Type: AWS::EC2::VPC, Properties: {properties}}}}}");
        assert_eq!(world.create(name, &template).await, "ROLLBACK_COMPLETE");
        let reason = world.reason(name, "CREATE_FAILED V").await;
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!(world.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn templates_are_refused_before_anything_is_made() {
    let world = World::new();
    for (template, expected) in [
        (
            "Resources: {}",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "{}",
            "Template format error: At least one Resources member must be defined.",
        ),
        (
            "Resources: {A: {Type: AWS::No::Such}}",
            "Template format error: Unrecognized resource types: [AWS::No::Such]",
        ),
        (
            "Resource: {}\nResources: {A: {Type: AWS::SNS::Topic}}",
            "Invalid template property or properties [Resource]",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: B}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, DependsOn: B}, B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref A}}}",
            "Circular dependency between resources: [A, B]",
        ),
        (
            "Conditions: {No: !Equals [a, b]}\nResources: {A: {Type: AWS::SNS::Topic, Condition: 'No'}, B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref A}}}",
            "Template format error: Unresolved resource dependencies [A] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref B}}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
    ] {
        let input = json!({"StackName": "s", "TemplateBody": template});
        let refused = world
            .ask(CloudFormation, "CreateStack", input)
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code.as_ref(), refused.message.as_str()),
            ("ValidationError", expected)
        );
    }
    let none = world.must(CloudFormation, "ListStacks", json!({})).await;
    assert_eq!(none["StackSummaries"], json!([]));
}

#[tokio::test]
async fn a_role_makes_only_what_it_may() {
    let world = World::new();
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let role = json!({"RoleName": "Maker", "AssumeRolePolicyDocument": trust.to_string()});
    let arn = world.must(Iam, "CreateRole", role).await["Role"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let allowed = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}});
    let policy =
        json!({"RoleName": "Maker", "PolicyName": "P", "PolicyDocument": allowed.to_string()});
    world.must(Iam, "PutRolePolicy", policy).await;
    let status = world
        .create_with("s", &group(HTTP, "14"), json!({"RoleARN": arn}))
        .await;
    assert_eq!(status, "ROLLBACK_COMPLETE");
    let reason = world.reason("s", "CREATE_FAILED Lines").await;
    assert!(
        reason.contains(
            "assumed-role/Maker/AWSCloudFormation is not authorized to perform: logs:CreateLogGroup"
        ),
        "{reason}"
    );
    assert!(
        reason.ends_with("HandlerErrorCode: AccessDenied)"),
        "{reason}"
    );
}

#[tokio::test]
async fn failure_is_handled_as_the_caller_asked() {
    let world = World::new();
    let failing = group(HTTP, "2");
    assert_eq!(
        world
            .create_with("a", &failing, json!({"OnFailure": "DO_NOTHING"}))
            .await,
        "CREATE_FAILED"
    );
    assert_eq!(ports(&world, "a").await, [80]);
    assert_eq!(
        world
            .create_with("b", &failing, json!({"OnFailure": "DELETE"}))
            .await,
        "DELETE_COMPLETE"
    );
    assert_eq!(world.delete("a").await, "DELETE_COMPLETE");
    assert_eq!(world.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let world = World::new();
    let other = world.of("210987654321");
    world.create("s", &group(HTTP, "14")).await;
    assert!(
        other
            .ask(CloudFormation, "DescribeStacks", json!({"StackName": "s"}))
            .await
            .is_err()
    );
    assert_eq!(
        other.create("s", &group(HTTPS, "14")).await,
        "CREATE_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [80]);
    assert_eq!(ports(&other, "s").await, [443]);
}

#[tokio::test]
async fn events_come_newest_first_in_pages_and_none_twice() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    for days in ["1", "3"].into_iter().cycle().take(30) {
        world.update("s", &group(HTTP, days)).await.unwrap();
    }
    let first = world
        .must(
            CloudFormation,
            "DescribeStackEvents",
            json!({"StackName": "s"}),
        )
        .await;
    assert_eq!(first["StackEvents"].as_array().unwrap().len(), 100);
    assert_eq!(first["StackEvents"][0]["ResourceStatus"], "UPDATE_COMPLETE");
    assert!(first["NextToken"].is_string());
    let all = world.events("s").await;
    assert_eq!(
        all[0],
        (
            "CREATE_IN_PROGRESS s".to_owned(),
            "User Initiated".to_owned()
        )
    );
    let mut ids = std::collections::BTreeSet::new();
    let mut input = json!({"StackName": "s"});
    loop {
        let page = world
            .must(CloudFormation, "DescribeStackEvents", input.clone())
            .await;
        for event in page["StackEvents"].as_array().unwrap() {
            assert!(
                ids.insert(event["EventId"].as_str().unwrap().to_owned()),
                "{event}"
            );
        }
        match page["NextToken"].as_str() {
            Some(token) => input["NextToken"] = token.into(),
            None => break,
        }
    }
    assert_eq!(ids.len(), all.len());
}
