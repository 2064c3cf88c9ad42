//! What CloudFormation needs, by the type of resource.
//!
//! CloudFormation works with the rights of who makes the stack, or of the service role that it is given. Each type's published
//! schema lists the actions of its handlers; here are those that the template's properties make it use: to make the resource,
//! to change in place what `deploy` can change (code, retention of the logs, tags), and to delete it.

use super::statement::Sid;

/// A type of resource, and what it needs.
type Kind = (&'static str, &'static [(&'static str, Sid)]);

/// Every type in the template.
pub const KINDS: &[Kind] = &[
    (
        "AWS::EC2::VPC",
        &[
            ("ec2:CreateVpc", Sid::StackNetwork),
            ("ec2:ModifyVpcAttribute", Sid::StackNetwork),
            ("ec2:DescribeVpcAttribute", Sid::StackLooks),
            ("ec2:DescribeVpcs", Sid::StackLooks),
            ("ec2:CreateTags", Sid::StackTags),
            ("ec2:DeleteTags", Sid::StackNetworkChanges),
            ("ec2:DeleteVpc", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::Subnet",
        &[
            ("ec2:CreateSubnet", Sid::StackNetwork),
            ("ec2:ModifySubnetAttribute", Sid::StackNetwork),
            ("ec2:DescribeSubnets", Sid::StackLooks),
            ("ec2:CreateTags", Sid::StackTags),
            ("ec2:DeleteTags", Sid::StackNetworkChanges),
            ("ec2:DeleteSubnet", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::InternetGateway",
        &[
            ("ec2:CreateInternetGateway", Sid::StackNetwork),
            ("ec2:DescribeInternetGateways", Sid::StackLooks),
            ("ec2:CreateTags", Sid::StackTags),
            ("ec2:DeleteTags", Sid::StackNetworkChanges),
            ("ec2:DeleteInternetGateway", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::VPCGatewayAttachment",
        &[
            ("ec2:AttachInternetGateway", Sid::StackNetwork),
            ("ec2:DescribeInternetGateways", Sid::StackLooks),
            ("ec2:DetachInternetGateway", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::RouteTable",
        &[
            ("ec2:CreateRouteTable", Sid::StackNetwork),
            ("ec2:DescribeRouteTables", Sid::StackLooks),
            ("ec2:CreateTags", Sid::StackTags),
            ("ec2:DeleteTags", Sid::StackNetworkChanges),
            ("ec2:DeleteRouteTable", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::Route",
        &[
            ("ec2:CreateRoute", Sid::StackNetwork),
            ("ec2:DescribeRouteTables", Sid::StackLooks),
            ("ec2:DeleteRoute", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::SubnetRouteTableAssociation",
        &[
            ("ec2:AssociateRouteTable", Sid::StackNetwork),
            ("ec2:DescribeRouteTables", Sid::StackLooks),
            ("ec2:DescribeSubnets", Sid::StackLooks),
            ("ec2:DisassociateRouteTable", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::EC2::SecurityGroup",
        &[
            ("ec2:CreateSecurityGroup", Sid::StackNetwork),
            ("ec2:AuthorizeSecurityGroupIngress", Sid::StackNetwork),
            ("ec2:DescribeSecurityGroups", Sid::StackLooks),
            ("ec2:CreateTags", Sid::StackTags),
            ("ec2:DeleteTags", Sid::StackNetworkChanges),
            ("ec2:DeleteSecurityGroup", Sid::StackNetworkChanges),
        ],
    ),
    (
        "AWS::SNS::Topic",
        &[
            ("sns:CreateTopic", Sid::StackTopic),
            ("sns:GetTopicAttributes", Sid::StackTopic),
            ("sns:TagResource", Sid::StackTopic),
            ("sns:UntagResource", Sid::StackTopic),
            ("sns:DeleteTopic", Sid::StackTopic),
        ],
    ),
    (
        "AWS::SNS::TopicPolicy",
        &[("sns:SetTopicAttributes", Sid::StackTopic)],
    ),
    (
        "AWS::SNS::Subscription",
        &[
            ("sns:Subscribe", Sid::StackTopic),
            ("sns:GetSubscriptionAttributes", Sid::StackTopic),
            ("sns:Unsubscribe", Sid::StackTopic),
        ],
    ),
    (
        "AWS::S3::Bucket",
        &[
            ("s3:CreateBucket", Sid::StackBucket),
            ("s3:PutBucketOwnershipControls", Sid::StackBucket),
            ("s3:PutBucketPublicAccessBlock", Sid::StackBucket),
            ("s3:PutEncryptionConfiguration", Sid::StackBucket),
            ("s3:PutLifecycleConfiguration", Sid::StackBucket),
            ("s3:PutBucketTagging", Sid::StackBucket),
            ("s3:ListBucket", Sid::StackBucket),
            ("s3:DeleteBucket", Sid::StackBucket),
        ],
    ),
    (
        "AWS::S3::BucketPolicy",
        &[
            ("s3:GetBucketPolicy", Sid::StackBucket),
            ("s3:PutBucketPolicy", Sid::StackBucket),
            ("s3:DeleteBucketPolicy", Sid::StackBucket),
        ],
    ),
    (
        "AWS::IAM::Role",
        &[
            ("iam:CreateRole", Sid::StackRoles),
            ("iam:GetRole", Sid::StackRoles),
            ("iam:PutRolePolicy", Sid::StackRoles),
            ("iam:GetRolePolicy", Sid::StackRoles),
            ("iam:TagRole", Sid::StackRoles),
            ("iam:UntagRole", Sid::StackRoles),
            ("iam:ListRolePolicies", Sid::StackRoles),
            ("iam:ListAttachedRolePolicies", Sid::StackRoles),
            ("iam:DeleteRolePolicy", Sid::StackRoles),
            ("iam:DeleteRole", Sid::StackRoles),
            ("iam:AttachRolePolicy", Sid::StackRecorderPolicy),
            ("iam:DetachRolePolicy", Sid::StackRecorderPolicy),
        ],
    ),
    (
        "AWS::Logs::LogGroup",
        &[
            ("logs:CreateLogGroup", Sid::StackLogGroup),
            ("logs:PutRetentionPolicy", Sid::StackLogGroup),
            ("logs:TagResource", Sid::StackLogGroup),
            ("logs:UntagResource", Sid::StackLogGroup),
            ("logs:DescribeLogGroups", Sid::StackLooks),
            ("logs:DeleteLogGroup", Sid::StackLogGroup),
        ],
    ),
    (
        "AWS::Lambda::Function",
        &[
            ("lambda:CreateFunction", Sid::StackFunction),
            ("lambda:GetFunction", Sid::StackFunction),
            ("lambda:UpdateFunctionCode", Sid::StackFunction),
            ("lambda:TagResource", Sid::StackFunction),
            ("lambda:UntagResource", Sid::StackFunction),
            ("lambda:DeleteFunction", Sid::StackFunction),
            ("iam:PassRole", Sid::StackPassFunctionRole),
            ("s3:GetObject", Sid::StackPackage),
        ],
    ),
    (
        "AWS::Lambda::Permission",
        &[
            ("lambda:AddPermission", Sid::StackFunction),
            ("lambda:RemovePermission", Sid::StackFunction),
        ],
    ),
];

/// Types that only an option of the template makes. Nothing of the lab needs them otherwise, so they are not in the policies:
/// whoever chooses `FastPath` also needs `events:PutRule`, `events:DescribeRule`, `events:PutTargets`, `events:RemoveTargets`,
/// `events:DeleteRule` and `events:TagResource` on the stack's rules, and `lambda:UpdateFunctionConfiguration` on the function
/// where the option is changed later.
#[cfg(test)]
pub(super) const OPTIONAL: &[&str] = &["AWS::Events::Rule"];

/// Every permission, with the statement that gives it; some come several times.
pub fn permissions() -> impl Iterator<Item = (&'static str, Sid)> {
    KINDS.iter().flat_map(|(_, needs)| needs.iter().copied())
}
