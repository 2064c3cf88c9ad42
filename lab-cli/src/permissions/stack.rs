//! What CloudFormation needs, by the type of resource.
//!
//! CloudFormation works with the rights of who makes the stack, or of the service role that it is given. Each type's published
//! schema lists the actions of its handlers; here are those that the template's properties make it use: to make the resource,
//! to change in place what `deploy` can change (code and settings of the function, retention of the logs, tags), and to delete
//! it. What deletes is marked, because the self-destruct has rights for that and for nothing else.

use std::collections::BTreeMap;

use super::statement::Sid;

/// When CloudFormation uses a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// To make something, or to change it in place.
    Making,
    /// To delete it.
    Removing,
    /// For both.
    Throughout,
}

/// One permission that a type needs.
#[derive(Debug, Clone, Copy)]
struct Need {
    action: &'static str,
    sid: Sid,
    when: When,
}

const fn need(action: &'static str, sid: Sid, when: When) -> Need {
    Need { action, sid, when }
}

const fn makes(action: &'static str, sid: Sid) -> Need {
    need(action, sid, When::Making)
}

const fn removes(action: &'static str, sid: Sid) -> Need {
    need(action, sid, When::Removing)
}

const fn throughout(action: &'static str, sid: Sid) -> Need {
    need(action, sid, When::Throughout)
}

/// An option of the template that makes the stack need more. The other options change nothing but what is in roles and
/// functions, which needs no right that the lab does not need anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `FastPath`: a rule of EventBridge.
    FastPath,
}

impl Choice {
    /// Whether the parameters of a stack choose it.
    pub fn is_in(self, parameters: &BTreeMap<String, String>) -> bool {
        match self {
            Self::FastPath => parameters
                .get("FastPath")
                .is_some_and(|value| value == "true"),
        }
    }
}

/// A type of resource, the option that makes it, and what it needs.
type Kind = (&'static str, Option<Choice>, &'static [Need]);

