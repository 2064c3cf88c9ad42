//! What is told to AWS Config.

use crate::exemption::TAG;
use crate::ids::{AccountId, GroupId};
use crate::naming;
use crate::plan::{Directed, Direction, Plan};
use crate::timestamp::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// The verdicts that `PutEvaluations` accepts (`INSUFFICIENT_DATA` is not one of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Compliance {
    /// The group is what it shall be.
    Compliant,
    /// The group is not what it shall be, or nobody knows.
    NonCompliant,
    /// The rule has nothing to say about this resource.
    NotApplicable,
}

/// As AWS writes it: `COMPLIANT`, `NON_COMPLIANT`, `NOT_APPLICABLE`.
impl fmt::Display for Compliance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compliant => "COMPLIANT",
            Self::NonCompliant => "NON_COMPLIANT",
            Self::NotApplicable => "NOT_APPLICABLE",
        })
    }
}

/// The sentence that stands beside a verdict: 1 to 256 characters, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Annotation(String);

/// Longer annotations are a `ValidationException`.
const MAX_CHARS: usize = 256;

/// What is kept free for naming the ports of what is missing, where there is very much that is not approved.
const ROOM_FOR_SECOND: usize = 64;

impl Annotation {
    /// Nothing had to be changed.
    #[must_use]
    pub fn correct() -> Self {
        Self::new("Permissions are correct.")
    }

    /// So many rules taken away and added; zeros are not mentioned.
    #[must_use]
    pub fn modified(revocations: usize, authorizations: usize) -> Self {
        let mut text = String::from("Permissions were modified.");
        if revocations > 0 {
            text.push_str(&format!(" {revocations} new revocation(s)."));
        }
        if authorizations > 0 {
            text.push_str(&format!(" {authorizations} new authorization(s)."));
        }
        Self::new(&text)
    }

    /// The same, with the ports: ` Revoked: tcp 465, tcp 993.` and ` Authorized: tcp 443.` as far as
    /// there is room. What was revoked comes first, and leaves room for the other.
    #[must_use]
    pub fn naming(self, revoked: &[String], authorized: &[String]) -> Self {
        self.listing(("Revoked", revoked), ("Authorized", authorized))
    }

    /// The same, with the ports of what is due and not done: ` Not approved: tcp 465. Missing: tcp 443.`
    #[must_use]
    pub fn naming_due(self, plan: &Plan) -> Self {
        self.listing(
            ("Not approved", &plan.names_to_revoke()),
            ("Missing", &plan.names_to_authorize()),
        )
    }

    /// Drift that is told and not repaired. It must not sound as if anything had been done.
    #[must_use]
    pub fn audited(plan: &Plan) -> Self {
        let (revoke, authorize) = (plan.revocations(), plan.authorizations());
        Self::new(&format!(
            "Permissions were modified. Audit mode changes nothing: {revoke} revocation(s) and {authorize} authorization(s) are due."
        ))
    }

    /// Drift that only the event shows: it was gone when the group was read.
    #[must_use]
    pub fn was_drifted(rules: &BTreeSet<Directed>) -> Self {
        let of = |which| {
            let rules = rules.iter().filter(|(direction, _)| *direction == which);
            rules.map(|(_, rule)| rule.clone()).collect()
        };
        let names = naming::names(&of(Direction::Ingress), &of(Direction::Egress));
        Self::new(&format!(
            "Permissions were modified. {} unapproved rule(s), gone since.",
            rules.len(),
        ))
        .listing(("Not approved", &names), ("Missing", &[]))
    }

    /// Drift of a group that a tag exempts.
    #[must_use]
    pub fn exempt(until: &str, plan: &Plan) -> Self {
        let (revoke, authorize) = (plan.revocations(), plan.authorizations());
        Self::new(&format!(
            "Exempt until {until} by the tag {TAG}: {revoke} revocation(s) and {authorize} authorization(s) are not made."
        ))
    }

    /// Drift of a group that is contested, whatever is done about it.
    #[must_use]
    pub fn contested(count: usize, minutes: u32) -> Self {
        Self::new(&format!(
            "Contested: repaired {count} times in {minutes} minutes and broken again."
        ))
    }

    /// Drift of a group that is contested and therefore left as it is.
    #[must_use]
    pub fn left(count: usize, minutes: u32) -> Self {
        Self::new(&format!(
            "Contested: repaired {count} times in {minutes} minutes and broken again; left for a human."
        ))
    }

    /// A contested group that now lets nothing in.
    #[must_use]
    pub fn quarantined(count: usize, minutes: u32) -> Self {
        Self::new(&format!(
            "Contested: repaired {count} times in {minutes} minutes and broken again; quarantined: every inbound rule was taken away. A human has to decide."
        ))
    }

    /// The same with a further sentence.
    #[must_use]
    pub fn and(&self, sentence: &str) -> Self {
        Self::new(&format!("{} {sentence}", self.0))
    }

