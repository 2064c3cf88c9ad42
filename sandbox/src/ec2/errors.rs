//! EC2's errors, in EC2's words. Codes are what clients match; the texts are those that EC2 sends.

use crate::error::ApiError;

pub(super) fn missing(parameter: &str) -> ApiError {
    ApiError::bad(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}"),
    )
}

pub(super) fn value(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterValue", message)
}

pub(super) fn combination(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterCombination", message)
}

/// What EC2 answers to a dry run that would have succeeded: an error, with its own HTTP status.
pub(super) fn dry_run() -> ApiError {
    ApiError::new(
        412,
        "DryRunOperation",
        "Request would have succeeded, but DryRun flag is set.",
    )
}

pub(super) fn no_vpc(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidVpcID.NotFound",
        format!("The vpc ID '{id}' does not exist"),
    )
}

pub(super) fn no_subnet(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidSubnetID.NotFound",
        format!("The subnet ID '{id}' does not exist"),
    )
}

pub(super) fn no_gateway(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidInternetGatewayID.NotFound",
        format!("The internetGateway ID '{id}' does not exist"),
    )
}

pub(super) fn no_route_table(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidRouteTableID.NotFound",
        format!("The routeTable ID '{id}' does not exist"),
    )
}

pub(super) fn no_group(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

/// Groups are found by name in the default VPC alone.
pub(super) fn no_group_named(name: &str, default_vpc: Option<&str>) -> ApiError {
    let vpc = default_vpc.unwrap_or("none");
    ApiError::bad(
        "InvalidGroup.NotFound",
        format!("The security group '{name}' does not exist in default VPC '{vpc}'"),
    )
}

/// What a rule refers to is out of its VPC's reach.
pub(super) fn other_network() -> ApiError {
    ApiError::bad(
        "InvalidGroup.NotFound",
        "You have specified two resources that belong to different networks.",
    )
}

pub(super) fn malformed_group(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidGroupId.Malformed",
        format!("Invalid id: \"{id}\" (expecting \"sg-...\")"),
    )
}

pub(super) fn no_peering(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidVpcPeeringConnectionID.NotFound",
        format!("The vpcPeeringConnection ID '{id}' does not exist"),
    )
}

pub(super) fn no_rule_id(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidSecurityGroupRuleId.NotFound",
        format!("The security group rule ID '{id}' does not exist"),
    )
}

pub(super) fn malformed_rule_id(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidSecurityGroupRuleId.Malformed",
        format!("Invalid id: \"{id}\" (expecting \"sgr-...\")"),
    )
}

pub(super) fn no_rule() -> ApiError {
    ApiError::bad(
        "InvalidPermission.NotFound",
        "The specified rule does not exist in this security group.",
    )
}

pub(super) fn duplicate_rule(rule: &super::rule::Permission) -> ApiError {
    ApiError::bad(
        "InvalidPermission.Duplicate",
        format!("the specified rule \"{rule}\" already exists"),
    )
}

pub(super) fn same_rule_twice() -> ApiError {
    value("The same permission must not appear multiple times")
}

pub(super) fn too_many_rules() -> ApiError {
    ApiError::bad(
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
    )
}

/// That there are as many of a kind as there may be.
pub(super) fn too_many(code: &'static str, what: &str) -> ApiError {
    ApiError::bad(
        code,
        format!("The maximum number of {what} has been reached."),
    )
}

pub(super) fn malformed_cidr(cidr: &str) -> ApiError {
    value(format!("CIDR block {cidr} is malformed"))
}

/// As a rule is revised, not as one is added: moto, verified on AWS (0af643a5).
pub(super) fn no_protocol() -> ApiError {
    value(
        "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
    )
}

/// See [`no_protocol`].
pub(super) fn no_port_range() -> ApiError {
    value("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
}

/// See [`no_protocol`].
pub(super) fn no_one_source() -> ApiError {
    ApiError::bad(
        "MissingParameter",
        "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId",
    )
}

pub(super) fn malformed_group_filter(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidGroupId.Malformed",
        format!("The security group ID '{id}' is malformed"),
    )
}

pub(super) fn no_source() -> ApiError {
    ApiError::bad(
        "MissingParameter",
        "Missing source specification: include source security group or CIDR information",
    )
}

pub(super) fn dependency(kind: &str, id: &str) -> ApiError {
    ApiError::bad(
        "DependencyViolation",
        format!("The {kind} '{id}' has dependencies and cannot be deleted."),
    )
}
