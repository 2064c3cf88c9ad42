//! An atomic inbound rule: one protocol, one range, one source.

use crate::ids::AccountId;
use crate::ports::{PortRange, Ports, PortsError};
use crate::protocol::{Protocol, ProtocolError};
use crate::source::{Source, SourceError};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One inbound rule in canonical form.
///
/// EC2 answers with rules grouped by protocol and range, and one more source changes the whole
/// group. Comparing atoms is what keeps an approved rule untouched when its neighbour goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    protocol: Protocol,
    ports: Ports,
    source: Source,
}

/// A text or a set of fields that makes no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not three parts.
    #[error("`{0}` is not a rule like `tcp:443:0.0.0.0/0`")]
    Shape(String),
    /// The protocol is unknown.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The ports do not fit the protocol.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// The ports are not written as ports.
    #[error(
        "`{0}` is not a port, a range like `1000-2000`, an ICMP type like `8` or `8/0`, or `all`"
    )]
    PortsShape(String),
    /// The source is none.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Rule {
    /// From EC2's fields: protocol, `FromPort`, `ToPort` and one source.
    ///
    /// # Errors
    /// [`PortsError`] where the ports are out of range for the protocol.
    pub fn from_ec2(
        protocol: Protocol,
        from_port: Option<i64>,
        to_port: Option<i64>,
        source: Source,
    ) -> Result<Self, PortsError> {
        let ports = Ports::from_ec2(protocol, from_port, to_port)?;
        Ok(Self {
            protocol,
            ports,
            source: truncated(source),
        })
    }

    /// One TCP port.
    #[must_use]
    pub fn tcp(port: u16, source: Source) -> Self {
        let ports = Ports::Range(PortRange::single(port));
        Self {
            protocol: Protocol::TCP,
            ports,
            source: truncated(source),
        }
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Ports, or ICMP types and codes.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// `FromPort` and `ToPort` for a request; `None` where EC2 wants none.
    #[must_use]
    pub fn ec2_ports(&self) -> Option<(i64, i64)> {
        self.ports.to_ec2(self.protocol)
    }

    /// The same rule as seen from a group that `owner` owns.
    #[must_use]
    pub fn canonical(self, owner: &AccountId) -> Self {
        let Self {
            protocol,
            ports,
            source,
        } = self;
        Self {
            protocol,
            ports,
            source: source.canonical(owner),
        }
    }

    /// The notation of a baseline parameter, like `tcp:443:0.0.0.0/0`; what [`FromStr`] reads.
    #[must_use]
    pub fn to_compact(&self) -> String {
        let Self {
            protocol,
            ports,
            source,
        } = self;
        format!("{protocol}:{ports}:{source}")
    }
}

fn truncated(source: Source) -> Source {
    match source {
        Source::Ipv4(net) => Source::Ipv4(net.trunc()),
        Source::Ipv6(net) => Source::Ipv6(net.trunc()),
        Source::PrefixList(_) | Source::Group { .. } => source,
    }
}

impl Rule {
    /// The rule as an outbound one: `tcp 443 to 0.0.0.0/0`.
    #[must_use]
    pub fn outbound(&self) -> String {
        let Self {
            protocol: _,
            ports: _,
            source,
        } = self;
        format!("{} to {source}", What(self))
    }
}

/// `tcp 465 from 0.0.0.0/0`, `all traffic from sg-…`, `icmp type 8 code 0 from ::/0`, `50 from …`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", What(self), self.source)
    }
}

