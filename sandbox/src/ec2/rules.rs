//! Rules: authorize, revoke, describe.

use serde_json::{Map, Value, json};

use super::filter::{Filters, Page};
use super::group::{Direction, SecurityGroup, describe_loose};
use super::rule::{Described, Permission, Rule, Source, parse_all};
use super::state::State;
use super::{errors, input, prefix_lists};
use crate::config::Change;
use crate::error::ApiError;
use crate::fields::Fields;

/// EC2's default quota: rules of one direction and one address family in one group.
pub(crate) const QUOTA: usize = 60;

pub(super) const AUTHORIZE_INGRESS: &[&str] = &[
    "CidrIp",
    "FromPort",
    "GroupId",
    "GroupName",
    "IpPermissions",
    "IpProtocol",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
    "TagSpecification",
    "ToPort",
];
pub(super) const AUTHORIZE_EGRESS: &[&str] = &["GroupId", "IpPermissions", "TagSpecification"];
pub(super) const REVOKE_INGRESS: &[&str] = &[
    "CidrIp",
    "FromPort",
    "GroupId",
    "GroupName",
    "IpPermissions",
    "IpProtocol",
    "SecurityGroupRuleId",
    "SourceSecurityGroupName",
    "SourceSecurityGroupOwnerId",
    "ToPort",
];
pub(super) const REVOKE_EGRESS: &[&str] = &["GroupId", "IpPermissions", "SecurityGroupRuleId"];
pub(super) const DESCRIBE: &[&str] = &["Filter", "MaxResults", "NextToken", "SecurityGroupRuleId"];

pub(super) fn authorize_ingress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    authorize(state, request, Direction::Ingress)
}

pub(super) fn authorize_egress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    authorize(state, request, Direction::Egress)
}

pub(super) fn revoke_ingress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    revoke(state, request, Direction::Ingress)
}

pub(super) fn revoke_egress(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    revoke(state, request, Direction::Egress)
}

/// All rules are added or, when one exists already or the group is full, none.
fn authorize(state: &mut State, request: &Value, way: Direction) -> Result<Value, ApiError> {
    let group = state.group(request)?;
    let id = group.id.clone();
    let asked = asked_permissions(state, group, request)?;
    let tags = input::tag_specification(request, "security-group-rule")?;
    for (permission, _) in &asked {
        if let Source::Group(referenced) = &permission.source {
            state.check_reach(&group.vpc_id, referenced)?;
        }
        if group
            .rules(way)
            .iter()
            .any(|rule| rule.permission == *permission)
        {
            return Err(errors::duplicate_rule(permission));
        }
    }
    let present = group.rules(way).iter().map(|rule| &rule.permission);
    check_quota(state, present.chain(asked.iter().map(|(asked, _)| asked)))?;
    let new: Vec<Rule> = asked
        .into_iter()
        .map(|(permission, description)| Rule::new(permission, description, tags.clone()))
        .collect();
    let shown: Value = new
        .iter()
        .map(|rule| rule.describe(state, group, way.is_egress()))
        .collect();
    if let Some(group) = state.groups.get_mut(&id) {
        group.rules_mut(way).extend(new);
    }
    state.changed(Change::Modified, &id);
    Ok(json!({"return": true, "securityGroupRuleSet": shown}))
}

/// Counts as EC2 counts: IPv4 and IPv6 apart; a group reference weighs one in both, a prefix list as
/// many as it may have entries.
pub(super) fn check_quota<'a>(
    state: &State,
    permissions: impl Iterator<Item = &'a Permission>,
) -> Result<(), ApiError> {
    let (mut ipv4, mut ipv6) = (0, 0);
    for permission in permissions {
        let (four, six) = match &permission.source {
            Source::Ipv4(_) => (1, 0),
            Source::Ipv6(_) => (0, 1),
            Source::Group(_) => (1, 1),
            Source::PrefixList(id) => {
                let weight = prefix_lists::weight(state, id).unwrap_or(1);
                (weight, weight)
            }
        };
        ipv4 += four;
        ipv6 += six;
    }
    if ipv4 > QUOTA || ipv6 > QUOTA {
        return Err(errors::too_many_rules());
    }
    Ok(())
}

/// The permissions of a request: `IpPermissions`, or one in the flat form of old.
fn asked_permissions(
    state: &State,
    group: &SecurityGroup,
    request: &Value,
) -> Result<Vec<Described>, ApiError> {
    let flat: Vec<&str> = [
        "CidrIp",
        "FromPort",
        "IpProtocol",
        "SourceSecurityGroupName",
        "SourceSecurityGroupOwnerId",
        "ToPort",
    ]
    .into_iter()
    .filter(|name| request.field(name).is_some())
    .collect();
    let permissions = input::list(request, "IpPermissions")?;
    match (permissions.is_empty(), flat.first()) {
        (false, None) => parse_all(state, group, permissions),
        (true, None) => Err(errors::missing("ipPermissions")),
        (false, Some(name)) => Err(errors::combination(format!(
            "The parameter {name} cannot be used with the parameter ipPermissions"
        ))),
        (true, Some(_)) => parse_all(state, group, &flat_permissions(request)?),
    }
}

