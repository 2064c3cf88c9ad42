//! Bodies in EC2's query language (version 2016-11-15).

use bytes::Bytes;
use form_urlencoded::Serializer;
use remediator_core::{GroupId, Rule, Source};
use std::collections::{BTreeMap, BTreeSet};

const VERSION: &str = "2016-11-15";

/// The most groups that EC2 puts on a page.
const PAGE: &str = "1000";

fn form(action: &str) -> Serializer<'static, String> {
    let mut form = Serializer::new(String::with_capacity(512));
    form.append_pair("Action", action)
        .append_pair("Version", VERSION);
    form
}

/// `DescribeSecurityGroups` by ids and filters, from `next_token` on.
pub(crate) fn describe(
    ids: &[GroupId],
    filters: &BTreeMap<String, Vec<String>>,
    next_token: Option<&str>,
) -> Bytes {
    let mut form = form("DescribeSecurityGroups");
    for (i, id) in (1..).zip(ids) {
        form.append_pair(&format!("GroupId.{i}"), id.as_str());
    }
    add_filters(&mut form, filters);
    // Without a page size EC2 would put everything into one answer; with ids that is what we want.
    if ids.is_empty() {
        form.append_pair("MaxResults", PAGE);
    }
    if let Some(token) = next_token {
        form.append_pair("NextToken", token);
    }
    form.finish().into()
}

/// `DescribeTags` of everything that bears one tag, from `next_token` on.
pub(crate) fn describe_tags(key: &str, value: &str, next_token: Option<&str>) -> Bytes {
    let mut form = form("DescribeTags");
    let filters = [("key", key), ("value", value)]
        .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    add_filters(&mut form, &BTreeMap::from(filters));
    form.append_pair("MaxResults", PAGE);
    if let Some(token) = next_token {
        form.append_pair("NextToken", token);
    }
    form.finish().into()
}

/// A `Describe…` of everything, from `next_token` on.
pub(crate) fn describe_all(action: &str, next_token: Option<&str>) -> Bytes {
    let mut form = form(action);
    form.append_pair("MaxResults", PAGE);
    if let Some(token) = next_token {
        form.append_pair("NextToken", token);
    }
    form.finish().into()
}

/// An operation that EC2 shall check and not carry out.
pub(crate) fn dry_run(action: &str, parameters: &[(&str, &str)]) -> Bytes {
    let mut form = form(action);
    form.append_pair("DryRun", "true");
    for (name, value) in parameters {
        form.append_pair(name, value);
    }
    form.finish().into()
}

/// `DescribeRegions`: without `AllRegions`, those that are enabled in the account. The answer has no pages.
pub(crate) fn describe_regions() -> Bytes {
    form("DescribeRegions").finish().into()
}

fn add_filters(form: &mut Serializer<'static, String>, filters: &BTreeMap<String, Vec<String>>) {
    for (i, (name, values)) in (1..).zip(filters) {
        form.append_pair(&format!("Filter.{i}.Name"), name);
        for (j, value) in (1..).zip(values) {
            form.append_pair(&format!("Filter.{i}.Value.{j}"), value);
        }
    }
}

/// One of the four writes, with one permission per rule.
pub(crate) fn rules(action: &str, group: &GroupId, rules: &BTreeSet<Rule>) -> Bytes {
    let mut form = form(action);
    form.append_pair("GroupId", group.as_str());
    for (i, rule) in (1..).zip(rules) {
        permission(&mut form, &format!("IpPermissions.{i}"), rule);
    }
    form.finish().into()
}

