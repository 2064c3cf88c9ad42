//! Route tables and which subnets they serve.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net};
use serde_json::{Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::State;
use super::vpcs::Vpc;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::hex_id;

pub(super) const DESCRIBE: &[&str] = &["Filter", "MaxResults", "NextToken", "RouteTableId"];

const FILTERS: &[&str] = &[
    "association.gateway-id",
    "association.main",
    "association.route-table-association-id",
    "association.route-table-id",
    "association.subnet-id",
    "owner-id",
    "route-table-id",
    "route.destination-cidr-block",
    "route.destination-ipv6-cidr-block",
    "route.gateway-id",
    "route.origin",
    "route.state",
    "tag-key",
    "vpc-id",
];

/// A route table.
#[derive(Debug, Clone)]
pub(super) struct RouteTable {
    /// `rtb-…`
    pub(super) id: String,
    pub(super) vpc_id: String,
    /// The id of the association with the VPC itself, in the main table.
    pub(super) main: Option<String>,
    /// Subnets by the ids of their associations.
    pub(super) associations: BTreeMap<String, String>,
    /// The VPC's own range, which is always routed.
    pub(super) local: Ipv4Net,
    /// Gateways by destination.
    pub(super) routes: Vec<(IpNet, String)>,
    token: Option<String>,
    pub(super) tags: Tags,
}

impl RouteTable {
    fn new(vpc: &Vpc) -> Self {
        Self {
            id: hex_id("rtb-", 17),
            vpc_id: vpc.id.clone(),
            main: None,
            associations: BTreeMap::new(),
            local: vpc.range,
            routes: Vec::new(),
            token: None,
            tags: Tags::new(),
        }
    }

    /// The table that serves every subnet that has no other.
    pub(super) fn main_of(vpc: &Vpc) -> Self {
        Self {
            main: Some(hex_id("rtbassoc-", 17)),
            ..Self::new(vpc)
        }
    }

    /// Routes everything to a gateway.
    pub(super) fn add_default_route(&mut self, gateway_id: &str) {
        let everywhere = IpNet::V4(Ipv4Net::default());
        self.routes.push((everywhere, gateway_id.to_owned()));
    }

    fn route_state(&self, state: &State, gateway_id: &str) -> &'static str {
        let gateway = state.gateways.get(gateway_id);
        if gateway.is_some_and(|gateway| gateway.vpc_id.as_ref() == Some(&self.vpc_id)) {
            "active"
        } else {
            "blackhole"
        }
    }

    fn describe(&self, state: &State) -> Value {
        let association = |id: &str| {
            json!({
                "routeTableAssociationId": id,
                "routeTableId": self.id,
                "main": false,
                "associationState": {"state": "associated"},
            })
        };
        let mut associations = Vec::new();
        if let Some(id) = &self.main {
            let mut main = association(id);
            main["main"] = json!(true);
            associations.push(main);
        }
        for (id, subnet) in &self.associations {
            let mut explicit = association(id);
            explicit["subnetId"] = json!(subnet);
            associations.push(explicit);
        }
        let mut routes = vec![json!({
            "destinationCidrBlock": self.local.to_string(),
            "gatewayId": "local",
            "origin": "CreateRouteTable",
            "state": "active",
        })];
        for (destination, gateway) in &self.routes {
            let name = match destination {
                IpNet::V4(_) => "destinationCidrBlock",
                IpNet::V6(_) => "destinationIpv6CidrBlock",
            };
            routes.push(json!({
                name: destination.to_string(),
                "gatewayId": gateway,
                "origin": "CreateRoute",
                "state": self.route_state(state, gateway),
            }));
        }
        json!({
            "routeTableId": self.id,
            "vpcId": self.vpc_id,
            "ownerId": state.place.account.as_str(),
            "associationSet": associations,
            "routeSet": routes,
            "propagatingVgwSet": [],
            "tagSet": input::tag_set(&self.tags),
        })
    }
}

/// Creates a table. The same `ClientToken` again answers with the table that the first call made.
pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let vpc = state.vpc(input::require(request, "VpcId")?)?;
    let token = input::text(request, "ClientToken")?.map(str::to_owned);
    let made = state
        .route_tables
        .values()
        .find(|table| token.is_some() && table.token == token);
    if let Some(table) = made {
        return Ok(json!({"routeTable": table.describe(state), "clientToken": token}));
    }
    let table = RouteTable {
        token: token.clone(),
        tags: input::tag_specification(request, "route-table")?,
        ..RouteTable::new(vpc)
    };
    let answer = json!({"routeTable": table.describe(state), "clientToken": token});
    state.route_tables.insert(table.id.clone(), table);
    Ok(answer)
}

pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "RouteTableId")?;
    match state.route_tables.get(id) {
        None => return Err(errors::no_route_table(id)),
        Some(table) if table.main.is_some() || !table.associations.is_empty() => {
            return Err(errors::dependency("routeTable", id));
        }
        Some(_) => state.route_tables.remove(id),
    };
    Ok(json!({"return": true}))
}

pub(super) fn associate(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "RouteTableId")?;
    let subnet_id = input::require(request, "SubnetId")?;
    let Some(subnet) = state.subnets.get(subnet_id) else {
        return Err(errors::no_subnet(subnet_id));
    };
    let Some(table) = state.route_tables.get(id) else {
        return Err(errors::no_route_table(id));
    };
    if table.vpc_id != subnet.vpc_id {
        return Err(errors::value(format!(
            "route table {id} and subnet {subnet_id} belong to different networks"
        )));
    }
    let mut present = state.route_tables.values().flat_map(|table| {
        let pairs = table.associations.iter();
        pairs.map(move |(association, subnet)| (table, association, subnet))
    });
    if let Some((table, association, _)) = present.find(|(_, _, subnet)| *subnet == subnet_id) {
        if table.id == id {
            return Ok(associated(association));
        }
        return Err(ApiError::bad(
            "Resource.AlreadyAssociated",
            format!(
                "the specified association for route table {id} conflicts with an existing association"
            ),
        ));
    }
    let association = hex_id("rtbassoc-", 17);
    let answer = associated(&association);
    if let Some(table) = state.route_tables.get_mut(id) {
        table.associations.insert(association, subnet_id.to_owned());
    }
    Ok(answer)
}

fn associated(id: &str) -> Value {
    json!({"associationId": id, "associationState": {"state": "associated"}})
}

/// The table and the subnet of an association.
pub(super) fn ends<'s>(state: &'s State, association: &str) -> Option<(&'s str, &'s str)> {
    state.route_tables.values().find_map(|table| {
        let subnet = table.associations.get(association)?;
        Some((table.id.as_str(), subnet.as_str()))
    })
}

pub(super) fn disassociate(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "AssociationId")?;
    if state
        .route_tables
        .values()
        .any(|table| table.main.as_deref() == Some(id))
    {
        return Err(errors::value(format!(
            "cannot disassociate the main route table association {id}"
        )));
    }
    let mut tables = state.route_tables.values_mut();
    if !tables.any(|table| table.associations.remove(id).is_some()) {
        return Err(ApiError::bad(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        ));
    }
    Ok(json!({"return": true}))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 100)?;
    let ids = input::texts(request, "RouteTableId")?;
    if let Some(id) = ids.iter().find(|id| !state.route_tables.contains_key(**id)) {
        return Err(errors::no_route_table(id));
    }
    let rows = state
        .route_tables
        .values()
        .filter(|table| ids.is_empty() || ids.contains(&table.id.as_str()))
        .filter_map(|table| {
            let shown = table.describe(state);
            let wanted = filters.match_resource(&table.tags, |name| filter_values(&shown, name));
            wanted.then(|| (table.id.clone(), shown))
        });
    Ok(page.cut("routeTableSet", rows))
}

/// Reads a filter's values out of the description that the client would see.
fn filter_values(shown: &Value, name: &str) -> Vec<String> {
    let (list, member) = match name {
        "association.gateway-id" => ("associationSet", "gatewayId"),
        "association.main" => ("associationSet", "main"),
        "association.route-table-association-id" => ("associationSet", "routeTableAssociationId"),
        "association.route-table-id" => ("associationSet", "routeTableId"),
        "association.subnet-id" => ("associationSet", "subnetId"),
        "route.destination-cidr-block" => ("routeSet", "destinationCidrBlock"),
        "route.destination-ipv6-cidr-block" => ("routeSet", "destinationIpv6CidrBlock"),
        "route.gateway-id" => ("routeSet", "gatewayId"),
        "route.origin" => ("routeSet", "origin"),
        "route.state" => ("routeSet", "state"),
        "owner-id" => ("", "ownerId"),
        "route-table-id" => ("", "routeTableId"),
        "vpc-id" => ("", "vpcId"),
        _ => return Vec::new(),
    };
    let text = |value: &Value| match value.field(member)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    if list.is_empty() {
        text(shown).into_iter().collect()
    } else {
        shown.list(list).iter().filter_map(text).collect()
    }
}
