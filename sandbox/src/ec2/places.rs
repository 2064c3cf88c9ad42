//! Regions, zones, account attributes; and network interfaces, of which there are none.

use serde_json::{Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::State;
use crate::error::ApiError;
use crate::ids::Region;

pub(super) const ZONES: &[&str] = &["AllAvailabilityZones", "Filter", "ZoneId", "ZoneName"];
pub(super) const INTERFACES: &[&str] = &["Filter", "MaxResults", "NetworkInterfaceId", "NextToken"];

const ZONE_FILTERS: &[&str] = &[
    "group-name",
    "message",
    "opt-in-status",
    "parent-zone-id",
    "parent-zone-name",
    "region-name",
    "state",
    "zone-id",
    "zone-name",
    "zone-type",
];

const INTERFACE_FILTERS: &[&str] = &[
    "addresses.association.owner-id",
    "addresses.association.public-ip",
    "addresses.primary",
    "addresses.private-ip-address",
    "association.allocation-id",
    "association.association-id",
    "association.ip-owner-id",
    "association.public-dns-name",
    "association.public-ip",
    "attachment.attach-time",
    "attachment.attachment-id",
    "attachment.delete-on-termination",
    "attachment.device-index",
    "attachment.instance-id",
    "attachment.instance-owner-id",
    "attachment.status",
    "availability-zone",
    "availability-zone-id",
    "description",
    "group-id",
    "interface-type",
    "ipv6-addresses.ipv6-address",
    "mac-address",
    "network-interface-id",
    "operator.managed",
    "operator.principal",
    "owner-id",
    "private-dns-name",
    "private-ip-address",
    "requester-id",
    "requester-managed",
    "source-dest-check",
    "status",
    "subnet-id",
    "tag-key",
    "vpc-id",
];

/// Regions that an account must opt in to; the others are always on.
const OPT_IN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

/// The letters of a region's zones: every region has three or more, and the lab needs no more.
pub(super) fn zone_letters(region: &Region) -> impl Iterator<Item = char> + use<> {
    if region.as_str() == "us-east-1" {
        'a'..='f'
    } else {
        'a'..='c'
    }
}

pub(super) fn zone_name(region: &Region, zone: char) -> String {
    format!("{region}{zone}")
}

/// For example `use1-az1`. AWS shuffles letters and ids for each account; here they go in step.
pub(super) fn zone_id(region: &Region, zone: char) -> String {
    let mut short = String::new();
    for (at, part) in region.as_str().split('-').enumerate() {
        match part {
            _ if at == 0 => short.push_str(part),
            "gov" => short.push('g'),
            "northeast" => short.push_str("ne"),
            "northwest" => short.push_str("nw"),
            "southeast" => short.push_str("se"),
            "southwest" => short.push_str("sw"),
            other => short.extend(other.chars().next()),
        }
    }
    let number = u32::from(zone) - u32::from('a') + 1;
    format!("{short}-az{number}")
}

fn opt_in_status(region: &Region) -> &'static str {
    if OPT_IN.contains(&region.as_str()) {
        "opted-in"
    } else {
        "opt-in-not-required"
    }
}

/// The regions of the called partition. An account of the sandbox has opted in to all of them, so
/// `AllRegions` adds none.
pub(super) fn regions(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, &["endpoint", "opt-in-status", "region-name"])?;
    input::flag(request, "AllRegions")?;
    let partition = state.place.region.partition();
    let here = || Region::all().filter(|region| region.partition() == partition);
    let names = input::texts(request, "RegionName")?;
    if let Some(name) = names
        .iter()
        .find(|name| here().all(|region| region.as_str() != **name))
    {
        return Err(errors::value(format!("Invalid region names: [{name}]")));
    }
    let endpoint = |region: &Region| format!("ec2.{region}.{}", region.url_suffix());
    let rows: Value = here()
        .filter(|region| names.is_empty() || names.contains(&region.as_str()))
        .filter(|region| {
            filters.match_resource(&Tags::new(), |name| match name {
                "endpoint" => vec![endpoint(region)],
                "opt-in-status" => vec![opt_in_status(region).to_owned()],
                "region-name" => vec![region.to_string()],
                _ => Vec::new(),
            })
        })
        .map(|region| {
            json!({
                "regionName": region.as_str(),
                "regionEndpoint": endpoint(&region),
                "optInStatus": opt_in_status(&region),
            })
        })
        .collect();
    Ok(json!({"regionInfo": rows}))
}

