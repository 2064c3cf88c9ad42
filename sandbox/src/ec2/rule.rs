//! Rules, atomic: one protocol, one range of ports (or ICMP type and code), one source. Permissions as
//! clients write them are taken apart here, checked, and brought into canonical form.

use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Map, Value, json};

use super::input::{self, Tags};
use super::state::{Place, State};
use super::{errors, group::SecurityGroup};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::AccountId;

/// What a rule allows. Two permissions that allow the same compare equal; descriptions take no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) protocol: Protocol,
    /// Ports for TCP and UDP, type and code for ICMP; nothing for the other protocols, where EC2 does
    /// not look at ports.
    pub(super) ports: Option<(i64, i64)>,
    pub(super) source: Source,
}

/// An IP protocol in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    All,
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    /// By number, when it is none of the above.
    Number(u8),
}

/// Whom a rule lets in (or out to).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Ipv4(Ipv4Net),
    Ipv6(Ipv6Net),
    PrefixList(String),
    Group(GroupRef),
}

/// A group, of the same VPC or of one that a peering connection joins to it. Rules of this account that
/// refer to a group stay when the connection or the group is gone, so whose it was is remembered.
#[derive(Debug, Clone)]
pub(super) struct GroupRef {
    pub(super) id: String,
    pub(super) owner: AccountId,
    pub(super) vpc_id: String,
}

/// Ids are unique in the world.
impl PartialEq for GroupRef {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for GroupRef {}

impl GroupRef {
    /// What describes the reference in a rule of `vpc_id`, besides the group's id: the owner and, when the
    /// group is of another VPC, how that is joined. Nobody owns a peer's group that is gone.
    pub(super) fn describe(&self, place: &Place, vpc_id: &str) -> Map<String, Value> {
        let mut shown = Map::new();
        if self.vpc_id == vpc_id {
            shown.insert("userId".to_owned(), json!(self.owner.as_str()));
            return shown;
        }
        let registry = place.networks.lock();
        if registry.group(&self.id).is_some() {
            shown.insert("userId".to_owned(), json!(self.owner.as_str()));
        }
        shown.insert("vpcId".to_owned(), json!(self.vpc_id));
        if let Some(peering) = registry.between(vpc_id, &self.vpc_id) {
            shown.insert("vpcPeeringConnectionId".to_owned(), json!(peering.id));
            shown.insert("peeringStatus".to_owned(), json!(peering.status.code()));
        }
        shown
    }
}

/// A rule of a group.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// `sgr-…`
    pub(super) id: String,
    pub(super) permission: Permission,
    pub(super) description: Option<String>,
    pub(super) tags: Tags,
}

/// A permission with the description that came with it.
pub(super) type Described = (Permission, Option<String>);

impl Protocol {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.to_ascii_lowercase();
        Ok(match text.as_str() {
            "-1" => Protocol::All,
            "tcp" | "6" => Protocol::Tcp,
            "udp" | "17" => Protocol::Udp,
            "icmp" | "1" => Protocol::Icmp,
            "icmpv6" | "58" => Protocol::Icmpv6,
            other => Protocol::Number(other.parse().map_err(|_| {
                errors::value(format!(
                    "Invalid value '{other}' for IP protocol. Unknown protocol."
                ))
            })?),
        })
    }

    /// The ports as EC2 keeps them for this protocol, after checking them.
    fn ports(self, from: Option<i64>, to: Option<i64>) -> Result<Option<(i64, i64)>, ApiError> {
        let incomplete = |name: &str| {
            errors::value(format!(
                "Invalid value 'Must specify both from and to ports with {name}.' for portRange."
            ))
        };
        match (self, from, to) {
            (Protocol::All | Protocol::Number(_), _, _) => Ok(None),
            (Protocol::Tcp | Protocol::Udp, Some(from), Some(to)) => {
                for port in [from, to] {
                    if !(0..=65535).contains(&port) {
                        return Err(errors::value(format!("TCP/UDP port ({port}) out of range")));
                    }
                }
                if from > to {
                    return Err(errors::value(format!(
                        "Invalid TCP/UDP port range ({from}:{to})"
                    )));
                }
                Ok(Some((from, to)))
            }
            (Protocol::Tcp | Protocol::Udp, _, _) => Err(incomplete("TCP/UDP")),
            (Protocol::Icmpv6, None, None) => Ok(Some((-1, -1))),
            (Protocol::Icmp | Protocol::Icmpv6, Some(kind), Some(code)) => {
                if !(-1..=255).contains(&kind) {
                    return Err(errors::value(format!("ICMP type ({kind}) out of range")));
                }
                if !(-1..=255).contains(&code) || (kind == -1 && code != -1) {
                    return Err(errors::value(format!("ICMP code ({code}) out of range")));
                }
                Ok(Some((kind, code)))
            }
            (Protocol::Icmp | Protocol::Icmpv6, _, _) => Err(incomplete("ICMP")),
        }
    }
}