/// The rule without its source.
struct What<'a>(&'a Rule);

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule {
            protocol,
            ports,
            source: _,
        } = self.0;
        match (protocol, ports) {
            (Protocol::All, Ports::All) => f.write_str("all traffic"),
            (protocol, Ports::All) => write!(f, "{protocol}"),
            (protocol, Ports::Range(range)) => write!(f, "{protocol} {range}"),
            (protocol, Ports::Icmp { kind, code }) => {
                write!(f, "{protocol} type {kind}")?;
                match code {
                    Some(code) => write!(f, " code {code}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the notation of a baseline: `<protocol>:<ports>:<source>`.
///
/// Only the first two colons separate, so an IPv6 source needs no brackets: `tcp:443:::/0` is
/// TCP 443 from `::/0`.
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut parts = text.splitn(3, ':').map(str::trim);
        let (Some(protocol), Some(ports), Some(source)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(RuleError::Shape(shown(text)));
        };
        let protocol = protocol.parse()?;
        let source = source.parse()?;
        let (from, to) = read_ports(protocol, ports)?;
        Ok(Self::from_ec2(protocol, from, to, source)?)
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

type Pair = (Option<i64>, Option<i64>);

fn read_ports(protocol: Protocol, text: &str) -> Result<Pair, RuleError> {
    let error = || RuleError::PortsShape(shown(text));
    let number = |part: &str| -> Result<i64, RuleError> {
        let plain = !part.is_empty() && part.len() <= 5 && part.bytes().all(|b| b.is_ascii_digit());
        if plain {
            part.parse().map_err(|_| error())
        } else {
            Err(error())
        }
    };
    if text == "all" {
        return Ok((None, None));
    }
    match protocol {
        Protocol::ICMP | Protocol::ICMPV6 => match text.split_once('/') {
            Some((kind, code)) => Ok((Some(number(kind)?), Some(number(code)?))),
            None => Ok((Some(number(text)?), Some(-1))),
        },
        Protocol::TCP | Protocol::UDP => {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            Ok((Some(number(from)?), Some(number(to)?)))
        }
        // A port on a protocol that has none would be ignored by EC2 and open everything.
        Protocol::All | Protocol::Number(_) => Err(error()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(text: &str, display: &str) {
        let rule: Rule = text.parse().unwrap();
        assert_eq!(rule.to_string(), display, "{text}");
        assert_eq!(rule.to_compact().parse::<Rule>().unwrap(), rule, "{text}");
    }

    #[test]
    fn the_notation_of_a_baseline() {
        check("tcp:80:0.0.0.0/0", "tcp 80 from 0.0.0.0/0");
        check("6:80:0.0.0.0/0", "tcp 80 from 0.0.0.0/0");
        check("tcp:443:::/0", "tcp 443 from ::/0");
        check("tcp:443:2001:db8::1/64", "tcp 443 from 2001:db8::/64");
        check("udp:1000-2000:10.0.0.9/8", "udp 1000-2000 from 10.0.0.0/8");
        check("tcp:all:sg-0a", "tcp 0-65535 from sg-0a");
        check(
            "all:all:123456789012/sg-0a",
            "all traffic from 123456789012/sg-0a",
        );
        check("-1:all:pl-0a", "all traffic from pl-0a");
        check("icmp:8/0:0.0.0.0/0", "icmp type 8 code 0 from 0.0.0.0/0");
        check("icmpv6:128:::/0", "icmpv6 type 128 from ::/0");
        check("icmp:all:0.0.0.0/0", "icmp from 0.0.0.0/0");
        check("50:all:0.0.0.0/0", "50 from 0.0.0.0/0");
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        for (text, word) in [
            ("tcp:80", "tcp:80"),
            ("tcp:80-:0.0.0.0/0", "80-"),
            ("tcp:80-79:0.0.0.0/0", "79"),
            ("tcp:65536:0.0.0.0/0", "65536"),
            ("tcp:+80:0.0.0.0/0", "+80"),
            ("esp:all:0.0.0.0/0", "esp"),
            ("all:80:0.0.0.0/0", "80"),
            ("icmp:8-0:0.0.0.0/0", "8-0"),
            ("icmp:300:0.0.0.0/0", "300"),
            ("tcp:80:everywhere", "everywhere"),
        ] {
            let error = text.parse::<Rule>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
