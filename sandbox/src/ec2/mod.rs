//! EC2: networks and security groups.
//!
//! Every operation works on the [`State`] alone: it checks everything first, then changes, then notes
//! which groups it changed. So a dry run is the same operation on a copy, and AWS Config hears of
//! exactly the mutations that happened.

use serde_json::Value;

use crate::config::{self, Change, Resource};
use crate::error::ApiError;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

pub(crate) use self::access::required_access;
pub(crate) use self::gateways::MAX_GATEWAYS;
pub(crate) use self::groups::MAX_GROUPS;
pub use self::networks::Networks;
pub(crate) use self::rules::QUOTA as MAX_RULES_PER_GROUP;
pub use self::state::State;
pub(crate) use self::vpcs::MAX_VPCS;

mod access;
mod customer_lists;
mod errors;
mod filter;
mod gateways;
mod group;
mod groups;
mod input;
mod networks;
mod peerings;
mod places;
mod prefix_lists;
mod revisions;
mod route_tables;
mod routes;
mod rule;
mod rules;
mod stale;
mod state;
mod subnets;
mod tags;
mod vpcs;

#[cfg(test)]
mod tests;

/// One operation: changes the state and answers, or refuses and leaves the state as it was.
type Handler = fn(&mut State, &Value) -> Result<Value, ApiError>;

