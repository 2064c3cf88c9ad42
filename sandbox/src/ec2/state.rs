//! What an account has in one region: the tables, and how things in them are found.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::customer_lists::PrefixList;
use super::gateways::InternetGateway;
use super::group::SecurityGroup;
use super::input::Tags;
use super::networks::{KnownGroup, KnownVpc, Networks};
use super::route_tables::RouteTable;
use super::rule::{GroupRef, Source};
use super::subnets::Subnet;
use super::vpcs::Vpc;
use super::{Mutations, errors, input, places, prefix_lists};
use crate::clock::Timestamp;
use crate::config::Change;
use crate::error::ApiError;
use crate::ids::{AccountId, Region, arn, hex_id};

/// Whose networks these are, and where.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// What is known of every account's networks.
    pub(super) networks: Networks,
}

impl Place {
    /// The ARN of an EC2 resource here.
    pub(super) fn arn(&self, kind: &str, id: &str) -> String {
        arn(&self.region, &self.account, "ec2", &format!("{kind}/{id}"))
    }
}

/// What the service holds.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) place: Place,
    pub(super) vpcs: BTreeMap<String, Vpc>,
    pub(super) subnets: BTreeMap<String, Subnet>,
    pub(super) gateways: BTreeMap<String, InternetGateway>,
    pub(super) route_tables: BTreeMap<String, RouteTable>,
    pub(super) groups: BTreeMap<String, SecurityGroup>,
    /// The region's one set of DHCP options; every VPC uses it.
    pub(super) dhcp_options: String,
    /// The customer's own; AWS's are the same for everybody.
    pub(super) prefix_lists: BTreeMap<String, PrefixList>,
    /// The tags that this account has given to its peering connections; the other side has its own.
    pub(super) peering_tags: BTreeMap<String, Tags>,
    /// When the operation at work takes place.
    pub(super) now: Timestamp,
    mutations: Mutations,
}

/// What a reference to a group may have. Clients hand back what a description showed them, so what only
/// EC2 can know is understood too.
const PAIR: &[&str] = &[
    "Description",
    "GroupId",
    "GroupName",
    "PeeringStatus",
    "UserId",
    "VpcId",
    "VpcPeeringConnectionId",
];

/// The range of every default VPC.
const DEFAULT_RANGE: [u8; 4] = [172, 31, 0, 0];

impl State {
    /// An account's region as AWS hands it over: with the default VPC, its default group, a public
    /// subnet in every zone and the gateway they need.
    pub fn new(account: &AccountId, region: &Region) -> Self {
        let mut state = Self {
            place: Place {
                account: account.clone(),
                region: region.clone(),
                networks: Networks::default(),
            },
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            gateways: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            groups: BTreeMap::new(),
            dhcp_options: hex_id("dopt-", 17),
            prefix_lists: BTreeMap::new(),
            peering_tags: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
            mutations: Vec::new(),
        };
        if let Ok(range) = Ipv4Net::new(DEFAULT_RANGE.into(), 16) {
            let vpc_id = state.add_vpc(Vpc::default_with(range));
            let gateway = InternetGateway::attached_to(&vpc_id);
            if let Some(table) = state.main_route_table_mut(&vpc_id) {
                table.add_default_route(&gateway.id);
            }
            state.gateways.insert(gateway.id.clone(), gateway);
            for (zone, subnet) in
                places::zone_letters(region).zip(range.subnets(20).into_iter().flatten())
            {
                let subnet = Subnet::default_in(&vpc_id, zone, subnet);
                state.subnets.insert(subnet.id.clone(), subnet);
            }
        }
        // Config discovers these by looking, not by being told.
        state.mutations.clear();
        state
    }

    /// Puts a VPC into the table, with the default group and the main route table that belong to it.
    pub(super) fn add_vpc(&mut self, vpc: Vpc) -> String {
        let id = vpc.id.clone();
        let table = RouteTable::main_of(&vpc);
        self.route_tables.insert(table.id.clone(), table);
        let group = SecurityGroup::default_of(&id, &self.place.account);
        let group_id = group.id.clone();
        self.vpcs.insert(id.clone(), vpc);
        self.publish_vpc(&id);
        self.add_group(group);
        self.changed(Change::Created, &group_id);
        id
    }

    /// Lets the other accounts know of what is here: from now on `networks` is told of every change.
    pub(super) fn join(&mut self, networks: Networks) {
        if self.place.networks.is(&networks) {
            return;
        }
        self.place.networks = networks;
        for id in self.vpcs.keys() {
            self.publish_vpc(id);
        }
        for group in self.groups.values() {
            self.publish_group(group);
        }
    }

    fn publish_vpc(&self, id: &str) {
        if let Some(vpc) = self.vpcs.get(id) {
            let known = KnownVpc {
                owner: self.place.account.clone(),
                region: self.place.region.clone(),
                range: vpc.range,
            };
            self.place.networks.lock().add_vpc(id, known);
        }
    }

    fn publish_group(&self, group: &SecurityGroup) {
        let known = KnownGroup {
            owner: self.place.account.clone(),
            vpc_id: group.vpc_id.clone(),
        };
        self.place.networks.lock().add_group(&group.id, known);
    }

    /// Puts a new group into the table.
    pub(super) fn add_group(&mut self, group: SecurityGroup) {
        self.publish_group(&group);
        self.groups.insert(group.id.clone(), group);
    }

    /// Takes a group out of the table; AWS Config hears of it.
    pub(super) fn remove_group(&mut self, id: &str) {
        self.changed(Change::Deleted, id);
        self.groups.remove(id);
        self.place.networks.lock().remove_group(id);
    }

