//! What can be asked about: the properties of the resource types that the sandbox records, security groups
//! and compliance, as in AWS's published schema for advanced queries (`awslabs/aws-config-resource-schema`,
//! `AWS::EC2::SecurityGroup` and `AWS::Config::ResourceCompliance`).

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// Networks, which AWS compares as ranges.
    Addresses,
}

/// Top-level properties without members.
const TEXTS: [&str; 12] = [
    "accountId",
    "arn",
    "availabilityZone",
    "awsRegion",
    "configurationItemCaptureTime",
    "configurationItemStatus",
    "configurationStateId",
    "resourceCreationTime",
    "resourceId",
    "resourceName",
    "resourceType",
    "version",
];

/// Text members of other properties.
const TEXT_MEMBERS: [&str; 18] = [
    "configuration.complianceType",
    "configuration.configRuleList.complianceType",
    "configuration.configRuleList.configRuleArn",
    "configuration.configRuleList.configRuleId",
    "configuration.configRuleList.configRuleName",
    "configuration.description",
    "configuration.groupId",
    "configuration.groupName",
    "configuration.ownerId",
    "configuration.targetResourceId",
    "configuration.targetResourceType",
    "configuration.vpcId",
    "relationships.resourceId",
    "relationships.resourceName",
    "relationships.resourceType",
    "tags.key",
    "tags.tag",
    "tags.value",
];

/// Where a group keeps its rules.
const RULES: [&str; 2] = [
    "configuration.ipPermissions.",
    "configuration.ipPermissionsEgress.",
];

/// The members of rules.
const RULE_MEMBERS: [(&str, Kind); 17] = [
    ("fromPort", Kind::Number),
    ("ipProtocol", Kind::Text),
    ("ipRanges", Kind::Addresses),
    ("ipv4Ranges.cidrIp", Kind::Addresses),
    ("ipv4Ranges.description", Kind::Text),
    ("ipv6Ranges.cidrIpv6", Kind::Addresses),
    ("ipv6Ranges.description", Kind::Text),
    ("prefixListIds.description", Kind::Text),
    ("prefixListIds.prefixListId", Kind::Text),
    ("toPort", Kind::Number),
    ("userIdGroupPairs.description", Kind::Text),
    ("userIdGroupPairs.groupId", Kind::Text),
    ("userIdGroupPairs.groupName", Kind::Text),
    ("userIdGroupPairs.peeringStatus", Kind::Text),
    ("userIdGroupPairs.userId", Kind::Text),
    ("userIdGroupPairs.vpcId", Kind::Text),
    ("userIdGroupPairs.vpcPeeringConnectionId", Kind::Text),
];

/// Every property that has no members.
fn all() -> impl Iterator<Item = (String, Kind)> {
    let texts = TEXTS.iter().chain(&TEXT_MEMBERS);
    let texts = texts.map(|name| ((*name).to_owned(), Kind::Text));
    let rules = RULES.iter().flat_map(|rules| {
        let members = RULE_MEMBERS.iter();
        members.map(move |(name, kind)| (format!("{rules}{name}"), *kind))
    });
    texts.chain(rules)
}

/// What a property holds; `None` when there is no such property or it has members.
pub(super) fn kind(path: &str) -> Option<Kind> {
    all().find(|(name, _)| name == path).map(|(_, kind)| kind)
}

/// Whether a property exists, with or without members.
pub(super) fn exists(path: &str) -> bool {
    all().any(|(name, _)| {
        let rest = name.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}
