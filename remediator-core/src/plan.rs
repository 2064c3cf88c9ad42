//! The least that makes a group what it shall be.

use crate::baseline::Baseline;
use crate::ids::AccountId;
use crate::naming;
use crate::observation::SecurityGroup;
use crate::policy::{Matching, Policy};
use crate::rule::Rule;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Inbound or outbound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Inbound: sources of traffic.
    Ingress,
    /// Outbound: destinations.
    Egress,
}

/// A rule, and which of the two lists of a group it is in.
pub type Directed = (Direction, Rule);

/// The rules of both lists as one.
pub fn directed<'a>(
    ingress: &'a BTreeSet<Rule>,
    egress: &'a BTreeSet<Rule>,
) -> impl Iterator<Item = Directed> + 'a {
    let of = |direction, rules: &'a BTreeSet<Rule>| {
        rules.iter().map(move |rule| (direction, rule.clone()))
    };
    of(Direction::Ingress, ingress).chain(of(Direction::Egress, egress))
}

/// The rules of one direction to take away and to add.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Changes {
    /// Present but not approved.
    pub revoke: BTreeSet<Rule>,
    /// Approved but not present.
    pub authorize: BTreeSet<Rule>,
}

impl Changes {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoke.is_empty() && self.authorize.is_empty()
    }
}

/// The rules to take away and the rules to add. Empty means converged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Inbound rules that are present but not approved.
    pub revoke: BTreeSet<Rule>,
    /// Inbound rules that are approved but not present.
    pub authorize: BTreeSet<Rule>,
    /// The same for outbound rules; empty where the policy says nothing of them.
    #[serde(skip_serializing_if = "Changes::is_empty")]
    pub egress: Changes,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoke.is_empty() && self.authorize.is_empty() && self.egress.is_empty()
    }

    /// The ports of the rules to take away, outbound ones marked as such.
    #[must_use]
    pub fn names_to_revoke(&self) -> Vec<String> {
        naming::names(&self.revoke, &self.egress.revoke)
    }

    /// The ports of the rules to add, outbound ones marked as such.
    #[must_use]
    pub fn names_to_authorize(&self) -> Vec<String> {
        naming::names(&self.authorize, &self.egress.authorize)
    }

    /// How many rules are to be taken away, in both directions.
    #[must_use]
    pub fn revocations(&self) -> usize {
        self.revoke.len() + self.egress.revoke.len()
    }

    /// How many rules are to be added, in both directions.
    #[must_use]
    pub fn authorizations(&self) -> usize {
        self.authorize.len() + self.egress.authorize.len()
    }

    /// Every inbound rule away, whatever is approved: nothing gets in.
    #[must_use]
    pub fn quarantine(group: &SecurityGroup) -> Self {
        Self {
            revoke: group.ingress.clone(),
            ..Self::default()
        }
    }
}

/// One change per line, `- tcp 465 from 0.0.0.0/0` or `+ tcp 443 from 0.0.0.0/0`; outbound
/// `- tcp 25 to 0.0.0.0/0`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to change");
        }
        let Self {
            revoke,
            authorize,
            egress,
        } = self;
        let inbound = |sign: char, rule: &Rule| format!("{sign} {rule}");
        let outbound = |sign: char, rule: &Rule| format!("{sign} {}", rule.outbound());
        let lines: Vec<String> = (revoke.iter().map(|rule| inbound('-', rule)))
            .chain(authorize.iter().map(|rule| inbound('+', rule)))
            .chain(egress.revoke.iter().map(|rule| outbound('-', rule)))
            .chain(egress.authorize.iter().map(|rule| outbound('+', rule)))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Compares the live rules with the approved ones.
///
/// `exact` is two set differences. `at-most` takes away what no approved rule covers and adds
/// nothing: the baseline is a ceiling.
#[must_use]
pub fn plan(group: &SecurityGroup, policy: &Policy) -> Plan {
    let owner = &group.owner_id;
    let Changes { revoke, authorize } =
        changes(&group.ingress, &policy.baseline, policy.matching, owner);
    let egress = policy
        .egress
        .as_ref()
        .map(|approved| changes(&group.egress, approved, policy.matching, owner));
    Plan {
        revoke,
        authorize,
        egress: egress.unwrap_or_default(),
    }
}

