//! What is to be done about a group that was read, and why.

use crate::exemption::{Exemption, TAG, exemption};
use crate::ids::AccountId;
use crate::observation::SecurityGroup;
use crate::plan::{Plan, plan};
use crate::policy::{Mode, Policy};
use crate::timestamp::Timestamp;

/// What is to be done about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing: it is not ours.
    OutOfScope,
    /// Nothing: it is what it shall be.
    Clean,
    /// Nothing for now, although the plan would be due.
    Exempt {
        /// The value of the tag.
        until: String,
        /// What is not done.
        plan: Plan,
    },
    /// It is told that the plan would be due.
    Audit(Plan),
    /// The plan is carried out.
    Repair(Plan),
}

/// A judgement, and what has to be said beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is to be done.
    pub judgement: Judgement,
    /// A sentence about an exemption that does not hold, if there is one.
    pub remark: Option<String>,
}

/// Judges a live group. `account` is that of the rule, `now` decides about exemptions.
#[must_use]
pub fn judge(
    group: &SecurityGroup,
    policy: &Policy,
    account: &AccountId,
    now: Timestamp,
) -> Judged {
    let without_remark = |judgement| Judged {
        judgement,
        remark: None,
    };
    if !policy.scope.admits(group, account) {
        return without_remark(Judgement::OutOfScope);
    }
    let plan = plan(group, policy);
    let remark = match exemption(group, policy.exemptions, now) {
        Exemption::Until(until) if !plan.is_empty() => {
            return without_remark(Judgement::Exempt { until, plan });
        }
        Exemption::None | Exemption::Until(_) => None,
        Exemption::Expired(value) => Some(format!("The exemption ended ({TAG}: {value}).")),
        Exemption::Malformed(value) => Some(format!(
            "The tag {TAG} is no date and exempts nothing: `{value}`."
        )),
    };
    let judgement = match policy.mode {
        _ if plan.is_empty() => Judgement::Clean,
        Mode::Audit => Judgement::Audit(plan),
        Mode::Enforce => Judgement::Repair(plan),
    };
    Judged { judgement, remark }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::observation::tests::group;

    fn check(tag: Option<&str>, parameters: &str, expect: &str) {
        let mut group = group(&["tcp:22:0.0.0.0/0"]);
        group
            .tags
            .extend(tag.map(|value| (TAG.to_owned(), value.to_owned())));
        let policy = Policy::from_parameters(parameters).unwrap();
        let account = "123456789012".parse().unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let Judged { judgement, remark } = judge(&group, &policy, &account, now);
        let what = match judgement {
            Judgement::OutOfScope => "out of scope",
            Judgement::Clean => "clean",
            Judgement::Exempt { until: _, plan: _ } => "exempt",
            Judgement::Audit(_) => "audit",
            Judgement::Repair(_) => "repair",
        };
        let remark = remark
            .map(|remark| format!(" ({remark})"))
            .unwrap_or_default();
        assert_eq!(format!("{what}{remark}"), expect);
    }

    /// X1, X2: an exemption holds until its day is over; then, or if it is no date, the group is judged
    /// and the tag is mentioned.
    #[test]
    fn exemptions() {
        check(None, "{}", "repair");
        check(Some("2026-12-31"), "{}", "exempt");
        check(Some("2026-12-31"), r#"{"mode":"audit"}"#, "exempt");
        check(Some("2026-12-31"), r#"{"exemptions":"ignore"}"#, "repair");
        check(
            Some("2026-12-31"),
            r#"{"baseline":"tcp:22:0.0.0.0/0"}"#,
            "clean",
        );
        check(
            Some("2026-12-31"),
            r#"{"scope":"vpc:vpc-1"}"#,
            "out of scope",
        );
        check(
            Some("2026-11-21"),
            "{}",
            "repair (The exemption ended (driftlab:exempt-until: 2026-11-21).)",
        );
        check(
            Some("soon"),
            r#"{"mode":"audit"}"#,
            "audit (The tag driftlab:exempt-until is no date and exempts nothing: `soon`.)",
        );
    }
}
