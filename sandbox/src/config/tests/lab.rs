//! The lab as a deployer makes it, through the front door, with real roles, buckets, groups and functions.

use super::deployed::{FUNCTION, code};
use super::*;

#[tokio::test]
async fn the_recorder_needs_a_role_that_config_can_assume() {
    let world = World::empty(Settings::default());
    assert_eq!(
        code(world.recorder("default").await),
        "InvalidRoleException"
    );
    world.role_of("AwsConfigRole", "ec2.amazonaws.com").await;
    assert_eq!(
        code(world.recorder("default").await),
        "InvalidRoleException"
    );
    world
        .of(Service::Iam)
        .ok("DeleteRole", json!({"RoleName": "AwsConfigRole"}))
        .await;
    world.role_of("AwsConfigRole", "config.amazonaws.com").await;
    world.recorder("default").await.unwrap();
    // Again is an update, another one is one too many.
    world.recorder("default").await.unwrap();
    let second = code(world.recorder("second").await);
    assert_eq!(second, "MaxNumberOfConfigurationRecordersExceededException");
}

#[tokio::test]
async fn the_channel_needs_a_bucket_that_the_role_can_write_to() {
    let world = World::empty(Settings::default());
    world.role_of("AwsConfigRole", "config.amazonaws.com").await;
    world.recorder("default").await.unwrap();
    let plain = json!({});
    assert_eq!(code(world.channel(&plain).await), "NoSuchBucketException");
    world
        .of(Service::S3)
        .ok("CreateBucket", json!({"Bucket": "lab-delivery"}))
        .await;
    let refused = world.channel(&plain).await.unwrap_err();
    assert_eq!(refused.code, "InsufficientDeliveryPolicyException");
    assert!(
        refused.message.ends_with("unable to get s3 bucket acl."),
        "{refused}"
    );
    world.allow_recorder(&["s3:GetBucketAcl"]).await;
    let refused = world.channel(&plain).await.unwrap_err();
    assert_eq!(refused.code, "InsufficientDeliveryPolicyException");
    assert!(
        refused.message.contains("unable to write to bucket"),
        "{refused}"
    );
    world
        .allow_recorder(&["s3:GetBucketAcl", "s3:PutObject"])
        .await;
    let nowhere = json!({"snsTopicARN": "arn:aws:sns:us-east-1:123456789012:none"});
    assert_eq!(
        code(world.channel(&nowhere).await),
        "InvalidSNSTopicARNException"
    );
    assert_eq!(
        code(world.channel(&json!({"s3KeyPrefix": "a/"})).await),
        "InvalidS3KeyPrefixException"
    );
    world.channel(&json!({"s3KeyPrefix": "a"})).await.unwrap();
    // The check leaves a file behind, so the bucket is no longer empty.
    let delete = world
        .of(Service::S3)
        .call("DeleteBucket", json!({"Bucket": "lab-delivery"}))
        .await;
    assert_eq!(code(delete), "BucketNotEmpty");
}

