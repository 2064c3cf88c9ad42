//! Reads that lag behind, in every service, and services that have not heard of each other's news yet.

use super::*;
use crate::protocol::Operation;
use crate::testing::zipped;

fn stale(lag_ms: u64, of: Option<Seen>) -> Fault {
    Fault::StaleReads { lag_ms, of }
}

impl World {
    /// The ARN of the role `R` that Lambda and Config may assume.
    async fn trusting_role(&self) -> String {
        let trusted = json!({"Service": ["lambda.amazonaws.com", "config.amazonaws.com"]});
        self.role("R", trusted).await;
        format!("arn:aws:iam::{ACCOUNT}:role/R")
    }

    async fn topic(&self, name: &str) {
        self.of(Service::Sns)
            .ok("CreateTopic", json!({"Name": name}))
            .await;
    }

    fn advance(&self, ms: u64) {
        self.sandbox.clock.advance(Duration::from_millis(ms));
    }

    /// The code with which Config refuses something now, and for so many milliseconds.
    async fn refused_for(&self, ms: u64, name: &str, input: Value) -> String {
        let config = self.of(Service::Config);
        let early = config.refused(name, input.clone()).await;
        self.advance(ms - 1);
        assert_eq!(config.refused(name, input.clone()).await, early);
        self.advance(1);
        config.ok(name, input).await;
        early
    }
}

/// How many of something a service shows.
async fn shown(world: &World, service: Service, operation: &str, list: &str) -> usize {
    let answer = world.of(service).ok(operation, json!({})).await;
    answer[list].as_array().unwrap().len()
}

#[tokio::test]
async fn every_service_but_s3_can_look_back() {
    let world = World::new();
    world.set(vec![Rule::new("*", "*", stale(3_000, None))]);
    let role = world.trusting_role().await;
    world.topic("t").await;
    let template = json!({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}});
    let stack = json!({"StackName": "s", "TemplateBody": template.to_string()});
    world
        .of(Service::CloudFormation)
        .ok("CreateStack", stack)
        .await;
    world.idle().await;
    let pattern = json!({"source": ["aws.ec2"]}).to_string();
    let rule = json!({"Name": "r", "EventPattern": pattern});
    world.of(Service::Events).ok("PutRule", rule).await;
    world
        .of(Service::Config)
        .ok("PutConfigurationRecorder", recorder(&role))
        .await;
    world
        .of(Service::S3)
        .ok("CreateBucket", json!({"Bucket": "seen-at-once"}))
        .await;
    let buckets = Operation::new("ListBuckets", json!({}));
    let answer = world.of(Service::S3).perform(&buckets).await.unwrap();
    assert!(format!("{answer:?}").contains("seen-at-once"));
    let seen = |count| {
        let world = &world;
        async move {
            for (service, operation, list) in [
                (Service::Iam, "ListRoles", "Roles"),
                (Service::Sns, "ListTopics", "Topics"),
                (Service::CloudFormation, "DescribeStacks", "Stacks"),
                (Service::Logs, "DescribeLogGroups", "logGroups"),
                (Service::Events, "ListRules", "Rules"),
                (
                    Service::Config,
                    "DescribeConfigurationRecorders",
                    "ConfigurationRecorders",
                ),
                (Service::CloudTrail, "LookupEvents", "Events"),
            ] {
                let found = shown(world, service, operation, list).await;
                if service == Service::CloudTrail {
                    assert_eq!(found > 0, count > 0, "{found} events");
                } else {
                    assert_eq!(found, count, "{operation}");
                }
            }
        }
    };
    world.advance(2_999);
    seen(0).await;
    world.advance(1);
    seen(1).await;
}

#[tokio::test]
async fn what_services_do_by_themselves_is_seen_late_too() {
    let world = World::new();
    world.set(vec![Rule::new(
        "cloudformation",
        "DescribeStacks",
        stale(1_000, None),
    )]);
    let template = json!({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}});
    let stack = json!({"StackName": "s", "TemplateBody": template.to_string()});
    world
        .of(Service::CloudFormation)
        .ok("CreateStack", stack)
        .await;
    world.idle().await;
    assert_eq!(
        shown(&world, Service::CloudFormation, "DescribeStacks", "Stacks").await,
        0
    );
    world.advance(1_000);
    let answer = world
        .of(Service::CloudFormation)
        .ok("DescribeStacks", json!({}))
        .await;
    assert_eq!(answer["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");
}

/// However many changes there are, few copies are kept, and what is shown is never newer than asked.
#[tokio::test]
async fn many_changes_leave_few_copies() {
    let world = World::new();
    world.set(vec![Rule::new("sns", "*", stale(10_000, None))]);
    for number in 0..1_050 {
        world.topic(&format!("t{number}")).await;
        world.advance(10);
    }
    // A thousand of them were made in the last ten seconds, ten in the hundredth of that.
    let seen = shown(&world, Service::Sns, "ListTopics", "Topics").await;
    assert!((40..=51).contains(&seen), "{seen} are seen");
    let kept = world.sandbox.faults.past.copies();
    assert!((50..=202).contains(&kept), "{kept} copies");
}

