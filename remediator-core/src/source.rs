//! From where a rule lets traffic in.

use crate::ids::{AccountId, GroupId, is_id};
use ipnet::{Ipv4Net, Ipv6Net};
use std::fmt;
use std::str::FromStr;

/// Exactly one source of traffic.
///
/// Networks are kept without host bits, as EC2 stores them (`10.0.0.5/8` is `10.0.0.0/8`); the
/// constructors and the parser see to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An IPv4 network.
    Ipv4(Ipv4Net),
    /// An IPv6 network.
    Ipv6(Ipv6Net),
    /// A managed prefix list, like `pl-0123456789abcdef0`.
    PrefixList(String),
    /// Another security group.
    Group {
        /// The group that is referred to.
        group_id: GroupId,
        /// Its account; `None` means the account of the group that holds the rule.
        user_id: Option<AccountId>,
    },
}

/// A text that names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a source (an IPv4 or IPv6 network like `10.0.0.0/8` or `::/0`, `pl-…`, `sg-…` or `<account>/sg-…`)"
)]
pub struct SourceError(String);

impl Source {
    /// `0.0.0.0/0`.
    #[must_use]
    pub fn anywhere_ipv4() -> Self {
        Self::Ipv4(Ipv4Net::default())
    }

    /// `::/0`.
    #[must_use]
    pub fn anywhere_ipv6() -> Self {
        Self::Ipv6(Ipv6Net::default())
    }

    /// The same source with host bits cleared and, where a group of `owner`'s own account is
    /// meant, without the account: the form in which sources of one group can be compared.
    #[must_use]
    pub fn canonical(self, owner: &AccountId) -> Self {
        match self {
            Self::Ipv4(net) => Self::Ipv4(net.trunc()),
            Self::Ipv6(net) => Self::Ipv6(net.trunc()),
            Self::PrefixList(id) => Self::PrefixList(id),
            Self::Group { group_id, user_id } => Self::Group {
                group_id,
                user_id: user_id.filter(|account| account != owner),
            },
        }
    }
}

/// `0.0.0.0/0`, `::/0`, `pl-…`, `sg-…` or `<account>/sg-…`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(net) => write!(f, "{net}"),
            Self::Ipv6(net) => write!(f, "{net}"),
            Self::PrefixList(id) => f.write_str(id),
            Self::Group {
                group_id,
                user_id: None,
            } => write!(f, "{group_id}"),
            Self::Group {
                group_id,
                user_id: Some(account),
            } => write!(f, "{account}/{group_id}"),
        }
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let error = || SourceError(text.chars().filter(|c| !c.is_control()).take(64).collect());
        if is_id(text, "pl-") {
            return Ok(Self::PrefixList(text.to_owned()));
        }
        if let Ok(group_id) = text.parse() {
            return Ok(Self::Group {
                group_id,
                user_id: None,
            });
        }
        if let Ok(net) = text.parse::<Ipv4Net>() {
            return Ok(Self::Ipv4(net.trunc()));
        }
        if let Ok(net) = text.parse::<Ipv6Net>() {
            return Ok(Self::Ipv6(net.trunc()));
        }
        let (account, group) = text.split_once('/').ok_or_else(error)?;
        let group_id = group.parse().map_err(|_| error())?;
        let user_id = account.parse().map_err(|_| error())?;
        Ok(Self::Group {
            group_id,
            user_id: Some(user_id),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn sources_are_read_and_written_alike() {
        for text in [
            "0.0.0.0/0",
            "10.1.0.0/16",
            "::/0",
            "2001:db8::/32",
            "pl-0123abcd",
            "sg-0123abcd",
            "123456789012/sg-0123abcd",
        ] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!(
            "10.1.2.3/8".parse::<Source>().unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert_eq!(
            "2001:db8::1/32".parse::<Source>().unwrap().to_string(),
            "2001:db8::/32"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "::/129",
            "pl-",
            "1/sg-1",
            "anywhere",
        ] {
            assert!(text.parse::<Source>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_own_account_needs_no_name() {
        let own: AccountId = "123456789012".parse().unwrap();
        let named: Source = "123456789012/sg-1a".parse().unwrap();
        let bare: Source = "sg-1a".parse().unwrap();
        let foreign: Source = "210987654321/sg-1a".parse().unwrap();
        assert_eq!(named.canonical(&own), bare);
        assert_eq!(foreign.clone().canonical(&own), foreign);
    }
}
