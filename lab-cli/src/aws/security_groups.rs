//! Security groups, through the project's own client: the SDK's crate for EC2 takes longer to build than all the rest.

use std::collections::BTreeSet;

use aws_calls::{ErrorKind, GroupQuery};
use aws_config::SdkConfig;
use remediator_core::{GroupId, Rule, SecurityGroup};

use super::call::deepest;
use super::{CallError, CallResult, Class, Reader, Target, Writer, variable};
use crate::error::{Error, Result};

pub(super) fn client(sdk: &SdkConfig, region: &str, target: &Target) -> Result<aws_calls::Client> {
    let unusable = || Error::input("cannot make a client for security groups");
    let credentials = sdk
        .credentials_provider()
        .ok_or_else(|| unusable().caused_by("the AWS configuration has no credentials provider"))?;
    let mut config = aws_calls::Config::new(region, credentials);
    config.endpoint_url = sdk.endpoint_url().map(str::to_owned);
    config.fips = sdk.use_fips().unwrap_or(false);
    config.dual_stack = sdk.use_dual_stack().unwrap_or(false);
    config.retry = target.session.retries_of_groups(config.retry);
    // The SDK reads the endpoints of single services only for its own clients. They win over `AWS_ENDPOINT_URL`, and the
    // command line wins over them.
    let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if target.endpoint_url.is_none() && !ignored {
        config.ec2_endpoint_url = variable("AWS_ENDPOINT_URL_EC2");
        config.service_quotas_endpoint_url = variable("AWS_ENDPOINT_URL_SERVICE_QUOTAS");
        config.ssm_endpoint_url = variable("AWS_ENDPOINT_URL_SSM");
    }
    aws_calls::Client::new(config).map_err(|e| unusable().caused_by(e))
}

impl Reader {
    /// One group as EC2 knows it now; `None` when it is gone.
    ///
    /// # Errors
    /// The failed call.
    pub async fn group(&self, id: &GroupId) -> CallResult<Option<SecurityGroup>> {
        match self
            .groups
            .describe_security_groups(&GroupQuery::id(id.clone()))
            .await
        {
            Ok(groups) => Ok(groups.into_iter().next()),
            Err(e) => match e.kind() {
                ErrorKind::GroupNotFound => Ok(None),
                ErrorKind::Throttled
                | ErrorKind::Server
                | ErrorKind::Connection
                | ErrorKind::RuleNotFound
                | ErrorKind::RuleDuplicate
                | ErrorKind::RuleLimit
                | ErrorKind::Denied
                | ErrorKind::Credentials
                | ErrorKind::EvaluationsFailed
                | ErrorKind::Answer
                | ErrorKind::OutOfTime
                | ErrorKind::Refused => Err(from_calls("ec2:DescribeSecurityGroups", &e)),
            },
        }
    }

    /// How many groups the region has.
    ///
    /// # Errors
    /// The failed call.
    pub async fn group_count(&self) -> CallResult<u64> {
        self.groups
            .describe_security_groups(&GroupQuery::default())
            .await
            .map(|groups| groups.len() as u64)
            .map_err(|e| from_calls("ec2:DescribeSecurityGroups", &e))
    }

    /// The groups that match a filter of EC2, such as `vpc-id`.
    ///
    /// # Errors
    /// The failed call.
    pub async fn groups_where(&self, filter: &str, value: &str) -> CallResult<Vec<SecurityGroup>> {
        self.groups
            .describe_security_groups(&GroupQuery::filter(filter, [value]))
            .await
            .map_err(|e| from_calls("ec2:DescribeSecurityGroups", &e))
    }

    /// The regions that are enabled in the account.
    ///
    /// # Errors
    /// The failed call.
    pub async fn enabled_regions(&self) -> CallResult<Vec<String>> {
        self.groups
            .describe_regions()
            .await
            .map_err(|e| from_calls("ec2:DescribeRegions", &e))
    }

    /// Everything in EC2 that bears a tag, as kind and id: `("route-table", "rtb-…")`.
    ///
    /// # Errors
    /// The failed call.
    pub async fn tagged_in_ec2(&self, key: &str, value: &str) -> CallResult<Vec<(String, String)>> {
        Ok(self
            .groups
            .describe_tags(key, value)
            .await
            .map_err(|e| from_calls("ec2:DescribeTags", &e))?
            .into_iter()
            .map(|found| (found.resource_type, found.resource_id))
            .collect())
    }
}

impl Writer {
    /// Opens ports of a group, all in one call.
    ///
    /// # Errors
    /// The failed call.
    pub async fn open(&self, id: &GroupId, rules: &BTreeSet<Rule>) -> CallResult<()> {
        self.aws
            .groups
            .authorize_security_group_ingress(id, rules)
            .await
            .map(drop)
            .map_err(|e| from_calls("ec2:AuthorizeSecurityGroupIngress", &e))
    }
}

pub(super) fn from_calls(operation: &'static str, error: &aws_calls::CallError) -> CallError {
    let class = match error.kind() {
        ErrorKind::Connection | ErrorKind::OutOfTime => Class::Unreachable,
        ErrorKind::Credentials if error.code().is_none() => Class::NoCredentials,
        ErrorKind::Answer => Class::Malformed,
        ErrorKind::Throttled
        | ErrorKind::Server
        | ErrorKind::RuleNotFound
        | ErrorKind::RuleDuplicate
        | ErrorKind::RuleLimit
        | ErrorKind::GroupNotFound
        | ErrorKind::Denied
        | ErrorKind::Credentials
        | ErrorKind::EvaluationsFailed
        | ErrorKind::Refused => Class::Refused,
    };
    let message = match (error.message(), error.cause()) {
        (Some(message), _) => message.to_owned(),
        (None, Some(cause)) => deepest(cause),
        (None, None) => error.to_string(),
    };
    CallError {
        operation,
        class,
        code: error.code().map(str::to_owned),
        message,
        status: error.status(),
        request_id: error.request_id().map(str::to_owned),
    }
}
