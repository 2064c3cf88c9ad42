//! The routes in route tables.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

use super::state::State;
use super::{errors, input};
use crate::error::ApiError;

pub(super) const CREATE: &[&str] = &[
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "GatewayId",
    "RouteTableId",
];
pub(super) const DELETE: &[&str] = &[
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "RouteTableId",
];
/// Where a route leads to, with the parameter that says so.
fn destination(request: &Value) -> Result<(IpNet, &'static str), ApiError> {
    let v4 = input::text(request, "DestinationCidrBlock")?;
    let v6 = input::text(request, "DestinationIpv6CidrBlock")?;
    let invalid = |parameter: &str, text: &str| {
        errors::value(format!(
            "Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
        ))
    };
    match (v4, v6) {
        (Some(text), None) => match text.parse::<Ipv4Net>() {
            Ok(net) => Ok((IpNet::V4(net.trunc()), "destination-cidr-block")),
            Err(_) => Err(invalid("destinationCidrBlock", text)),
        },
        (None, Some(text)) => match text.parse::<Ipv6Net>() {
            Ok(net) => Ok((IpNet::V6(net.trunc()), "destination-ipv6-cidr-block")),
            Err(_) => Err(invalid("destinationIpv6CidrBlock", text)),
        },
        (None, None) => Err(errors::missing("destinationCidrBlock")),
        (Some(_), Some(_)) => Err(errors::combination(
            "Specify exactly one of destinationCidrBlock and destinationIpv6CidrBlock",
        )),
    }
}

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "RouteTableId")?;
    let (destination, _) = destination(request)?;
    let gateway = gateway(state, request)?;
    let Some(table) = state.route_tables.get_mut(id) else {
        return Err(errors::no_route_table(id));
    };
    let taken = destination == IpNet::V4(table.local)
        || table.routes.iter().any(|(other, _)| *other == destination);
    if taken {
        return Err(ApiError::bad(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    table.routes.push((destination, gateway));
    Ok(json!({"return": true}))
}

/// Leads an existing route elsewhere.
pub(super) fn replace(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "RouteTableId")?;
    let (destination, _) = destination(request)?;
    let gateway = gateway(state, request)?;
    let Some(table) = state.route_tables.get_mut(id) else {
        return Err(errors::no_route_table(id));
    };
    let mut routes = table.routes.iter_mut();
    let Some((_, target)) = routes.find(|(other, _)| *other == destination) else {
        return Err(errors::value(format!(
            "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        )));
    };
    *target = gateway;
    Ok(json!({"return": true}))
}

/// The gateway that a route is to lead to: it must be attached to the table's VPC.
fn gateway(state: &State, request: &Value) -> Result<String, ApiError> {
    let table_id = input::require(request, "RouteTableId")?;
    let gateway_id = input::require(request, "GatewayId")?;
    let Some(table) = state.route_tables.get(table_id) else {
        return Err(errors::no_route_table(table_id));
    };
    match state.gateways.get(gateway_id) {
        Some(gateway) if gateway.vpc_id.as_ref() == Some(&table.vpc_id) => {
            Ok(gateway_id.to_owned())
        }
        Some(_) => Err(errors::value(format!(
            "route table {table_id} and network gateway {gateway_id} belong to different networks"
        ))),
        None => Err(ApiError::bad(
            "InvalidGatewayID.NotFound",
            format!("The gateway ID '{gateway_id}' does not exist"),
        )),
    }
}

pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "RouteTableId")?;
    let (destination, parameter) = destination(request)?;
    let Some(table) = state.route_tables.get_mut(id) else {
        return Err(errors::no_route_table(id));
    };
    if destination == IpNet::V4(table.local) {
        return Err(errors::value(format!(
            "cannot remove local route {destination} in route table {id}"
        )));
    }
    let before = table.routes.len();
    table.routes.retain(|(other, _)| *other != destination);
    if table.routes.len() == before {
        return Err(ApiError::bad(
            "InvalidRoute.NotFound",
            format!("no route with {parameter} {destination} in route table {id}"),
        ));
    }
    Ok(json!({"return": true}))
}