/// Who does the operation `name`, and which parameters it understands.
fn handler(name: &str) -> Option<(Handler, &'static [&'static str])> {
    Some(match name {
        "AcceptVpcPeeringConnection" => (peerings::accept, &["VpcPeeringConnectionId"]),
        "AssociateRouteTable" => (route_tables::associate, &["RouteTableId", "SubnetId"]),
        "AttachInternetGateway" => (gateways::attach, &["InternetGatewayId", "VpcId"]),
        "AuthorizeSecurityGroupEgress" => (rules::authorize_egress, rules::AUTHORIZE_EGRESS),
        "AuthorizeSecurityGroupIngress" => (rules::authorize_ingress, rules::AUTHORIZE_INGRESS),
        "CreateInternetGateway" => (gateways::create, &["TagSpecification"]),
        "CreateManagedPrefixList" => (customer_lists::create, customer_lists::CREATE),
        "CreateRoute" => (routes::create, routes::CREATE),
        "CreateRouteTable" => (
            route_tables::create,
            &["ClientToken", "TagSpecification", "VpcId"],
        ),
        "CreateSecurityGroup" => (groups::create, groups::CREATE),
        "CreateSubnet" => (subnets::create, subnets::CREATE),
        "CreateTags" => (tags::create, &["ResourceId", "Tag"]),
        "CreateVpc" => (vpcs::create, vpcs::CREATE),
        "CreateVpcPeeringConnection" => (peerings::create, peerings::CREATE),
        "DeleteInternetGateway" => (gateways::delete, &["InternetGatewayId"]),
        "DeleteManagedPrefixList" => (customer_lists::delete, &["PrefixListId"]),
        "DeleteRoute" => (routes::delete, routes::DELETE),
        "DeleteRouteTable" => (route_tables::delete, &["RouteTableId"]),
        "DeleteSecurityGroup" => (groups::delete, &["GroupId", "GroupName"]),
        "DeleteSubnet" => (subnets::delete, &["SubnetId"]),
        "DeleteTags" => (tags::delete, &["ResourceId", "Tag"]),
        "DeleteVpc" => (vpcs::delete, &["VpcId"]),
        "DeleteVpcPeeringConnection" => (peerings::delete, &["VpcPeeringConnectionId"]),
        "DescribeAccountAttributes" => (places::account_attributes, &["AttributeName"]),
        "DescribeAvailabilityZones" => (places::zones, places::ZONES),
        "DescribeInternetGateways" => (gateways::describe, gateways::DESCRIBE),
        "DescribeManagedPrefixLists" => (prefix_lists::describe, prefix_lists::DESCRIBE),
        "DescribeNetworkInterfaces" => (places::interfaces, places::INTERFACES),
        "DescribeRegions" => (places::regions, &["AllRegions", "Filter", "RegionName"]),
        "DescribeRouteTables" => (route_tables::describe, route_tables::DESCRIBE),
        "DescribeSecurityGroupRules" => (rules::describe, rules::DESCRIBE),
        "DescribeSecurityGroups" => (groups::describe, groups::DESCRIBE),
        "DescribeStaleSecurityGroups" => (stale::describe, stale::DESCRIBE),
        "DescribeSubnets" => (subnets::describe, subnets::DESCRIBE),
        "DescribeTags" => (tags::describe, &["Filter", "MaxResults", "NextToken"]),
        "DescribeVpcAttribute" => (vpcs::describe_attribute, &["Attribute", "VpcId"]),
        "DescribeVpcs" => (vpcs::describe, vpcs::DESCRIBE),
        "DescribeVpcPeeringConnections" => (peerings::describe, peerings::DESCRIBE),
        "DetachInternetGateway" => (gateways::detach, &["InternetGatewayId", "VpcId"]),
        "DisassociateRouteTable" => (route_tables::disassociate, &["AssociationId"]),
        "GetManagedPrefixListEntries" => (customer_lists::entries, customer_lists::ENTRIES),
        "ModifyManagedPrefixList" => (customer_lists::modify, customer_lists::MODIFY),
        "ModifySecurityGroupRules" => (revisions::modify, &["GroupId", "SecurityGroupRule"]),
        "ModifySubnetAttribute" => (subnets::modify, &["MapPublicIpOnLaunch", "SubnetId"]),
        "ModifyVpcAttribute" => (vpcs::modify_attribute, vpcs::MODIFY),
        "RejectVpcPeeringConnection" => (peerings::reject, &["VpcPeeringConnectionId"]),
        "ReplaceRoute" => (routes::replace, routes::CREATE),
        "RevokeSecurityGroupEgress" => (rules::revoke_egress, rules::REVOKE_EGRESS),
        "RevokeSecurityGroupIngress" => (rules::revoke_ingress, rules::REVOKE_INGRESS),
        "UpdateSecurityGroupRuleDescriptionsEgress" => {
            (revisions::describe_egress, revisions::DESCRIPTIONS)
        }
        "UpdateSecurityGroupRuleDescriptionsIngress" => {
            (revisions::describe_ingress, revisions::DESCRIPTIONS)
        }
        _ => return None,
    })
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let Some((run, parameters)) = handler(&operation.name) else {
        return Err(ApiError::not_implemented("ec2", &operation.name));
    };
    input::only(&operation.name, &operation.input, parameters)?;
    input::reserved_tags(&operation.input, &call.caller)?;
    let dry_run = input::flag(&operation.input, "DryRun")?.unwrap_or(false);
    let state = joined(call);
    if dry_run {
        let mut copy = state.clone();
        copy.place.networks = copy.place.networks.copy();
        run(&mut copy, &operation.input)?;
        return Err(errors::dry_run());
    }
    let answer = run(state, &operation.input);
    let mutations = state.take_mutations();
    let answer = answer?;
    for (change, resource) in mutations {
        config::observe(call, change, resource);
    }
    Ok(answer.into())
}

/// The state of the called account and region, at the present moment, and known to the other accounts.
fn joined<'a>(call: &'a mut Call<'_>) -> &'a mut State {
    let networks = call.sandbox.networks.clone();
    let now = call.now;
    networks.lock().expire(now);
    let state = &mut call.here().ec2;
    state.now = now;
    state.join(networks);
    state
}

/// Every resource here that Config can record, as it is now: what a recorder discovers when it starts.
pub(crate) fn recordable(call: &mut Call<'_>) -> Vec<Resource> {
    let state = joined(call);
    state
        .groups
        .values()
        .map(|group| group.resource(&state.place))
        .collect()
}

/// What one operation did to the groups, in order.
type Mutations = Vec<(Change, Resource)>;
