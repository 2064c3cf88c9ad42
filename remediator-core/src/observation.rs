//! The live group, as EC2 tells it.

use crate::ids::{AccountId, GroupId};
use crate::rule::Rule;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One security group and its rules, read from EC2.
///
/// Never built from a configuration item: items lag behind, and their shape varies by version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecurityGroup {
    /// Its id.
    pub group_id: GroupId,
    /// Its name.
    pub group_name: String,
    /// Its VPC; `None` only for EC2-Classic.
    pub vpc_id: Option<String>,
    /// The account that owns it.
    pub owner_id: AccountId,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its inbound rules, atomic and canonical.
    pub ingress: BTreeSet<Rule>,
    /// Its outbound rules, likewise; their sources are destinations.
    pub egress: BTreeSet<Rule>,
    /// The descriptions of those inbound rules that have one. They take no part in any comparison.
    #[serde(skip)]
    pub descriptions: BTreeMap<Rule, String>,
}

impl SecurityGroup {
    /// The group with every rule seen from its owner (see [`Rule::canonical`]).
    #[must_use]
    pub fn canonical(self) -> Self {
        let Self {
            group_id,
            group_name,
            vpc_id,
            owner_id,
            tags,
            ingress,
            egress,
            descriptions,
        } = self;
        let egress = egress
            .into_iter()
            .map(|rule| rule.canonical(&owner_id))
            .collect();
        let ingress = ingress
            .into_iter()
            .map(|rule| rule.canonical(&owner_id))
            .collect();
        let descriptions = descriptions
            .into_iter()
            .map(|(rule, text)| (rule.canonical(&owner_id), text))
            .collect();
        Self {
            group_id,
            group_name,
            vpc_id,
            owner_id,
            tags,
            ingress,
            egress,
            descriptions,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    /// A group of account 123456789012 with these rules (notation of a baseline).
    pub(crate) fn group(rules: &[&str]) -> SecurityGroup {
        SecurityGroup {
            group_id: "sg-0123456789abcdef0".parse().unwrap(),
            group_name: "LabSG1".to_owned(),
            vpc_id: Some("vpc-0123456789abcdef0".to_owned()),
            owner_id: "123456789012".parse().unwrap(),
            tags: BTreeMap::new(),
            ingress: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            egress: BTreeSet::new(),
            descriptions: BTreeMap::new(),
        }
    }

    #[test]
    fn a_reference_to_the_own_account_is_one_rule_in_either_spelling() {
        let spelled = group(&["tcp:22:123456789012/sg-0a", "tcp:22:sg-0a"]).canonical();
        assert_eq!(spelled.ingress, group(&["tcp:22:sg-0a"]).ingress);
    }
}
