//! What an account has in one region: the tables, and how things in them are found.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::gateways::InternetGateway;
use super::group::SecurityGroup;
use super::route_tables::RouteTable;
use super::rule::Source;
use super::subnets::Subnet;
use super::vpcs::Vpc;
use super::{Mutations, errors, input, places, prefix_lists};
use crate::config::Change;
use crate::error::ApiError;
use crate::ids::{AccountId, Region, arn, hex_id};

/// Whose networks these are, and where.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account: AccountId,
    pub(super) region: Region,
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
    mutations: Mutations,
}

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
            },
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            gateways: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            groups: BTreeMap::new(),
            dhcp_options: hex_id("dopt-", 17),
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
        let group = SecurityGroup::default_of(&id);
        let group_id = group.id.clone();
        self.vpcs.insert(id.clone(), vpc);
        self.groups.insert(group_id.clone(), group);
        self.changed(Change::Created, &group_id);
        id
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

    /// The id of the group that a rule of `group` refers to. There are no peering connections here, so
    /// it can only be a group of the same VPC.
    pub(super) fn referenced_group(
        &self,
        group: &SecurityGroup,
        pair: &Value,
    ) -> Result<String, ApiError> {
        let known = ["Description", "GroupId", "GroupName", "UserId", "VpcId"];
        input::only_members("Groups", pair, &known)?;
        let named = ["GroupId", "GroupName"];
        if named.iter().all(|name| pair.get(name).is_none()) {
            return Err(errors::no_source());
        }
        let elsewhere = || {
            ApiError::bad(
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
            )
        };
        let foreign =
            input::text(pair, "UserId")?.is_some_and(|user| user != self.place.account.as_str());
        if foreign || input::text(pair, "VpcId")?.is_some_and(|vpc| vpc != group.vpc_id) {
            return Err(elsewhere());
        }
        let referenced = self.group(pair)?;
        if referenced.vpc_id != group.vpc_id {
            return Err(elsewhere());
        }
        Ok(referenced.id.clone())
    }

    /// A prefix list as a source, if it exists.
    pub(super) fn prefix_list(&self, id: &str) -> Result<Source, ApiError> {
        if prefix_lists::weight(&self.place.region, id).is_none() {
            return Err(prefix_lists::not_found(id));
        }
        Ok(Source::PrefixList(id.to_owned()))
    }
}