    /// The rule judges security groups only.
    #[must_use]
    pub fn wrong_type(resource_type: &str) -> Self {
        Self::new(&format!(
            "The rule doesn't apply to resources of type {resource_type}."
        ))
    }

    /// The group is gone.
    #[must_use]
    pub fn deleted() -> Self {
        Self::new("The configurationItem was deleted and therefore cannot be validated.")
    }

    /// The item has a status to which a rule does not apply.
    #[must_use]
    pub fn not_judged(status: &str) -> Self {
        Self::new(&format!(
            "The configurationItem has status {status} and therefore is not validated."
        ))
    }

    /// The group left the scope of the Config rule.
    #[must_use]
    pub fn left_scope() -> Self {
        Self::new("The resource left the scope of the rule and therefore is not validated.")
    }

    /// The group is outside the scope that the rule's parameters set.
    #[must_use]
    pub fn out_of_scope(scope: &impl fmt::Display) -> Self {
        Self::new(&format!(
            "The security group is outside the scope of the rule ({scope})."
        ))
    }

    /// The group is of an account that the rule does not judge.
    #[must_use]
    pub fn of_another_owner(owner: &AccountId) -> Self {
        Self::new(&format!(
            "The security group belongs to account {owner}, which alone may change it."
        ))
    }

    /// One or more calls on the group failed; `operations` in snake case, as in
    /// `describe_security_groups`.
    #[must_use]
    pub fn failures(operations: &[&str], group: &GroupId) -> Self {
        let failures: Vec<String> = operations
            .iter()
            .map(|operation| format!("{operation} failure on group {group}"))
            .collect();
        Self::new(&failures.join("; "))
    }

    /// The group kept changing under our hands until patience ran out.
    #[must_use]
    pub fn unsettled(group: &GroupId) -> Self {
        Self::new(&format!(
            "Group {group} kept changing while it was being repaired."
        ))
    }

    /// EC2 does not (yet) show what the event shows, and there is no time to wait longer.
    #[must_use]
    pub fn doubtful(group: &GroupId) -> Self {
        Self::new(&format!(
            "Group {group} is not yet shown as its configuration item shows it."
        ))
    }

    /// The sentence.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says that a group is contested.
    #[must_use]
    pub fn tells_of_contest(&self) -> bool {
        self.0.contains("Contested: ")
    }

    /// Two lists as far as there is room; the first one leaves some for the other.
    fn listing(self, first: (&str, &[String]), second: (&str, &[String])) -> Self {
        let Self(mut text) = self;
        let room = |text: &str| MAX_CHARS.saturating_sub(text.chars().count());
        let kept = naming::sentence(second.0, second.1, ROOM_FOR_SECOND);
        let left = room(&text).saturating_sub(kept.chars().count());
        text.push_str(&naming::sentence(first.0, first.1, left));
        let left = room(&text);
        text.push_str(&naming::sentence(second.0, second.1, left));
        Self(text)
    }

