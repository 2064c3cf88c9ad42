//! Groups that come back broken: repair them again, leave them, or close them once.

use super::Repair;
use crate::effects::Effects;
use remediator_core::contested::Action;
use remediator_core::{Annotation, Plan, SecurityGroup, Timestamp, log};

/// What this run does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contest {
    /// The group is not contested.
    None,
    /// It is, and is repaired all the same.
    Reported {
        /// So many repairs went before.
        count: usize,
    },
    /// It is, and is closed.
    Quarantine {
        /// So many repairs went before.
        count: usize,
    },
}

impl Contest {
    /// What is said beside a verdict.
    pub(super) fn sentence(self, minutes: u32) -> Option<String> {
        match self {
            Self::Reported { count } => Some(Annotation::contested(count, minutes).to_string()),
            Self::None | Self::Quarantine { .. } => None,
        }
    }
}

impl<E: Effects> Repair<'_, E> {
    /// Decides about a group that has drifted; the verdict where nothing is to be written.
    pub(super) fn contest(
        &mut self,
        live: &SecurityGroup,
        plan: &Plan,
        seen: Timestamp,
    ) -> Option<Annotation> {
        // A repair that is under way is not broken off: its own first writes are no reason.
        if self.remembered || self.contest != Contest::None {
            return None;
        }
        let group = self.job.group;
        let rule = self.job.policy.contested;
        let count = rule.count(&self.memory.repairs(group), seen)?;
        self.effects.log(&format!(
            "contested: {group} was repaired {count} times in {} minutes and is broken again",
            rule.minutes
        ));
        // Closed once, and then left: whoever opens it again would go on opening it.
        let closed = self.memory.was_quarantined(group, rule.since(seen));
        let action = match rule.action {
            Action::Quarantine if closed => Action::Leave,
            action => action,
        };
        match action {
            Action::Report => {
                self.contest = Contest::Reported { count };
                None
            }
            Action::Leave => {
                self.effects.log(&log::planned(group, plan));
                let left = self.said(Annotation::left(count, rule.minutes));
                Some(left.naming_due(plan))
            }
            Action::Quarantine if live.ingress.is_empty() => {
                Some(self.said(Annotation::quarantined(count, rule.minutes)))
            }
            Action::Quarantine => {
                self.contest = Contest::Quarantine { count };
                None
            }
        }
    }
}
