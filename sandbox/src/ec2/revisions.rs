//! Changing rules in place: `ModifySecurityGroupRules`, `UpdateSecurityGroupRuleDescriptions…`.

use serde_json::{Value, json};

use super::group::{Direction, SecurityGroup};
use super::rule::{self, Described, Permission, Source};
use super::rules::{check_quota, find_id};
use super::state::State;
use super::{errors, input};
use crate::config::Change;
use crate::error::ApiError;
use crate::fields::Fields;

pub(super) const DESCRIPTIONS: &[&str] = &[
    "GroupId",
    "GroupName",
    "IpPermissions",
    "SecurityGroupRuleDescription",
];

const RULE_MEMBERS: &[&str] = &[
    "CidrIpv4",
    "CidrIpv6",
    "Description",
    "FromPort",
    "IpProtocol",
    "PrefixListId",
    "ReferencedGroupId",
    "ToPort",
];

/// Replaces rules, all or none; they keep their ids and tags.
pub(super) fn modify(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    input::require(request, "GroupId")?;
    let mut group = state.group(request)?.clone();
    let updates = input::list(request, "SecurityGroupRule")?;
    if updates.is_empty() {
        return Err(errors::missing("SecurityGroupRule"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for update in updates {
        let known = ["SecurityGroupRule", "SecurityGroupRuleId"];
        input::only_members("SecurityGroupRule", update, &known)?;
        let id = input::require(update, "SecurityGroupRuleId")?;
        if seen.contains(&id) {
            return Err(errors::value(format!(
                "The security group rule ID '{id}' must not appear multiple times"
            )));
        }
        seen.push(id);
        let Some(new) = update.field("SecurityGroupRule") else {
            return Err(errors::missing("SecurityGroupRule"));
        };
        let new = requested(state, &group, new)?;
        replace(&mut group, id, new)?;
    }
    for way in [Direction::Ingress, Direction::Egress] {
        let rules = group.rules(way);
        for (at, rule) in rules.iter().enumerate() {
            if rules[..at]
                .iter()
                .any(|other| other.permission == rule.permission)
            {
                return Err(errors::duplicate_rule(&rule.permission));
            }
        }
        check_quota(state, rules.iter().map(|rule| &rule.permission))?;
    }
    put(state, group);
    Ok(json!({"return": true}))
}

fn replace(
    group: &mut SecurityGroup,
    id: &str,
    (permission, description): Described,
) -> Result<(), ApiError> {
    let way = direction_of(group, id)?;
    for rule in group.rules_mut(way).iter_mut().filter(|rule| rule.id == id) {
        let kinds = [&rule.permission.source, &permission.source].map(std::mem::discriminant);
        if kinds[0] != kinds[1] {
            return Err(errors::value(
                "You cannot change the rule type: use the same kind of source or destination as the existing rule",
            ));
        }
        rule.permission = permission.clone();
        rule.description.clone_from(&description);
    }
    Ok(())
}

/// In which of the group's lists the rule is; an error when it is in neither.
fn direction_of(group: &SecurityGroup, id: &str) -> Result<Direction, ApiError> {
    match find_id(&group.ingress, id) {
        Ok(_) => Ok(Direction::Ingress),
        Err(_) => find_id(&group.egress, id).map(|_| Direction::Egress),
    }
}

/// A `SecurityGroupRuleRequest`: it describes the whole rule, with exactly one source.
fn requested(state: &State, group: &SecurityGroup, new: &Value) -> Result<Described, ApiError> {
    input::only_members("SecurityGroupRule", new, RULE_MEMBERS)?;
    let Some(named) = input::text(new, "IpProtocol")? else {
        return Err(errors::no_protocol());
    };
    let has_ports = ["FromPort", "ToPort"].map(|name| new.get(name).is_some());
    if ["tcp", "udp", "6", "17"].contains(&named) && has_ports != [true, true] {
        return Err(errors::no_port_range());
    }
    let (protocol, ports) = rule::protocol_and_ports(new)?;
    let mut sources = Vec::new();
    if let Some(range) = input::text(new, "CidrIpv4")? {
        sources.push(Source::ipv4(range)?);
    }
    if let Some(range) = input::text(new, "CidrIpv6")? {
        sources.push(Source::ipv6(range)?);
    }
    if let Some(id) = input::text(new, "PrefixListId")? {
        sources.push(state.prefix_list(id)?);
    }
    if let Some(id) = input::text(new, "ReferencedGroupId")? {
        let source = state.referenced_group(group, &json!({"GroupId": id}))?;
        if let Source::Group(referenced) = &source {
            state.check_reach(&group.vpc_id, referenced)?;
        }
        sources.push(source);
    }
    let source = match (sources.pop(), sources.is_empty()) {
        (Some(source), true) => source,
        (None, _) => return Err(errors::no_one_source()),
        (Some(_), false) => {
            return Err(errors::combination(
                "Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified",
            ));
        }
    };
    let permission = Permission {
        protocol,
        ports,
        source,
    };
    Ok((permission, rule::description(new)?))
}

pub(super) fn describe_ingress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    describe(state, request, Direction::Ingress)
}

pub(super) fn describe_egress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    describe(state, request, Direction::Egress)
}

/// Sets descriptions, of rules named by what they allow or by id; leaving one out removes it.
fn describe(state: &mut State, request: &Value, way: Direction) -> Result<Value, ApiError> {
    let mut group = state.group(request)?.clone();
    let permissions = input::list(request, "IpPermissions")?;
    let by_id = input::list(request, "SecurityGroupRuleDescription")?;
    match (permissions.is_empty(), by_id.is_empty()) {
        (false, true) => {
            for (permission, description) in rule::parse_all(state, &group, permissions)? {
                let rules = group.rules_mut(way);
                let rule = rules.iter_mut().find(|rule| rule.permission == permission);
                rule.ok_or_else(errors::no_rule)?.description = description;
            }
        }
        (true, false) => {
            for entry in by_id {
                let known = ["Description", "SecurityGroupRuleId"];
                input::only_members("SecurityGroupRuleDescription", entry, &known)?;
                let id = input::require(entry, "SecurityGroupRuleId")?;
                find_id(group.rules(way), id)?;
                let description = rule::description(entry)?;
                for rule in group.rules_mut(way).iter_mut().filter(|rule| rule.id == id) {
                    rule.description.clone_from(&description);
                }
            }
        }
        (true, true) => return Err(errors::missing("ipPermissions")),
        (false, false) => {
            return Err(errors::combination(
                "The parameter securityGroupRuleDescriptions cannot be used with the parameter ipPermissions",
            ));
        }
    }
    put(state, group);
    Ok(json!({"return": true}))
}

/// Puts the changed copy of a group in its place. A request that asks for what is there already changes
/// nothing, so nothing is reported.
fn put(state: &mut State, group: SecurityGroup) {
    let id = group.id.clone();
    let new = group.resource(&state.place).configuration;
    let old = state.groups.insert(id.clone(), group);
    if old.is_none_or(|old| old.resource(&state.place).configuration != new) {
        state.changed(Change::Modified, &id);
    }
}