#[tokio::test]
async fn a_denial_in_the_bucket_policy_counts() {
    let world = World::deployed().await;
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*",
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::lab-delivery/*"}});
    let mut operation = crate::protocol::Operation::new(
        "PutBucketPolicy",
        json!({"Bucket": "lab-delivery", "Policy": policy.to_string()}),
    );
    operation.body = policy.to_string().into();
    world.of(Service::S3).perform(&operation).await.unwrap();
    assert_eq!(
        code(world.channel(&json!({})).await),
        "InsufficientDeliveryPolicyException"
    );
}

#[tokio::test]
async fn a_rule_needs_a_recorder_and_a_function_that_config_may_invoke() {
    let world = World::empty(Settings::default());
    let plain = json!({});
    assert_eq!(
        code(world.rule(&plain).await),
        "NoAvailableConfigurationRecorderException"
    );
    world.role_of("AwsConfigRole", "config.amazonaws.com").await;
    world.recorder("default").await.unwrap();
    assert_eq!(
        code(world.rule(&plain).await),
        "InsufficientPermissionsException"
    );
    world.function("#!/bin/sh\nexit 1\n").await;
    assert_eq!(
        code(world.rule(&plain).await),
        "InsufficientPermissionsException"
    );
    world.permit().await;
    for (changes, expected) in [
        (
            json!({"InputParameters": "debug=true"}),
            "InvalidParameterValueException",
        ),
        (
            json!({"InputParameters": r#"{"debug":true}"#}),
            "InvalidParameterValueException",
        ),
        (
            json!({"InputParameters": format!(r#"{{"a":"{}"}}"#, "x".repeat(1017))}),
            "ValidationException",
        ),
        (json!({"ConfigRuleName": " "}), "ValidationException"),
        (
            json!({"ConfigRuleId": "config-rule-000000"}),
            "InvalidParameterValueException",
        ),
        (
            json!({"Scope": {"TagValue": "x"}}),
            "InvalidParameterValueException",
        ),
        (
            json!({"Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION}}),
            "InvalidParameterValueException",
        ),
        (
            json!({"Source": {"Owner": "AWS", "SourceIdentifier": "IAM_PASSWORD_POLICY"}}),
            "NotImplemented",
        ),
        (
            json!({"MaximumExecutionFrequency": "One_Hour"}),
            "InvalidParameterValueException",
        ),
    ] {
        assert_eq!(code(world.rule(&changes).await), expected, "{changes}");
    }
    world
        .rule(&json!({"InputParameters": format!(r#"{{"a":"{}"}}"#, "x".repeat(1016))}))
        .await
        .unwrap();
    let before = world.ok("DescribeConfigRules", json!({})).await;
    world.rule(&json!({"Description": "again"})).await.unwrap();
    let after = world.ok("DescribeConfigRules", json!({})).await;
    assert_eq!(after["ConfigRules"].as_array().unwrap().len(), 1);
    assert_eq!(
        before["ConfigRules"][0]["ConfigRuleArn"],
        after["ConfigRules"][0]["ConfigRuleArn"]
    );
    assert_eq!(after["ConfigRules"][0]["Description"], "again");
}

#[tokio::test]
async fn a_starting_recorder_discovers_and_a_restarted_one_catches_up() {
    let world = World::deployed().await;
    let recorder = json!({"ConfigurationRecorderName": "default"});
    let make = async |name: &str| {
        let input = json!({"GroupName": name, "GroupDescription": "lab"});
        let made = world
            .of(Service::Ec2)
            .ok("CreateSecurityGroup", input)
            .await;
        made["groupId"].as_str().unwrap().to_owned()
    };
    let open = async |id: &str| {
        let input = json!({"GroupId": id, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": "465",
            "ToPort": "465", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        world
            .of(Service::Ec2)
            .ok("AuthorizeSecurityGroupIngress", input)
            .await;
    };
    let statuses = |id: &str| -> Vec<&'static str> {
        let key = ResourceKey::new(GROUP, id);
        world.state(|state| {
            state
                .history
                .of(&key)
                .iter()
                .map(|item| item.status.name())
                .collect()
        })
    };
    let (changed, same, gone) = (
        make("changed").await,
        make("same").await,
        make("gone").await,
    );
    world
        .ok("StartConfigurationRecorder", recorder.clone())
        .await;
    world.idle().await;
    let status = world
        .ok("DescribeConfigurationRecorderStatus", json!({}))
        .await;
    assert_eq!(
        status["ConfigurationRecordersStatus"][0]["lastStatus"],
        "SUCCESS"
    );
    open(&same).await;
    world.idle().await;
    assert_eq!(statuses(&same), ["ResourceDiscovered", "OK"]);

    world
        .ok("StopConfigurationRecorder", recorder.clone())
        .await;
    open(&changed).await;
    world
        .of(Service::Ec2)
        .ok("DeleteSecurityGroup", json!({"GroupId": gone}))
        .await;
    world.idle().await;
    assert_eq!(statuses(&changed), ["ResourceDiscovered"]);
    world.ok("StartConfigurationRecorder", recorder).await;
    world.idle().await;
    assert_eq!(statuses(&changed), ["ResourceDiscovered", "OK"]);
    assert_eq!(statuses(&same), ["ResourceDiscovered", "OK"]);
    assert_eq!(statuses(&gone), ["ResourceDiscovered", "ResourceDeleted"]);
}

#[tokio::test]
async fn a_function_that_crashes_is_remembered_with_its_error() {
    let world = World::deployed().await;
    world
        .ok(
            "StartConfigurationRecorder",
            json!({"ConfigurationRecorderName": "default"}),
        )
        .await;
    world.rule(&json!({})).await.unwrap();
    world
        .until("the error", |state| {
            state.rules["EC2SecurityGroup"].activity.error.is_some()
        })
        .await;
    world.state(|state| {
        let activity = &state.rules["EC2SecurityGroup"].activity;
        // It was invoked; it is the evaluation that failed.
        assert!(activity.invoked.is_some() && activity.invocation_failed.is_none());
        assert_eq!(activity.error.as_ref().unwrap().0, "Unhandled");
    });
}

#[tokio::test]
async fn a_topic_that_refuses_shows_in_the_channels_status() {
    let world = World::deployed().await;
    let made = world
        .of(Service::Sns)
        .ok("CreateTopic", json!({"Name": "config-topic"}))
        .await;
    let topic = made["TopicArn"].as_str().unwrap().to_owned();
    let only = |account: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "config.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
            "Condition": {"StringEquals": {"AWS:SourceAccount": account}}}]});
        json!({"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy.to_string()})
    };
    world
        .channel(&json!({ "snsTopicARN": topic }))
        .await
        .unwrap();
    world
        .ok(
            "StartConfigurationRecorder",
            json!({"ConfigurationRecorderName": "default"}),
        )
        .await;
    for (account, expected) in [("999999999999", "FAILURE"), ("123456789012", "SUCCESS")] {
        world
            .of(Service::Sns)
            .ok("SetTopicAttributes", only(account))
            .await;
        world.enter(|call| observe(call, Change::Modified, group(SG, &[80])));
        world.idle().await;
        let status = world.ok("DescribeDeliveryChannelStatus", json!({})).await;
        let stream = &status["DeliveryChannelsStatus"][0]["configStreamDeliveryInfo"];
        assert_eq!(stream["lastStatus"], expected);
        assert_eq!(stream.get("lastErrorCode").is_some(), expected == "FAILURE");
    }
}
