//! Recorder, channel and rules in a template.

use super::*;
use crate::service::Service::Config;

const TEMPLATE: &str = "
Resources:
  Channel: {Type: AWS::Config::DeliveryChannel, Properties: {S3BucketName: !Ref Bucket}, DependsOn: Policy}
  Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - {Effect: Allow, Principal: {Service: config.amazonaws.com}, Action: ['s3:GetBucketAcl', 's3:ListBucket'], Resource: !GetAtt Bucket.Arn}
          - {Effect: Allow, Principal: {Service: config.amazonaws.com}, Action: 's3:PutObject', Resource: !Sub '${Bucket.Arn}/AWSLogs/${AWS::AccountId}/Config/*'}
  Recorder:
    Type: AWS::Config::ConfigurationRecorder
    Properties:
      RoleARN: !GetAtt Role.Arn
      RecordingGroup: {AllSupported: false, ResourceTypes: ['AWS::EC2::SecurityGroup']}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: {Service: [config.amazonaws.com, lambda.amazonaws.com]}, Action: 'sts:AssumeRole'}}
      Policies:
        - PolicyName: deliver
          PolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Action: ['s3:PutObject', 's3:GetBucketAcl'], Resource: '*'}}
";

/// The rule's scope has nothing in it, so that the function is not called.
const RULE: &str = "
  Function:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn, Runtime: provided.al2023, Handler: bootstrap, Code: {S3Bucket: code, S3Key: f.zip}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Function, Action: 'lambda:InvokeFunction', Principal: config.amazonaws.com}
  Rule:
    Type: AWS::Config::ConfigRule
    DependsOn: [Permission, Recorder]
    Properties:
      Scope: {ComplianceResourceTypes: ['AWS::EC2::Instance']}
      InputParameters: {debug: 'true'}
      Source:
        Owner: CUSTOM_LAMBDA
        SourceIdentifier: !GetAtt Function.Arn
        SourceDetails: [{EventSource: aws.config, MessageType: ConfigurationItemChangeNotification}]
Outputs: {RuleId: {Value: !GetAtt Rule.ConfigRuleId}}
";

#[tokio::test]
async fn recorder_and_channel_wait_for_one_another() {
    let world = World::new();
    world.package().await;
    let template = format!("{TEMPLATE}{RULE}");
    let status = world.create("s", &template).await;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("s").await);
    let recorders = world
        .of(Config)
        .ok("DescribeConfigurationRecorderStatus", json!({}))
        .await;
    assert_eq!(
        recorders["ConfigurationRecordersStatus"][0]["recording"],
        true
    );
    let rules = world.of(Config).ok("DescribeConfigRules", json!({})).await;
    assert_eq!(
        rules["ConfigRules"][0]["InputParameters"],
        r#"{"debug":"true"}"#
    );
    assert_eq!(
        rules["ConfigRules"][0]["ConfigRuleId"],
        world.output("s", "RuleId").await.as_str()
    );
    let changed = template.replace("debug: 'true'", "debug: 'false'");
    assert_eq!(
        world.update("s", &changed).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    let rules = world.of(Config).ok("DescribeConfigRules", json!({})).await;
    assert_eq!(
        rules["ConfigRules"][0]["InputParameters"],
        r#"{"debug":"false"}"#
    );

    // Config has written into the bucket, which is therefore kept.
    let id = world.stack("s").await["StackId"]
        .as_str()
        .unwrap()
        .to_owned();
    let status = world.delete("s").await;
    assert_eq!(status, "DELETE_COMPLETE", "{:?}", world.events(&id).await);
    for (operation, list) in [
        ("DescribeConfigurationRecorders", "ConfigurationRecorders"),
        ("DescribeDeliveryChannels", "DeliveryChannels"),
        ("DescribeConfigRules", "ConfigRules"),
    ] {
        let answer = world.of(Config).ok(operation, json!({})).await;
        assert_eq!(answer[list], json!([]), "{operation}");
    }
}

#[tokio::test]
async fn a_channel_that_depends_on_its_recorder_is_the_deadlock_that_it_is_on_aws() {
    let world = World::new();
    let stuck = TEMPLATE.replace("DependsOn: Policy", "DependsOn: [Policy, Recorder]");
    assert_eq!(world.create("s", &stuck).await, "ROLLBACK_COMPLETE");
    let reason = world.reason("s", "CREATE_FAILED Recorder").await;
    assert!(
        reason.contains("Delivery channel is not available to start configuration recorder"),
        "{reason}"
    );
    let alone = TEMPLATE.lines().filter(|line| !line.contains("Channel"));
    let alone: String = alone.flat_map(|line| [line, "\n"]).collect();
    assert_eq!(world.create("t", &alone).await, "ROLLBACK_COMPLETE");
    // A channel that fails leaves nobody waiting for it.
    let failing = TEMPLATE.replace("S3BucketName: !Ref Bucket", "S3BucketName: nobodys-bucket");
    assert_eq!(world.create("u", &failing).await, "ROLLBACK_COMPLETE");
    let channels = world
        .of(Config)
        .ok("DescribeConfigurationRecorders", json!({}))
        .await;
    assert_eq!(channels["ConfigurationRecorders"], json!([]));
}
