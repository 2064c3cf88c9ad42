//! Whether one rule lets through everything that another does.

use crate::ports::Ports;
use crate::protocol::Protocol;
use crate::rule::Rule;
use crate::source::Source;

impl Rule {
    /// Whether this rule lets through everything that `other` does: the same protocol or all of them,
    /// the same ports or more, the same source or a wider network of the same family.
    ///
    /// Prefix lists and groups are compared by their ids: what is in them is not known here, and may
    /// change without the group's changing.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let protocol = self.protocol() == Protocol::All || self.protocol() == other.protocol();
        protocol && ports(self.ports(), other.ports()) && source(self.source(), other.source())
    }
}

fn ports(wide: Ports, narrow: Ports) -> bool {
    match (wide, narrow) {
        (Ports::All, _) => true,
        (Ports::Range(wide), Ports::Range(narrow)) => {
            wide.from() <= narrow.from() && narrow.to() <= wide.to()
        }
        (
            Ports::Icmp { kind, code },
            Ports::Icmp {
                kind: other_kind,
                code: other_code,
            },
        ) => kind == other_kind && (code.is_none() || code == other_code),
        (Ports::Range(_), Ports::All | Ports::Icmp { .. })
        | (Ports::Icmp { .. }, Ports::All | Ports::Range(_)) => false,
    }
}

fn source(wide: &Source, narrow: &Source) -> bool {
    match (wide, narrow) {
        (Source::Ipv4(wide), Source::Ipv4(narrow)) => wide.contains(narrow),
        (Source::Ipv6(wide), Source::Ipv6(narrow)) => wide.contains(narrow),
        (wide, narrow) => wide == narrow,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(wide: &str, narrow: &str, expect: bool) {
        let (wide, narrow): (Rule, Rule) = (wide.parse().unwrap(), narrow.parse().unwrap());
        assert_eq!(wide.covers(&narrow), expect, "{wide} and {narrow}");
    }

    /// A1: narrower ports, a narrower network, a narrower protocol; nothing else.
    #[test]
    fn a_narrower_rule_is_covered() {
        for (wide, narrow) in [
            ("tcp:443:10.0.0.0/8", "tcp:443:10.0.0.0/8"),
            ("tcp:443:10.0.0.0/8", "tcp:443:10.1.0.0/16"),
            ("tcp:1000-2000:::/0", "tcp:1500:2001:db8::/32"),
            ("tcp:all:10.0.0.0/8", "tcp:22:10.0.0.1/32"),
            ("all:all:0.0.0.0/0", "icmp:8/0:1.2.3.4/32"),
            ("icmp:all:0.0.0.0/0", "icmp:8:0.0.0.0/0"),
            ("icmp:8:0.0.0.0/0", "icmp:8/0:0.0.0.0/0"),
            ("all:all:sg-0a", "tcp:22:sg-0a"),
            ("50:all:10.0.0.0/8", "50:all:10.0.0.0/9"),
        ] {
            check(wide, narrow, true);
            check(narrow, wide, wide == narrow);
        }
        for (one, other) in [
            ("tcp:443:0.0.0.0/0", "tcp:443:::/0"),
            ("tcp:443:0.0.0.0/0", "udp:443:0.0.0.0/0"),
            ("tcp:443:0.0.0.0/0", "tcp:443:sg-0a"),
            ("tcp:443:0.0.0.0/0", "tcp:443:pl-0a"),
            ("tcp:443:pl-0a", "tcp:443:pl-0b"),
            ("all:all:sg-0a", "tcp:22:sg-0b"),
            ("tcp:80-81:10.0.0.0/8", "tcp:81-82:10.0.0.0/8"),
            ("icmp:8/0:0.0.0.0/0", "icmp:8/1:0.0.0.0/0"),
            ("all:all:0.0.0.0/0", "tcp:22:::/0"),
        ] {
            check(one, other, false);
            check(other, one, false);
        }
    }
}