/// Every type in the template.
const KINDS: &[Kind] = &[
    (
        "AWS::EC2::VPC",
        None,
        &[
            makes("ec2:CreateVpc", Sid::StackNetwork),
            makes("ec2:ModifyVpcAttribute", Sid::StackNetwork),
            makes("ec2:DescribeVpcAttribute", Sid::StackLooks),
            throughout("ec2:DescribeVpcs", Sid::StackLooks),
            makes("ec2:CreateTags", Sid::StackTags),
            makes("ec2:DeleteTags", Sid::StackNetworkChanges),
            removes("ec2:DeleteVpc", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::Subnet",
        None,
        &[
            makes("ec2:CreateSubnet", Sid::StackNetwork),
            makes("ec2:ModifySubnetAttribute", Sid::StackNetwork),
            throughout("ec2:DescribeSubnets", Sid::StackLooks),
            makes("ec2:CreateTags", Sid::StackTags),
            makes("ec2:DeleteTags", Sid::StackNetworkChanges),
            removes("ec2:DeleteSubnet", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::InternetGateway",
        None,
        &[
            makes("ec2:CreateInternetGateway", Sid::StackNetwork),
            throughout("ec2:DescribeInternetGateways", Sid::StackLooks),
            makes("ec2:CreateTags", Sid::StackTags),
            makes("ec2:DeleteTags", Sid::StackNetworkChanges),
            removes("ec2:DeleteInternetGateway", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::VPCGatewayAttachment",
        None,
        &[
            makes("ec2:AttachInternetGateway", Sid::StackNetwork),
            throughout("ec2:DescribeInternetGateways", Sid::StackLooks),
            removes("ec2:DetachInternetGateway", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::RouteTable",
        None,
        &[
            makes("ec2:CreateRouteTable", Sid::StackNetwork),
            throughout("ec2:DescribeRouteTables", Sid::StackLooks),
            makes("ec2:CreateTags", Sid::StackTags),
            makes("ec2:DeleteTags", Sid::StackNetworkChanges),
            removes("ec2:DeleteRouteTable", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::Route",
        None,
        &[
            makes("ec2:CreateRoute", Sid::StackNetwork),
            throughout("ec2:DescribeRouteTables", Sid::StackLooks),
            removes("ec2:DeleteRoute", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::SubnetRouteTableAssociation",
        None,
        &[
            makes("ec2:AssociateRouteTable", Sid::StackNetwork),
            throughout("ec2:DescribeRouteTables", Sid::StackLooks),
            throughout("ec2:DescribeSubnets", Sid::StackLooks),
            removes("ec2:DisassociateRouteTable", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::SecurityGroup",
        None,
        &[
            makes("ec2:CreateSecurityGroup", Sid::StackNetwork),
            makes("ec2:AuthorizeSecurityGroupIngress", Sid::StackNetwork),
            throughout("ec2:DescribeSecurityGroups", Sid::StackLooks),
            makes("ec2:CreateTags", Sid::StackTags),
            makes("ec2:DeleteTags", Sid::StackNetworkChanges),
            removes("ec2:DeleteSecurityGroup", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::SNS::Topic",
        None,
        &[
            makes("sns:CreateTopic", Sid::StackTopic),
            throughout("sns:GetTopicAttributes", Sid::StackTopic),
            makes("sns:TagResource", Sid::StackTopic),
            makes("sns:UntagResource", Sid::StackTopic),
            removes("sns:DeleteTopic", Sid::StackTopic),
        ],
    ),
    (
        "AWS::SNS::TopicPolicy",
        None,
        // Deleting it is putting the default policy back.
        &[throughout("sns:SetTopicAttributes", Sid::StackTopic)],
    ),
    (
        "AWS::SNS::Subscription",
        None,
        &[
            makes("sns:Subscribe", Sid::StackTopic),
            throughout("sns:GetSubscriptionAttributes", Sid::StackTopic),
            removes("sns:Unsubscribe", Sid::StackTopic),
        ],
    ),
    (
        "AWS::S3::Bucket",
        None,
        &[
            makes("s3:CreateBucket", Sid::StackBucket),
            makes("s3:PutBucketOwnershipControls", Sid::StackBucket),
            makes("s3:PutBucketPublicAccessBlock", Sid::StackBucket),
            makes("s3:PutEncryptionConfiguration", Sid::StackBucket),
            makes("s3:PutLifecycleConfiguration", Sid::StackBucket),
            makes("s3:PutBucketTagging", Sid::StackBucket),
            throughout("s3:ListBucket", Sid::StackBucket),
            removes("s3:DeleteBucket", Sid::StackBucket),
        ],
    ),
    (
        "AWS::S3::BucketPolicy",
        None,
        &[
            throughout("s3:GetBucketPolicy", Sid::StackBucket),
            makes("s3:PutBucketPolicy", Sid::StackBucket),
            removes("s3:DeleteBucketPolicy", Sid::StackBucket),
        ],
    ),
    (
        "AWS::IAM::Role",
        None,
        &[
            makes("iam:CreateRole", Sid::StackRoles),
            throughout("iam:GetRole", Sid::StackRoles),
            makes("iam:PutRolePolicy", Sid::StackRoles),
            makes("iam:GetRolePolicy", Sid::StackRoles),
            makes("iam:TagRole", Sid::StackRoles),
            makes("iam:UntagRole", Sid::StackRoles),
            removes("iam:ListRolePolicies", Sid::StackRoles),
            removes("iam:ListAttachedRolePolicies", Sid::StackRoles),
            removes("iam:DeleteRolePolicy", Sid::StackRoles),
            removes("iam:DeleteRole", Sid::StackRoles),
            makes("iam:AttachRolePolicy", Sid::StackRecorderPolicy),
            removes("iam:DetachRolePolicy", Sid::StackRecorderPolicy),
        ],
    ),
    (
        "AWS::Logs::LogGroup",
        None,
        &[
            makes("logs:CreateLogGroup", Sid::StackLogGroup),
            makes("logs:PutRetentionPolicy", Sid::StackLogGroup),
            makes("logs:TagResource", Sid::StackLogGroup),
            makes("logs:UntagResource", Sid::StackLogGroup),
            throughout("logs:DescribeLogGroups", Sid::StackLooks),
            removes("logs:DeleteLogGroup", Sid::StackLogGroup),
        ],
    ),
    (
        "AWS::Lambda::Function",
        None,
        &[
            makes("lambda:CreateFunction", Sid::StackFunction),
            throughout("lambda:GetFunction", Sid::StackFunction),
            makes("lambda:UpdateFunctionCode", Sid::StackFunction),
            makes("lambda:UpdateFunctionConfiguration", Sid::StackFunction),
            makes("lambda:TagResource", Sid::StackFunction),
            makes("lambda:UntagResource", Sid::StackFunction),
            removes("lambda:DeleteFunction", Sid::StackFunction),
            makes("iam:PassRole", Sid::StackPassFunctionRole),
            makes("s3:GetObject", Sid::StackPackage),
        ],
    ),
    (
        "AWS::Lambda::Permission",
        None,
        &[
            makes("lambda:AddPermission", Sid::StackFunction),
            removes("lambda:RemovePermission", Sid::StackFunction),
        ],
    ),
    (
        "AWS::Events::Rule",
        Some(Choice::FastPath),
        &[
            makes("events:PutRule", Sid::StackFastPath),
            makes("events:PutTargets", Sid::StackFastPath),
            makes("events:ListTagsForResource", Sid::StackFastPath),
            makes("events:TagResource", Sid::StackFastPath),
            makes("events:UntagResource", Sid::StackFastPath),
            throughout("events:DescribeRule", Sid::StackFastPath),
            throughout("events:ListTargetsByRule", Sid::StackFastPath),
            removes("events:RemoveTargets", Sid::StackFastPath),
            removes("events:DeleteRule", Sid::StackFastPath),
        ],
    ),
];

/// Every type of the template that is declared.
#[cfg(test)]
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _, _)| *kind)
}

fn needs(chosen: impl Fn(Choice) -> bool) -> impl Iterator<Item = Need> {
    KINDS
        .iter()
        .filter(move |(_, choice, _)| choice.is_none_or(&chosen))
        .flat_map(|(_, _, needs)| needs.iter().copied())
}

/// Every permission, with the statement that gives it; some come several times. The published policies hold them all.
pub fn permissions() -> impl Iterator<Item = (&'static str, Sid)> {
    permissions_for(|_| true)
}

/// What a stack needs that has these options and no others.
pub(super) fn permissions_for(
    chosen: impl Fn(Choice) -> bool,
) -> impl Iterator<Item = (&'static str, Sid)> {
    needs(chosen).map(|need| (need.action, need.sid))
}

/// What it takes to delete a stack, whichever options it has.
pub fn removing() -> impl Iterator<Item = (&'static str, Sid)> {
    needs(|_| true)
        .filter(|need| match need.when {
            When::Removing | When::Throughout => true,
            When::Making => false,
        })
        .map(|need| (need.action, need.sid))
}