fn changes(
    live: &BTreeSet<Rule>,
    approved: &Baseline,
    matching: Matching,
    owner: &AccountId,
) -> Changes {
    // Both sides are seen from the group's owner, so that a reference to a group of the own
    // account is one rule whether or not it is spelled with the account.
    let seen = |rule: &Rule| rule.clone().canonical(owner);
    let live: BTreeSet<Rule> = live.iter().map(seen).collect();
    let approved: BTreeSet<Rule> = approved.rules().iter().map(seen).collect();
    match matching {
        Matching::Exact => Changes {
            revoke: live.difference(&approved).cloned().collect(),
            authorize: approved.difference(&live).cloned().collect(),
        },
        Matching::AtMost => Changes {
            revoke: live
                .into_iter()
                .filter(|rule| !is_covered(rule, &approved))
                .collect(),
            authorize: BTreeSet::new(),
        },
    }
}

fn is_covered(rule: &Rule, approved: &BTreeSet<Rule>) -> bool {
    approved.contains(rule) || approved.iter().any(|approved| approved.covers(rule))
}

/// Whether a rule, seen from the group that holds it, is approved; an outbound one also where the policy does not judge those.
#[must_use]
pub fn approves(policy: &Policy, (direction, rule): &Directed, owner: &AccountId) -> bool {
    let baseline = match direction {
        Direction::Ingress => &policy.baseline,
        Direction::Egress => match &policy.egress {
            Some(egress) => egress,
            // Nobody judges it.
            None => return true,
        },
    };
    let rule = rule.clone().canonical(owner);
    let rules = baseline.rules().iter();
    let mut approved = rules.map(|approved| approved.clone().canonical(owner));
    match policy.matching {
        Matching::Exact => approved.any(|approved| approved == rule),
        Matching::AtMost => approved.any(|approved| approved.covers(&rule)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::observation::tests::group;

    fn check(live: &[&str], baseline: &str, expect: &str) {
        let policy = Policy {
            baseline: baseline.parse().unwrap(),
            ..Policy::default()
        };
        assert_eq!(plan(&group(live), &policy).to_string(), expect);
    }

    /// A1, A2: up to the approved, anything; beyond it, nothing; and nothing is added.
    #[test]
    fn at_most() {
        let mut group = group(&[
            "tcp:443:10.1.0.0/16",
            "tcp:443:0.0.0.0/0",
            "tcp:22:10.0.0.1/32",
        ]);
        group.egress = ["tcp:25:0.0.0.0/0", "tcp:443:10.0.0.0/8"]
            .map(|rule| rule.parse().unwrap())
            .into();
        let policy = Policy {
            baseline: "tcp:443:10.0.0.0/8,tcp:80:0.0.0.0/0".parse().unwrap(),
            egress: Some("tcp:443:0.0.0.0/0".parse().unwrap()),
            matching: Matching::AtMost,
            ..Policy::default()
        };
        assert_eq!(
            plan(&group, &policy).to_string(),
            "- tcp 22 from 10.0.0.1/32\n- tcp 443 from 0.0.0.0/0\n- tcp 25 to 0.0.0.0/0"
        );
        let approves = |direction, rule: &str| {
            approves(
                &policy,
                &(direction, rule.parse().unwrap()),
                &group.owner_id,
            )
        };
        assert!(approves(Direction::Ingress, "tcp:443:10.2.0.0/16"));
        assert!(!approves(Direction::Ingress, "tcp:443:0.0.0.0/0"));
        assert!(approves(Direction::Egress, "tcp:443:0.0.0.0/0"));
        assert!(!approves(Direction::Egress, "tcp:80:0.0.0.0/0"));
    }

    /// B1: without `egress` outbound rules are nobody's business; with it they are planned alike.
    #[test]
    fn outbound_rules_only_where_asked_for() {
        let mut group = group(&WEB);
        group.egress = ["all:all:0.0.0.0/0"]
            .map(|rule| rule.parse().unwrap())
            .into();
        assert!(plan(&group, &Policy::default()).is_empty());
        let policy = Policy {
            egress: Some("tcp:443:0.0.0.0/0".parse().unwrap()),
            ..Policy::default()
        };
        let plan = plan(&group, &policy);
        assert_eq!(
            plan.to_string(),
            "- all traffic to 0.0.0.0/0\n+ tcp 443 to 0.0.0.0/0"
        );
        assert_eq!((plan.revocations(), plan.authorizations()), (1, 1));
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
