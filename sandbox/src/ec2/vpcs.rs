//! VPCs.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::networks::Status;
use super::state::State;
use crate::error::ApiError;
use crate::ids::hex_id;

pub(super) const CREATE: &[&str] = &[
    "AmazonProvidedIpv6CidrBlock",
    "CidrBlock",
    "InstanceTenancy",
    "TagSpecification",
];
pub(super) const DESCRIBE: &[&str] = &["Filter", "MaxResults", "NextToken", "VpcId"];
pub(super) const MODIFY: &[&str] = &[
    "EnableDnsHostnames",
    "EnableDnsSupport",
    "EnableNetworkAddressUsageMetrics",
    "VpcId",
];

const FILTERS: &[&str] = &[
    "cidr",
    "cidr-block-association.association-id",
    "cidr-block-association.cidr-block",
    "cidr-block-association.state",
    "dhcp-options-id",
    "ipv6-cidr-block-association.association-id",
    "ipv6-cidr-block-association.ipv6-cidr-block",
    "ipv6-cidr-block-association.ipv6-pool",
    "ipv6-cidr-block-association.state",
    "is-default",
    "isDefault",
    "owner-id",
    "state",
    "tag-key",
    "vpc-id",
];

/// A VPC; it has one IPv4 range.
#[derive(Debug, Clone)]
pub(super) struct Vpc {
    /// `vpc-…`
    pub(super) id: String,
    pub(super) range: Ipv4Net,
    pub(super) is_default: bool,
    tenancy: String,
    association: String,
    dns_support: bool,
    dns_hostnames: bool,
    usage_metrics: bool,
    pub(super) tags: Tags,
}

impl Vpc {
    fn new(range: Ipv4Net, tenancy: &str, tags: Tags) -> Self {
        Self {
            id: hex_id("vpc-", 17),
            range,
            is_default: false,
            tenancy: tenancy.to_owned(),
            association: hex_id("vpc-cidr-assoc-", 17),
            dns_support: true,
            dns_hostnames: false,
            usage_metrics: false,
            tags,
        }
    }

    /// The VPC that every region starts with.
    pub(super) fn default_with(range: Ipv4Net) -> Self {
        Self {
            is_default: true,
            dns_hostnames: true,
            ..Self::new(range, "default", Tags::new())
        }
    }

    fn describe(&self, state: &State, lifecycle: &str) -> Value {
        json!({
            "vpcId": self.id,
            "ownerId": state.place.account.as_str(),
            "state": lifecycle,
            "cidrBlock": self.range.to_string(),
            "cidrBlockAssociationSet": [{
                "associationId": self.association,
                "cidrBlock": self.range.to_string(),
                "cidrBlockState": {"state": "associated"},
            }],
            "dhcpOptionsId": state.dhcp_options,
            "instanceTenancy": self.tenancy,
            "isDefault": self.is_default,
            "tagSet": input::tag_set_if_any(&self.tags),
        })
    }
}

/// An IPv4 range of a network, with its host bits cleared as EC2 does.
pub(super) fn parse_range(text: &str) -> Result<Ipv4Net, ApiError> {
    text.parse::<Ipv4Net>()
        .map(|range| range.trunc())
        .map_err(|_| {
            errors::value(format!(
                "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
            ))
        })
}

