//! EC2's answers.
//!
//! Elements are found by their local name: EC2 spells its namespace with and without a slash at
//! the end, and proxies and emulators leave it out.

use remediator_core::{AccountId, GroupId, Protocol, Rule, SecurityGroup, Source, log};
use roxmltree::{Document, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

/// An answer that does not have the documented shape.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("not XML")]
    Xml(#[from] roxmltree::Error),
    #[error("not text")]
    Text(#[from] std::str::Utf8Error),
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{name}` is not usable")]
    Malformed {
        name: &'static str,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("`return` is `{0}`, not `true`")]
    NotTrue(String),
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

/// Something in EC2 that bears a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedResource {
    /// In EC2's spelling, like `route-table`.
    pub resource_type: String,
    /// Like `rtb-0123456789abcdef0`.
    pub resource_id: String,
}

/// Reads one page of `DescribeTags`.
pub(crate) fn describe_tags(body: &[u8]) -> Result<Page<TaggedResource>, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    let set = child(root, "tagSet").ok_or(AnswerError::Missing("tagSet"))?;
    let resource = |item| -> Result<TaggedResource, AnswerError> {
        Ok(TaggedResource {
            resource_type: text(item, "resourceType")
                .ok_or(AnswerError::Missing("resourceType"))?
                .to_owned(),
            resource_id: text(item, "resourceId")
                .ok_or(AnswerError::Missing("resourceId"))?
                .to_owned(),
        })
    };
    Ok(Page {
        items: items(set).map(resource).collect::<Result<_, _>>()?,
        next_token: text(root, "nextToken").map(str::to_owned),
    })
}

/// Reads one page of a list of which only the ids matter: the set's element and that of the id in each item.
pub(crate) fn ids(
    body: &[u8],
    set: &'static str,
    id: &'static str,
) -> Result<Page<String>, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    let listed = child(root, set).ok_or(AnswerError::Missing(set))?;
    let id = |item| {
        text(item, id)
            .map(str::to_owned)
            .ok_or(AnswerError::Missing(id))
    };
    Ok(Page {
        items: items(listed).map(id).collect::<Result<_, _>>()?,
        next_token: text(root, "nextToken").map(str::to_owned),
    })
}

/// Reads the names in `DescribeRegions`, without those that are there but not enabled.
pub(crate) fn describe_regions(body: &[u8]) -> Result<Vec<String>, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    let set = child(root, "regionInfo").ok_or(AnswerError::Missing("regionInfo"))?;
    let enabled = |item: &Node<'_, '_>| text(*item, "optInStatus") != Some("not-opted-in");
    items(set)
        .filter(enabled)
        .map(|item| {
            let name = text(item, "regionName").ok_or(AnswerError::Missing("regionName"))?;
            Ok(name.to_owned())
        })
        .collect()
}

/// One page of security groups.
#[derive(Debug)]
pub struct GroupPage {
    /// The groups that are understood.
    pub groups: Vec<SecurityGroup>,
    /// The groups that are there and not understood.
    pub unreadable: Vec<UnreadableGroup>,
    /// The token of the next page.
    pub next_token: Option<String>,
}

/// A group of which a rule is not understood, like one whose source account is an alias (`amazon-elb`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableGroup {
    /// Its id.
    pub group_id: GroupId,
    /// The account that owns it.
    pub owner_id: AccountId,
    /// Its VPC; `None` only for EC2-Classic.
    pub vpc_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What is not understood, on one line.
    pub reason: String,
}

/// Reads one page of `DescribeSecurityGroups`. A group that is not understood does not hide the others, unless it is
/// not even clear which one it is.
pub(crate) fn describe_page(body: &[u8]) -> Result<GroupPage, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    let set = child(root, "securityGroupInfo").ok_or(AnswerError::Missing("securityGroupInfo"))?;
    let mut page = GroupPage {
        groups: Vec::new(),
        unreadable: Vec::new(),
        next_token: text(root, "nextToken").map(str::to_owned),
    };
    for item in items(set) {
        let outline = outline(item)?;
        match with_rules(outline.clone(), item) {
            Ok(group) => page.groups.push(group),
            Err(error) => page.unreadable.push(UnreadableGroup {
                group_id: outline.group_id,
                owner_id: outline.owner_id,
                vpc_id: outline.vpc_id,
                tags: outline.tags,
                reason: one_line(&error),
            }),
        }
    }
    Ok(page)
}

/// An error and its causes.
fn one_line(error: &AnswerError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    log::one_line(&text).into_owned()
}

/// Reads one page of `DescribeSecurityGroups` of which every group must be understood.
pub(crate) fn describe(body: &[u8]) -> Result<Page<SecurityGroup>, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    let set = child(root, "securityGroupInfo").ok_or(AnswerError::Missing("securityGroupInfo"))?;
    let groups = items(set).map(group).collect::<Result<_, _>>()?;
    Ok(Page {
        items: groups,
        next_token: text(root, "nextToken").map(str::to_owned),
    })
}

/// Checks that a write was answered with success, and counts the rules that EC2 says it did not
/// know (`unknownIpPermissionSet`, told instead of an error in a default VPC).
pub(crate) fn write(body: &[u8]) -> Result<usize, AnswerError> {
    let document = Document::parse(std::str::from_utf8(body)?)?;
    let root = document.root_element();
    match text(root, "return") {
        Some("true") => {}
        Some(other) => return Err(AnswerError::NotTrue(other.chars().take(32).collect())),
        None => return Err(AnswerError::Missing("return")),
    }
    Ok(child(root, "unknownIpPermissionSet").map_or(0, |set| items(set).count()))
}

fn group(item: Node<'_, '_>) -> Result<SecurityGroup, AnswerError> {
    with_rules(outline(item)?, item)
}

/// The group without its rules.
fn outline(item: Node<'_, '_>) -> Result<SecurityGroup, AnswerError> {
    let mut group = SecurityGroup {
        group_id: parsed(item, "groupId")?,
        group_name: text(item, "groupName").unwrap_or_default().to_owned(),
        vpc_id: text(item, "vpcId").map(str::to_owned),
        owner_id: parsed(item, "ownerId")?,
        tags: BTreeMap::new(),
        ingress: BTreeSet::new(),
        egress: BTreeSet::new(),
        descriptions: BTreeMap::new(),
    };
    for tag in child(item, "tagSet").into_iter().flat_map(items) {
        let key = text(tag, "key").ok_or(AnswerError::Missing("tagSet/item/key"))?;
        group.tags.insert(
            key.to_owned(),
            text(tag, "value").unwrap_or_default().to_owned(),
        );
    }
    Ok(group)
}

fn with_rules(mut group: SecurityGroup, item: Node<'_, '_>) -> Result<SecurityGroup, AnswerError> {
    for permission in child(item, "ipPermissions").into_iter().flat_map(items) {
        for (rule, description) in atoms(permission)? {
            if let Some(description) = description {
                group.descriptions.insert(rule.clone(), description);
            }
            group.ingress.insert(rule);
        }
    }
    let outbound = child(item, "ipPermissionsEgress")
        .into_iter()
        .flat_map(items);
    for permission in outbound {
        let rules = atoms(permission)?.into_iter().map(|(rule, _)| rule);
        group.egress.extend(rules);
    }
    Ok(group.canonical())
}

/// Splits one `IpPermission` into its atoms, with their descriptions.
fn atoms(item: Node<'_, '_>) -> Result<Vec<(Rule, Option<String>)>, AnswerError> {
    let protocol: Protocol = parsed(item, "ipProtocol")?;
    let from = number(item, "fromPort")?;
    let to = number(item, "toPort")?;
    let mut atoms = Vec::new();
    for (set, read) in SOURCES {
        for entry in child(item, set).into_iter().flat_map(items) {
            let rule = Rule::from_ec2(protocol, from, to, read(entry)?).map_err(|e| {
                AnswerError::Malformed {
                    name: "ipPermissions",
                    source: e.into(),
                }
            })?;
            atoms.push((rule, text(entry, "description").map(str::to_owned)));
        }
    }
    Ok(atoms)
}

type ReadSource = fn(Node<'_, '_>) -> Result<Source, AnswerError>;

const SOURCES: [(&str, ReadSource); 4] = [
    ("ipRanges", |entry| {
        Ok(Source::Ipv4(parsed(entry, "cidrIp")?))
    }),
    ("ipv6Ranges", |entry| {
        Ok(Source::Ipv6(parsed(entry, "cidrIpv6")?))
    }),
    ("prefixListIds", |entry| {
        let list: Source = parsed(entry, "prefixListId")?;
        match list {
            Source::PrefixList(_) => Ok(list),
            Source::Ipv4(_) | Source::Ipv6(_) | Source::Group { .. } => {
                Err(AnswerError::Missing("prefixListId"))
            }
        }
    }),
    ("groups", |entry| {
        let group_id: GroupId = parsed(entry, "groupId")?;
        let user_id: Option<AccountId> = match text(entry, "userId") {
            Some(_) => Some(parsed(entry, "userId")?),
            None => None,
        };
        Ok(Source::Group { group_id, user_id })
    }),
];

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children()
        .find(|child| child.is_element() && child.tag_name().name() == name)
}

fn items<'a, 'input: 'a>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(|child| child.is_element() && child.tag_name().name() == "item")
}

/// The text of a child; an empty element counts as absent.
fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?
        .text()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn parsed<T>(node: Node<'_, '_>, name: &'static str) -> Result<T, AnswerError>
where
    T: std::str::FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text = text(node, name).ok_or(AnswerError::Missing(name))?;
    text.parse().map_err(|e: T::Err| AnswerError::Malformed {
        name,
        source: Box::new(e),
    })
}

fn number(node: Node<'_, '_>, name: &'static str) -> Result<Option<i64>, AnswerError> {
    if text(node, name).is_some() {
        parsed(node, name).map(Some)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn page(xmlns: &str, groups: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeSecurityGroupsResponse{xmlns}>
  <requestId>59dbff89</requestId>
  <securityGroupInfo>{groups}</securityGroupInfo>
</DescribeSecurityGroupsResponse>"#
        )
    }

    const LAB: &str = r#"
    <item>
      <ownerId>123456789012</ownerId><groupId>sg-0a</groupId><groupName>LabSG1</groupName>
      <groupDescription>a &amp; b</groupDescription><vpcId>vpc-0a</vpcId>
      <ipPermissions>
        <item>
          <ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort>
          <groups>
            <item><userId>123456789012</userId><groupId>sg-0b</groupId></item>
            <item><userId>210987654321</userId><groupId>sg-0c</groupId>
              <vpcId>vpc-0b</vpcId><vpcPeeringConnectionId>pcx-0a</vpcPeeringConnectionId>
              <peeringStatus>active</peeringStatus></item>
          </groups>
          <ipRanges>
            <item><cidrIp>0.0.0.0/0</cidrIp><description>web &lt;all&gt;</description></item>
            <item><cidrIp>10.0.0.0/8</cidrIp></item>
          </ipRanges>
          <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>
          <prefixListIds><item><prefixListId>pl-0a</prefixListId></item></prefixListIds>
        </item>
        <item>
          <ipProtocol>-1</ipProtocol><groups/>
          <ipRanges><item><cidrIp>10.9.0.0/16</cidrIp></item></ipRanges>
          <ipv6Ranges/><prefixListIds/>
        </item>
        <item>
          <ipProtocol>icmp</ipProtocol><fromPort>8</fromPort><toPort>-1</toPort>
          <groups/><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>
        </item>
      </ipPermissions>
      <ipPermissionsEgress>
        <item><ipProtocol>-1</ipProtocol><groups/>
          <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>
      </ipPermissionsEgress>
      <tagSet><item><key>Name</key><value>LabSG1</value></item><item><key>bare</key><value/></item></tagSet>
    </item>"#;

    #[test]
    fn a_group_in_every_spelling_of_the_namespace() {
        for xmlns in [
            r#" xmlns="http://ec2.amazonaws.com/doc/2016-11-15/""#,
            r#" xmlns="http://ec2.amazonaws.com/doc/2016-11-15""#,
            "",
        ] {
            let page = describe(page(xmlns, LAB).as_bytes()).unwrap();
            let [group] = page.items.as_slice() else {
                unreachable!("one group")
            };
            let rules: Vec<String> = group.ingress.iter().map(ToString::to_string).collect();
            assert_eq!(
                rules,
                [
                    "all traffic from 10.9.0.0/16",
                    "icmp type 8 from 0.0.0.0/0",
                    "tcp 443 from 0.0.0.0/0",
                    "tcp 443 from 10.0.0.0/8",
                    "tcp 443 from ::/0",
                    "tcp 443 from pl-0a",
                    "tcp 443 from sg-0b",
                    "tcp 443 from 210987654321/sg-0c",
                ]
            );
            let outbound: Vec<String> = group.egress.iter().map(Rule::outbound).collect();
            assert_eq!(outbound, ["all traffic to 0.0.0.0/0"]);
            assert_eq!(group.group_name, "LabSG1");
            assert_eq!(group.vpc_id.as_deref(), Some("vpc-0a"));
            assert_eq!(group.tags["Name"], "LabSG1");
            assert_eq!(group.tags["bare"], "");
            let described = "tcp:443:0.0.0.0/0".parse().unwrap();
            assert_eq!(group.descriptions[&described], "web <all>");
            assert_eq!(page.next_token, None);
        }
    }

    #[test]
    fn a_group_without_rules_and_a_page_without_groups() {
        let bare =
            "<item><ownerId>123456789012</ownerId><groupId>sg-0a</groupId><ipPermissions/></item>";
        let page_of_one = describe(page("", bare).as_bytes()).unwrap();
        assert!(page_of_one.items[0].ingress.is_empty());
        assert_eq!(page_of_one.items[0].vpc_id, None);
        assert!(describe(page("", "").as_bytes()).unwrap().items.is_empty());
    }

    /// A source account may be an alias: `amazon-elb/sg-…` is one of the groups that ansible/ansible's `ec2_group` (2.9)
    /// takes apart.
    #[test]
    fn group_that_is_not_understood_does_not_hide_the_others() {
        let alias = LAB
            .replace("sg-0a", "sg-0e")
            .replacen("210987654321", "amazon-elb", 1);
        let body = page("", &format!("{alias}{LAB}"));
        let page = describe_page(body.as_bytes()).unwrap();
        let ids: Vec<&str> = page
            .groups
            .iter()
            .map(|group| group.group_id.as_str())
            .collect();
        assert_eq!(ids, ["sg-0a"]);
        let [unreadable] = page.unreadable.as_slice() else {
            unreachable!("one group")
        };
        assert_eq!(unreadable.group_id.as_str(), "sg-0e");
        assert_eq!(unreadable.owner_id.as_str(), "123456789012");
        assert_eq!(unreadable.vpc_id.as_deref(), Some("vpc-0a"));
        assert_eq!(unreadable.tags["Name"], "LabSG1");
        assert_eq!(
            unreadable.reason,
            "`userId` is not usable: `amazon-elb` is not an account id of twelve digits"
        );
        // Alone it is an answer that is not understood, and so is a group that does not say which one it is.
        assert!(describe(body.as_bytes()).is_err());
        let nameless = LAB.replace("<groupId>sg-0a</groupId>", "");
        assert!(describe_page(super::tests::page("", &nameless).as_bytes()).is_err());
    }

    #[test]
    fn a_page_that_is_not_the_last() {
        let body = page("", "").replace(
            "</securityGroupInfo>",
            "</securityGroupInfo><nextToken>t/1=</nextToken>",
        );
        assert_eq!(
            describe(body.as_bytes()).unwrap().next_token.as_deref(),
            Some("t/1=")
        );
    }

    #[test]
    fn what_is_not_understood_is_never_taken_for_empty() {
        for (from, to) in [
            ("<groupId>sg-0a</groupId>", ""),
            (
                "<ipProtocol>tcp</ipProtocol>",
                "<ipProtocol>carrier-pigeon</ipProtocol>",
            ),
            ("<fromPort>443</fromPort>", "<fromPort>https</fromPort>"),
            ("<fromPort>443</fromPort>", ""),
            ("<cidrIp>10.0.0.0/8</cidrIp>", "<cidrIp>everywhere</cidrIp>"),
            ("<cidrIpv6>::/0</cidrIpv6>", ""),
            ("<prefixListId>pl-0a</prefixListId>", ""),
            ("<prefixListId>pl-0a<", "<prefixListId>pl-0a b<"),
            ("<prefixListId>pl-0a<", "<prefixListId>sg-0a<"),
            ("<groupId>sg-0b</groupId>", ""),
        ] {
            let body = page("", &LAB.replacen(from, to, 1));
            assert_ne!(body, page("", LAB), "{from} is not in the fixture");
            assert!(describe(body.as_bytes()).is_err(), "{from} -> {to}");
        }
        for body in ["", "<html/>", "{}", "<DescribeSecurityGroupsResponse/>"] {
            assert!(describe(body.as_bytes()).is_err(), "{body}");
        }
        assert!(describe(b"\xff").is_err());
    }

    #[test]
    fn a_write_is_done_when_ec2_says_so() {
        let answer = |inner: &str| {
            format!(
                "<RevokeSecurityGroupIngressResponse>{inner}</RevokeSecurityGroupIngressResponse>"
            )
        };
        assert_eq!(
            write(answer("<return>true</return>").as_bytes()).unwrap(),
            0
        );
        let unknown =
            "<return>true</return><unknownIpPermissionSet><item/><item/></unknownIpPermissionSet>";
        assert_eq!(write(answer(unknown).as_bytes()).unwrap(), 2);
        for inner in ["", "<return>false</return>", "<return/>"] {
            assert!(write(answer(inner).as_bytes()).is_err(), "{inner}");
        }
        assert!(write(b"ok").is_err());
    }

    #[test]
    fn tagged_resources() {
        let page = describe_tags(
            br#"<DescribeTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>
                <tagSet><item><resourceId>vpc-0a</resourceId><resourceType>vpc</resourceType>
                <key>driftlab:lab</key><value>lab-environment</value></item></tagSet>
                <nextToken>more</nextToken></DescribeTagsResponse>"#,
        )
        .unwrap();
        let vpc = TaggedResource {
            resource_type: "vpc".to_owned(),
            resource_id: "vpc-0a".to_owned(),
        };
        assert_eq!(page.items, [vpc]);
        assert_eq!(page.next_token.as_deref(), Some("more"));
        assert!(describe_tags(b"<DescribeTagsResponse/>").is_err());
    }

    #[test]
    fn regions_that_are_not_enabled_are_left_out() {
        let names = describe_regions(
            br#"<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>
                <item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>
                <item><regionName>me-south-1</regionName><optInStatus>not-opted-in</optInStatus></item>
                <item><regionName>af-south-1</regionName><optInStatus>opted-in</optInStatus></item>
                </regionInfo></DescribeRegionsResponse>"#,
        );
        assert_eq!(names.unwrap(), ["us-east-1", "af-south-1"]);
        assert!(describe_regions(b"<DescribeRegionsResponse/>").is_err());
    }
}
