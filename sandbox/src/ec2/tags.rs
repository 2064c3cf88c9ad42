//! Tags of everything that has some.

use serde_json::{Value, json};

use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::State;
use super::{errors, prefix_lists};
use crate::config::Change;
use crate::error::ApiError;

/// Every tagged thing: id, type as `DescribeTags` names it, tags.
fn tagged(state: &State) -> impl Iterator<Item = (&str, &'static str, &Tags)> {
    let vpcs = state
        .vpcs
        .values()
        .map(|each| (each.id.as_str(), "vpc", &each.tags));
    let subnets = state
        .subnets
        .values()
        .map(|each| (each.id.as_str(), "subnet", &each.tags));
    let gateways = state
        .gateways
        .values()
        .map(|each| (each.id.as_str(), "internet-gateway", &each.tags));
    let tables = state
        .route_tables
        .values()
        .map(|each| (each.id.as_str(), "route-table", &each.tags));
    let groups = state
        .groups
        .values()
        .map(|each| (each.id.as_str(), "security-group", &each.tags));
    let rules = state
        .groups
        .values()
        .flat_map(|group| group.ingress.iter().chain(&group.egress))
        .map(|each| (each.id.as_str(), "security-group-rule", &each.tags));
    let peerings = state
        .peering_tags
        .iter()
        .map(|(id, tags)| (id.as_str(), "vpc-peering-connection", tags));
    let lists = state
        .prefix_lists
        .values()
        .map(|each| (each.id.as_str(), "prefix-list", &each.tags));
    vpcs.chain(subnets)
        .chain(lists)
        .chain(peerings)
        .chain(gateways)
        .chain(tables)
        .chain(groups)
        .chain(rules)
}

fn tags_mut<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Tags> {
    if id.starts_with("sgr-") {
        let mut rules = state
            .groups
            .values_mut()
            .flat_map(|group| group.ingress.iter_mut().chain(&mut group.egress));
        return rules.find(|rule| rule.id == id).map(|rule| &mut rule.tags);
    }
    match id.split_once('-')?.0 {
        "vpc" => state.vpcs.get_mut(id).map(|each| &mut each.tags),
        "subnet" => state.subnets.get_mut(id).map(|each| &mut each.tags),
        "igw" => state.gateways.get_mut(id).map(|each| &mut each.tags),
        "rtb" => state.route_tables.get_mut(id).map(|each| &mut each.tags),
        "sg" => state.groups.get_mut(id).map(|each| &mut each.tags),
        "pl" => state.prefix_lists.get_mut(id).map(|each| &mut each.tags),
        "pcx" => {
            let place = &state.place;
            let registry = place.networks.lock();
            let seen = registry
                .peering(id)
                .is_some_and(|peering| peering.concerns(&place.account, &place.region));
            drop(registry);
            seen.then(|| state.peering_tags.entry(id.to_owned()).or_default())
        }
        _ => None,
    }
}

fn unknown(id: &str) -> ApiError {
    match id.split_once('-').map(|(kind, _)| kind) {
        Some("vpc") => errors::no_vpc(id),
        Some("subnet") => errors::no_subnet(id),
        Some("igw") => errors::no_gateway(id),
        Some("rtb") => errors::no_route_table(id),
        Some("sg") => errors::no_group(id),
        Some("sgr") => errors::no_rule_id(id),
        Some("pl") => prefix_lists::not_found(id),
        Some("pcx") => errors::no_peering(id),
        _ => ApiError::bad("InvalidID", format!("The ID '{id}' is not valid")),
    }
}

/// The new tags of each resource, all or nothing; groups whose tags really change are reported.
fn apply(
    state: &mut State,
    request: &Value,
    change: impl Fn(&mut Tags),
) -> Result<Value, ApiError> {
    let mut ids = input::texts(request, "ResourceId")?;
    if ids.is_empty() {
        return Err(errors::missing("resourceIdSet"));
    }
    ids.sort_unstable();
    ids.dedup();
    let mut changed = Vec::new();
    for id in ids {
        let old = tags_mut(state, id).ok_or_else(|| unknown(id))?;
        let mut new = old.clone();
        change(&mut new);
        input::check_count(&new)?;
        if new != *old {
            changed.push((id, new));
        }
    }
    for (id, new) in changed {
        if let Some(tags) = tags_mut(state, id) {
            *tags = new;
        }
        state.changed(Change::Modified, id);
    }
    Ok(json!({"return": true}))
}

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let pairs = input::pairs(request, "Tag")?;
    if pairs.is_empty() {
        return Err(errors::missing("tagSet"));
    }
    apply(state, request, |tags| {
        for (key, value) in &pairs {
            tags.insert(key.clone(), value.clone().unwrap_or_default());
        }
    })
}

/// Without tags: all of the user's. A tag with a value goes only if the value is that one.
pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let pairs = input::pairs(request, "Tag")?;
    apply(state, request, |tags| {
        tags.retain(|key, value| {
            if pairs.is_empty() {
                return key.starts_with("aws:");
            }
            let named = |(wanted, only): &(String, Option<String>)| {
                wanted == key && only.as_ref().is_none_or(|only| only == value)
            };
            !pairs.iter().any(named)
        });
    })
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, &["key", "resource-id", "resource-type", "value"])?;
    let page = Page::parse(request, 1000)?;
    let mut rows = Vec::new();
    for (id, kind, tags) in tagged(state) {
        for (key, value) in tags {
            let alone = Tags::from([(key.clone(), value.clone())]);
            let wanted = filters.match_resource(&alone, |name| {
                vec![match name {
                    "key" => key.clone(),
                    "resource-id" => id.to_owned(),
                    "resource-type" => kind.to_owned(),
                    "value" => value.clone(),
                    _ => return Vec::new(),
                }]
            });
            if wanted {
                let row =
                    json!({"key": key, "resourceId": id, "resourceType": kind, "value": value});
                rows.push((format!("{id} {key}"), row));
            }
        }
    }
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(page.cut("tagSet", rows.into_iter()))
}
