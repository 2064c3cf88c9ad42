//! Subnets.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::{Place, State};
use super::vpcs::parse_range;
use super::{errors, places};
use crate::error::ApiError;
use crate::ids::hex_id;

pub(super) const CREATE: &[&str] = &[
    "AvailabilityZone",
    "AvailabilityZoneId",
    "CidrBlock",
    "TagSpecification",
    "VpcId",
];
pub(super) const DESCRIBE: &[&str] = &["Filter", "MaxResults", "NextToken", "SubnetId"];

const FILTERS: &[&str] = &[
    "availability-zone",
    "availability-zone-id",
    "availabilityZone",
    "availabilityZoneId",
    "available-ip-address-count",
    "cidr",
    "cidr-block",
    "cidrBlock",
    "default-for-az",
    "defaultForAz",
    "ipv6-cidr-block-association.association-id",
    "ipv6-cidr-block-association.ipv6-cidr-block",
    "ipv6-cidr-block-association.state",
    "ipv6-native",
    "map-public-ip-on-launch",
    "owner-id",
    "state",
    "subnet-arn",
    "subnet-id",
    "tag-key",
    "vpc-id",
];

/// Addresses of every subnet that AWS keeps for itself.
const RESERVED_ADDRESSES: u64 = 5;

/// A subnet.
#[derive(Debug, Clone)]
pub(super) struct Subnet {
    /// `subnet-…`
    pub(super) id: String,
    pub(super) vpc_id: String,
    range: Ipv4Net,
    /// The letter at the end of the zone's name.
    zone: char,
    is_default: bool,
    public_addresses: bool,
    pub(super) tags: Tags,
}

impl Subnet {
    /// One of the default VPC's.
    pub(super) fn default_in(vpc_id: &str, zone: char, range: Ipv4Net) -> Self {
        Self {
            id: hex_id("subnet-", 17),
            vpc_id: vpc_id.to_owned(),
            range,
            zone,
            is_default: true,
            public_addresses: true,
            tags: Tags::new(),
        }
    }

    /// How many addresses are free: all, as nothing here takes one.
    fn free_addresses(&self) -> u64 {
        (1_u64 << (32 - self.range.prefix_len())).saturating_sub(RESERVED_ADDRESSES)
    }

