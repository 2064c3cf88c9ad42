//! Groups in a file, as `aws ec2 describe-security-groups` prints them.

use std::collections::BTreeMap;
use std::path::Path;

use remediator_core::{Rule, SecurityGroup, Source};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    security_groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_id: String,
    owner_id: String,
    #[serde(default)]
    group_name: String,
    vpc_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    ip_permissions: Vec<Permission>,
    #[serde(default)]
    ip_permissions_egress: Vec<Permission>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permission {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    #[serde(default)]
    ip_ranges: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    ipv6_ranges: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    prefix_list_ids: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    user_id_group_pairs: Vec<BTreeMap<String, String>>,
}

/// Reads the groups of a file.
pub(super) fn load(path: &Path) -> Result<Vec<SecurityGroup>> {
    let name = path.display().to_string();
    let text = files::text(path, super::LONGEST_DOCUMENT)
        .map_err(|e| Error::input(format!("cannot read the groups `{name}`")).caused_by(e))?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<Vec<SecurityGroup>> {
    let unusable = |place: &str| {
        Error::input(format!("cannot use the groups `{name}{place}`"))
            .hint("write the file with `aws ec2 describe-security-groups --output json`")
    };
    let Answer { security_groups } = serde_json::from_str(text)
        .map_err(|e| unusable(&format!(":{}:{}", e.line(), e.column())).caused_by(e))?;
    security_groups
        .into_iter()
        .map(|group| {
            let what = group.group_id.clone();
            read(group).map_err(|e| unusable("").caused_by(format!("group `{what}`: {e}")))
        })
        .collect()
}

fn read(group: Group) -> Result<SecurityGroup, String> {
    let rules = |permissions: &[Permission]| -> Result<_, String> {
        let rules = permissions
            .iter()
            .map(atoms)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(rules.into_iter().flatten().collect())
    };
    let group = SecurityGroup {
        group_id: group.group_id.parse().map_err(text)?,
        owner_id: group.owner_id.parse().map_err(text)?,
        ingress: rules(&group.ip_permissions)?,
        egress: rules(&group.ip_permissions_egress)?,
        group_name: group.group_name,
        vpc_id: group.vpc_id,
        tags: group
            .tags
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect(),
        descriptions: BTreeMap::new(),
    };
    Ok(group.canonical())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn atoms(permission: &Permission) -> Result<Vec<Rule>, String> {
    let lists = [
        (&permission.ip_ranges, "CidrIp"),
        (&permission.ipv6_ranges, "CidrIpv6"),
        (&permission.prefix_list_ids, "PrefixListId"),
        (&permission.user_id_group_pairs, "GroupId"),
    ];
    let protocol = permission.ip_protocol.parse().map_err(text)?;
    let entries = lists
        .into_iter()
        .flat_map(|(list, key)| list.iter().map(move |entry| (entry, key)));
    entries
        .map(|(entry, key)| {
            let id = entry
                .get(key)
                .ok_or_else(|| format!("`{key}` is missing"))?;
            let source: Source = match entry.get("UserId") {
                Some(account) if key == "GroupId" => format!("{account}/{id}").parse(),
                Some(_) | None => id.parse(),
            }
            .map_err(text)?;
            Rule::from_ec2(protocol, permission.from_port, permission.to_port, source).map_err(text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn what_the_aws_cli_prints() {
        let text = r#"{"SecurityGroups": [{
            "GroupId": "sg-0a", "OwnerId": "123456789012", "GroupName": "LabSG1", "VpcId": "vpc-0a", "Description": "d",
            "Tags": [{"Key": "a", "Value": "b"}],
            "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                "PrefixListIds": [{"PrefixListId": "pl-0a"}],
                "UserIdGroupPairs": [{"GroupId": "sg-0a", "UserId": "123456789012"}]}],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        }]}"#;
        let groups = parse("g.json", text).unwrap();
        let shown: Vec<String> = groups[0].ingress.iter().map(ToString::to_string).collect();
        let expected = [
            "tcp 22 from 10.0.0.0/8",
            "tcp 22 from ::/0",
            "tcp 22 from pl-0a",
            "tcp 22 from sg-0a",
        ];
        assert_eq!(shown, expected);
        assert_eq!(groups[0].egress.len(), 1);
        for (from, to) in [
            ("\"tcp\"", "\"pigeon\""),
            ("10.0.0.0/8", "home"),
            ("sg-0a", "sg 0a"),
            ("IpPermissions\"", "Permissions\""),
            ("CidrIp\"", "Cidr\""),
        ] {
            assert!(parse("g.json", &text.replace(from, to)).is_err(), "{from}");
        }
    }
}
