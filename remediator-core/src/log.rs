//! The lines of the function's log. One call, one line: CloudWatch makes one event of each.

use crate::evaluation::Evaluation;
use crate::ids::GroupId;
use crate::plan::Plan;
use crate::ports::Ports;
use crate::protocol::Protocol;
use crate::rule::Rule;
use std::borrow::Cow;

/// What of a rule a class looks for in the log: `port 993`, `port 1000-2000`, `all ports`,
/// `icmp type 8 code 0`, `all icmp types`, `protocol 50`.
#[must_use]
fn subject(rule: &Rule) -> String {
    match (rule.protocol(), rule.ports()) {
        (_, Ports::Range(range)) => format!("port {range}"),
        (protocol, Ports::Icmp { kind, code: None }) => format!("{protocol} type {kind}"),
        (
            protocol,
            Ports::Icmp {
                kind,
                code: Some(code),
            },
        ) => {
            format!("{protocol} type {kind} code {code}")
        }
        (protocol @ (Protocol::ICMP | Protocol::ICMPV6), Ports::All) => {
            format!("all {protocol} types")
        }
        (Protocol::All, Ports::All) => "all ports".to_owned(),
        (Protocol::Number(number), Ports::All) => format!("protocol {number}"),
    }
}

/// `revoking for sg-… port 993`
#[must_use]
pub fn revoking(group: &GroupId, rule: &Rule) -> String {
    format!("revoking for {group} {}", subject(rule))
}

/// `authorizing for sg-… port 443`
#[must_use]
pub fn authorizing(group: &GroupId, rule: &Rule) -> String {
    format!("authorizing for {group} {}", subject(rule))
}

/// The lines of a plan, one a rule; outbound rules as `revoking for sg-… outbound port 25`.
#[must_use]
pub fn changes(group: &GroupId, plan: &Plan) -> Vec<String> {
    let Plan {
        revoke,
        authorize,
        egress,
    } = plan;
    let outbound =
        |verb: &str, rule: &Rule| format!("{verb} for {group} outbound {}", subject(rule));
    (revoke.iter().map(|rule| revoking(group, rule)))
        .chain(authorize.iter().map(|rule| authorizing(group, rule)))
        .chain(egress.revoke.iter().map(|rule| outbound("revoking", rule)))
        .chain(
            egress
                .authorize
                .iter()
                .map(|rule| outbound("authorizing", rule)),
        )
        .collect()
}

/// `reported sg-… NON_COMPLIANT: Permissions were modified. …`, written once Config has accepted it.
#[must_use]
pub fn reported(evaluation: &Evaluation) -> String {
    let Evaluation {
        resource_type: _,
        resource_id,
        compliance,
        annotation,
        ordering_timestamp: _,
    } = evaluation;
    let line = format!("reported {resource_id} {compliance}: {annotation}");
    one_line(&line).into_owned()
}

/// `plan for sg-…: - tcp 465 from 0.0.0.0/0; + tcp 443 from 0.0.0.0/0`
#[must_use]
pub fn planned(group: &GroupId, plan: &Plan) -> String {
    format!("plan for {group}: {}", plan.to_string().replace('\n', "; "))
}

/// The same text without anything that could end the line or start another.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    // Nearly every line. Without stopping early, so that bytes are looked at many at a time.
    let plain = |all, byte: &u8| all & (b' '..=b'~').contains(byte);
    if text.as_bytes().iter().fold(true, plain) || !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(char::is_control, " "))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(rule: &str, line: &str) {
        let group: GroupId = "sg-0a".parse().unwrap();
        assert_eq!(revoking(&group, &rule.parse().unwrap()), line);
    }

    /// L1: each removed rule is found by `revoking for`, its group and its port.
    #[test]
    fn the_line_of_each_kind_of_rule() {
        check("tcp:993:0.0.0.0/0", "revoking for sg-0a port 993");
        check(
            "udp:1000-2000:0.0.0.0/0",
            "revoking for sg-0a port 1000-2000",
        );
        check("tcp:all:::/0", "revoking for sg-0a port 0-65535");
        check("all:all:0.0.0.0/0", "revoking for sg-0a all ports");
        check("50:all:0.0.0.0/0", "revoking for sg-0a protocol 50");
        check(
            "icmp:8/0:0.0.0.0/0",
            "revoking for sg-0a icmp type 8 code 0",
        );
        check("icmpv6:all:::/0", "revoking for sg-0a all icmpv6 types");
        let group: GroupId = "sg-0a".parse().unwrap();
        let rule = "tcp:443:0.0.0.0/0".parse().unwrap();
        assert_eq!(authorizing(&group, &rule), "authorizing for sg-0a port 443");
    }

    /// L3: nothing that arrives can break a line.
    #[test]
    fn a_line_stays_a_line() {
        for (text, line) in [
            ("a\nb\r\u{85}c", "a b  c"),
            ("a~ b", "a~ b"),
            ("\u{7f}", " "),
            ("ä\t€", "ä €"),
            ("ä€", "ä€"),
        ] {
            assert_eq!(one_line(text), line);
        }
    }
}
