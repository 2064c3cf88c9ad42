//! Rules in few words, and sentences that hold as many of them as there is room for.

use crate::ports::Ports;
use crate::protocol::Protocol;
use crate::rule::Rule;
use std::collections::BTreeSet;

/// What of a rule the reader of an annotation looks for: `tcp 465`, `udp 1000-2000`, `all traffic`,
/// `icmp type 8 code 0`, `all icmp types`, `protocol 50`.
#[must_use]
pub fn ports(rule: &Rule) -> String {
    match (rule.protocol(), rule.ports()) {
        (protocol, Ports::Range(range)) => format!("{protocol} {range}"),
        (protocol, Ports::Icmp { kind, code: None }) => format!("{protocol} type {kind}"),
        (
            protocol,
            Ports::Icmp {
                kind,
                code: Some(code),
            },
        ) => format!("{protocol} type {kind} code {code}"),
        (protocol @ (Protocol::ICMP | Protocol::ICMPV6), Ports::All) => {
            format!("all {protocol} types")
        }
        (Protocol::All, Ports::All) => "all traffic".to_owned(),
        (Protocol::Number(number), Ports::All) => format!("protocol {number}"),
    }
}

/// The ports of inbound and outbound rules, each once: several sources of one port are one name.
#[must_use]
pub fn names(inbound: &BTreeSet<Rule>, outbound: &BTreeSet<Rule>) -> Vec<String> {
    let outbound = outbound
        .iter()
        .map(|rule| format!("outbound {}", ports(rule)));
    let mut names: Vec<String> = Vec::new();
    for name in inbound.iter().map(ports).chain(outbound) {
        if names.last() != Some(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// ` Revoked: tcp 465, tcp 993.` in at most `room` characters: where not all names fit, the rest is
/// counted (`tcp 465 and 12 more`). Empty where there is nothing to name, or no room even for one.
#[must_use]
pub fn sentence(label: &str, names: &[String], room: usize) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut best = String::new();
    let mut text = format!(" {label}: ");
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        let rest = names.len() - index - 1;
        let ended = match rest {
            0 => format!("{text}."),
            rest => format!("{text} and {rest} more."),
        };
        if ended.chars().count() <= room {
            best = ended;
        } else if text.chars().count() > room {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn rules(list: &str) -> BTreeSet<Rule> {
        list.split_whitespace()
            .map(|rule| rule.parse().unwrap())
            .collect()
    }

    #[test]
    fn each_kind_of_rule_has_a_name() {
        for (rule, name) in [
            ("tcp:465:0.0.0.0/0", "tcp 465"),
            ("udp:1000-2000:0.0.0.0/0", "udp 1000-2000"),
            ("all:all:0.0.0.0/0", "all traffic"),
            ("50:all:0.0.0.0/0", "protocol 50"),
            ("icmp:8/0:0.0.0.0/0", "icmp type 8 code 0"),
            ("icmp:8:0.0.0.0/0", "icmp type 8"),
            ("icmpv6:all:::/0", "all icmpv6 types"),
        ] {
            assert_eq!(ports(&rule.parse().unwrap()), name);
        }
    }

    /// N1: a port is named once, however many sources it has.
    #[test]
    fn several_sources_are_one_name() {
        let inbound = rules("tcp:465:0.0.0.0/0 tcp:465:::/0 tcp:993:10.0.0.0/8");
        let outbound = rules("tcp:465:0.0.0.0/0");
        assert_eq!(
            names(&inbound, &outbound),
            ["tcp 465", "tcp 993", "outbound tcp 465"]
        );
    }

    /// N1: what does not fit is counted, and a name is never cut.
    #[test]
    fn a_sentence_ends_at_a_name() {
        let names: Vec<String> = (1..=40).map(|port| format!("tcp {port}")).collect();
        assert_eq!(
            sentence("Revoked", &names[..2], 80),
            " Revoked: tcp 1, tcp 2."
        );
        for room in 0..400 {
            let text = sentence("Revoked", &names, room);
            assert!(text.chars().count() <= room);
            if text.is_empty() {
                assert!(room < " Revoked: tcp 1 and 39 more.".len(), "{room}");
                continue;
            }
            let named = text.matches("tcp ").count();
            let counted = text.split_once(" and ").map_or(0, |(_, rest)| {
                rest.split(' ').next().unwrap().parse().unwrap()
            });
            assert_eq!(named + counted, 40, "{text}");
            assert!(text.ends_with('.'));
        }
        assert_eq!(sentence("Revoked", &[], 80), "");
    }
}
