//! What one instance of the function remembers between its invocations.
//!
//! It is enough to keep two automations from fighting without end, and it costs neither a permission
//! nor a call. What it cannot do is in `ARCHITECTURE.md`: another instance has a memory of its own.

use remediator_core::plan::Directed;
use remediator_core::{GroupId, Timestamp};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// So many groups are remembered; then the one whose repair is longest ago is forgotten.
const GROUPS: usize = 1_000;

/// So many repairs of one group are remembered; a policy counts to a hundred at most.
const REPAIRS: usize = 100;

/// The repairs of late, by group.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    groups: RefCell<BTreeMap<GroupId, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// When it was repaired, oldest first.
    repairs: Vec<Timestamp>,
    /// When it was closed altogether.
    quarantined: Option<Timestamp>,
    /// The rules that the last repair took away, and when each was read.
    taken: BTreeMap<Directed, Timestamp>,
}

impl Memory {
    /// Remembers a repair of what a reading at `seen` showed.
    pub(crate) fn repaired(&self, group: &GroupId, seen: Timestamp) {
        let mut groups = self.groups.borrow_mut();
        if groups.len() >= GROUPS && !groups.contains_key(group) {
            let oldest = groups
                .iter()
                .min_by_key(|(_, known)| known.repairs.last().copied())
                .map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                groups.remove(&oldest);
            }
        }
        let known = groups.entry(group.clone()).or_default();
        if known.repairs.len() >= REPAIRS {
            known.repairs.remove(0);
        }
        known.repairs.push(seen);
        known.taken.clear();
    }

    /// Remembers rules that a reading at `seen` showed, and that this repair of the group has taken away.
    pub(crate) fn took(
        &self,
        group: &GroupId,
        seen: Timestamp,
        rules: impl Iterator<Item = Directed>,
    ) {
        if let Some(known) = self.groups.borrow_mut().get_mut(group) {
            known.taken.extend(rules.map(|rule| (rule, seen)));
        }
    }

    /// Remembers that a group was closed altogether.
    pub(crate) fn quarantined(&self, group: &GroupId, at: Timestamp) {
        let mut groups = self.groups.borrow_mut();
        groups.entry(group.clone()).or_default().quarantined = Some(at);
    }

    /// When `group` was repaired of late.
    pub(crate) fn repairs(&self, group: &GroupId) -> Vec<Timestamp> {
        let groups = self.groups.borrow();
        let known = groups.get(group);
        known.map(|known| known.repairs.clone()).unwrap_or_default()
    }

    /// Whether `group` was closed since then.
    pub(crate) fn was_quarantined(&self, group: &GroupId, since: Timestamp) -> bool {
        let groups = self.groups.borrow();
        let at = groups.get(group).and_then(|known| known.quarantined);
        at.is_some_and(|at| at >= since)
    }

    /// Whether the last repair took this rule away after reading it no earlier than `since`.
    pub(crate) fn has_taken(&self, group: &GroupId, rule: &Directed, since: Timestamp) -> bool {
        let groups = self.groups.borrow();
        let taken = groups.get(group).and_then(|known| known.taken.get(rule));
        taken.is_some_and(|seen| *seen >= since)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_memory_is_bounded() {
        let memory = Memory::default();
        let group = |n: i64| format!("sg-{n}").parse::<GroupId>().unwrap();
        for n in 0..2_000 {
            memory.repaired(&group(n), Timestamp::from_millis(n));
        }
        assert_eq!(memory.groups.borrow().len(), GROUPS);
        assert!(memory.repairs(&group(999)).is_empty());
        assert_eq!(memory.repairs(&group(1_999)).len(), 1);
        for n in 0..500 {
            memory.repaired(&group(1_999), Timestamp::from_millis(n));
        }
        assert_eq!(memory.repairs(&group(1_999)).len(), REPAIRS);
    }
}
