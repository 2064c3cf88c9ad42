//! The statements of the policies: why each exists, on what, and under which condition.

use super::resource::Names;
use crate::spec::TAG;

/// One statement. The first ones are for the program's own calls, the `Stack…` ones for what CloudFormation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`why` says it, where it is also published")]
pub enum Sid {
    LookAtStacks,
    LookAtConfig,
    LookAtNetwork,
    LookAtBuckets,
    LookAtLogGroups,
    LookAtRoles,
    LookAtPermissions,
    LookAtAccount,
    OwnStack,
    Recorder,
    PassConfigRole,
    ChannelAndRetention,
    Rule,
    CodeBucket,
    CodeObjects,
    EmptyBuckets,
    EmptyObjects,
    Function,
    LogGroup,
    Topic,
    OpenPorts,
    OwnPolicy,
    LookAtExpiry,
    Schedules,
    ExpiryRole,
    PassExpiryRole,
    StackLooks,
    StackNetwork,
    StackTags,
    StackNetworkChanges,
    StackRoles,
    StackRecorderPolicy,
    StackPassFunctionRole,
    StackTopic,
    StackBucket,
    StackLogGroup,
    StackFunction,
    StackPackage,
    StackFastPath,
}

/// When a statement holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `StringEquals`.
    pub operator: &'static str,
    /// The key.
    pub key: String,
    /// The one value.
    pub value: String,
}

impl Sid {
    /// Every statement, in the order in which they are published.
    pub const ALL: &[Self] = &[
        Self::LookAtStacks,
        Self::LookAtConfig,
        Self::LookAtNetwork,
        Self::LookAtBuckets,
        Self::LookAtLogGroups,
        Self::LookAtRoles,
        Self::LookAtPermissions,
        Self::LookAtAccount,
        Self::OwnStack,
        Self::Recorder,
        Self::PassConfigRole,
        Self::ChannelAndRetention,
        Self::Rule,
        Self::CodeBucket,
        Self::CodeObjects,
        Self::EmptyBuckets,
        Self::EmptyObjects,
        Self::Function,
        Self::LogGroup,
        Self::Topic,
        Self::OpenPorts,
        Self::OwnPolicy,
        Self::LookAtExpiry,
        Self::Schedules,
        Self::ExpiryRole,
        Self::PassExpiryRole,
        Self::StackLooks,
        Self::StackNetwork,
        Self::StackTags,
        Self::StackNetworkChanges,
        Self::StackRoles,
        Self::StackRecorderPolicy,
        Self::StackPassFunctionRole,
        Self::StackTopic,
        Self::StackBucket,
        Self::StackLogGroup,
        Self::StackFunction,
        Self::StackPackage,
        Self::StackFastPath,
    ];

