//! Rules that lead nowhere any more: their group belongs to a peer, and the connection or the group is gone.

use serde_json::{Value, json};

use super::errors;
use super::filter::Page;
use super::group::{SecurityGroup, describe_loose};
use super::input;
use super::rule::{Described, Rule, Source};
use super::state::State;
use crate::error::ApiError;

pub(super) const DESCRIBE: &[&str] = &["MaxResults", "NextToken", "VpcId"];

/// The groups of a VPC that have stale rules, with these. What a rule has besides its reference to a
/// group is of no interest here, and EC2's structure has no place for it.
pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let vpc_id = input::require(request, "VpcId")?;
    if !state.vpcs.contains_key(vpc_id) {
        return Err(errors::no_vpc(vpc_id));
    }
    let page = Page::parse(request, 255)?;
    let groups = state.groups.values().filter(|group| group.vpc_id == vpc_id);
    let rows = groups.filter_map(|group| Some((group.id.clone(), shown(state, group)?)));
    Ok(page.cut("staleSecurityGroupSet", rows))
}

fn shown(state: &State, group: &SecurityGroup) -> Option<Value> {
    let stale = |rules: &[Rule]| -> Vec<Described> {
        let rules = rules.iter().filter(|rule| is_stale(state, group, rule));
        rules
            .map(|rule| (rule.permission.clone(), rule.description.clone()))
            .collect()
    };
    let (ingress, egress) = (stale(&group.ingress), stale(&group.egress));
    if ingress.is_empty() && egress.is_empty() {
        return None;
    }
    let permissions = |rules: &[Described]| {
        let mut shown = describe_loose(rules, &state.place, &group.vpc_id);
        for permission in shown.as_array_mut().into_iter().flatten() {
            if let Value::Object(members) = permission {
                members.remove("ipv6Ranges");
            }
        }
        shown
    };
    Some(json!({
        "groupId": group.id,
        "groupName": group.name,
        "description": group.description,
        "vpcId": group.vpc_id,
        "staleIpPermissions": permissions(&ingress),
        "staleIpPermissionsEgress": permissions(&egress),
    }))
}

/// References within a VPC cannot become stale: what is referred to there cannot be deleted.
fn is_stale(state: &State, group: &SecurityGroup, rule: &Rule) -> bool {
    match &rule.permission.source {
        Source::Group(other) => {
            other.vpc_id != group.vpc_id
                && !(state.place.networks.lock()).reaches(&group.vpc_id, &other.id)
        }
        Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) => false,
    }
}
