//! Policies that AWS manages. An ARN that is not here does not exist in the sandbox.

/// One of AWS's own policies.
pub(super) struct AwsPolicy {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) document: &'static str,
}

/// The policy of an ARN such as `arn:aws:iam::aws:policy/service-role/AWS_ConfigRole`, in any partition.
pub(super) fn by_arn(arn: &str) -> Option<&'static AwsPolicy> {
    let mut parts = arn.splitn(6, ':');
    let known = parts.next() == Some("arn")
        && matches!(parts.next(), Some("aws" | "aws-cn" | "aws-us-gov"))
        && parts.next() == Some("iam")
        && parts.next() == Some("")
        && parts.next() == Some("aws");
    let name = parts.next()?.strip_prefix("policy")?;
    POLICIES
        .iter()
        .find(|policy| known && name.strip_prefix(policy.path) == Some(policy.name))
}

/// Every AWS-managed policy of the sandbox.
pub(super) fn all() -> &'static [AwsPolicy] {
    POLICIES
}

const POLICIES: &[AwsPolicy] = &[
    AwsPolicy {
        path: "/",
        name: "AdministratorAccess",
        description: "Provides full access to AWS services and resources.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsPolicy {
        path: "/service-role/",
        name: "AWSLambdaBasicExecutionRole",
        description: "Provides write permissions to CloudWatch Logs.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    },
    // AWS's document names well over a thousand read actions, one by one, of every service that Config
    // can record. This one is reduced to the services of the sandbox: reading them, and Config's own writes.
    // Like AWS's it does not allow delivery (s3:PutObject, sns:Publish).
    AwsPolicy {
        path: "/service-role/",
        name: "AWS_ConfigRole",
        description: "Default policy for AWS Config service role. Provides permissions required for AWS Config to track changes to your AWS resources.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Sid":"AWSConfigRoleStatementID","Effect":"Allow","Action":["cloudformation:Describe*","cloudformation:Get*","cloudformation:List*","config:BatchGet*","config:Describe*","config:Get*","config:List*","config:Put*","config:Select*","ec2:Describe*","ec2:Get*","iam:Get*","iam:List*","lambda:Get*","lambda:List*","logs:Describe*","logs:Get*","logs:List*","s3:GetAccountPublicAccessBlock","s3:GetBucket*","s3:GetEncryptionConfiguration","s3:GetLifecycleConfiguration","s3:ListAllMyBuckets","s3:ListBucket","sns:Get*","sns:List*"],"Resource":"*"}]}"#,
    },
];

#[cfg(test)]
mod tests {
    use super::super::document::{Document, Kind};
    use super::*;

    #[test]
    fn every_document_can_be_read_and_found() {
        for policy in all() {
            let arn = format!("arn:aws:iam::aws:policy{}{}", policy.path, policy.name);
            assert!(
                Document::parse(policy.document, Kind::Identity).is_ok(),
                "{arn}"
            );
            assert_eq!(by_arn(&arn).map(|found| found.name), Some(policy.name));
        }
        assert!(by_arn("arn:aws:iam::aws:policy/AWS_ConfigRole").is_none());
        assert!(by_arn("arn:aws:iam::123456789012:policy/service-role/AWS_ConfigRole").is_none());
    }
}
