//! Readings that may be older than the event.

use super::Repair;
use crate::effects::Effects;
use remediator_core::doubt::may_be_stale;
use remediator_core::plan::{Directed, approves};
use remediator_core::{Direction, Rule, SecurityGroup, Timestamp};
use std::collections::BTreeSet;

/// Rules of the event that a reading does not show.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) rules: BTreeSet<Directed>,
    /// Whether they may be there all the same.
    pub(super) may_be_there: bool,
}

impl<E: Effects> Repair<'_, E> {
    /// A group that was made a moment ago is not yet shown everywhere.
    pub(super) fn may_be_too_new(&self, seen: Timestamp) -> bool {
        let witness = self.job.witness;
        witness.is_some_and(|witness| witness.is_new && may_be_stale(witness.at, seen))
    }

    /// What the event shows and is not approved, and no reading of this run has shown.
    pub(super) fn not_shown(&self, live: &SecurityGroup, seen: Timestamp) -> Missing {
        let Some(witness) = self.job.witness else {
            return Missing::default();
        };
        let owner = &live.owner_id;
        let present = |(direction, rule): &Directed| match direction {
            Direction::Ingress => live.ingress.contains(rule),
            Direction::Egress => live.egress.contains(rule),
        };
        let rules: BTreeSet<Directed> = (witness.shown.iter())
            .map(|(direction, rule)| (*direction, rule.clone().canonical(owner)))
            .filter(|rule| !present(rule) && !self.shown.contains(rule))
            .filter(|rule| !approves(self.job.policy, rule, owner))
            .collect();
        // What this instance has taken away itself, after seeing it, is gone.
        let known = |rule: &Directed| self.memory.has_taken(self.job.group, rule, witness.at);
        let both = |rule: &Rule| {
            let rule = rule.clone().canonical(owner);
            [
                (Direction::Ingress, rule.clone()),
                (Direction::Egress, rule),
            ]
        };
        // Of a rule whose direction is not told, either place will do.
        let is_hidden = |rule: &Rule| {
            let places = both(rule);
            let seen = |rule| present(rule) || self.shown.contains(rule) || known(rule);
            !places.iter().any(seen)
                && !places
                    .iter()
                    .all(|rule| approves(self.job.policy, rule, owner))
        };
        let hidden = !rules.iter().all(known) || witness.either.iter().any(is_hidden);
        Missing {
            may_be_there: may_be_stale(witness.at, seen) && hidden,
            rules,
        }
    }
}