fn permission(form: &mut Serializer<'static, String>, at: &str, rule: &Rule) {
    form.append_pair(&format!("{at}.IpProtocol"), &rule.protocol().to_ec2());
    if let Some((from, to)) = rule.ec2_ports() {
        form.append_pair(&format!("{at}.FromPort"), &from.to_string());
        form.append_pair(&format!("{at}.ToPort"), &to.to_string());
    }
    match rule.source() {
        Source::Ipv4(net) => {
            form.append_pair(&format!("{at}.IpRanges.1.CidrIp"), &net.to_string());
        }
        Source::Ipv6(net) => {
            form.append_pair(&format!("{at}.Ipv6Ranges.1.CidrIpv6"), &net.to_string());
        }
        Source::PrefixList(id) => {
            form.append_pair(&format!("{at}.PrefixListIds.1.PrefixListId"), id);
        }
        Source::Group { group_id, user_id } => {
            form.append_pair(&format!("{at}.Groups.1.GroupId"), group_id.as_str());
            if let Some(account) = user_id {
                form.append_pair(&format!("{at}.Groups.1.UserId"), account.as_str());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn pairs(body: &Bytes) -> Vec<String> {
        form_urlencoded::parse(body)
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    /// The names are those that botocore writes for the same input.
    #[test]
    fn rules_are_written_as_every_client_writes_them() {
        let rules = [
            "tcp:80:0.0.0.0/0",
            "tcp:80:::/0",
            "all:all:pl-0a",
            "icmp:8:210987654321/sg-0b",
            "50:all:sg-0c",
            "icmpv6:all:::/0",
        ];
        let written: Vec<Vec<String>> = rules
            .iter()
            .map(|rule| {
                let rules = BTreeSet::from([rule.parse().unwrap()]);
                pairs(&self::rules(
                    "RevokeSecurityGroupIngress",
                    &"sg-0a".parse().unwrap(),
                    &rules,
                ))
            })
            .collect();
        let head = [
            "Action=RevokeSecurityGroupIngress",
            "Version=2016-11-15",
            "GroupId=sg-0a",
        ];
        let permissions: [&[&str]; 6] = [
            &[
                "IpProtocol=tcp",
                "FromPort=80",
                "ToPort=80",
                "IpRanges.1.CidrIp=0.0.0.0/0",
            ],
            &[
                "IpProtocol=tcp",
                "FromPort=80",
                "ToPort=80",
                "Ipv6Ranges.1.CidrIpv6=::/0",
            ],
            &["IpProtocol=-1", "PrefixListIds.1.PrefixListId=pl-0a"],
            &[
                "IpProtocol=icmp",
                "FromPort=8",
                "ToPort=-1",
                "Groups.1.GroupId=sg-0b",
                "Groups.1.UserId=210987654321",
            ],
            &["IpProtocol=50", "Groups.1.GroupId=sg-0c"],
            &[
                "IpProtocol=icmpv6",
                "FromPort=-1",
                "ToPort=-1",
                "Ipv6Ranges.1.CidrIpv6=::/0",
            ],
        ];
        for (written, permission) in written.iter().zip(permissions) {
            let expected: Vec<String> = head
                .iter()
                .map(|pair| (*pair).to_owned())
                .chain(
                    permission
                        .iter()
                        .map(|pair| format!("IpPermissions.1.{pair}")),
                )
                .collect();
            assert_eq!(*written, expected);
        }
    }

    #[test]
    fn permissions_are_numbered() {
        let rules = ["tcp:80:0.0.0.0/0", "tcp:443:0.0.0.0/0"];
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let body = self::rules(
            "AuthorizeSecurityGroupIngress",
            &"sg-0a".parse().unwrap(),
            &rules,
        );
        let pairs = pairs(&body);
        assert!(
            pairs.contains(&"IpPermissions.1.FromPort=80".to_owned()),
            "{pairs:?}"
        );
        assert!(
            pairs.contains(&"IpPermissions.2.FromPort=443".to_owned()),
            "{pairs:?}"
        );
    }

    #[test]
    fn groups_are_asked_for_by_id_or_by_filter() {
        let ids = ["sg-0a".parse().unwrap(), "sg-0b".parse().unwrap()];
        assert_eq!(
            pairs(&describe(&ids, &BTreeMap::new(), None))[2..],
            ["GroupId.1=sg-0a", "GroupId.2=sg-0b"]
        );
        let filters = BTreeMap::from([(
            "vpc-id".to_owned(),
            vec!["vpc-1".to_owned(), "a&b=c".to_owned()],
        )]);
        assert_eq!(
            pairs(&describe(&[], &filters, Some("t")))[2..],
            [
                "Filter.1.Name=vpc-id",
                "Filter.1.Value.1=vpc-1",
                "Filter.1.Value.2=a&b=c",
                "MaxResults=1000",
                "NextToken=t"
            ]
        );
    }
}
