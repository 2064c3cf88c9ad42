//! What CloudFormation looks at while it makes and deletes a resource.
//!
//! The handlers of AWS watch what they make until it is there, and read it back. The sandbox knows that already, so nothing
//! is called; but whoever may not look cannot make the resource either, as on AWS. From the `handlers` of the resource types'
//! published schemas, less what belongs to properties that the sandbox does not have.

use serde_json::{Value, json};

use super::{Failure, Kind, Work};
use crate::service::Service::{self, Ec2, Events, Iam, Lambda, Logs, S3, Sns};

/// When something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Made,
    Deleted,
}

/// One look: the operation, and the parameter that takes the resource's id.
struct Look {
    service: Service,
    operation: &'static str,
    id: &'static str,
}

const fn look(service: Service, operation: &'static str, id: &'static str) -> Look {
    Look {
        service,
        operation,
        id,
    }
}

const VPCS: Look = look(Ec2, "DescribeVpcs", "");
const SUBNETS: Look = look(Ec2, "DescribeSubnets", "");
const GATEWAYS: Look = look(Ec2, "DescribeInternetGateways", "");
const ROUTE_TABLES: Look = look(Ec2, "DescribeRouteTables", "");
const GROUPS: Look = look(Ec2, "DescribeSecurityGroups", "");
const RULE: Look = look(Events, "DescribeRule", "Name");
const TARGETS: Look = look(Events, "ListTargetsByRule", "Rule");
const ROLE: Look = look(Iam, "GetRole", "RoleName");

fn looks(kind: &str, moment: Moment) -> &'static [Look] {
    match (kind, moment) {
        ("AWS::EC2::VPC", Moment::Made) => const { &[VPCS, look(Ec2, "DescribeVpcAttribute", "")] },
        ("AWS::EC2::VPC", Moment::Deleted) => &[VPCS],
        ("AWS::EC2::Subnet", _) => &[SUBNETS],
        ("AWS::EC2::InternetGateway" | "AWS::EC2::VPCGatewayAttachment", _) => &[GATEWAYS],
        ("AWS::EC2::RouteTable" | "AWS::EC2::Route", _) => &[ROUTE_TABLES],
        ("AWS::EC2::SubnetRouteTableAssociation", _) => &[ROUTE_TABLES, SUBNETS],
        ("AWS::EC2::SecurityGroup", _) => &[GROUPS],
        ("AWS::IAM::Role", Moment::Made) => {
            const { &[ROLE, look(Iam, "GetRolePolicy", "RoleName")] }
        }
        ("AWS::IAM::Role", Moment::Deleted) => {
            const {
                &[
                    ROLE,
                    look(Iam, "ListRolePolicies", "RoleName"),
                    look(Iam, "ListAttachedRolePolicies", "RoleName"),
                ]
            }
        }
        ("AWS::Events::Rule", Moment::Made) => {
            const {
                &[
                    RULE,
                    TARGETS,
                    look(Events, "ListTagsForResource", "ResourceARN"),
                ]
            }
        }
        ("AWS::Events::Rule", Moment::Deleted) => &[RULE, TARGETS],
        ("AWS::Lambda::Function", _) => const { &[look(Lambda, "GetFunction", "FunctionName")] },
        ("AWS::Logs::LogGroup", _) => const { &[look(Logs, "DescribeLogGroups", "")] },
        ("AWS::S3::Bucket", _) => const { &[look(S3, "ListObjectsV2", "Bucket")] },
        ("AWS::S3::BucketPolicy", _) => const { &[look(S3, "GetBucketPolicy", "Bucket")] },
        ("AWS::SNS::Topic", _) => const { &[look(Sns, "GetTopicAttributes", "TopicArn")] },
        ("AWS::SNS::Subscription", _) => {
            const { &[look(Sns, "GetSubscriptionAttributes", "SubscriptionArn")] }
        }
        _ => &[],
    }
}

/// Whether whoever makes the stack may look at the resource.
///
/// # Errors
/// The first look that is not allowed, as CloudFormation quotes it.
pub(super) fn allowed(
    work: &Work,
    kind: &Kind,
    moment: Moment,
    physical_id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    for look in looks(kind.name, moment) {
        // A bucket policy is looked at by its bucket, the tags of a rule by its ARN.
        let id = match kind.name {
            "AWS::S3::BucketPolicy" => work.required(properties, "Bucket")?,
            "AWS::Events::Rule" if look.id == "ResourceARN" => {
                work.arn("events", &format!("rule/{physical_id}"))
            }
            _ => physical_id.to_owned(),
        };
        let input = match look.id {
            "" => json!({}),
            parameter => json!({ parameter: id }),
        };
        work.may(look.service, look.operation, input)?;
    }
    Ok(())
}
