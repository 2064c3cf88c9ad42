//! VPC peering connections.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::errors;
use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::networks::{End, Peering, Registry, Status};
use super::state::State;
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::ids::{AccountId, hex_id};

pub(super) const CREATE: &[&str] = &[
    "PeerOwnerId",
    "PeerRegion",
    "PeerVpcId",
    "TagSpecification",
    "VpcId",
];
pub(super) const DESCRIBE: &[&str] = &[
    "Filter",
    "MaxResults",
    "NextToken",
    "VpcPeeringConnectionId",
];

const FILTERS: &[&str] = &[
    "accepter-vpc-info.cidr-block",
    "accepter-vpc-info.owner-id",
    "accepter-vpc-info.vpc-id",
    "expiration-time",
    "requester-vpc-info.cidr-block",
    "requester-vpc-info.owner-id",
    "requester-vpc-info.vpc-id",
    "status-code",
    "status-message",
    "tag-key",
    "vpc-peering-connection-id",
];

/// How long a request can be accepted.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Peering {
    fn status_message(&self) -> String {
        match &self.status {
            Status::Pending => format!("Pending Acceptance by {}", self.accepter.owner),
            Status::Active => "Active".to_owned(),
            Status::Rejected => "Rejected".to_owned(),
            Status::Expired => "Expired".to_owned(),
            Status::Failed => {
                "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".to_owned()
            }
            Status::Deleted(by) => format!("Deleted by {by}"),
        }
    }

    fn end(&self, end: &End, is_accepter: bool) -> Value {
        let mut shown = Map::new();
        shown.insert("ownerId".to_owned(), json!(end.owner.as_str()));
        shown.insert("vpcId".to_owned(), json!(end.vpc_id));
        shown.insert("region".to_owned(), json!(self.region.as_str()));
        // What the other network looks like is told only once its owner has agreed.
        let known = !is_accepter || matches!(self.status, Status::Active | Status::Deleted(_));
        if let Some(range) = end.range.filter(|_| known) {
            shown.insert("cidrBlock".to_owned(), json!(range.to_string()));
            shown.insert(
                "cidrBlockSet".to_owned(),
                json!([{"cidrBlock": range.to_string()}]),
            );
            shown.insert(
                "peeringOptions".to_owned(),
                json!({
                    "allowEgressFromLocalClassicLinkToRemoteVpc": false,
                    "allowEgressFromLocalVpcToRemoteClassicLink": false,
                    "allowDnsResolutionFromRemoteVpc": false,
                }),
            );
        }
        Value::Object(shown)
    }

    fn describe(&self, tags: Option<&Tags>) -> Value {
        let mut shown = Map::new();
        shown.insert("vpcPeeringConnectionId".to_owned(), json!(self.id));
        shown.insert(
            "requesterVpcInfo".to_owned(),
            self.end(&self.requester, false),
        );
        shown.insert("accepterVpcInfo".to_owned(), self.end(&self.accepter, true));
        shown.insert(
            "status".to_owned(),
            json!({"code": self.status.code(), "message": self.status_message()}),
        );
        if self.status == Status::Pending {
            shown.insert("expirationTime".to_owned(), json!(iso8601(self.expires)));
        }
        let none = Tags::new();
        shown.insert("tagSet".to_owned(), input::tag_set(tags.unwrap_or(&none)));
        Value::Object(shown)
    }
}

fn transition(peering: &Peering, to: &str) -> ApiError {
    ApiError::bad(
        "InvalidStateTransition",
        format!(
            "Invalid state transition for {}, attempted to transition from {} to {to}",
            peering.id,
            peering.status.code()
        ),
    )
}

/// Asks for a connection. One that cannot be is made all the same, as EC2 does, and has failed.
pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let own = state.vpc(input::require(request, "VpcId")?)?;
    let peer_vpc = input::require(request, "PeerVpcId")?;
    let account = &state.place.account;
    let peer_owner = match input::text(request, "PeerOwnerId")? {
        None => account.clone(),
        Some(text) => AccountId::parse(text).ok_or_else(|| {
            errors::value(format!(
                "Value ({text}) for parameter peerOwnerId is invalid. It must be an AWS account ID."
            ))
        })?,
    };
    if input::text(request, "PeerRegion")?
        .is_some_and(|region| region != state.place.region.as_str())
    {
        return Err(ApiError::not_implemented(
            "ec2",
            "CreateVpcPeeringConnection with another region",
        ));
    }
    let tags = input::tag_specification(request, "vpc-peering-connection")?;
    let mut registry = state.place.networks.lock();
    if registry.alive_between(&own.id, peer_vpc).is_some() {
        return Err(ApiError::bad(
            "VpcPeeringConnectionAlreadyExists",
            "A VPC peering connection between the VPCs already exists.",
        ));
    }
    let peer = registry
        .vpc(peer_vpc)
        .filter(|vpc| vpc.owner == peer_owner && vpc.region == state.place.region);
    let overlap = |range: ipnet::Ipv4Net| {
        range.contains(&own.range.network()) || own.range.contains(&range.network())
    };
    let fits = peer.is_some_and(|peer| !overlap(peer.range));
    let peering = Peering {
        id: hex_id("pcx-", 17),
        region: state.place.region.clone(),
        requester: End {
            owner: account.clone(),
            vpc_id: own.id.clone(),
            range: Some(own.range),
        },
        accepter: End {
            owner: peer_owner,
            vpc_id: peer_vpc.to_owned(),
            range: peer.map(|peer| peer.range),
        },
        status: if fits {
            Status::Pending
        } else {
            Status::Failed
        },
        expires: state.now + PATIENCE,
    };
    let answer = json!({"vpcPeeringConnection": peering.describe(Some(&tags))});
    let id = peering.id.clone();
    registry.peerings.push(peering);
    drop(registry);
    state.peering_tags.insert(id, tags);
    Ok(answer)
}

