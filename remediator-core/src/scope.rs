//! Which groups a rule may judge and change.

use crate::ids::{AccountId, is_id};
use crate::observation::SecurityGroup;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The groups that are ours to judge. A group outside is reported as not applicable, never written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// No `scope` parameter: whatever the rule's own scope and the role's policy let through.
    #[default]
    Unrestricted,
    /// Every group that the account of the rule owns; the same, asked for by name.
    Account,
    /// The groups of one VPC.
    Vpc(String),
    /// The groups that carry one tag with one value, both compared exactly.
    Tag {
        /// Tag key.
        key: String,
        /// Tag value; may be empty.
        value: String,
    },
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope (`vpc:vpc-…`, `tag:Key=Value` or `account`)")]
pub struct ScopeError(String);

impl Scope {
    /// Whether `group` is in scope for a rule of `account`.
    #[must_use]
    pub fn admits(&self, group: &SecurityGroup, account: &AccountId) -> bool {
        let vpc = group.vpc_id.as_deref();
        self.admits_outline(&group.owner_id, vpc, &group.tags, account)
    }

    /// The same of a group of which only the outline is known.
    ///
    /// The owner of a shared VPC sees the groups of its participants and may not change them (VPC guide, "Share your VPC
    /// subnets with other accounts": "Responsibilities and permissions"), so a group of another account is outside every
    /// scope.
    #[must_use]
    pub fn admits_outline(
        &self,
        owner: &AccountId,
        vpc_id: Option<&str>,
        tags: &BTreeMap<String, String>,
        account: &AccountId,
    ) -> bool {
        owner == account
            && match self {
                Self::Unrestricted | Self::Account => true,
                // A group of EC2-Classic has no VPC and is therefore in no VPC's scope.
                Self::Vpc(vpc) => vpc_id == Some(vpc),
                Self::Tag { key, value } => tags.get(key) == Some(value),
            }
    }
}

/// The value of the `scope` parameter; `unrestricted`, which no parameter value means, for none.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrestricted => f.write_str("unrestricted"),
            Self::Account => f.write_str("account"),
            Self::Vpc(vpc) => write!(f, "vpc:{vpc}"),
            Self::Tag { key, value } => write!(f, "tag:{key}={value}"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `vpc:vpc-…`, `tag:Key=Value` (the first `=` separates) or `account`.
impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let error = || ScopeError(text.chars().filter(|c| !c.is_control()).take(80).collect());
        if text == "account" {
            return Ok(Self::Account);
        }
        match text.split_once(':') {
            Some(("vpc", id)) if is_id(id, "vpc-") => Ok(Self::Vpc(id.to_owned())),
            Some(("tag", tag)) => match tag.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok(Self::Tag {
                    key: key.to_owned(),
                    value: value.to_owned(),
                }),
                Some(_) | None => Err(error()),
            },
            Some(_) | None => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::observation::tests::group;

    #[test]
    fn the_notation() {
        for text in [
            "account",
            "vpc:vpc-0a1b",
            "tag:driftlab:lab=lab-environment",
            "tag:a=b=c",
            "tag:a=",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "vpc",
            "vpc:",
            "vpc:sg-1",
            "vpc-1",
            "tag:",
            "tag:a",
            "tag:=b",
            "Account",
            "unrestricted",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }

    fn check(scope: &str, admitted: bool) {
        let mut group = group(&[]);
        group.vpc_id = Some("vpc-0a".to_owned());
        group.tags.insert("team".to_owned(), "red".to_owned());
        let account = "123456789012".parse().unwrap();
        assert_eq!(
            scope.parse::<Scope>().unwrap().admits(&group, &account),
            admitted,
            "{scope}"
        );
    }

    #[test]
    fn a_group_is_in_scope_or_not() {
        check("account", true);
        check("vpc:vpc-0a", true);
        check("vpc:vpc-0b", false);
        check("tag:team=red", true);
        check("tag:team=Red", false);
        check("tag:Team=red", false);
        check("tag:team=", false);
    }

    /// S1: a participant's group in a shared VPC is nobody's to judge but the participant's.
    #[test]
    fn group_of_another_account_is_outside_every_scope() {
        let stranger = "210987654321".parse().unwrap();
        let mut group = group(&[]);
        group.vpc_id = Some("vpc-0a".to_owned());
        group.tags.insert("team".to_owned(), "red".to_owned());
        for scope in ["account", "vpc:vpc-0a", "tag:team=red"] {
            let scope: Scope = scope.parse().unwrap();
            assert!(!scope.admits(&group, &stranger), "{scope}");
        }
        assert!(!Scope::Unrestricted.admits(&group, &stranger));
        assert!(Scope::Unrestricted.admits(&group, &group.owner_id));
    }
}