    /// What it is for, as a sentence without a full stop.
    pub fn why(self) -> &'static str {
        match self {
            Self::LookAtStacks => {
                "see whether the stack exists, and find forgotten ones by their tag"
            }
            Self::LookAtConfig => {
                "see recorder, channel, retention and rules, whose they are, and what they have found"
            }
            Self::LookAtNetwork => {
                "see security groups, and find leftovers by their tag; EC2 knows no resources here"
            }
            Self::LookAtBuckets => "tell the lab's buckets from all others by their tags",
            Self::LookAtLogGroups => "see whether the log group exists",
            Self::LookAtRoles => "see whether roles of these names exist, and whose they are",
            Self::LookAtPermissions => {
                "see beforehand whether everything that is needed is allowed, to oneself and to the roles"
            }
            Self::LookAtAccount => {
                "see beforehand whether quotas leave room; these know no resources"
            }
            Self::OwnStack => "make, change, follow and delete the lab's stack, and no other",
            Self::Recorder => {
                "set up and remove the configuration recorder; its id is AWS Config's, so its name decides"
            }
            Self::PassConfigRole => {
                "give AWS Config the recorder's role, and give it to no other service"
            }
            Self::ChannelAndRetention => {
                "set up and remove delivery channel and retention; they are no resources to IAM, an account has one each"
            }
            Self::Rule => {
                "set up, run and remove the rule; a rule's id is AWS Config's, so every rule has to be named"
            }
            Self::CodeBucket => {
                "make the bucket for the function's package, mark it as the lab's, and close it"
            }
            Self::CodeObjects => {
                "put the package and the journal there, and see what is there already"
            }
            Self::EmptyBuckets => "list and delete the lab's two buckets, or mark what is kept",
            Self::EmptyObjects => "empty the lab's two buckets before they are deleted",
            Self::Function => "see the function, and replace its code when only that has drifted",
            Self::LogGroup => {
                "read what the function logged, and remove a log group that no stack owns any more"
            }
            Self::Topic => "see whose the topic is, and which subscriptions are not confirmed yet",
            Self::OpenPorts => "stage the incident: open ports of the lab's own groups",
            Self::OwnPolicy => {
                "explain what the rule would do where its policy is kept in Parameter Store"
            }
            Self::LookAtExpiry => "see which schedules and roles of self-destructs there are",
            Self::Schedules => "arm, move and disarm the lab's self-destruct",
            Self::ExpiryRole => "make the role that the schedules work with, and remove it",
            Self::PassExpiryRole => {
                "give EventBridge Scheduler that role, and give it to no other service"
            }
            Self::StackLooks => {
                "CloudFormation watches what it makes; EC2 and the lists know no resources"
            }
            Self::StackNetwork => {
                "CloudFormation makes the network; new things have no tags yet that could be asked for"
            }
            Self::StackTags => "CloudFormation marks the network as the lab's",
            Self::StackNetworkChanges => {
                "CloudFormation changes and deletes what bears the lab's tag, nothing else"
            }
            Self::StackRoles => "CloudFormation makes, describes and deletes the two roles",
            Self::StackRecorderPolicy => {
                "the recorder's role gets AWS's own policy for AWS Config, and no other"
            }
            Self::StackPassFunctionRole => {
                "give Lambda the function's role, and give it to no other service"
            }
            Self::StackTopic => "CloudFormation makes the topic, its policy and its subscription",
            Self::StackBucket => {
                "CloudFormation makes the delivery bucket and its policy, and deletes them"
            }
            Self::StackLogGroup => "CloudFormation makes the function's log group and deletes it",
            Self::StackFunction => {
                "CloudFormation makes the function, lets AWS Config invoke it, and deletes it"
            }
            Self::StackPackage => {
                "Lambda fetches the package with the rights of who makes the function"
            }
            Self::StackFastPath => {
                "only for the option `FastPath`: CloudFormation makes the rule of EventBridge and deletes it; leave it out where nobody uses that"
            }
        }
    }

    /// Whether it is about what CloudFormation does.
    pub fn is_stacks(self) -> bool {
        match self {
            Self::LookAtStacks
            | Self::LookAtConfig
            | Self::LookAtNetwork
            | Self::LookAtBuckets
            | Self::LookAtLogGroups
            | Self::LookAtRoles
            | Self::LookAtPermissions
            | Self::LookAtAccount
            | Self::OwnStack
            | Self::Recorder
            | Self::PassConfigRole
            | Self::ChannelAndRetention
            | Self::Rule
            | Self::CodeBucket
            | Self::CodeObjects
            | Self::EmptyBuckets
            | Self::EmptyObjects
            | Self::Function
            | Self::LogGroup
            | Self::Topic
            | Self::OpenPorts
            | Self::OwnPolicy
            | Self::LookAtExpiry
            | Self::Schedules
            | Self::ExpiryRole
            | Self::PassExpiryRole => false,
            Self::StackLooks
            | Self::StackNetwork
            | Self::StackTags
            | Self::StackNetworkChanges
            | Self::StackRoles
            | Self::StackRecorderPolicy
            | Self::StackPassFunctionRole
            | Self::StackTopic
            | Self::StackBucket
            | Self::StackLogGroup
            | Self::StackFunction
            | Self::StackPackage
            | Self::StackFastPath => true,
        }
    }

    /// The ARNs on which it allows its actions.
    pub fn resources(self, names: &Names) -> Vec<String> {
        let code = &names.code_bucket;
        let delivery = &names.delivery_bucket;
        match self {
            Self::LookAtStacks
            | Self::LookAtConfig
            | Self::LookAtNetwork
            | Self::LookAtBuckets
            | Self::LookAtLogGroups
            | Self::LookAtAccount
            | Self::ChannelAndRetention
            | Self::LookAtExpiry
            | Self::StackLooks => vec!["*".to_owned()],
            Self::LookAtPermissions => ["role/*", "user/*", "policy/*"]
                .iter()
                .map(|what| format!("arn:{}:iam::{}:{what}", names.partition, names.account))
                .collect(),
            Self::Schedules => vec![names.regional("scheduler", "schedule/default/driftlab-*")],
            Self::PassExpiryRole => vec![names.role("driftlab/driftlab-expiry-*")],
            // Of a role that is not there, nobody knows the folder.
            Self::ExpiryRole => vec![
                names.role("driftlab/driftlab-expiry-*"),
                names.role("driftlab-expiry-*"),
            ],
            Self::OwnStack => {
                vec![names.regional("cloudformation", &format!("stack/{}/*", names.stack))]
            }
            Self::LookAtRoles | Self::StackRoles | Self::StackRecorderPolicy => {
                let roles = [&names.config_role, &names.function_role];
                // Only the recorder's role has a managed policy.
                let few = if self == Self::StackRecorderPolicy {
                    1
                } else {
                    2
                };
                roles
                    .iter()
                    .take(few)
                    .map(|role| names.role(role))
                    .collect()
            }
            Self::PassConfigRole => vec![names.role(&names.config_role)],
            Self::StackPassFunctionRole => vec![names.role(&names.function_role)],
            Self::Recorder => vec![names.regional("config", "configuration-recorder/*")],
            Self::Rule => vec![names.regional("config", "config-rule/*")],
            Self::CodeBucket => vec![names.bucket(code)],
            Self::CodeObjects | Self::StackPackage => vec![names.bucket(&format!("{code}/*"))],
            Self::EmptyBuckets => vec![names.bucket(code), names.bucket(delivery)],
            Self::EmptyObjects => vec![
                names.bucket(&format!("{code}/*")),
                names.bucket(&format!("{delivery}/*")),
            ],
            Self::StackBucket => vec![names.bucket(delivery)],
            Self::StackFastPath => {
                vec![names.regional("events", &format!("rule/{}", names.fast_path_rule))]
            }
            Self::Function | Self::StackFunction => {
                vec![names.regional("lambda", &format!("function:{}", names.function))]
            }
            // CloudWatch Logs asks for the group with and without what stands for its streams.
            Self::LogGroup | Self::StackLogGroup => {
                let group = names.regional("logs", &format!("log-group:{}", names.log_group));
                vec![format!("{group}:*"), group]
            }
            Self::Topic => vec![names.regional("sns", &names.topic)],
            // The second is a subscription: it belongs to its topic and has its own ARN below it.
            Self::StackTopic => {
                let topic = names.regional("sns", &names.topic);
                vec![format!("{topic}:*"), topic]
            }
            Self::OpenPorts => vec![names.regional("ec2", "security-group/*")],
            Self::OwnPolicy => {
                vec![names.regional("ssm", &format!("parameter{}", names.policy_parameter))]
            }
            Self::StackNetwork | Self::StackTags | Self::StackNetworkChanges => [
                "vpc/*",
                "subnet/*",
                "internet-gateway/*",
                "route-table/*",
                "security-group/*",
            ]
            .iter()
            .map(|resource| names.regional("ec2", resource))
            .collect(),
        }
    }

    /// Whether it allows everything that another one allows, as far as actions, which are the caller's to compare, go.
    pub fn covers(self, other: Self) -> bool {
        // What CloudFormation makes in EC2 has its tags from the first moment on (`tagOnCreate` in the types' schemas).
        if (self, other) == (Self::OpenPorts, Self::StackNetwork) {
            return true;
        }
        let names = Names::published();
        let own = self.resources(&names);
        let all = |resource: &String| own.contains(resource) || own.iter().any(|each| each == "*");
        self.conditions(&names).is_empty() && other.resources(&names).iter().all(all)
    }

    /// The conditions under which it does.
    pub fn conditions(self, names: &Names) -> Vec<Condition> {
        let equals = |key: &str, value: &str| {
            vec![Condition {
                operator: "StringEquals",
                key: key.to_owned(),
                value: value.to_owned(),
            }]
        };
        match self {
            Self::PassConfigRole => equals("iam:PassedToService", "config.amazonaws.com"),
            Self::PassExpiryRole => equals("iam:PassedToService", "scheduler.amazonaws.com"),
            Self::StackPassFunctionRole => equals("iam:PassedToService", "lambda.amazonaws.com"),
            Self::OpenPorts | Self::StackNetworkChanges => {
                equals(&format!("aws:ResourceTag/{TAG}"), &names.stack)
            }
            Self::StackRecorderPolicy => vec![Condition {
                operator: "ArnEquals",
                key: "iam:PolicyARN".to_owned(),
                value: names.recorder_policy(),
            }],
            Self::LookAtStacks
            | Self::LookAtConfig
            | Self::LookAtNetwork
            | Self::LookAtBuckets
            | Self::LookAtLogGroups
            | Self::LookAtRoles
            | Self::LookAtPermissions
            | Self::LookAtAccount
            | Self::OwnStack
            | Self::Recorder
            | Self::ChannelAndRetention
            | Self::Rule
            | Self::CodeBucket
            | Self::CodeObjects
            | Self::EmptyBuckets
            | Self::EmptyObjects
            | Self::Function
            | Self::LogGroup
            | Self::Topic
            | Self::OwnPolicy
            | Self::LookAtExpiry
            | Self::Schedules
            | Self::ExpiryRole
            | Self::StackLooks
            | Self::StackNetwork
            | Self::StackTags
            | Self::StackRoles
            | Self::StackTopic
            | Self::StackBucket
            | Self::StackLogGroup
            | Self::StackFunction
            | Self::StackPackage
            | Self::StackFastPath => Vec::new(),
        }
    }

    /// The condition under which it allows an action that gives a role its rights, where a boundary is demanded: without it
    /// whoever may make roles and pass them to a service has every right of the account.
    pub(super) fn limit(self, action: &str, names: &Names) -> Option<Condition> {
        let makes = matches!(self, Self::ExpiryRole | Self::StackRoles)
            && matches!(action, "iam:CreateRole" | "iam:PutRolePolicy");
        Some(Condition {
            operator: "StringEquals",
            key: "iam:PermissionsBoundary".to_owned(),
            value: names.boundary.clone().filter(|_| makes)?,
        })
    }

    /// The keys and values of the conditions on one action, for simulations.
    pub fn context(self, action: &str, names: &Names) -> Vec<(String, String)> {
        let mut context: Vec<_> = self
            .conditions(names)
            .into_iter()
            .chain(self.limit(action, names))
            .map(|condition| (condition.key, condition.value))
            .collect();
        if self.is_stacks() {
            context.push((CALLED_VIA.to_owned(), CLOUDFORMATION.to_owned()));
        }
        context
    }
}

/// Set by AWS on calls that a service makes in somebody's name.
pub(super) const CALLED_VIA: &str = "aws:CalledVia";
/// The service that makes the stack.
pub(super) const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";
