//! Security groups: create, delete, describe.

use serde_json::{Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::group::SecurityGroup;
use super::input;
use super::rule::{Rule, Source, is_describable};
use super::state::State;
use crate::config::Change;
use crate::error::ApiError;
use crate::ids::hex_id;

pub(super) const CREATE: &[&str] = &["GroupDescription", "GroupName", "TagSpecification", "VpcId"];
pub(super) const DESCRIBE: &[&str] = &["Filter", "GroupId", "GroupName", "MaxResults", "NextToken"];

const FILTERS: &[&str] = &[
    "description",
    "egress.ip-permission.cidr",
    "egress.ip-permission.from-port",
    "egress.ip-permission.group-id",
    "egress.ip-permission.group-name",
    "egress.ip-permission.ipv6-cidr",
    "egress.ip-permission.prefix-list-id",
    "egress.ip-permission.protocol",
    "egress.ip-permission.to-port",
    "egress.ip-permission.user-id",
    "group-id",
    "group-name",
    "ip-permission.cidr",
    "ip-permission.from-port",
    "ip-permission.group-id",
    "ip-permission.group-name",
    "ip-permission.ipv6-cidr",
    "ip-permission.prefix-list-id",
    "ip-permission.protocol",
    "ip-permission.to-port",
    "ip-permission.user-id",
    "owner-id",
    "tag-key",
    "vpc-id",
];

/// How many security groups a region may have: AWS's default quota.
pub(crate) const MAX_GROUPS: usize = 2500;

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let name = input::require(request, "GroupName")?.trim();
    let description = input::require(request, "GroupDescription")?;
    check_name(name)?;
    check_text("GroupDescription", description)?;
    let vpc_id = match input::text(request, "VpcId")? {
        Some(id) => state.vpc(id)?.id.clone(),
        None => state
            .default_vpc()
            .map(|vpc| vpc.id.clone())
            .ok_or_else(|| ApiError::bad("VPCIdNotSpecified", "No default VPC for this user"))?,
    };
    let tags = input::tag_specification(request, "security-group")?;
    let taken = state
        .groups
        .values()
        .any(|group| group.vpc_id == vpc_id && group.name.eq_ignore_ascii_case(name));
    if state.groups.len() >= MAX_GROUPS {
        return Err(errors::too_many(
            "SecurityGroupLimitExceeded",
            "security groups",
        ));
    }
    if taken {
        return Err(ApiError::bad(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc_id}'"),
        ));
    }
    let group = SecurityGroup::new(hex_id("sg-", 17), name, description, &vpc_id, tags);
    let answer = json!({
        "groupId": group.id,
        "securityGroupArn": state.place.arn("security-group", &group.id),
        "tagSet": input::tag_set_if_any(&group.tags),
    });
    let id = group.id.clone();
    state.add_group(group);
    state.changed(Change::Created, &id);
    Ok(answer)
}

/// In a VPC `default` is an `InvalidParameterValue`; `InvalidGroup.Reserved` was the word of EC2-Classic, which is no
/// more (OpenStack's ec2-api, whose tests were run against both, tells them apart). The words for `sg-…` are quoted in
/// pulumi-awsx pull request 477.
fn check_name(name: &str) -> Result<(), ApiError> {
    if name.eq_ignore_ascii_case("default") {
        return Err(errors::value(
            "Cannot use reserved security group name: default",
        ));
    }
    if name.to_ascii_lowercase().starts_with("sg-") {
        return Err(errors::value(format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        )));
    }
    check_text("GroupName", name)
}

fn check_text(parameter: &str, text: &str) -> Result<(), ApiError> {
    if !text.is_ascii() {
        return Err(errors::value(format!(
            "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII are not supported."
        )));
    }
    if text.len() > 255 || !text.chars().all(is_describable) {
        return Err(errors::value(format!(
            "Value ({text}) for parameter {parameter} is invalid. Valid are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*"
        )));
    }
    Ok(())
}

pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let group = state.group(request)?;
    let (id, vpc_id) = (group.id.clone(), group.vpc_id.clone());
    if group.is_default() {
        return Err(ApiError::bad(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    if state
        .groups
        .values()
        .any(|other| other.id != id && other.vpc_id == vpc_id && other.refers_to(&id))
    {
        return Err(ApiError::bad(
            "DependencyViolation",
            format!("resource {id} has a dependent object"),
        ));
    }
    // Rules of other VPCs do not keep it: they become stale.
    state.remove_group(&id);
    Ok(json!({"return": true, "groupId": id}))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 1000)?;
    let mut wanted: Vec<&SecurityGroup> = Vec::new();
    for id in input::texts(request, "GroupId")? {
        wanted.push(state.group_by_id(id)?);
    }
    for name in input::texts(request, "GroupName")? {
        wanted.push(state.group_by_name(name)?);
    }
    if wanted.is_empty() {
        wanted.extend(state.groups.values());
    } else {
        wanted.sort_by(|a, b| a.id.cmp(&b.id));
        wanted.dedup_by(|a, b| a.id == b.id);
    }
    let rows = wanted
        .into_iter()
        .filter(|group| {
            filters.match_resource(&group.tags, |name| filter_values(state, group, name))
        })
        .map(|group| (group.id.clone(), group.describe(&state.place)));
    Ok(page.cut("securityGroupInfo", rows))
}

fn filter_values(state: &State, group: &SecurityGroup, name: &str) -> Vec<String> {
    match name {
        "description" => vec![group.description.clone()],
        "group-id" => vec![group.id.clone()],
        "group-name" => vec![group.name.clone()],
        "owner-id" => vec![state.place.account.to_string()],
        "vpc-id" => vec![group.vpc_id.clone()],
        _ => match (
            name.strip_prefix("egress.ip-permission."),
            name.strip_prefix("ip-permission."),
        ) {
            (Some(part), _) => rule_values(state, &group.egress, part),
            (None, Some(part)) => rule_values(state, &group.ingress, part),
            (None, None) => Vec::new(),
        },
    }
}

fn rule_values(state: &State, rules: &[Rule], part: &str) -> Vec<String> {
    let value = |rule: &Rule| -> Option<String> {
        let permission = &rule.permission;
        let ports = permission.ports;
        match (part, &permission.source) {
            ("protocol", _) => Some(permission.protocol.to_string()),
            ("from-port", _) => ports.map(|(from, _)| from.to_string()),
            ("to-port", _) => ports.map(|(_, to)| to.to_string()),
            ("cidr", Source::Ipv4(net)) => Some(net.to_string()),
            ("ipv6-cidr", Source::Ipv6(net)) => Some(net.to_string()),
            ("prefix-list-id", Source::PrefixList(id)) => Some(id.clone()),
            ("group-id", Source::Group(other)) => Some(other.id.clone()),
            ("group-name", Source::Group(other)) => {
                state.groups.get(&other.id).map(|group| group.name.clone())
            }
            ("user-id", Source::Group(other)) => Some(other.owner.to_string()),
            _ => None,
        }
    };
    rules.iter().filter_map(value).collect()
}
