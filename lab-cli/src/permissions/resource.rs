//! The names from which the ARNs of a policy are made.

use std::collections::BTreeMap;

use crate::spec::{self, code_bucket};
use crate::state::Place;

/// Where and how the things are called that a policy is about. Every value may hold `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `aws`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The stack.
    pub stack: String,
    /// The role that AWS Config records with.
    pub config_role: String,
    /// The role that the function runs with.
    pub function_role: String,
    /// The function.
    pub function: String,
    /// The function's log group.
    pub log_group: String,
    /// The topic.
    pub topic: String,
    /// The bucket that AWS Config delivers to.
    pub delivery_bucket: String,
    /// The bucket of the function's package.
    pub code_bucket: String,
    /// The rule of EventBridge behind the fast path.
    pub fast_path_rule: String,
    /// The parameter of Parameter Store that may hold the policy, with the slash that it begins with.
    pub policy_parameter: String,
    /// The permissions boundary of every role that is made; `None` where any or none will do.
    pub boundary: Option<String>,
}

impl Names {
    /// The names of the published policies: those of the source documents, with CloudFormation's pseudo parameters for what
    /// is not known. Whoever uses the policies without CloudFormation replaces these three.
    pub fn published() -> Self {
        let (region, account) = ("${AWS::Region}", "${AWS::AccountId}");
        Self {
            code_bucket: format!("driftlab-code-{account}-{region}-{}", spec::DEFAULT_STACK),
            ..Self::new(
                "${AWS::Partition}",
                region,
                account,
                spec::DEFAULT_STACK,
                &BTreeMap::new(),
            )
        }
    }

    /// The names of one lab: `parameters` are those of the template that differ from the source documents.
    pub fn of(place: &Place, parameters: &BTreeMap<String, String>) -> Self {
        Self::new(
            place.partition(),
            &place.region,
            place.account(),
            &place.stack,
            parameters,
        )
    }

    /// The same for labs of these names in whichever region.
    #[must_use]
    pub fn in_every_region(&self, parameters: &BTreeMap<String, String>) -> Self {
        Self::new(&self.partition, "*", &self.account, &self.stack, parameters)
    }

    /// The same from its parts.
    pub fn new(
        partition: &str,
        region: &str,
        account: &str,
        stack: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Self {
        let named = |parameter: &str, otherwise: String| match spec::name_of(parameters, parameter)
        {
            name if name.is_empty() => otherwise,
            name => name,
        };
        Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            stack: stack.to_owned(),
            config_role: spec::name_of(parameters, "ConfigRoleName"),
            function_role: spec::name_of(parameters, "FunctionRoleName"),
            function: spec::name_of(parameters, "FunctionName"),
            log_group: spec::name_of(parameters, "LogGroupName"),
            topic: named("TopicName", "ust-*-config-topic".to_owned()),
            delivery_bucket: named(
                "DeliveryBucketName",
                generated(&stack.to_lowercase(), "deliverybucket"),
            ),
            code_bucket: code_bucket(account, region, stack),
            fast_path_rule: generated(stack, "FastPathRule"),
            policy_parameter: named("PolicyParameterName", "/driftlab/policy".to_owned()),
            boundary: spec::boundary_of(parameters).map(str::to_owned),
        }
    }

    /// An ARN in this account and region.
    pub(super) fn regional(&self, service: &str, resource: &str) -> String {
        let Self {
            partition,
            region,
            account,
            ..
        } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// The ARN of a role.
    pub(super) fn role(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition, self.account)
    }

    /// The ARN of a bucket, or of what is in it.
    pub(super) fn bucket(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition)
    }

    /// The managed policy that the recorder's role has.
    pub(super) fn recorder_policy(&self) -> String {
        format!(
            "arn:{}:iam::aws:policy/service-role/AWS_ConfigRole",
            self.partition
        )
    }
}

/// What CloudFormation makes up for a resource without a name: stack, resource and random characters (for a bucket all in
/// lower case). Of a long stack name it takes the beginning.
fn generated(stack: &str, resource: &str) -> String {
    const KEPT: usize = 24;
    match stack.get(..KEPT) {
        Some(beginning) if stack.len() > KEPT => format!("{beginning}*-{resource}-*"),
        Some(_) | None => format!("{stack}-{resource}-*"),
    }
}
