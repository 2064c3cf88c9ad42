//! What an account may hold before the lab comes.

use std::path::Path;

use sandbox::caller::Caller;
use sandbox::faults::{CallerKind, Fault, Phase, Rule};
use sandbox::ids::{AccountId, Region};
use sandbox::protocol::Operation;
use sandbox::sandbox::Target;
use sandbox::service::Service;
use serde_json::{Value, json};

use crate::{ACCOUNT, REGION, World};

/// The bucket that the security team's history goes to.
pub const BUCKET: &str = "security-team-history";

/// Another account.
pub const NEIGHBOUR: &str = "999999999999";

/// A policy's document that allows actions on everything.
pub fn allowing(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// A role of somebody else that a service may take on, with a policy of its own.
pub async fn role(world: &World, name: &str, service: &str) {
    let allowed = allowing(&["s3:*", "config:*", "ec2:Describe*"]);
    role_with(world, name, service, &allowed.to_string()).await;
}

/// The same with a document of one's choice as the policy, which is called `own`; the answer is its ARN.
pub async fn role_with(world: &World, name: &str, service: &str, document: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    }]});
    let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string(),
        "Description": "somebody else's", "Tags": [{"Key": "team", "Value": "security"}]});
    let made = world.call(Service::Iam, "CreateRole", role).await;
    let policy = json!({"RoleName": name, "PolicyName": "own", "PolicyDocument": document});
    world.call(Service::Iam, "PutRolePolicy", policy).await;
    text(&made["Role"]["Arn"])
}

/// A user with these policies; the answer is the key.
pub async fn user(world: &World, name: &str, documents: &[String]) -> String {
    let user = json!({ "UserName": name });
    world.call(Service::Iam, "CreateUser", user.clone()).await;
    for (number, document) in documents.iter().enumerate() {
        let arn = policy(world, &format!("{name}-{number}"), document).await;
        let attach = json!({"UserName": name, "PolicyArn": arn});
        world.call(Service::Iam, "AttachUserPolicy", attach).await;
    }
    let made = world.call(Service::Iam, "CreateAccessKey", user).await;
    text(&made["AccessKey"]["AccessKeyId"])
}

/// A permissions boundary that takes nothing away; the answer is its ARN.
pub async fn boundary(world: &World, name: &str) -> String {
    policy(world, name, &allowing(&["*"]).to_string()).await
}

async fn policy(world: &World, name: &str, document: &str) -> String {
    let policy = json!({"PolicyName": name, "PolicyDocument": document});
    let made = world.call(Service::Iam, "CreatePolicy", policy).await;
    text(&made["Policy"]["Arn"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A bucket that AWS Config may deliver to, in any account.
pub async fn delivery_bucket(world: &World, account: &str, name: &str) {
    let target = Target::new(
        AccountId::parse(account).unwrap(),
        Region::parse(REGION).unwrap(),
        Caller::Operator,
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"],
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
    }, {
        "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
        "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
    }]});
    let put = json!({"Bucket": name, "Policy": policy.to_string()});
    let put = Operation::new("PutBucketPolicy", put);
    for operation in [Operation::new("CreateBucket", json!({"Bucket": name})), put] {
        world
            .sandbox
            .perform(&target, Service::S3, &operation)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name));
    }
}

/// The recorder and the channel of a security team.
#[derive(Debug, Clone, Copy)]
pub struct Team {
    /// Whether the recorder runs.
    pub running: bool,
    /// Whose bucket the channel delivers to.
    pub bucket_of: &'static str,
}

impl Team {
    /// The recorder's name.
    pub const RECORDER: &'static str = "security-team";