    fn new(text: &str) -> Self {
        let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self(line.take(MAX_CHARS).collect())
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One verdict on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// Like `AWS::EC2::SecurityGroup`.
    pub resource_type: String,
    /// Like `sg-0123456789abcdef0`.
    pub resource_id: String,
    /// The verdict.
    pub compliance: Compliance,
    /// The sentence beside it.
    pub annotation: Annotation,
    /// Config keeps the evaluation with the latest of these; see [`order`].
    pub ordering_timestamp: Timestamp,
}

/// The ordering timestamp of what follows from an event.
///
/// Config documents it as the time of the item that triggered the evaluation and files the
/// evaluations of a resource in its order. But this rule judges the live group, not the item, so
/// what its verdict is *about* is the moment of the read (`decided_at`, taken just before it):
///
/// - Whatever changes the group after the read yields an item that was captured later and
///   therefore outranks this verdict: a stale COMPLIANT can never cover a newer NON_COMPLIANT.
/// - An old item that is delivered again, or a re-evaluation of the last recorded one, is
///   answered with what is true now, and that must not be filed behind an older answer.
/// - A verdict never precedes the item that caused it, even where this machine's clock is behind.
///
/// For the same first reason the verdict that follows a repair is filed one millisecond after
/// the one that went before, and not at the time when it was sent: between read and report
/// somebody may have changed the group again.
#[must_use]
pub fn order(captured: Timestamp, decided_at: Timestamp) -> Timestamp {
    captured.max(decided_at)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_sentences_of_the_lab() {
        let group: GroupId = "sg-0a".parse().unwrap();
        for (annotation, sentence) in [
            (Annotation::correct(), "Permissions are correct."),
            (Annotation::modified(0, 0), "Permissions were modified."),
            (
                Annotation::modified(2, 0),
                "Permissions were modified. 2 new revocation(s).",
            ),
            (
                Annotation::modified(0, 1),
                "Permissions were modified. 1 new authorization(s).",
            ),
            (
                Annotation::modified(2, 2),
                "Permissions were modified. 2 new revocation(s). 2 new authorization(s).",
            ),
            (
                Annotation::wrong_type("AWS::EC2::Instance"),
                "The rule doesn't apply to resources of type AWS::EC2::Instance.",
            ),
            (
                Annotation::deleted(),
                "The configurationItem was deleted and therefore cannot be validated.",
            ),
            (
                Annotation::failures(&["describe_security_groups"], &group),
                "describe_security_groups failure on group sg-0a",
            ),
        ] {
            assert_eq!(annotation.as_str(), sentence);
        }
    }

    fn tcp(ports: std::ops::Range<u16>) -> Vec<String> {
        ports.map(|port| format!("tcp {port}")).collect()
    }

    /// N1: the sentences of the lab come first, and the ports are named after them.
    #[test]
    fn an_annotation_names_the_ports() {
        let named = Annotation::modified(2, 1).naming(&tcp(465..467), &tcp(443..444));
        assert_eq!(
            named.as_str(),
            "Permissions were modified. 2 new revocation(s). 1 new authorization(s). Revoked: tcp 465, tcp 466. Authorized: tcp 443."
        );
        assert_eq!(
            Annotation::correct().naming(&[], &[]),
            Annotation::correct()
        );
        let plan = Plan {
            revoke: ["tcp:465:0.0.0.0/0".parse().unwrap()].into(),
            ..Plan::default()
        };
        for told in [
            Annotation::audited(&plan),
            Annotation::exempt("2026-12-31", &plan),
            Annotation::left(5, 10),
            Annotation::contested(5, 10),
        ] {
            let named = told.clone().naming_due(&plan);
            assert_eq!(named.as_str(), format!("{told} Not approved: tcp 465."));
        }
    }

    /// N1, R7: with as many rules as a group can have, both kinds are named and counted.
    #[test]
    fn an_annotation_that_names_stays_short() {
        for (revoked, authorized) in [(0, 60), (60, 0), (60, 60), (1000, 1000), (1, 60)] {
            let sets = (
                tcp(10_000..10_000 + revoked),
                tcp(20_000..20_000 + authorized),
            );
            let named = Annotation::modified(revoked.into(), authorized.into());
            let named = named.naming(&sets.0, &sets.1);
            let text = named.as_str();
            assert!(
                text.chars().count() <= MAX_CHARS && text.ends_with('.'),
                "{text}"
            );
            assert_eq!(text.contains(" Revoked: tcp 10000"), revoked > 0, "{text}");
            assert_eq!(
                text.contains(" Authorized: tcp 20000"),
                authorized > 0,
                "{text}"
            );
        }
    }

    /// N1, R7: of what is told and not done, too.
    #[test]
    fn what_is_due_is_named_as_far_as_there_is_room() {
        let rule = |port| format!("tcp:{port}:0.0.0.0/0").parse().unwrap();
        let plan = Plan {
            revoke: (10_000..10_060).map(rule).collect(),
            authorize: (20_000..20_060).map(rule).collect(),
            ..Plan::default()
        };
        let gone = plan
            .revoke
            .iter()
            .map(|rule| (Direction::Ingress, rule.clone()));
        for told in [
            Annotation::audited(&plan).naming_due(&plan),
            Annotation::exempt("2026-12-31T12:00:00Z", &plan).naming_due(&plan),
            Annotation::left(100, 1440).naming_due(&plan),
            Annotation::was_drifted(&gone.collect()),
        ] {
            let text = told.as_str();
            assert!(text.chars().count() <= MAX_CHARS, "{text}");
            assert!(text.contains(" Not approved: tcp 10000"), "{text}");
            let due = !text.contains("gone since");
            assert_eq!(text.contains(" Missing: tcp 20000"), due, "{text}");
            assert!(text.ends_with(" more."), "{text}");
        }
    }

    /// R7: an annotation has at most 256 characters and no line break.
    #[test]
    fn an_annotation_is_cut_at_a_character() {
        let annotation = Annotation::wrong_type(&"ü".repeat(300));
        assert_eq!(annotation.as_str().chars().count(), 256);
        assert!(annotation.as_str().ends_with('ü'));
        assert_eq!(Annotation::not_judged("a\nb").as_str().lines().count(), 1);
    }

    #[test]
    fn compliance_is_spelled_as_aws_spells_it() {
        for compliance in [
            Compliance::Compliant,
            Compliance::NonCompliant,
            Compliance::NotApplicable,
        ] {
            let json = serde_json::to_string(&compliance).unwrap();
            assert_eq!(json, format!("\"{compliance}\""));
        }
        assert_eq!(Compliance::NonCompliant.to_string(), "NON_COMPLIANT");
    }

    #[test]
    fn a_verdict_never_precedes_its_item() {
        let (early, late) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        assert_eq!(order(early, late), late);
        assert_eq!(order(late, early), late);
    }
}
