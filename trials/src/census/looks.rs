//! Where a census looks, service by service.

use sandbox::service::Service;

/// One listing, and what is asked about each thing that it lists.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) service: Service,
    pub(super) operation: &'static str,
    pub(super) input: &'static [(&'static str, &'static str)],
    pub(super) list: &'static str,
    /// What names a thing; the first of these that it has.
    pub(super) id: &'static [&'static str],
    /// Members that change although nobody changes anything.
    pub(super) moving: &'static [&'static str],
    pub(super) details: &'static [Detail],
}

/// A question about one thing.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) operation: &'static str,
    /// How the question names the thing.
    pub(super) argument: &'static str,
    /// Which member of the thing that is.
    pub(super) of: &'static str,
    pub(super) moving: &'static [&'static str],
    /// A list of names in the answer, and how to ask for each.
    pub(super) inner: Option<(&'static str, &'static str, &'static str)>,
}

const fn detail(operation: &'static str, argument: &'static str, of: &'static str) -> Detail {
    Detail {
        operation,
        argument,
        of,
        moving: &[],
        inner: None,
    }
}

const fn look(
    service: Service,
    operation: &'static str,
    list: &'static str,
    id: &'static [&'static str],
) -> Look {
    Look {
        service,
        operation,
        input: &[],
        list,
        id,
        moving: &[],
        details: &[],
    }
}