/// The flat form as `IpPermissions`. A source group alone stands for all TCP, UDP and ICMP.
fn flat_permissions(request: &Value) -> Result<Vec<Value>, ApiError> {
    let Some(source) = input::text(request, "SourceSecurityGroupName")? else {
        if input::text(request, "CidrIp")?.is_none() {
            return Err(errors::no_source());
        }
        let mut permission = Map::new();
        for name in ["FromPort", "IpProtocol", "ToPort"] {
            if let Some(value) = request.field(name) {
                permission.insert(name.to_owned(), value.clone());
            }
        }
        permission.insert(
            "IpRanges".to_owned(),
            json!([{"CidrIp": request["CidrIp"]}]),
        );
        return Ok(vec![Value::Object(permission)]);
    };
    for name in ["CidrIp", "FromPort", "IpProtocol", "ToPort"] {
        if request.field(name).is_some() {
            return Err(errors::combination(format!(
                "The parameter {name} cannot be used with the parameter sourceSecurityGroupName"
            )));
        }
    }
    let owner = input::text(request, "SourceSecurityGroupOwnerId")?;
    let groups = match owner {
        Some(owner) => json!([{"GroupName": source, "UserId": owner}]),
        None => json!([{"GroupName": source}]),
    };
    let permission = |protocol: &str, from: i64, to: i64| json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "Groups": groups});
    Ok(vec![
        permission("tcp", 0, 65535),
        permission("udp", 0, 65535),
        permission("icmp", -1, -1),
    ])
}

fn revoke(state: &mut State, request: &Value, way: Direction) -> Result<Value, ApiError> {
    let group = state.group(request)?;
    let id = group.id.clone();
    let ids = input::texts(request, "SecurityGroupRuleId")?;
    let (leaving, unknown) = if ids.is_empty() {
        let asked = asked_permissions(state, group, request)?;
        let in_default_vpc = state.vpc(&group.vpc_id)?.is_default;
        by_permission(group.rules(way), asked, in_default_vpc)?
    } else {
        if request.field("IpPermissions").is_some() || request.field("IpProtocol").is_some() {
            return Err(errors::combination(
                "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions",
            ));
        }
        (by_id(group.rules(way), &ids)?, Vec::new())
    };
    let revoked: Value = group
        .rules(way)
        .iter()
        .filter(|rule| leaving.contains(&rule.id))
        .map(|rule| rule.describe_revoked(group, way.is_egress()))
        .collect();
    let unknown = if unknown.is_empty() {
        Value::Null
    } else {
        describe_loose(&unknown, &state.place, &group.vpc_id)
    };
    if !leaving.is_empty() {
        if let Some(group) = state.groups.get_mut(&id) {
            group
                .rules_mut(way)
                .retain(|rule| !leaving.contains(&rule.id));
        }
        state.changed(Change::Modified, &id);
    }
    Ok(json!({
        "return": true,
        "unknownIpPermissionSet": unknown,
        "revokedSecurityGroupRuleSet": revoked,
    }))
}

/// The ids of the rules that match, and the permissions that match none: those are an error, except
/// in the default VPC.
fn by_permission(
    rules: &[Rule],
    asked: Vec<Described>,
    in_default_vpc: bool,
) -> Result<(Vec<String>, Vec<Described>), ApiError> {
    let mut leaving = Vec::new();
    let mut unknown = Vec::new();
    for (permission, description) in asked {
        match rules.iter().find(|rule| rule.permission == permission) {
            Some(rule) => leaving.push(rule.id.clone()),
            None if in_default_vpc => unknown.push((permission, description)),
            None => return Err(errors::no_rule()),
        }
    }
    Ok((leaving, unknown))
}

fn by_id(rules: &[Rule], ids: &[&str]) -> Result<Vec<String>, ApiError> {
    ids.iter()
        .map(|id| find_id(rules, id).map(|rule| rule.id.clone()))
        .collect()
}

/// The rule with this id.
pub(super) fn find_id<'a>(rules: &'a [Rule], id: &str) -> Result<&'a Rule, ApiError> {
    if !input::well_formed(id, "sgr-") {
        return Err(errors::malformed_rule_id(id));
    }
    rules
        .iter()
        .find(|rule| rule.id == id)
        .ok_or_else(|| errors::no_rule_id(id))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, &["group-id", "security-group-rule-id"])?;
    for filter in input::list(request, "Filter")? {
        let groups = match input::text(filter, "Name")? {
            Some("group-id") => input::texts(filter, "Value")?,
            _ => continue,
        };
        // Wildcards are for the filter to read.
        let odd = |id: &&str| !id.starts_with("sg-") && !id.contains(['*', '?']);
        if let Some(id) = groups.into_iter().find(odd) {
            return Err(errors::malformed_group_filter(id));
        }
    }
    let page = Page::parse(request, 1000)?;
    let ids = input::texts(request, "SecurityGroupRuleId")?;
    let all = || {
        state.groups.values().flat_map(|group| {
            let ingress = group.ingress.iter().map(move |rule| (group, rule, false));
            ingress.chain(group.egress.iter().map(move |rule| (group, rule, true)))
        })
    };
    for id in &ids {
        if !input::well_formed(id, "sgr-") {
            return Err(errors::malformed_rule_id(id));
        }
        if !all().any(|(_, rule, _)| rule.id == *id) {
            return Err(errors::no_rule_id(id));
        }
    }
    let mut rows: Vec<(String, Value)> = all()
        .filter(|(_, rule, _)| ids.is_empty() || ids.contains(&rule.id.as_str()))
        .filter(|(group, rule, _)| {
            filters.match_resource(&rule.tags, |name| match name {
                "group-id" => vec![group.id.clone()],
                "security-group-rule-id" => vec![rule.id.clone()],
                _ => Vec::new(),
            })
        })
        .map(|(group, rule, egress)| (rule.id.clone(), rule.describe(state, group, egress)))
        .collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(page.cut("securityGroupRuleSet", rows.into_iter()))
}
