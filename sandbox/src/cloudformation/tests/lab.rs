//! The lab itself, from its own template.

use super::*;
use crate::testing::session_of;

const LAB: &str = include_str!("../../../../templates/lab.yaml");

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
        .of(Ec2)
        .ok("DescribeSecurityGroups", json!({"GroupId": [group]}))
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
        .of(Lambda)
        .ok("GetPolicy", json!({"FunctionName": function}))
        .await;
    assert!(
        policy["Policy"]
            .as_str()
            .unwrap()
            .contains("config.amazonaws.com")
    );
    let configuration = world
        .of(Lambda)
        .ok(
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
        .refusal("DescribeStacks", json!({"StackName": "lab"}))
        .await;
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
        "The following resource(s) failed to create: [LabInternetRoute, LabSubnetRoutes, RemediationFunction]. Rollback requested by user."
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
    let refused = world.refusal("CreateStack", again).await;
    assert_eq!(
        refused.to_string(),
        "AlreadyExistsException: Stack [lab] already exists"
    );
    assert_eq!(world.delete("lab").await, "DELETE_COMPLETE");
}

/// The lab with more parameters than it needs.
fn lab_with(more: &[(&str, &str)]) -> Value {
    let mut input = lab_parameters("f.zip");
    for (key, value) in more {
        let list = input["Parameters"].as_array_mut().unwrap();
        list.push(json!({"ParameterKey": key, "ParameterValue": value}));
    }
    input
}

impl World {
    /// Whether the function's role may close ports of a group.
    async fn may_repair(&self, group: &str) -> bool {
        let function = self.of(Ec2).by(session_of("AwsConfigLambdaSGRole"));
        let port = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp",
            "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}]});
        let opened = function
            .call("AuthorizeSecurityGroupIngress", port.clone())
            .await;
        let closed = function.call("RevokeSecurityGroupIngress", port).await;
        assert_eq!(opened.is_ok(), closed.is_ok(), "{opened:?} {closed:?}");
        for refused in [&opened, &closed]
            .into_iter()
            .filter_map(|it| it.as_ref().err())
        {
            assert_eq!(refused.code, "UnauthorizedOperation");
        }
        opened.is_ok()
    }
}

#[tokio::test]
async fn the_chosen_scope_is_what_the_function_can_reach() {
    let world = World::new();
    world.package().await;
    let vpc = world
        .of(Ec2)
        .ok("CreateVpc", json!({"CidrBlock": "10.9.0.0/16"}))
        .await;
    let vpc = vpc["vpc"]["vpcId"].as_str().unwrap().to_owned();
    let mut outside = Vec::new();
    for name in ["plain", "tagged"] {
        let group = json!({"GroupName": name, "GroupDescription": name, "VpcId": vpc});
        let group = world.of(Ec2).ok("CreateSecurityGroup", group).await["groupId"].clone();
        outside.push(group.as_str().unwrap().to_owned());
    }
    let tag =
        json!({"ResourceId": [outside[1]], "Tag": [{"Key": "team:heal", "Value": "red one"}]});
    world.of(Ec2).ok("CreateTags", tag).await;

    let status = world.create_with("lab", LAB, lab_with(&[])).await;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("lab").await);
    let own = world.output("lab", "LabSecurityGroupId").await;
    for (parameters, expected) in [
        (&[][..], [true, false, false]),
        (
            &[("RepairScope", "vpc"), ("RepairVpcId", &vpc)][..],
            [false, true, true],
        ),
        // Without a VPC or with a tag that nobody has, nothing is within reach.
        (&[("RepairScope", "vpc")], [false, false, false]),
        (
            &[
                ("RepairScope", "tag"),
                ("RepairTagKey", "team:heal"),
                ("RepairTagValue", "red one"),
            ],
            [false, false, true],
        ),
        (
            &[
                ("RepairScope", "tag"),
                ("RepairTagKey", "team:heal"),
                ("RepairTagValue", "red"),
            ],
            [false, false, false],
        ),
        (&[("RepairScope", "account")], [true, true, true]),
        (&[("RepairScope", "lab-vpc")], [true, false, false]),
    ] {
        let mut input = lab_with(parameters);
        input["StackName"] = json!("lab");
        input["TemplateBody"] = json!(LAB);
        input["Capabilities"] = json!(["CAPABILITY_NAMED_IAM"]);
        if !parameters.is_empty() {
            world.ok("UpdateStack", input).await;
            world.idle().await;
            assert_eq!(world.status("lab").await, "UPDATE_COMPLETE");
        }
        let mut reached = Vec::new();
        for group in [&own, &outside[0], &outside[1]] {
            reached.push(world.may_repair(group).await);
        }
        assert_eq!(reached, expected, "{parameters:?}");
    }
}

#[tokio::test]
async fn both_roles_get_the_boundary_and_lose_it_again() {
    let world = World::new();
    world.package().await;
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let policy = json!({"PolicyName": "limit", "PolicyDocument": document.to_string()});
    let policy = world.of(Iam).ok("CreatePolicy", policy).await["Policy"]["Arn"].clone();
    let policy = policy.as_str().unwrap().to_owned();
    let mut boundaries = Vec::new();
    for parameters in [&[("PermissionsBoundaryArn", policy.as_str())][..], &[]] {
        let mut input = lab_with(parameters);
        if boundaries.is_empty() {
            let status = world.create_with("lab", LAB, input).await;
            assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("lab").await);
        } else {
            input["StackName"] = json!("lab");
            input["TemplateBody"] = json!(LAB);
            input["Capabilities"] = json!(["CAPABILITY_NAMED_IAM"]);
            world.ok("UpdateStack", input).await;
            world.idle().await;
            assert_eq!(world.status("lab").await, "UPDATE_COMPLETE");
        }
        for role in ["AwsConfigRole", "AwsConfigLambdaSGRole"] {
            let role = world.of(Iam).ok("GetRole", json!({"RoleName": role})).await;
            boundaries.push(role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].clone());
        }
    }
    assert_eq!(
        boundaries,
        [json!(policy), json!(policy), Value::Null, Value::Null]
    );
}