    /// Moves in.
    pub async fn moves_in(self, world: &World) {
        role(world, "SecurityTeamConfig", "config.amazonaws.com").await;
        delivery_bucket(world, ACCOUNT, BUCKET).await;
        let recorder = json!({"ConfigurationRecorder": {
            "name": Self::RECORDER,
            "roleARN": format!("arn:aws:iam::{ACCOUNT}:role/SecurityTeamConfig"),
            "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": true},
        }, "Tags": [{"Key": "team", "Value": "security"}]});
        config(world, "PutConfigurationRecorder", recorder).await;
        let channel = json!({"DeliveryChannel": {
            "name": Self::RECORDER,
            "s3BucketName": BUCKET,
            "s3KeyPrefix": "config",
            "configSnapshotDeliveryProperties": {"deliveryFrequency": "Twelve_Hours"},
        }});
        config(world, "PutDeliveryChannel", channel).await;
        if self.bucket_of != ACCOUNT {
            // The sandbox delivers within an account only. So this is the sadder story: the bucket is given up, and somebody
            // else takes its name.
            let key = format!("config/AWSLogs/{ACCOUNT}/Config/ConfigWritabilityCheckFile");
            let file = Operation::new("DeleteObject", json!({"Bucket": BUCKET, "Key": key}));
            let bucket = Operation::new("DeleteBucket", json!({"Bucket": BUCKET}));
            for operation in [file, bucket] {
                world.text(&operation).await.unwrap();
            }
            delivery_bucket(world, self.bucket_of, BUCKET).await;
        }
        if self.running {
            let start = json!({"ConfigurationRecorderName": Self::RECORDER});
            config(world, "StartConfigurationRecorder", start).await;
        }
        world.idle().await;
    }
}

/// Fifty rules that ask a function of somebody else about a group that does not exist. They need a recorder when they are
/// made, and outlive it. `package` is any function's.
pub async fn fifty_rules(world: &World, package: &Path) {
    let mut put = Operation::new("PutObject", json!({"Bucket": BUCKET, "Key": "f.zip"}));
    put.body = std::fs::read(package).unwrap().into();
    world.text(&put).await.unwrap();
    role(world, "SecurityTeamFunction", "lambda.amazonaws.com").await;
    let architecture = if std::env::consts::ARCH == "aarch64" {
        "arm64"
    } else {
        "x86_64"
    };
    let function = json!({
        "FunctionName": "security-team", "Runtime": "provided.al2023", "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/SecurityTeamFunction"),
        "Architectures": [architecture],
        "Code": {"S3Bucket": BUCKET, "S3Key": "f.zip"},
    });
    let function = world
        .call(Service::Lambda, "CreateFunction", function)
        .await;
    let permission = json!({"FunctionName": "security-team", "StatementId": "config",
        "Action": "lambda:InvokeFunction", "Principal": "config.amazonaws.com", "SourceAccount": ACCOUNT});
    world
        .call(Service::Lambda, "AddPermission", permission)
        .await;
    for number in 0..50 {
        let rule = json!({"ConfigRule": {
            "ConfigRuleName": format!("theirs-{number:02}"),
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": function["FunctionArn"],
                "SourceDetails": [{
                    "EventSource": "aws.config",
                    "MessageType": "ConfigurationItemChangeNotification",
                }],
            },
            "Scope": {
                "ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"],
                "ComplianceResourceId": "sg-00000000000000000",
            },
        }, "Tags": [{"Key": "team", "Value": "security"}]});
        config(world, "PutConfigRule", rule).await;
    }
    world.idle().await;
}

/// What makes stacks fail: calls that CloudFormation is not allowed to make, each so many times.
pub fn deny_cloudformation(world: &World, calls: &[(&str, &str)]) {
    for (service, operation) in calls {
        world.strike(Rule {
            caller: Some(CallerKind::Service),
            count: Some(1),
            ..Rule::new(service, operation, Fault::AccessDenied)
        });
    }
}

/// Whoever makes one of these calls hears no more, so that [`crate::Lab::run_until_killed`] ends them there.
pub fn silence_after(world: &World, calls: &[(&str, &str)]) {
    for (service, operation) in calls {
        world.strike(Rule {
            caller: Some(CallerKind::Operator),
            count: Some(1),
            phase: Phase::After,
            ..Rule::new(service, operation, Fault::Timeout { hold_ms: 900_000 })
        });
    }
}

/// A call of AWS Config.
pub async fn config(world: &World, operation: &str, input: Value) -> Value {
    world.call(Service::Config, operation, input).await
}
