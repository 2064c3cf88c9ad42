//! What of a protocol a rule lets through: ports, or ICMP types and codes.

use crate::protocol::Protocol;
use std::fmt;

/// An inclusive range of ports, `from` ≤ `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    from: u16,
    to: u16,
}

impl PortRange {
    /// Every port of TCP or UDP.
    pub const ALL: Self = Self {
        from: 0,
        to: u16::MAX,
    };

    /// One port.
    #[must_use]
    pub const fn single(port: u16) -> Self {
        Self {
            from: port,
            to: port,
        }
    }

    /// `None` where `from` > `to`.
    #[must_use]
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    /// First port.
    #[must_use]
    pub fn from(self) -> u16 {
        self.from
    }

    /// Last port.
    #[must_use]
    pub fn to(self) -> u16 {
        self.to
    }
}

/// `443` or `1000-2000`.
impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        if from == to {
            write!(f, "{from}")
        } else {
            write!(f, "{from}-{to}")
        }
    }
}

/// The part of a protocol that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// The whole protocol: no ports to speak of (`-1`, ESP, …), or every ICMP type.
    All,
    /// TCP or UDP ports.
    Range(PortRange),
    /// One ICMP type, with one code or (`None`) all of its codes.
    Icmp {
        /// ICMP type.
        kind: u8,
        /// ICMP code; `None` is all of them.
        code: Option<u8>,
    },
}

/// A pair of `FromPort` and `ToPort` that its protocol cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("protocol `{protocol}` cannot have ports {} to {}", Shown(*.from), Shown(*.to))]
pub struct PortsError {
    /// The protocol.
    pub protocol: Protocol,
    /// `FromPort` as given.
    pub from: Option<i64>,
    /// `ToPort` as given.
    pub to: Option<i64>,
}

struct Shown(Option<i64>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(n) => write!(f, "`{n}`"),
            None => f.write_str("(none)"),
        }
    }
}

impl Ports {
    /// Reads EC2's `FromPort` and `ToPort`, which mean something else for each protocol.
    ///
    /// - All protocols, and those without ports: EC2 lets everything through, whatever the
    ///   numbers say (documented at `AuthorizeSecurityGroupIngress`), so they are dropped.
    /// - ICMP and ICMPv6: type and code; −1 is "all"; absent is all types.
    /// - TCP and UDP: a range; absent or −1 is every port.
    ///
    /// # Errors
    /// [`PortsError`] where the numbers are out of range for the protocol.
    pub fn from_ec2(
        protocol: Protocol,
        from: Option<i64>,
        to: Option<i64>,
    ) -> Result<Self, PortsError> {
        let error = PortsError { protocol, from, to };
        match protocol {
            Protocol::ICMP | Protocol::ICMPV6 => icmp(from, to).ok_or(error),
            Protocol::TCP | Protocol::UDP => range(from, to).map(Self::Range).ok_or(error),
            Protocol::All | Protocol::Number(_) => Ok(Self::All),
        }
    }

    /// `FromPort` and `ToPort` for a request about `protocol`; `None` where EC2 wants none.
    #[must_use]
    pub fn to_ec2(self, protocol: Protocol) -> Option<(i64, i64)> {
        match self {
            Self::Range(range) => Some((range.from.into(), range.to.into())),
            Self::Icmp { kind, code } => Some((kind.into(), code.map_or(-1, i64::from))),
            Self::All => matches!(protocol, Protocol::ICMP | Protocol::ICMPV6).then_some((-1, -1)),
        }
    }
}

fn icmp(from: Option<i64>, to: Option<i64>) -> Option<Ports> {
    match (from.unwrap_or(-1), to.unwrap_or(-1)) {
        (-1, _) => Some(Ports::All),
        (kind, -1) => Some(Ports::Icmp {
            kind: kind.try_into().ok()?,
            code: None,
        }),
        (kind, code) => Some(Ports::Icmp {
            kind: kind.try_into().ok()?,
            code: Some(code.try_into().ok()?),
        }),
    }
}

fn range(from: Option<i64>, to: Option<i64>) -> Option<PortRange> {
    match (from, to) {
        (None | Some(-1), None | Some(-1)) => Some(PortRange::ALL),
        (Some(from), Some(to)) => PortRange::new(from.try_into().ok()?, to.try_into().ok()?),
        (None, Some(_)) | (Some(_), None) => None,
    }
}

/// `443`, `1000-2000`, `all`, `8` or `8/0` (ICMP type, type and code): the notation of a baseline.
impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Range(range) => write!(f, "{range}"),
            Self::Icmp { kind, code: None } => write!(f, "{kind}"),
            Self::Icmp {
                kind,
                code: Some(code),
            } => write!(f, "{kind}/{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, from: Option<i64>, to: Option<i64>, expect: Option<&str>) {
        let ports = Ports::from_ec2(protocol, from, to).ok();
        assert_eq!(
            ports.map(|p| p.to_string()).as_deref(),
            expect,
            "{protocol} {from:?} {to:?}"
        );
    }

    #[test]
    fn ports_mean_what_their_protocol_says() {
        check(Protocol::TCP, Some(443), Some(443), Some("443"));
        check(Protocol::UDP, Some(1000), Some(2000), Some("1000-2000"));
        check(Protocol::TCP, None, None, Some("0-65535"));
        check(Protocol::TCP, Some(-1), Some(-1), Some("0-65535"));
        check(Protocol::TCP, Some(2), Some(1), None);
        check(Protocol::TCP, Some(0), Some(65_536), None);
        check(Protocol::TCP, Some(1), None, None);
        check(Protocol::ICMP, Some(8), Some(0), Some("8/0"));
        check(Protocol::ICMP, Some(8), Some(-1), Some("8"));
        check(Protocol::ICMP, Some(-1), Some(-1), Some("all"));
        check(Protocol::ICMPV6, None, None, Some("all"));
        check(Protocol::ICMP, Some(256), Some(0), None);
        check(Protocol::All, Some(22), Some(22), Some("all"));
        check(Protocol::Number(50), Some(0), Some(65_535), Some("all"));
    }
}
