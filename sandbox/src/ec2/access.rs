//! What callers must be allowed to do: actions, resources and condition keys as the service
//! authorization reference lists them for EC2.

use serde_json::Value;

use super::input::Tags;
use super::state::State;
use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::Call;

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let state = &*super::joined(call);
    let (name, input) = (operation.name.as_str(), &operation.input);
    // Describe operations support neither resources nor conditions on them.
    if name.starts_with("Describe") {
        return vec![Access::anywhere("ec2", name)];
    }
    let mut needed = Vec::new();
    if let Some(kind) = created_kind(name) {
        let mut created = on_any(state, name, kind);
        if let Some(vpc) = input.text("VpcId") {
            created = created.with("ec2:vpc", state.place.arn("vpc", vpc));
        }
        needed.push(with_request_tags(created, input));
    }
    for (parameter, kind) in [
        ("InternetGatewayId", "internet-gateway"),
        ("PrefixListId", "prefix-list"),
        ("RouteTableId", "route-table"),
        ("SubnetId", "subnet"),
        ("VpcId", "vpc"),
        ("VpcPeeringConnectionId", "vpc-peering-connection"),
    ] {
        if let Some(id) = input.text(parameter) {
            needed.push(on(state, name, kind, id));
        }
    }
    // Who accepts a connection must be allowed to use its own VPC for it.
    if let ("AcceptVpcPeeringConnection", Some(id)) = (name, input.text("VpcPeeringConnectionId"))
        && let Some([_, accepter]) = ends(state, id)
    {
        needed.push(on(state, name, "vpc", &accepter));
    }
    if let ("DisassociateRouteTable", Some(id)) = (name, input.text("AssociationId"))
        && let Some((table, subnet)) = super::route_tables::ends(state, id)
    {
        needed.push(on(state, name, "route-table", table));
        needed.push(on(state, name, "subnet", subnet));
    }
    if is_group_operation(name) {
        needed.push(on_group(state, name, input));
    }
    for id in input.texts("ResourceId") {
        needed.push(with_request_tags(on(state, name, kind_of(&id), &id), input));
    }
    for specification in input.list("TagSpecification") {
        let kind = specification.text("ResourceType").unwrap_or("*");
        let tagging = on_any(state, "CreateTags", kind).with("ec2:createaction", name);
        needed.push(with_request_tags(tagging, input));
    }
    if needed.is_empty() {
        needed.push(Access::anywhere("ec2", name));
    }
    needed
}

/// The VPCs of a peering connection that the account sees: the requester's and the accepter's.
fn ends(state: &State, id: &str) -> Option<[String; 2]> {
    let registry = state.place.networks.lock();
    registry
        .peering(id)
        .filter(|peering| peering.concerns(&state.place.account, &state.place.region))
        .map(|peering| [&peering.requester, &peering.accepter].map(|end| end.vpc_id.clone()))
}

fn created_kind(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "CreateInternetGateway" => "internet-gateway",
        "CreateManagedPrefixList" => "prefix-list",
        "CreateRouteTable" => "route-table",
        "CreateSecurityGroup" => "security-group",
        "CreateSubnet" => "subnet",
        "CreateVpc" => "vpc",
        "CreateVpcPeeringConnection" => "vpc-peering-connection",
        _ => return None,
    })
}

fn is_group_operation(operation: &str) -> bool {
    matches!(
        operation,
        "AuthorizeSecurityGroupEgress"
            | "AuthorizeSecurityGroupIngress"
            | "DeleteSecurityGroup"
            | "ModifySecurityGroupRules"
            | "RevokeSecurityGroupEgress"
            | "RevokeSecurityGroupIngress"
            | "UpdateSecurityGroupRuleDescriptionsEgress"
            | "UpdateSecurityGroupRuleDescriptionsIngress"
    )
}

fn kind_of(id: &str) -> &'static str {
    match id.split_once('-').map(|(kind, _)| kind) {
        Some("pl") => "prefix-list",
        Some("pcx") => "vpc-peering-connection",
        Some("igw") => "internet-gateway",
        Some("rtb") => "route-table",
        Some("sg") => "security-group",
        Some("sgr") => "security-group-rule",
        Some("subnet") => "subnet",
        Some("vpc") => "vpc",
        _ => "*",
    }
}

fn on_any(state: &State, operation: &str, kind: &str) -> Access {
    Access::on("ec2", operation, state.place.arn(kind, "*"))
        .with("ec2:region", state.place.region.as_str())
}

/// One existing resource, with the tags and the VPC that it has.
fn on(state: &State, operation: &str, kind: &str, id: &str) -> Access {
    let (vpc, tags) = match kind {
        "internet-gateway" => state
            .gateways
            .get(id)
            .map_or((None, None), |each| (None, Some(&each.tags))),
        "route-table" => state
            .route_tables
            .get(id)
            .map_or((None, None), |each| (Some(&each.vpc_id), Some(&each.tags))),
        "security-group" => state
            .groups
            .get(id)
            .map_or((None, None), |each| (Some(&each.vpc_id), Some(&each.tags))),
        "prefix-list" => state
            .prefix_lists
            .get(id)
            .map_or((None, None), |each| (None, Some(&each.tags))),
        "vpc-peering-connection" => (None, state.peering_tags.get(id)),
        "subnet" => state
            .subnets
            .get(id)
            .map_or((None, None), |each| (Some(&each.vpc_id), Some(&each.tags))),
        "vpc" => state
            .vpcs
            .get(id)
            .map_or((None, None), |each| (None, Some(&each.tags))),
        _ => (None, None),
    };
    let mut access = Access::on("ec2", operation, state.place.arn(kind, id))
        .with("ec2:region", state.place.region.as_str());
    if let Some(vpc) = vpc {
        access = access.with("ec2:vpc", state.place.arn("vpc", vpc));
    }
    with_resource_tags(access, tags)
}

/// The group that a request names, by its id or its name.
fn on_group(state: &State, operation: &str, input: &Value) -> Access {
    let id = match state.group(input) {
        Ok(group) => group.id.clone(),
        // Whether it exists is for those to learn who may touch it, if it did.
        Err(_) => input.text("GroupId").unwrap_or("*").to_owned(),
    };
    on(state, operation, "security-group", &id).with("ec2:securitygroupid", id)
}

fn with_resource_tags(mut access: Access, tags: Option<&Tags>) -> Access {
    for (key, value) in tags.into_iter().flatten() {
        access = access
            .with(&format!("aws:resourcetag/{key}"), value)
            .with(&format!("ec2:resourcetag/{key}"), value);
    }
    access
}

fn with_request_tags(mut access: Access, input: &Value) -> Access {
    let specified = input.list("TagSpecification").iter();
    let lists = specified.map(|each| each.list("Tag"));
    for tag in lists.chain([input.list("Tag")]).flatten() {
        if let Some(key) = tag.text("Key") {
            access = access
                .with(
                    &format!("aws:requesttag/{key}"),
                    tag.text("Value").unwrap_or_default(),
                )
                .with("aws:tagkeys", key);
        }
    }
    access
}