    fn describe(&self, place: &Place) -> Value {
        json!({
            "subnetId": self.id,
            "subnetArn": place.arn("subnet", &self.id),
            "state": "available",
            "ownerId": place.account.as_str(),
            "vpcId": self.vpc_id,
            "cidrBlock": self.range.to_string(),
            "ipv6CidrBlockAssociationSet": [],
            "assignIpv6AddressOnCreation": false,
            "availableIpAddressCount": self.free_addresses(),
            "availabilityZone": places::zone_name(&place.region, self.zone),
            "availabilityZoneId": places::zone_id(&place.region, self.zone),
            "defaultForAz": self.is_default,
            "mapPublicIpOnLaunch": self.public_addresses,
            "mapCustomerOwnedIpOnLaunch": false,
            "enableDns64": false,
            "ipv6Native": false,
            "privateDnsNameOptionsOnLaunch": {
                "hostnameType": "ip-name",
                "enableResourceNameDnsARecord": false,
                "enableResourceNameDnsAAAARecord": false,
            },
            "tagSet": input::tag_set_if_any(&self.tags),
        })
    }
}

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let vpc = state.vpc(input::require(request, "VpcId")?)?;
    let text = input::require(request, "CidrBlock")?;
    let range = parse_range(text)?;
    let fits = (16..=28).contains(&range.prefix_len()) && vpc.range.contains(&range);
    if !fits {
        return Err(ApiError::bad(
            "InvalidSubnet.Range",
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    let clashes = state.subnets.values().any(|other| {
        other.vpc_id == vpc.id && (other.range.contains(&range) || range.contains(&other.range))
    });
    if clashes {
        return Err(ApiError::bad(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{text}' conflicts with another subnet"),
        ));
    }
    let subnet = Subnet {
        id: hex_id("subnet-", 17),
        vpc_id: vpc.id.clone(),
        range,
        zone: zone(state, request)?,
        is_default: false,
        public_addresses: false,
        tags: input::tag_specification(request, "subnet")?,
    };
    let answer = json!({"subnet": subnet.describe(&state.place)});
    state.subnets.insert(subnet.id.clone(), subnet);
    Ok(answer)
}

/// The zone that a request asks for by name or by id; any when it asks for none.
fn zone(state: &State, request: &Value) -> Result<char, ApiError> {
    let region = &state.place.region;
    let name = input::text(request, "AvailabilityZone")?.filter(|name| !name.is_empty());
    let id = input::text(request, "AvailabilityZoneId")?.filter(|id| !id.is_empty());
    let mut zones = places::zone_letters(region);
    let found = match (name, id) {
        (None, None) => zones.next(),
        (Some(name), None) => zones.find(|zone| places::zone_name(region, *zone) == name),
        (None, Some(id)) => zones.find(|zone| places::zone_id(region, *zone) == id),
        (Some(_), Some(_)) => {
            return Err(errors::combination(
                "The parameter availabilityZoneId cannot be used with the parameter availabilityZone",
            ));
        }
    };
    found.ok_or_else(|| {
        let names: Vec<String> = places::zone_letters(region)
            .map(|zone| places::zone_name(region, zone))
            .collect();
        let asked = name.or(id).unwrap_or_default();
        errors::value(format!(
            "Value ({asked}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
            names.join(", ")
        ))
    })
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 1000)?;
    let ids = input::texts(request, "SubnetId")?;
    if let Some(id) = ids.iter().find(|id| !state.subnets.contains_key(**id)) {
        return Err(errors::no_subnet(id));
    }
    let place = &state.place;
    let values = |subnet: &Subnet, name: &str| -> Vec<String> {
        vec![match name {
            "availability-zone" | "availabilityZone" => {
                places::zone_name(&place.region, subnet.zone)
            }
            "availability-zone-id" | "availabilityZoneId" => {
                places::zone_id(&place.region, subnet.zone)
            }
            "available-ip-address-count" => subnet.free_addresses().to_string(),
            "cidr" | "cidr-block" | "cidrBlock" => subnet.range.to_string(),
            "default-for-az" | "defaultForAz" => subnet.is_default.to_string(),
            "ipv6-native" => false.to_string(),
            "map-public-ip-on-launch" => subnet.public_addresses.to_string(),
            "owner-id" => place.account.to_string(),
            "state" => "available".to_owned(),
            "subnet-arn" => place.arn("subnet", &subnet.id),
            "subnet-id" => subnet.id.clone(),
            "vpc-id" => subnet.vpc_id.clone(),
            // No subnet here has an IPv6 range.
            _ => return Vec::new(),
        }]
    };
    let rows = state
        .subnets
        .values()
        .filter(|subnet| ids.is_empty() || ids.contains(&subnet.id.as_str()))
        .filter(|subnet| filters.match_resource(&subnet.tags, |name| values(subnet, name)))
        .map(|subnet| (subnet.id.clone(), subnet.describe(place)));
    Ok(page.cut("subnetSet", rows))
}

/// Deletes a subnet; its association with a route table goes with it.
pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "SubnetId")?;
    if state.subnets.remove(id).is_none() {
        return Err(errors::no_subnet(id));
    }
    for table in state.route_tables.values_mut() {
        table.associations.retain(|_, subnet| subnet != id);
    }
    Ok(json!({"return": true}))
}

pub(super) fn modify(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "SubnetId")?;
    let public = input::attribute(request, "MapPublicIpOnLaunch")?;
    let Some(subnet) = state.subnets.get_mut(id) else {
        return Err(errors::no_subnet(id));
    };
    subnet.public_addresses = public.ok_or_else(|| errors::missing("attribute"))?;
    Ok(json!({"return": true}))
}
