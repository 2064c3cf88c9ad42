//! The resources that an event is about, as `LookupEvents` lists and finds them.

use serde_json::{Value, json};

use crate::fields::Fields;
use crate::journal::Entry;
use crate::service::Service;

/// Members of inputs and outputs that name a resource, with its type; a service of its own where the
/// same member means different things.
const NAMES: &[(Option<Service>, &str, &str)] = &[
    (None, "GroupId", "AWS::EC2::SecurityGroup"),
    (None, "groupId", "AWS::EC2::SecurityGroup"),
    (Some(Service::Ec2), "GroupName", "AWS::EC2::SecurityGroup"),
    (None, "VpcId", "AWS::EC2::VPC"),
    (None, "SubnetId", "AWS::EC2::Subnet"),
    (None, "InternetGatewayId", "AWS::EC2::InternetGateway"),
    (None, "RouteTableId", "AWS::EC2::RouteTable"),
    (None, "RoleName", "AWS::IAM::Role"),
    (None, "RoleArn", "AWS::IAM::Role"),
    (None, "UserName", "AWS::IAM::User"),
    (None, "PolicyArn", "AWS::IAM::Policy"),
    (Some(Service::Iam), "PolicyName", "AWS::IAM::Policy"),
    (None, "FunctionName", "AWS::Lambda::Function"),
    (None, "TopicArn", "AWS::SNS::Topic"),
    (Some(Service::Sns), "Name", "AWS::SNS::Topic"),
    (None, "Bucket", "AWS::S3::Bucket"),
    (None, "StackName", "AWS::CloudFormation::Stack"),
    (None, "StackId", "AWS::CloudFormation::Stack"),
    (None, "logGroupName", "AWS::Logs::LogGroup"),
    (None, "ConfigRuleName", "AWS::Config::ConfigRule"),
    (Some(Service::Ssm), "Name", "AWS::SSM::Parameter"),
    (
        Some(Service::SecretsManager),
        "SecretId",
        "AWS::SecretsManager::Secret",
    ),
    (
        Some(Service::SecretsManager),
        "Name",
        "AWS::SecretsManager::Secret",
    ),
    (Some(Service::Events), "Name", "AWS::Events::Rule"),
    (Some(Service::Events), "Rule", "AWS::Events::Rule"),
];

pub(super) fn of(entry: &Entry) -> Value {
    let mut found: Vec<Value> = Vec::new();
    let service = Service::from_signing_name(&entry.service);
    let mut note = |kind: &str, name: &str| {
        let resource = json!({"ResourceType": kind, "ResourceName": name});
        if !name.is_empty() && !found.contains(&resource) {
            found.push(resource);
        }
    };
    let (input, answer) = (entry.input.value(), entry.answer.value());
    for source in [&input, &answer] {
        for (only, member, kind) in NAMES {
            if only.is_some() && *only != service {
                continue;
            }
            match source.field(member) {
                Some(Value::String(name)) => note(kind, name),
                Some(Value::Array(names)) => {
                    for name in names.iter().filter_map(Value::as_str) {
                        note(kind, name);
                    }
                }
                _ => {}
            }
        }
    }
    // The rule of AWS Config has its name one level deeper.
    if let Some(name) = input["ConfigRule"].text("ConfigRuleName") {
        note("AWS::Config::ConfigRule", name);
    }
    Value::Array(found)
}