/// As `ipProtocol` shows it.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protocol::All => f.write_str("-1"),
            Protocol::Tcp => f.write_str("tcp"),
            Protocol::Udp => f.write_str("udp"),
            Protocol::Icmp => f.write_str("icmp"),
            Protocol::Icmpv6 => f.write_str("icmpv6"),
            Protocol::Number(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Ipv4(net) => net.fmt(f),
            Source::Ipv6(net) => net.fmt(f),
            Source::PrefixList(id) => f.write_str(id),
            Source::Group(group) => f.write_str(&group.id),
        }
    }
}

/// As EC2 names a rule in its error messages.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |n: i64| {
            if n == -1 {
                "ALL".to_owned()
            } else {
                n.to_string()
            }
        };
        write!(f, "peer: {}, ", self.source)?;
        let (from, to) = self.ports.unwrap_or((-1, -1));
        match self.protocol {
            Protocol::All => f.write_str("ALL, ")?,
            Protocol::Number(number) => write!(f, "protocol: {number}, ")?,
            Protocol::Tcp => write!(f, "TCP, from port: {from}, to port: {to}, ")?,
            Protocol::Udp => write!(f, "UDP, from port: {from}, to port: {to}, ")?,
            Protocol::Icmp => write!(f, "ICMP, type: {}, code: {}, ", all(from), all(to))?,
            Protocol::Icmpv6 => write!(f, "ICMPv6, type: {}, code: {}, ", all(from), all(to))?,
        }
        f.write_str("ALLOW")
    }
}

impl Source {
    /// An IPv4 range, with its host bits cleared as EC2 does.
    pub(super) fn ipv4(text: &str) -> Result<Self, ApiError> {
        let net: Ipv4Net = text.parse().map_err(|_| errors::malformed_cidr(text))?;
        Ok(Source::Ipv4(net.trunc()))
    }

    /// An IPv6 range, with its host bits cleared as EC2 does.
    pub(super) fn ipv6(text: &str) -> Result<Self, ApiError> {
        let net: Ipv6Net = text.parse().map_err(|_| errors::malformed_cidr(text))?;
        Ok(Source::Ipv6(net.trunc()))
    }
}

/// Takes every permission of `IpPermissions` apart into atomic ones. `group` is the group that they
/// are for: references to groups are looked up in its VPC.
pub(super) fn parse_all(
    state: &State,
    group: &SecurityGroup,
    permissions: &[Value],
) -> Result<Vec<Described>, ApiError> {
    let mut rules: Vec<Described> = Vec::new();
    for permission in permissions {
        for (permission, description) in parse(state, group, permission)? {
            if rules.iter().any(|(other, _)| *other == permission) {
                return Err(errors::same_rule_twice());
            }
            rules.push((permission, description));
        }
    }
    Ok(rules)
}

const MEMBERS: &[&str] = &[
    "FromPort",
    "Groups",
    "IpProtocol",
    "IpRanges",
    "Ipv6Ranges",
    "PrefixListIds",
    "ToPort",
];

fn parse(
    state: &State,
    group: &SecurityGroup,
    permission: &Value,
) -> Result<Vec<Described>, ApiError> {
    input::only_members("IpPermissions", permission, MEMBERS)?;
    let (protocol, ports) = protocol_and_ports(permission)?;
    let mut sources: Vec<(Source, Option<String>)> = Vec::new();
    for range in input::list(permission, "IpRanges")? {
        input::only_members("IpRanges", range, &["CidrIp", "Description"])?;
        sources.push((
            Source::ipv4(input::require(range, "CidrIp")?)?,
            description(range)?,
        ));
    }
    for range in input::list(permission, "Ipv6Ranges")? {
        input::only_members("Ipv6Ranges", range, &["CidrIpv6", "Description"])?;
        sources.push((
            Source::ipv6(input::require(range, "CidrIpv6")?)?,
            description(range)?,
        ));
    }
    for list in input::list(permission, "PrefixListIds")? {
        input::only_members("PrefixListIds", list, &["Description", "PrefixListId"])?;
        let id = input::require(list, "PrefixListId")?;
        sources.push((state.prefix_list(id)?, description(list)?));
    }
    for pair in input::list(permission, "Groups")? {
        let source = state.referenced_group(group, pair)?;
        sources.push((source, description(pair)?));
    }
    if sources.is_empty() {
        return Err(errors::no_source());
    }
    Ok(sources
        .into_iter()
        .map(|(source, description)| {
            let permission = Permission {
                protocol,
                ports,
                source,
            };
            (permission, description)
        })
        .collect())
}

