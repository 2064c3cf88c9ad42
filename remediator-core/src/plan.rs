//! The least that makes a group what it shall be.

use crate::baseline::Baseline;
use crate::observation::SecurityGroup;
use crate::rule::Rule;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// The rules to take away and the rules to add. Empty means converged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Present but not approved.
    pub revoke: BTreeSet<Rule>,
    /// Approved but not present.
    pub authorize: BTreeSet<Rule>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoke.is_empty() && self.authorize.is_empty()
    }
}

/// One change per line, `- tcp 465 from 0.0.0.0/0` or `+ tcp 443 from 0.0.0.0/0`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to change");
        }
        let revoke = self.revoke.iter().map(|rule| ('-', rule));
        let authorize = self.authorize.iter().map(|rule| ('+', rule));
        for (i, (sign, rule)) in revoke.chain(authorize).enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{sign} {rule}")?;
        }
        Ok(())
    }
}

/// Compares the live rules with the approved ones: two set differences, nothing else.
#[must_use]
pub fn plan(group: &SecurityGroup, baseline: &Baseline) -> Plan {
    // Both sides are seen from the group's owner, so that a reference to a group of the own
    // account is one rule whether or not it is spelled with the account.
    let seen = |rule: &Rule| rule.clone().canonical(&group.owner_id);
    let live: BTreeSet<Rule> = group.ingress.iter().map(seen).collect();
    let approved: BTreeSet<Rule> = baseline.rules().iter().map(seen).collect();
    Plan {
        revoke: live.difference(&approved).cloned().collect(),
        authorize: approved.difference(&live).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::observation::tests::group;

    fn check(live: &[&str], baseline: &str, expect: &str) {
        let plan = plan(&group(live), &baseline.parse().unwrap());
        assert_eq!(plan.to_string(), expect);
    }

    const WEB: [&str; 2] = ["tcp:80:0.0.0.0/0", "tcp:443:0.0.0.0/0"];

    #[test]
    fn a_group_that_is_right_is_left_alone() {
        check(&WEB, "ipv4", "nothing to change");
    }

    #[test]
    fn the_incident_of_the_lab() {
        check(
            &[WEB[0], "tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"],
            "ipv4",
            "- tcp 465 from 0.0.0.0/0\n- tcp 993 from 0.0.0.0/0\n+ tcp 443 from 0.0.0.0/0",
        );
    }

    #[test]
    fn one_more_source_on_an_approved_port_goes_alone() {
        check(
            &[WEB[0], WEB[1], "tcp:443:10.0.0.0/8"],
            "ipv4",
            "- tcp 443 from 10.0.0.0/8",
        );
    }

    #[test]
    fn a_range_around_an_approved_port_is_another_rule() {
        check(
            &[WEB[0], "tcp:440-450:0.0.0.0/0"],
            "ipv4",
            "- tcp 440-450 from 0.0.0.0/0\n+ tcp 443 from 0.0.0.0/0",
        );
    }

    #[test]
    fn everything_open_is_closed() {
        check(
            &[
                "all:all:0.0.0.0/0",
                "all:all:sg-0a",
                "icmp:8/0:::/0",
                "tcp:80:pl-0a",
                WEB[0],
                WEB[1],
            ],
            "ipv4",
            "- all traffic from 0.0.0.0/0\n- all traffic from sg-0a\n- icmp type 8 code 0 from ::/0\n- tcp 80 from pl-0a",
        );
    }

    #[test]
    fn the_own_account_may_be_spelled_in_the_baseline() {
        check(
            &["tcp:22:sg-0a"],
            "tcp:22:123456789012/sg-0a",
            "nothing to change",
        );
        check(
            &["tcp:22:sg-0a"],
            "tcp:22:210987654321/sg-0a",
            "- tcp 22 from sg-0a\n+ tcp 22 from 210987654321/sg-0a",
        );
    }
}
