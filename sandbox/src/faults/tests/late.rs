//! Reads that lag behind, in every service, and services that have not heard of each other's news yet.

use super::*;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","config.amazonaws.com"]},"Action":"sts:AssumeRole"}]}"#;

fn stale(lag_ms: u64, of: Option<Seen>) -> Fault {
    Fault::StaleReads { lag_ms, of }
}

impl World {
    async fn ok(&self, service: Service, name: &str, input: Value) -> Value {
        self.call(service, name, input).await.unwrap()
    }

    async fn role(&self, name: &str) -> String {
        let input = json!({"RoleName": name, "AssumeRolePolicyDocument": TRUST});
        let made = self.ok(Service::Iam, "CreateRole", input).await;
        made["Role"]["Arn"].as_str().unwrap().to_owned()
    }

    async fn topic(&self, name: &str) {
        self.ok(Service::Sns, "CreateTopic", json!({"Name": name}))
            .await;
    }

    fn pass(&self, ms: u64) {
        self.sandbox.clock.advance(Duration::from_millis(ms));
    }

    async fn settle(&self) {
        while !self.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
    }
}

/// How many of something a service shows.
async fn shown(world: &World, service: Service, operation: &str, list: &str) -> usize {
    let answer = world.ok(service, operation, json!({})).await;
    answer[list].as_array().unwrap().len()
}

#[tokio::test]
async fn every_service_but_s3_can_look_back() {
    let world = World::new();
    world.set(vec![Rule::new("*", "*", stale(3_000, None))]);
    world.role("R").await;
    world.topic("t").await;
    let template = json!({"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}});
    let stack = json!({"StackName": "s", "TemplateBody": template.to_string()});
    world
        .ok(Service::CloudFormation, "CreateStack", stack)
        .await;
    world.settle().await;
    let pattern = json!({"source": ["aws.ec2"]}).to_string();
    let rule = json!({"Name": "r", "EventPattern": pattern});
    world.ok(Service::Events, "PutRule", rule).await;
    let recorder = json!({"ConfigurationRecorder": {"name": "default",
        "roleARN": format!("arn:aws:iam::{ACCOUNT}:role/R")}});
    world
        .ok(Service::Config, "PutConfigurationRecorder", recorder)
        .await;
    world
        .ok(
            Service::S3,
            "CreateBucket",
            json!({"Bucket": "seen-at-once"}),
        )
        .await;
    let buckets = crate::protocol::Operation::new("ListBuckets", json!({}));
    let answer = world
        .sandbox
        .perform(&world.target, Service::S3, &buckets)
        .await
        .unwrap();
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
    world.pass(2_999);
    seen(0).await;
    world.pass(1);
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
        .ok(Service::CloudFormation, "CreateStack", stack)
        .await;
    world.settle().await;
    assert_eq!(
        shown(&world, Service::CloudFormation, "DescribeStacks", "Stacks").await,
        0
    );
    world.pass(1_000);
    let answer = world
        .ok(Service::CloudFormation, "DescribeStacks", json!({}))
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
        world.pass(10);
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
    let role = world.role("R").await;
    let function = json!({"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler",
        "Role": role, "Code": {"ZipFile": package()}});
    let create = || world.call(Service::Lambda, "CreateFunction", function.clone());
    let recorder = json!({"ConfigurationRecorder": {"name": "default", "roleARN": role}});
    let put = || {
        world.call(
            Service::Config,
            "PutConfigurationRecorder",
            recorder.clone(),
        )
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
        .ok(Service::Iam, "GetRole", json!({"RoleName": "R"}))
        .await;
    world.pass(5_000);
    create().await.unwrap();
    put().await.unwrap();
    // What was made while others looked back is there to stay.
    world
        .ok(Service::Lambda, "GetFunction", json!({"FunctionName": "f"}))
        .await;
}

#[tokio::test]
async fn a_new_policy_is_not_known_to_the_channel_yet() {
    let world = World::new();
    let role = world.role("R").await;
    let recorder = json!({"ConfigurationRecorder": {"name": "default", "roleARN": role}});
    world
        .ok(Service::Config, "PutConfigurationRecorder", recorder)
        .await;
    let bucket = crate::protocol::Operation::new("CreateBucket", json!({"Bucket": "delivered"}));
    world
        .sandbox
        .perform(&world.target, Service::S3, &bucket)
        .await
        .unwrap();
    world.set(vec![Rule::new(
        "config",
        "PutDeliveryChannel",
        stale(5_000, Some(Seen::Iam)),
    )]);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":"*"}]}"#;
    let input = json!({"RoleName": "R", "PolicyName": "p", "PolicyDocument": policy});
    world.ok(Service::Iam, "PutRolePolicy", input).await;
    let channel = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "delivered"}});
    let put = || world.call(Service::Config, "PutDeliveryChannel", channel.clone());
    assert_eq!(
        put().await.unwrap_err().code,
        "InsufficientDeliveryPolicyException"
    );
    world.pass(5_000);
    put().await.unwrap();
}

#[tokio::test]
async fn a_new_permission_is_not_known_to_config_yet() {
    let world = World::new();
    let role = world.role("R").await;
    let recorder = json!({"ConfigurationRecorder": {"name": "default", "roleARN": role}});
    world
        .ok(Service::Config, "PutConfigurationRecorder", recorder)
        .await;
    let function = json!({"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler",
        "Role": role, "Code": {"ZipFile": package()}});
    let made = world.ok(Service::Lambda, "CreateFunction", function).await;
    world.set(vec![Rule::new(
        "config",
        "PutConfigRule",
        stale(2_000, Some(Seen::Lambda)),
    )]);
    let grant = json!({"FunctionName": "f", "StatementId": "config", "Action": "lambda:InvokeFunction",
        "Principal": "config.amazonaws.com"});
    world.ok(Service::Lambda, "AddPermission", grant).await;
    let rule = json!({"ConfigRule": {"ConfigRuleName": "r", "Source": {"Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": made["FunctionArn"], "SourceDetails": [{"EventSource": "aws.config",
        "MessageType": "ConfigurationItemChangeNotification"}]}}});
    let put = || world.call(Service::Config, "PutConfigRule", rule.clone());
    assert_eq!(
        put().await.unwrap_err().code,
        "InsufficientPermissionsException"
    );
    world.pass(2_000);
    put().await.unwrap();
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

/// A package in base64.
fn package() -> String {
    use base64::Engine as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("index.py", options).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
