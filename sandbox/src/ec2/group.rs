//! One security group, and the three ways in which it is shown: to EC2's clients, to AWS Config, and
//! in filters.

use serde_json::{Map, Value, json};

use super::input::{self, Tags};
use super::rule::{Described, GroupRef, Permission, Protocol, Rule, Source};
use super::state::Place;
use crate::config::Resource;
use crate::ids::AccountId;

/// A security group.
#[derive(Debug, Clone)]
pub(super) struct SecurityGroup {
    /// `sg-…`
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) vpc_id: String,
    pub(super) ingress: Vec<Rule>,
    pub(super) egress: Vec<Rule>,
    pub(super) tags: Tags,
}

/// Which of a group's two lists of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub(super) fn is_egress(self) -> bool {
        self == Direction::Egress
    }
}

impl SecurityGroup {
    /// A group as it is right after its creation: nothing may come in, everything may go out.
    pub(super) fn new(id: String, name: &str, description: &str, vpc_id: &str, tags: Tags) -> Self {
        let everywhere = Permission {
            protocol: Protocol::All,
            ports: None,
            source: Source::Ipv4(ipnet::Ipv4Net::default()),
        };
        Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            vpc_id: vpc_id.to_owned(),
            ingress: Vec::new(),
            egress: vec![Rule::new(everywhere, None, Tags::new())],
            tags,
        }
    }

    /// A VPC's default group: its members may talk to each other.
    pub(super) fn default_of(vpc_id: &str, owner: &AccountId) -> Self {
        let id = crate::ids::hex_id("sg-", 17);
        let mut group = Self::new(
            id.clone(),
            "default",
            "default VPC security group",
            vpc_id,
            Tags::new(),
        );
        let members = Permission {
            protocol: Protocol::All,
            ports: None,
            source: Source::Group(GroupRef {
                id,
                owner: owner.clone(),
                vpc_id: vpc_id.to_owned(),
            }),
        };
        group.ingress.push(Rule::new(members, None, Tags::new()));
        group
    }

    pub(super) fn is_default(&self) -> bool {
        self.name == "default"
    }

    pub(super) fn rules(&self, direction: Direction) -> &[Rule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    pub(super) fn rules_mut(&mut self, direction: Direction) -> &mut Vec<Rule> {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }

    /// Whether one of its rules refers to the group `id`.
    pub(super) fn refers_to(&self, id: &str) -> bool {
        let mut rules = self.ingress.iter().chain(&self.egress);
        rules.any(|rule| matches!(&rule.permission.source, Source::Group(other) if other.id == id))
    }

    /// How one of its rules refers to the group `id`.
    pub(super) fn reference_to(&self, id: &str) -> Option<&GroupRef> {
        let mut rules = self.ingress.iter().chain(&self.egress);
        rules.find_map(|rule| match &rule.permission.source {
            Source::Group(other) if other.id == id => Some(other),
            Source::Group(_) | Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) => None,
        })
    }

    /// A `SecurityGroup` as `DescribeSecurityGroups` shows it.
    pub(super) fn describe(&self, place: &Place) -> Value {
        let owner = place.account.as_str();
        let shown = |rules: &[Rule]| -> Value {
            grouped(rules.iter().map(parts))
                .iter()
                .map(|permission| permission.describe(place, &self.vpc_id))
                .collect()
        };
        json!({
            "ownerId": owner,
            "groupId": self.id,
            "groupName": self.name,
            "groupDescription": self.description,
            "vpcId": self.vpc_id,
            "securityGroupArn": place.arn("security-group", &self.id),
            "ipPermissions": shown(&self.ingress),
            "ipPermissionsEgress": shown(&self.egress),
            "tagSet": input::tag_set_if_any(&self.tags),
        })
    }

    /// The group as AWS Config sees it.
    pub(super) fn resource(&self, place: &Place) -> Resource {
        let owner = place.account.as_str();
        let recorded = |rules: &[Rule]| -> Value {
            grouped(rules.iter().map(parts))
                .iter()
                .map(|permission| permission.recorded(place, &self.vpc_id))
                .collect()
        };
        Resource {
            resource_type: "AWS::EC2::SecurityGroup",
            resource_id: self.id.clone(),
            resource_name: Some(self.name.clone()),
            arn: place.arn("security-group", &self.id),
            tags: self.tags.clone(),
            relationships: vec![json!({
                "resourceType": "AWS::EC2::VPC",
                "resourceId": self.vpc_id,
                "relationshipName": "Is contained in Vpc",
            })],
            configuration: json!({
                "description": self.description,
                "groupName": self.name,
                "ipPermissions": recorded(&self.ingress),
                "ownerId": owner,
                "groupId": self.id,
                "ipPermissionsEgress": recorded(&self.egress),
                "tags": input::tag_set(&self.tags),
                "vpcId": self.vpc_id,
            }),
        }
    }
}