#[tokio::test]
async fn a_new_role_is_not_known_to_lambda_and_config_yet() {
    let world = World::new();
    world.set(vec![
        Rule::new("lambda", "CreateFunction", stale(5_000, Some(Seen::Iam))),
        Rule::new("config", "*", stale(5_000, Some(Seen::Iam))),
    ]);
    let role = world.trusting_role().await;
    let create = async || {
        world
            .of(Service::Lambda)
            .call("CreateFunction", function(&role))
            .await
    };
    let put = async || {
        world
            .of(Service::Config)
            .call("PutConfigurationRecorder", recorder(&role))
            .await
    };
    let refused = create().await.unwrap_err();
    assert_eq!(refused.code, "InvalidParameterValueException");
    assert_eq!(
        refused.message,
        "The role defined for the function cannot be assumed by Lambda."
    );
    assert_eq!(world.last().1.unwrap(), "iam of 5000 ms ago");
    assert_eq!(put().await.unwrap_err().code, "InvalidRoleException");
    // Whoever asks IAM itself sees the role.
    world
        .of(Service::Iam)
        .ok("GetRole", json!({"RoleName": "R"}))
        .await;
    world.advance(5_000);
    create().await.unwrap();
    put().await.unwrap();
    // What was made while others looked back is there to stay.
    world
        .of(Service::Lambda)
        .ok("GetFunction", json!({"FunctionName": "f"}))
        .await;
}

#[tokio::test]
async fn a_new_policy_is_not_known_to_the_channel_yet() {
    let world = World::new();
    let role = world.trusting_role().await;
    world
        .of(Service::Config)
        .ok("PutConfigurationRecorder", recorder(&role))
        .await;
    let bucket = Operation::new("CreateBucket", json!({"Bucket": "delivered"}));
    world.of(Service::S3).perform(&bucket).await.unwrap();
    world.set(vec![Rule::new(
        "config",
        "PutDeliveryChannel",
        stale(5_000, Some(Seen::Iam)),
    )]);
    let write = json!(["s3:GetBucketAcl", "s3:PutObject"]);
    world.allow("R", write, json!("*")).await;
    let channel = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "delivered"}});
    let early = world
        .refused_for(5_000, "PutDeliveryChannel", channel)
        .await;
    assert_eq!(early, "InsufficientDeliveryPolicyException");
}

#[tokio::test]
async fn a_new_permission_is_not_known_to_config_yet() {
    let world = World::new();
    let role = world.trusting_role().await;
    world
        .of(Service::Config)
        .ok("PutConfigurationRecorder", recorder(&role))
        .await;
    let made = world
        .of(Service::Lambda)
        .ok("CreateFunction", function(&role))
        .await;
    world.set(vec![Rule::new(
        "config",
        "PutConfigRule",
        stale(2_000, Some(Seen::Lambda)),
    )]);
    let grant = json!({"FunctionName": "f", "StatementId": "config", "Action": "lambda:InvokeFunction",
        "Principal": "config.amazonaws.com"});
    world.of(Service::Lambda).ok("AddPermission", grant).await;
    let rule = json!({"ConfigRule": {"ConfigRuleName": "r", "Source": {"Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": made["FunctionArn"], "SourceDetails": [{"EventSource": "aws.config",
        "MessageType": "ConfigurationItemChangeNotification"}]}}});
    let early = world.refused_for(2_000, "PutConfigRule", rule).await;
    assert_eq!(early, "InsufficientPermissionsException");
}

#[tokio::test]
async fn any_error_of_aws_can_be_had() {
    let world = World::new();
    world.set(vec![Rule {
        count: Some(1),
        ..Rule::new(
            "ec2",
            "CreateSecurityGroup",
            Fault::Error {
                code: "SecurityGroupLimitExceeded".to_owned(),
                status: 400,
                message: "You have reached the limit.".to_owned(),
            },
        )
    }]);
    let refused = world.create("g").await.unwrap_err();
    assert_eq!(
        (refused.status, &*refused.code),
        (400, "SecurityGroupLimitExceeded")
    );
    assert_eq!(
        world.last().1.unwrap(),
        "error SecurityGroupLimitExceeded before the effect"
    );
    world.create("g").await.unwrap();
}

fn recorder(role: &str) -> Value {
    json!({"ConfigurationRecorder": {"name": "default", "roleARN": role}})
}

fn function(role: &str) -> Value {
    use base64::Engine as _;
    let package = base64::prelude::BASE64_STANDARD.encode(zipped("index.py", b"", 0o644));
    json!({"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler",
        "Role": role, "Code": {"ZipFile": package}})
}