/// The connection of a request, which must concern the caller's account.
fn named<'a>(
    state: &State,
    registry: &'a mut Registry,
    request: &Value,
) -> Result<&'a mut Peering, ApiError> {
    let id = input::require(request, "VpcPeeringConnectionId")?;
    registry
        .peering_mut(id)
        .filter(|peering| peering.concerns(&state.place.account, &state.place.region))
        .ok_or_else(|| errors::no_peering(id))
}

/// Only the accepter's account may answer a request.
fn must_be_accepter(state: &State, peering: &Peering, verb: &str) -> Result<(), ApiError> {
    if peering.accepter.owner == state.place.account {
        return Ok(());
    }
    Err(ApiError::bad(
        "OperationNotPermitted",
        format!(
            "User {} cannot {verb} peering {}",
            state.place.account, peering.id
        ),
    ))
}

pub(super) fn accept(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let mut registry = state.place.networks.lock();
    let peering = named(state, &mut registry, request)?;
    must_be_accepter(state, peering, "accept")?;
    if peering.status != Status::Pending {
        return Err(transition(peering, "active"));
    }
    peering.status = Status::Active;
    let tags = state.peering_tags.get(&peering.id);
    Ok(json!({"vpcPeeringConnection": peering.describe(tags)}))
}

pub(super) fn reject(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let mut registry = state.place.networks.lock();
    let peering = named(state, &mut registry, request)?;
    must_be_accepter(state, peering, "reject")?;
    if peering.status != Status::Pending {
        return Err(transition(peering, "rejected"));
    }
    peering.status = Status::Rejected;
    Ok(json!({"return": true}))
}

/// Either side may delete an active connection; a request that is pending, only who made it. Rules
/// that rely on the connection stay, as stale ones.
pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let mut registry = state.place.networks.lock();
    let peering = named(state, &mut registry, request)?;
    match peering.status {
        Status::Active => {}
        Status::Pending if peering.requester.owner == state.place.account => {}
        Status::Pending => {
            return Err(ApiError::bad(
                "OperationNotPermitted",
                format!(
                    "User {} cannot delete peering {}",
                    state.place.account, peering.id
                ),
            ));
        }
        Status::Rejected | Status::Expired | Status::Failed | Status::Deleted(_) => {
            return Err(transition(peering, "deleting"));
        }
    }
    peering.status = Status::Deleted(state.place.account.clone());
    Ok(json!({"return": true}))
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, FILTERS)?;
    let page = Page::parse(request, 1000)?;
    let ids = input::texts(request, "VpcPeeringConnectionId")?;
    let registry = state.place.networks.lock();
    let concerns = |peering: &Peering| peering.concerns(&state.place.account, &state.place.region);
    for id in &ids {
        if !registry.peering(id).is_some_and(concerns) {
            return Err(errors::no_peering(id));
        }
    }
    let none = Tags::new();
    let mut rows: Vec<(String, Value)> = registry
        .peerings
        .iter()
        .filter(|peering| concerns(peering))
        .filter(|peering| ids.is_empty() || ids.contains(&peering.id.as_str()))
        .filter(|peering| {
            let tags = state.peering_tags.get(&peering.id).unwrap_or(&none);
            filters.match_resource(tags, |name| filter_values(peering, name))
        })
        .map(|peering| {
            let tags = state.peering_tags.get(&peering.id);
            (peering.id.clone(), peering.describe(tags))
        })
        .collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(page.cut("vpcPeeringConnectionSet", rows.into_iter()))
}

fn filter_values(peering: &Peering, name: &str) -> Vec<String> {
    let of = |end: &End, part: &str| -> Vec<String> {
        match part {
            "cidr-block" => end.range.iter().map(ToString::to_string).collect(),
            "owner-id" => vec![end.owner.to_string()],
            "vpc-id" => vec![end.vpc_id.clone()],
            _ => Vec::new(),
        }
    };
    if let Some(part) = name.strip_prefix("accepter-vpc-info.") {
        return of(&peering.accepter, part);
    }
    if let Some(part) = name.strip_prefix("requester-vpc-info.") {
        return of(&peering.requester, part);
    }
    match name {
        "expiration-time" if peering.status == Status::Pending => vec![iso8601(peering.expires)],
        "status-code" => vec![peering.status.code().to_owned()],
        "status-message" => vec![peering.status_message()],
        "vpc-peering-connection-id" => vec![peering.id.clone()],
        _ => Vec::new(),
    }
}