    /// Notes that a group changed: AWS Config hears of it, once, when the operation has succeeded.
    pub(super) fn changed(&mut self, change: Change, group_id: &str) {
        if let Some(group) = self.groups.get(group_id) {
            let resource = group.resource(&self.place);
            self.mutations.push((change, resource));
        }
    }

    pub(super) fn take_mutations(&mut self) -> Mutations {
        std::mem::take(&mut self.mutations)
    }

    pub(super) fn vpc(&self, id: &str) -> Result<&Vpc, ApiError> {
        self.vpcs.get(id).ok_or_else(|| errors::no_vpc(id))
    }

    pub(super) fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs.values().find(|vpc| vpc.is_default)
    }

    pub(super) fn main_route_table_mut(&mut self, vpc_id: &str) -> Option<&mut RouteTable> {
        self.route_tables
            .values_mut()
            .find(|table| table.vpc_id == vpc_id && table.main.is_some())
    }

    /// The group that a request means by `GroupId` or, in the default VPC, by `GroupName`.
    pub(super) fn group(&self, request: &Value) -> Result<&SecurityGroup, ApiError> {
        let id = input::text(request, "GroupId")?.filter(|id| !id.is_empty());
        let name = input::text(request, "GroupName")?.filter(|name| !name.is_empty());
        match (id, name) {
            (Some(id), None) => self.group_by_id(id),
            (None, Some(name)) => self.group_by_name(name),
            (None, None) => Err(errors::missing("groupName or groupId")),
            (Some(_), Some(_)) => Err(errors::combination(
                "The parameter groupName cannot be used with the parameter groupId",
            )),
        }
    }

    pub(super) fn group_by_id(&self, id: &str) -> Result<&SecurityGroup, ApiError> {
        if !input::well_formed(id, "sg-") {
            return Err(errors::malformed_group(id));
        }
        self.groups.get(id).ok_or_else(|| errors::no_group(id))
    }

    pub(super) fn group_by_name(&self, name: &str) -> Result<&SecurityGroup, ApiError> {
        let vpc = self.default_vpc().map(|vpc| vpc.id.as_str());
        self.groups
            .values()
            .find(|group| group.name == name && Some(group.vpc_id.as_str()) == vpc)
            .ok_or_else(|| errors::no_group_named(name, vpc))
    }

    /// The group that a rule of `group` refers to: of the same VPC, of one that an active peering
    /// connection joins to it, or one that a rule of `group` refers to already, even if that rule has
    /// become stale. New rules must pass [`State::check_reach`] too.
    pub(super) fn referenced_group(
        &self,
        group: &SecurityGroup,
        pair: &Value,
    ) -> Result<Source, ApiError> {
        input::only_members("Groups", pair, PAIR)?;
        let id = input::text(pair, "GroupId")?;
        if ["GroupId", "GroupName"]
            .iter()
            .all(|name| pair.get(name).is_none())
        {
            return Err(errors::no_source());
        }
        let owner = input::text(pair, "UserId")?;
        let vpc = input::text(pair, "VpcId")?;
        let peering = input::text(pair, "VpcPeeringConnectionId")?;
        let present = id.and_then(|id| group.reference_to(id));
        let foreign = owner.is_some_and(|owner| owner != self.place.account.as_str());
        let known = match (present, id) {
            (Some(present), _) => present.clone(),
            (None, Some(id)) if foreign => self.foreign_group(id)?,
            (None, _) if foreign => return Err(errors::other_network()),
            (None, _) => {
                let found = self.group(pair)?;
                GroupRef {
                    id: found.id.clone(),
                    owner: self.place.account.clone(),
                    vpc_id: found.vpc_id.clone(),
                }
            }
        };
        let other_peering = peering.is_some_and(|peering| {
            let registry = self.place.networks.lock();
            let between = registry.between(&group.vpc_id, &known.vpc_id);
            between.is_none_or(|between| between.id != peering)
        });
        if owner.is_some_and(|owner| owner != known.owner.as_str())
            || vpc.is_some_and(|vpc| vpc != known.vpc_id)
            || other_peering
        {
            return Err(errors::other_network());
        }
        if present.is_none() {
            self.check_reach(&group.vpc_id, &known)?;
        }
        Ok(Source::Group(known))
    }

    /// A group of another account, if it is in this region.
    fn foreign_group(&self, id: &str) -> Result<GroupRef, ApiError> {
        if !input::well_formed(id, "sg-") {
            return Err(errors::malformed_group(id));
        }
        let registry = self.place.networks.lock();
        registry
            .group(id)
            .filter(|group| {
                let vpc = registry.vpc(&group.vpc_id);
                vpc.is_some_and(|vpc| vpc.region == self.place.region)
            })
            .map(|group| GroupRef {
                id: id.to_owned(),
                owner: group.owner.clone(),
                vpc_id: group.vpc_id.clone(),
            })
            .ok_or_else(|| errors::no_group(id))
    }

    /// Whether a new rule in `vpc_id` may refer to `group`.
    pub(super) fn check_reach(&self, vpc_id: &str, group: &GroupRef) -> Result<(), ApiError> {
        if group.vpc_id == vpc_id || self.place.networks.lock().reaches(vpc_id, &group.id) {
            Ok(())
        } else {
            Err(errors::other_network())
        }
    }

    /// A prefix list as a source, if it exists.
    pub(super) fn prefix_list(&self, id: &str) -> Result<Source, ApiError> {
        if prefix_lists::weight(self, id).is_none() {
            return Err(prefix_lists::not_found(id));
        }
        Ok(Source::PrefixList(id.to_owned()))
    }
}
