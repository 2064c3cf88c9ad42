//! IP protocols, by IANA number.

use std::fmt;
use std::str::FromStr;

/// An IP protocol, or all of them.
///
/// EC2 accepts a name or a number and answers with the name for four of them (`tcp`, `udp`,
/// `icmp`, `icmpv6`), with a number for the rest and with `-1` for all. Holding the number makes
/// `6` and `tcp` one value; there is no second spelling to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Every protocol (`-1` in EC2's language).
    All,
    /// One protocol by its IANA number.
    Number(u8),
}

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self::Number(1);
    /// TCP.
    pub const TCP: Self = Self::Number(6);
    /// UDP.
    pub const UDP: Self = Self::Number(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self::Number(58);

    /// The spelling that EC2 uses in its answers and accepts in requests.
    #[must_use]
    pub fn to_ec2(self) -> String {
        match self {
            Self::All => "-1".to_owned(),
            named => named.to_string(),
        }
    }
}

/// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `all`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::All => f.write_str("all"),
            Self::ICMP => f.write_str("icmp"),
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::ICMPV6 => f.write_str("icmpv6"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// A text that names no IP protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol (`tcp`, `udp`, `icmp`, `icmpv6`, `all` or a number up to 255)")]
pub struct ProtocolError(String);

/// Accepts what EC2 accepts (names in any case, numbers, `-1`) and `all`.
impl FromStr for Protocol {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        let error = || ProtocolError(text.chars().filter(|c| !c.is_control()).take(32).collect());
        match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Ok(Self::All),
            "icmp" => Ok(Self::ICMP),
            "tcp" => Ok(Self::TCP),
            "udp" => Ok(Self::UDP),
            "icmpv6" => Ok(Self::ICMPV6),
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                number.parse().map(Self::Number).map_err(|_| error())
            }
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_one_value() {
        for (a, b) in [
            ("6", "tcp"),
            ("17", "UDP"),
            ("1", "icmp"),
            ("58", "icmpv6"),
            ("-1", "all"),
            ("50", "050"),
        ] {
            assert_eq!(a.parse::<Protocol>(), b.parse::<Protocol>(), "{a} {b}");
        }
    }

    #[test]
    fn every_protocol_survives_its_own_spelling() {
        for protocol in (0..=255).map(Protocol::Number).chain([Protocol::All]) {
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
            assert_eq!(protocol.to_ec2().parse(), Ok(protocol));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "256", "-2", "tcp ", "esp", "+6"] {
            assert!(text.parse::<Protocol>().is_err(), "{text:?}");
        }
    }
}