fn parts(rule: &Rule) -> (&Permission, Option<&str>) {
    (&rule.permission, rule.description.as_deref())
}

/// `IpPermissions` made of permissions that belong to no group (any more).
pub(super) fn describe_loose(permissions: &[Described], place: &Place, vpc_id: &str) -> Value {
    let parts = permissions
        .iter()
        .map(|(permission, description)| (permission, description.as_deref()));
    grouped(parts)
        .iter()
        .map(|permission| permission.describe(place, vpc_id))
        .collect()
}

/// Rules that share protocol and ports: EC2's `IpPermission`.
struct IpPermission<'a> {
    protocol: Protocol,
    ports: Option<(i64, i64)>,
    sources: Vec<(&'a Source, Option<&'a str>)>,
}

fn grouped<'a>(
    rules: impl Iterator<Item = (&'a Permission, Option<&'a str>)>,
) -> Vec<IpPermission<'a>> {
    let mut permissions: Vec<IpPermission<'a>> = Vec::new();
    for (rule, description) in rules {
        let source = (&rule.source, description);
        let same = permissions
            .iter_mut()
            .find(|other| other.protocol == rule.protocol && other.ports == rule.ports);
        match same {
            Some(permission) => permission.sources.push(source),
            None => permissions.push(IpPermission {
                protocol: rule.protocol,
                ports: rule.ports,
                sources: vec![source],
            }),
        }
    }
    permissions
}

impl IpPermission<'_> {
    fn describe(&self, place: &Place, vpc_id: &str) -> Value {
        let (ipv4, ipv6, lists, groups) = self.by_kind(place, vpc_id);
        let mut shown = self.head();
        shown.insert("groups".to_owned(), Value::Array(groups));
        shown.insert("ipRanges".to_owned(), Value::Array(ipv4));
        shown.insert("ipv6Ranges".to_owned(), Value::Array(ipv6));
        shown.insert("prefixListIds".to_owned(), Value::Array(lists));
        Value::Object(shown)
    }

    /// As in configuration items of version 1.3: `ipv4Ranges` hold what EC2 calls `ipRanges`, which
    /// stay as bare texts for old readers.
    fn recorded(&self, place: &Place, vpc_id: &str) -> Value {
        let (ipv4, ipv6, lists, groups) = self.by_kind(place, vpc_id);
        let bare = ipv4.iter().map(|range| range["cidrIp"].clone()).collect();
        let mut item = self.head();
        item.insert("ipv6Ranges".to_owned(), Value::Array(ipv6));
        item.insert("prefixListIds".to_owned(), Value::Array(lists));
        item.insert("userIdGroupPairs".to_owned(), Value::Array(groups));
        item.insert("ipv4Ranges".to_owned(), Value::Array(ipv4));
        item.insert("ipRanges".to_owned(), bare);
        Value::Object(item)
    }

    fn head(&self) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("ipProtocol".to_owned(), json!(self.protocol.to_string()));
        if let Some((from, to)) = self.ports {
            head.insert("fromPort".to_owned(), json!(from));
            head.insert("toPort".to_owned(), json!(to));
        }
        head
    }

    fn by_kind(
        &self,
        place: &Place,
        vpc_id: &str,
    ) -> (Vec<Value>, Vec<Value>, Vec<Value>, Vec<Value>) {
        let (mut ipv4, mut ipv6, mut lists, mut groups) = (vec![], vec![], vec![], vec![]);
        for (source, description) in &self.sources {
            let mut entry = Map::new();
            if let Some(description) = description {
                entry.insert("description".to_owned(), json!(description));
            }
            let (list, name) = match source {
                Source::Ipv4(_) => (&mut ipv4, "cidrIp"),
                Source::Ipv6(_) => (&mut ipv6, "cidrIpv6"),
                Source::PrefixList(_) => (&mut lists, "prefixListId"),
                Source::Group(group) => {
                    entry.extend(group.describe(place, vpc_id));
                    (&mut groups, "groupId")
                }
            };
            entry.insert(name.to_owned(), json!(source.to_string()));
            list.push(Value::Object(entry));
        }
        (ipv4, ipv6, lists, groups)
    }
}