/// `IpProtocol`, `FromPort` and `ToPort` of any structure that has them.
pub(super) fn protocol_and_ports(
    value: &Value,
) -> Result<(Protocol, Option<(i64, i64)>), ApiError> {
    let protocol = match value.field("IpProtocol") {
        // CloudFormation templates write protocol numbers as numbers.
        Some(Value::Number(number)) => Protocol::parse(&number.to_string())?,
        _ => Protocol::parse(input::require(value, "IpProtocol")?)?,
    };
    let ports = protocol.ports(input::int(value, "FromPort")?, input::int(value, "ToPort")?)?;
    Ok((protocol, ports))
}

/// `Description`, checked; an empty one is none.
pub(super) fn description(value: &Value) -> Result<Option<String>, ApiError> {
    let Some(text) = input::text(value, "Description")? else {
        return Ok(None);
    };
    if text.len() > 255 || !text.chars().all(is_describable) {
        return Err(errors::value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The characters that names and descriptions of groups and rules may have.
pub(super) fn is_describable(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c)
}

impl Rule {
    pub(super) fn new(permission: Permission, description: Option<String>, tags: Tags) -> Self {
        Self {
            id: crate::ids::hex_id("sgr-", 17),
            permission,
            description,
            tags,
        }
    }

    /// The members that every description of a rule has. A rule without ports shows -1 here, whereas
    /// the group's own description leaves them out.
    fn summary(&self, group: &SecurityGroup, is_egress: bool) -> Map<String, Value> {
        let (from, to) = self.permission.ports.unwrap_or((-1, -1));
        let mut row = Map::new();
        row.insert("securityGroupRuleId".to_owned(), json!(self.id));
        row.insert("groupId".to_owned(), json!(group.id));
        row.insert("isEgress".to_owned(), json!(is_egress));
        row.insert(
            "ipProtocol".to_owned(),
            json!(self.permission.protocol.to_string()),
        );
        row.insert("fromPort".to_owned(), json!(from));
        row.insert("toPort".to_owned(), json!(to));
        row.insert("description".to_owned(), json!(self.description));
        let (name, text) = match &self.permission.source {
            Source::Ipv4(net) => ("cidrIpv4", net.to_string()),
            Source::Ipv6(net) => ("cidrIpv6", net.to_string()),
            Source::PrefixList(id) => ("prefixListId", id.clone()),
            Source::Group(group) => ("referencedGroupId", group.id.clone()),
        };
        row.insert(name.to_owned(), json!(text));
        row
    }

    /// A `SecurityGroupRule`.
    pub(super) fn describe(&self, state: &State, group: &SecurityGroup, is_egress: bool) -> Value {
        let mut row = self.summary(group, is_egress);
        let owner = state.place.account.as_str();
        if let Source::Group(referenced) = &self.permission.source {
            row.remove("referencedGroupId");
            let mut info = referenced.describe(&state.place, &group.vpc_id);
            info.insert("groupId".to_owned(), json!(referenced.id));
            row.insert("referencedGroupInfo".to_owned(), Value::Object(info));
        }
        row.insert("groupOwnerId".to_owned(), json!(owner));
        row.insert("tagSet".to_owned(), input::tag_set(&self.tags));
        row.insert(
            "securityGroupRuleArn".to_owned(),
            json!(state.place.arn("security-group-rule", &self.id)),
        );
        Value::Object(row)
    }

    /// A `RevokedSecurityGroupRule`.
    pub(super) fn describe_revoked(&self, group: &SecurityGroup, is_egress: bool) -> Value {
        Value::Object(self.summary(group, is_egress))
    }
}