pub(super) fn zones(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, ZONE_FILTERS)?;
    input::flag(request, "AllAvailabilityZones")?;
    let region = &state.place.region;
    let names = input::texts(request, "ZoneName")?;
    let ids = input::texts(request, "ZoneId")?;
    let known = |asked: &str, of: fn(&Region, char) -> String| {
        zone_letters(region).any(|zone| of(region, zone) == asked)
    };
    if let Some(name) = names.iter().find(|name| !known(name, zone_name)) {
        return Err(errors::value(format!(
            "Invalid availability zone: [{name}]"
        )));
    }
    if let Some(id) = ids.iter().find(|id| !known(id, zone_id)) {
        return Err(errors::value(format!(
            "Invalid availability zone-id: [{id}]"
        )));
    }
    let rows: Value = zone_letters(region)
        .map(|zone| (zone_name(region, zone), zone_id(region, zone)))
        .filter(|(name, id)| {
            (names.is_empty() && ids.is_empty())
                || names.contains(&name.as_str())
                || ids.contains(&id.as_str())
        })
        .filter(|(zone, id)| {
            filters.match_resource(&Tags::new(), |name| match name {
                "group-name" | "region-name" => vec![region.to_string()],
                "opt-in-status" => vec!["opt-in-not-required".to_owned()],
                "state" => vec!["available".to_owned()],
                "zone-id" => vec![id.clone()],
                "zone-name" => vec![zone.clone()],
                "zone-type" => vec!["availability-zone".to_owned()],
                // Zones here have no parents and no messages.
                _ => Vec::new(),
            })
        })
        .map(|(name, id)| {
            json!({
                "zoneName": name,
                "zoneId": id,
                "zoneState": "available",
                "zoneType": "availability-zone",
                "regionName": region.as_str(),
                "groupName": region.as_str(),
                "networkBorderGroup": region.as_str(),
                "optInStatus": "opt-in-not-required",
                "messageSet": [],
            })
        })
        .collect();
    Ok(json!({"availabilityZoneInfo": rows}))
}

pub(super) fn account_attributes(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let default_vpc = state.default_vpc().map_or("none", |vpc| vpc.id.as_str());
    let attributes = [
        ("default-vpc", default_vpc),
        ("max-elastic-ips", "5"),
        ("max-instances", "20"),
        ("supported-platforms", "VPC"),
        ("vpc-max-elastic-ips", "5"),
        ("vpc-max-security-groups-per-interface", "5"),
    ];
    let names = input::texts(request, "AttributeName")?;
    if let Some(name) = names
        .iter()
        .find(|name| attributes.iter().all(|(known, _)| known != *name))
    {
        return Err(errors::value(format!(
            "Value ({name}) for parameter attributeName is invalid. Unknown attribute."
        )));
    }
    let rows: Value = attributes
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .map(|(name, value)| {
            json!({"attributeName": name, "attributeValueSet": [{"attributeValue": value}]})
        })
        .collect();
    Ok(json!({"accountAttributeSet": rows}))
}

/// Nothing in the sandbox has a network interface, so the list is empty whatever the filters are.
pub(super) fn interfaces(_state: &mut State, request: &Value) -> Result<Value, ApiError> {
    Filters::parse(request, INTERFACE_FILTERS)?;
    let page = Page::parse(request, 1000)?;
    if let Some(id) = input::texts(request, "NetworkInterfaceId")?.first() {
        return Err(ApiError::bad(
            "InvalidNetworkInterfaceID.NotFound",
            format!("The networkInterface ID '{id}' does not exist"),
        ));
    }
    Ok(page.cut("networkInterfaceSet", std::iter::empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_abbreviate_the_region() {
        let id = |name: &str| Region::parse(name).map(|region| zone_id(&region, 'b'));
        assert_eq!(id("us-east-1").as_deref(), Some("use1-az2"));
        assert_eq!(id("ap-northeast-1").as_deref(), Some("apne1-az2"));
        assert_eq!(id("us-gov-west-1").as_deref(), Some("usgw1-az2"));
        assert_eq!(id("eu-central-2").as_deref(), Some("euc2-az2"));
    }
}
