//! The lab itself, from its own template.

use super::*;

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