/// Everything but S3. What is left out on purpose: the history that AWS Config, CloudTrail and CloudFormation (of deleted
/// stacks) keep, and mails that were sent. Nobody can take those back.
pub(super) const LOOKS: &[Look] = &[
    Look {
        details: &[detail("ListTagsForResource", "ResourceArn", "arn")],
        ..look(
            Service::Config,
            "DescribeConfigurationRecorders",
            "ConfigurationRecorders",
            &["name"],
        )
    },
    Look {
        // When it was started or stopped, and what it delivered, is history; whether it runs is not.
        moving: &[
            "lastErrorCode",
            "lastErrorMessage",
            "lastStartTime",
            "lastStatus",
            "lastStatusChangeTime",
            "lastStopTime",
        ],
        ..look(
            Service::Config,
            "DescribeConfigurationRecorderStatus",
            "ConfigurationRecordersStatus",
            &["name"],
        )
    },
    look(
        Service::Config,
        "DescribeDeliveryChannels",
        "DeliveryChannels",
        &["name"],
    ),
    look(
        Service::Config,
        "DescribeRetentionConfigurations",
        "RetentionConfigurations",
        &["Name"],
    ),
    Look {
        details: &[detail(
            "ListTagsForResource",
            "ResourceArn",
            "ConfigRuleArn",
        )],
        ..look(
            Service::Config,
            "DescribeConfigRules",
            "ConfigRules",
            &["ConfigRuleName"],
        )
    },
    Look {
        details: &[
            Detail {
                moving: &["RoleLastUsed"],
                ..detail("GetRole", "RoleName", "RoleName")
            },
            Detail {
                inner: Some(("PolicyNames", "GetRolePolicy", "PolicyName")),
                ..detail("ListRolePolicies", "RoleName", "RoleName")
            },
            detail("ListAttachedRolePolicies", "RoleName", "RoleName"),
        ],
        ..look(Service::Iam, "ListRoles", "Roles", &["RoleName"])
    },
    Look {
        input: &[("Scope", "Local")],
        details: &[detail("ListPolicyVersions", "PolicyArn", "Arn")],
        ..look(Service::Iam, "ListPolicies", "Policies", &["Arn"])
    },
    Look {
        moving: &["PasswordLastUsed"],
        details: &[
            detail("ListAccessKeys", "UserName", "UserName"),
            Detail {
                inner: Some(("PolicyNames", "GetUserPolicy", "PolicyName")),
                ..detail("ListUserPolicies", "UserName", "UserName")
            },
            detail("ListAttachedUserPolicies", "UserName", "UserName"),
        ],
        ..look(Service::Iam, "ListUsers", "Users", &["UserName"])
    },
    Look {
        details: &[
            detail("GetFunction", "FunctionName", "FunctionName"),
            detail("GetPolicy", "FunctionName", "FunctionName"),
            detail("GetFunctionConcurrency", "FunctionName", "FunctionName"),
            detail("ListAliases", "FunctionName", "FunctionName"),
            detail("ListVersionsByFunction", "FunctionName", "FunctionName"),
        ],
        ..look(
            Service::Lambda,
            "ListFunctions",
            "Functions",
            &["FunctionName"],
        )
    },
    Look {
        details: &[
            detail("GetTopicAttributes", "TopicArn", "TopicArn"),
            detail("ListSubscriptionsByTopic", "TopicArn", "TopicArn"),
            detail("ListTagsForResource", "ResourceArn", "TopicArn"),
        ],
        ..look(Service::Sns, "ListTopics", "Topics", &["TopicArn"])
    },
    Look {
        // Functions write.
        moving: &["storedBytes"],
        details: &[detail("ListTagsForResource", "resourceArn", "logGroupArn")],
        ..look(
            Service::Logs,
            "DescribeLogGroups",
            "logGroups",
            &["logGroupName"],
        )
    },
    Look {
        details: &[
            detail("GetTemplate", "StackName", "StackId"),
            detail("ListStackResources", "StackName", "StackId"),
            detail("ListChangeSets", "StackName", "StackId"),
        ],
        ..look(
            Service::CloudFormation,
            "DescribeStacks",
            "Stacks",
            &["StackName"],
        )
    },
    Look {
        details: &[
            detail("ListTargetsByRule", "Rule", "Name"),
            detail("ListTagsForResource", "ResourceARN", "Arn"),
        ],
        ..look(Service::Events, "ListRules", "Rules", &["Name"])
    },
    Look {
        // The group decides together with the name; trials use names that differ.
        details: &[detail("GetSchedule", "Name", "Name")],
        ..look(Service::Scheduler, "ListSchedules", "Schedules", &["Arn"])
    },
    Look {
        details: &[detail("ListTagsForResource", "ResourceArn", "Arn")],
        ..look(
            Service::Scheduler,
            "ListScheduleGroups",
            "ScheduleGroups",
            &["Name"],
        )
    },
    Look {
        details: &[detail("GetParameter", "Name", "Name")],
        ..look(Service::Ssm, "DescribeParameters", "Parameters", &["Name"])
    },
    Look {
        moving: &["LastAccessedDate"],
        details: &[
            Detail {
                moving: &["LastAccessedDate"],
                ..detail("DescribeSecret", "SecretId", "ARN")
            },
            detail("GetSecretValue", "SecretId", "ARN"),
        ],
        ..look(
            Service::SecretsManager,
            "ListSecrets",
            "SecretList",
            &["ARN"],
        )
    },
    look(Service::Ec2, "DescribeVpcs", "vpcSet", &["vpcId"]),
    look(Service::Ec2, "DescribeSubnets", "subnetSet", &["subnetId"]),
    look(
        Service::Ec2,
        "DescribeRouteTables",
        "routeTableSet",
        &["routeTableId"],
    ),
    look(
        Service::Ec2,
        "DescribeInternetGateways",
        "internetGatewaySet",
        &["internetGatewayId"],
    ),
    look(
        Service::Ec2,
        "DescribeSecurityGroups",
        "securityGroupInfo",
        &["groupId"],
    ),
    look(
        Service::Ec2,
        "DescribeSecurityGroupRules",
        "securityGroupRuleSet",
        &["securityGroupRuleId"],
    ),
    look(
        Service::Ec2,
        "DescribeManagedPrefixLists",
        "prefixListSet",
        &["prefixListId"],
    ),
    look(
        Service::Ec2,
        "DescribeVpcPeeringConnections",
        "vpcPeeringConnectionSet",
        &["vpcPeeringConnectionId"],
    ),
];
