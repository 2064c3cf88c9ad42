//! Internet gateways.

use serde_json::{Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::State;
use crate::error::ApiError;
use crate::ids::hex_id;

pub(super) const DESCRIBE: &[&str] = &["Filter", "InternetGatewayId", "MaxResults", "NextToken"];

const FILTERS: &[&str] = &[
    "attachment.state",
    "attachment.vpc-id",
    "internet-gateway-id",
    "owner-id",
    "tag-key",
];

/// An internet gateway.
#[derive(Debug, Clone)]
pub(super) struct InternetGateway {
    /// `igw-…`
    pub(super) id: String,
    /// The VPC that it is attached to.
    pub(super) vpc_id: Option<String>,
    pub(super) tags: Tags,
}

impl InternetGateway {
    pub(super) fn attached_to(vpc_id: &str) -> Self {
        Self {
            id: hex_id("igw-", 17),
            vpc_id: Some(vpc_id.to_owned()),
            tags: Tags::new(),
        }
    }

    fn describe(&self, state: &State) -> Value {
        let attachments: Vec<Value> = self
            .vpc_id
            .iter()
            .map(|vpc| json!({"vpcId": vpc, "state": "available"}))
            .collect();
        json!({
            "internetGatewayId": self.id,
            "ownerId": state.place.account.as_str(),
            "attachmentSet": attachments,
            "tagSet": input::tag_set(&self.tags),
        })
    }
}

/// How many gateways a region may have: AWS's default quota.
pub(crate) const MAX_GATEWAYS: usize = 5;

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    if state.gateways.len() >= MAX_GATEWAYS {
        return Err(errors::too_many(
            "InternetGatewayLimitExceeded",
            "internet gateways",
        ));
    }
    let gateway = InternetGateway {
        id: hex_id("igw-", 17),
        vpc_id: None,
        tags: input::tag_specification(request, "internet-gateway")?,
    };
    let answer = json!({"internetGateway": gateway.describe(state)});
    state.gateways.insert(gateway.id.clone(), gateway);
    Ok(answer)
}

pub(super) fn attach(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let (id, vpc_id) = both(state, request)?;
    let network_has_one = state
        .gateways
        .values()
        .any(|other| other.id != id && other.vpc_id.as_ref() == Some(&vpc_id));
    if network_has_one {
        return Err(errors::value(format!(
            "Network {vpc_id} already has an internet gateway attached"
        )));
    }
    let Some(gateway) = state.gateways.get_mut(&id) else {
        return Err(errors::no_gateway(&id));
    };
    if let Some(present) = &gateway.vpc_id {
        return Err(ApiError::bad(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already attached to network {present}"),
        ));
    }
    gateway.vpc_id = Some(vpc_id);
    Ok(json!({"return": true}))
}

/// Detaches a gateway; routes that lead to it stay, as black holes.
pub(super) fn detach(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let (id, vpc_id) = both(state, request)?;
    match state.gateways.get_mut(&id) {
        Some(gateway) if gateway.vpc_id.as_ref() == Some(&vpc_id) => gateway.vpc_id = None,
        Some(_) | None => {
            return Err(ApiError::bad(
                "Gateway.NotAttached",
                format!("resource {id} is not attached to network {vpc_id}"),
            ));
        }
    }
    Ok(json!({"return": true}))
}

/// The gateway and the VPC of a request; both must exist.
fn both(state: &State, request: &Value) -> Result<(String, String), ApiError> {
    let id = input::require(request, "InternetGatewayId")?;
    let vpc_id = input::require(request, "VpcId")?;
    if !state.gateways.contains_key(id) {
        return Err(errors::no_gateway(id));
    }
    state.vpc(vpc_id)?;
    Ok((id.to_owned(), vpc_id.to_owned()))
}

pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let id = input::require(request, "InternetGatewayId")?;
    match state.gateways.get(id) {
        None => return Err(errors::no_gateway(id)),
        Some(gateway) if gateway.vpc_id.is_some() => {
            return Err(errors::dependency("internetGateway", id));
        }
        Some(_) => state.gateways.remove(id),
    };
    Ok(json!({"return": true}))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 1000)?;
    let ids = input::texts(request, "InternetGatewayId")?;
    if let Some(id) = ids.iter().find(|id| !state.gateways.contains_key(**id)) {
        return Err(errors::no_gateway(id));
    }
    let values = |gateway: &InternetGateway, name: &str| -> Vec<String> {
        let attached = gateway.vpc_id.iter();
        match name {
            "attachment.state" => attached.map(|_| "available".to_owned()).collect(),
            "attachment.vpc-id" => attached.cloned().collect(),
            "internet-gateway-id" => vec![gateway.id.clone()],
            "owner-id" => vec![state.place.account.to_string()],
            _ => Vec::new(),
        }
    };
    let rows = state
        .gateways
        .values()
        .filter(|gateway| ids.is_empty() || ids.contains(&gateway.id.as_str()))
        .filter(|gateway| filters.match_resource(&gateway.tags, |name| values(gateway, name)))
        .map(|gateway| (gateway.id.clone(), gateway.describe(state)));
    Ok(page.cut("internetGatewaySet", rows))
}