/// How many VPCs a region may have, the default one included: AWS's default quota.
pub(crate) const MAX_VPCS: usize = 5;

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let text = input::require(request, "CidrBlock")?;
    let range = parse_range(text)?;
    if !(16..=28).contains(&range.prefix_len()) {
        return Err(ApiError::bad(
            "InvalidVpc.Range",
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    let tenancy = input::text(request, "InstanceTenancy")?.unwrap_or("default");
    if !["default", "dedicated"].contains(&tenancy) {
        return Err(errors::value(format!(
            "Value ({tenancy}) for parameter instanceTenancy is invalid."
        )));
    }
    if input::flag(request, "AmazonProvidedIpv6CidrBlock")? == Some(true) {
        return Err(ApiError::not_implemented("ec2", "CreateVpc with IPv6"));
    }
    if state.vpcs.len() >= MAX_VPCS {
        return Err(errors::too_many("VpcLimitExceeded", "VPCs"));
    }
    let tags = input::tag_specification(request, "vpc")?;
    let id = state.add_vpc(Vpc::new(range, tenancy, tags));
    Ok(json!({"vpc": state.vpc(&id)?.describe(state, "pending")}))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 1000)?;
    let ids = input::texts(request, "VpcId")?;
    for id in &ids {
        state.vpc(id)?;
    }
    let values = |vpc: &Vpc, name: &str| -> Vec<String> {
        match name {
            "cidr" | "cidr-block-association.cidr-block" => vec![vpc.range.to_string()],
            "cidr-block-association.association-id" => vec![vpc.association.clone()],
            "cidr-block-association.state" => vec!["associated".to_owned()],
            "dhcp-options-id" => vec![state.dhcp_options.clone()],
            "is-default" | "isDefault" => vec![vpc.is_default.to_string()],
            "owner-id" => vec![state.place.account.to_string()],
            "state" => vec!["available".to_owned()],
            "vpc-id" => vec![vpc.id.clone()],
            // No VPC here has an IPv6 range.
            _ => Vec::new(),
        }
    };
    let rows = state
        .vpcs
        .values()
        .filter(|vpc| ids.is_empty() || ids.contains(&vpc.id.as_str()))
        .filter(|vpc| filters.match_resource(&vpc.tags, |name| values(vpc, name)))
        .map(|vpc| (vpc.id.clone(), vpc.describe(state, "available")));
    Ok(page.cut("vpcSet", rows))
}

/// Deletes a VPC with what belongs to it alone: its default group and its main route table.
pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = state.vpc(input::require(request, "VpcId")?)?.id.clone();
    let in_use = state.subnets.values().any(|each| each.vpc_id == id)
        || state
            .gateways
            .values()
            .any(|each| each.vpc_id.as_ref() == Some(&id))
        || state
            .route_tables
            .values()
            .any(|each| each.vpc_id == id && each.main.is_none())
        || state
            .groups
            .values()
            .any(|each| each.vpc_id == id && !each.is_default());
    // Somebody who asked to be joined to this VPC must get an answer first.
    let asked = state.place.networks.lock().peerings.iter().any(|each| {
        each.status == Status::Pending
            && each.accepter.vpc_id == id
            && each.requester.owner != state.place.account
    });
    if in_use || asked {
        return Err(errors::dependency("vpc", &id));
    }
    let groups: Vec<String> = state
        .groups
        .values()
        .filter(|group| group.vpc_id == id)
        .map(|group| group.id.clone())
        .collect();
    for group in groups {
        state.remove_group(&group);
    }
    state.route_tables.retain(|_, table| table.vpc_id != id);
    state.vpcs.remove(&id);
    state.place.networks.lock().remove_vpc(&id);
    Ok(json!({"return": true}))
}

/// EC2 changes one attribute a call.
pub(super) fn modify_attribute(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "VpcId")?.to_owned();
    let hostnames = input::attribute(request, "EnableDnsHostnames")?;
    let support = input::attribute(request, "EnableDnsSupport")?;
    let metrics = input::attribute(request, "EnableNetworkAddressUsageMetrics")?;
    let Some(vpc) = state.vpcs.get_mut(&id) else {
        return Err(errors::no_vpc(&id));
    };
    match (hostnames, support, metrics) {
        (Some(on), None, None) => vpc.dns_hostnames = on,
        (None, Some(on), None) => vpc.dns_support = on,
        (None, None, Some(on)) => vpc.usage_metrics = on,
        (None, None, None) => return Err(errors::missing("attribute")),
        _ => {
            return Err(errors::combination(
                "Fields for multiple attribute types specified: enableDnsHostnames, enableDnsSupport, enableNetworkAddressUsageMetrics",
            ));
        }
    }
    Ok(json!({"return": true}))
}

pub(super) fn describe_attribute(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let attribute = input::require(request, "Attribute")?;
    let vpc = state.vpc(input::require(request, "VpcId")?)?;
    let value = match attribute {
        "enableDnsHostnames" => vpc.dns_hostnames,
        "enableDnsSupport" => vpc.dns_support,
        "enableNetworkAddressUsageMetrics" => vpc.usage_metrics,
        other => {
            return Err(errors::value(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    Ok(json!({"vpcId": vpc.id, attribute: {"value": value}}))
}
