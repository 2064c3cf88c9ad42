//! Faults: what goes wrong on AWS now and then, on demand.
//!
//! A [`Rule`] says which calls are struck, how often, and with what. A fault strikes before the effect
//! (nothing has happened, the client may simply try again) or after it (it *has* happened, but the
//! client learns nothing of it, or something else): the two cases that a client must not mix up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::service::Service;

mod past;
mod rule;
mod strike;
#[cfg(test)]
mod tests;

use self::past::Past;
use self::rule::Who;
pub use self::rule::{CallerKind, Fault, Phase, Rule, RuleError, Seen};
pub(crate) use self::strike::{Refusal, Strike};

/// A rule at work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Active {
    /// Names the rule until it is removed.
    pub id: u64,
    /// The rule as it was set.
    pub rule: Rule,
    /// How many calls it has looked at with interest.
    pub matched: u64,
    /// How many calls it has struck.
    pub struck: u64,
    #[serde(skip)]
    until: Option<Timestamp>,
    #[serde(skip)]
    dice: Dice,
}

/// A generator that compares by its seed.
#[derive(Debug, Clone)]
struct Dice(fastrand::Rng);

impl PartialEq for Dice {
    fn eq(&self, other: &Self) -> bool {
        self.0.get_seed() == other.0.get_seed()
    }
}

/// The rules of a sandbox. See the module's words.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Rules>,
    past: Past,
    /// Whether there is any rule at all: the ordinary call does not even take the lock.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Rules {
    issued: u64,
    active: Vec<Active>,
}

impl Faults {
    /// Adds rules; all of them or, when one is none, nothing. Of several that match a call the oldest
    /// that strikes decides. Answers their ids.
    ///
    /// # Errors
    /// Says which rule is wrong, counted from 0, and why.
    pub fn add(&self, now: Timestamp, rules: Vec<Rule>) -> Result<Vec<u64>, (usize, RuleError)> {
        for (index, rule) in rules.iter().enumerate() {
            rule.check().map_err(|error| (index, error))?;
        }
        let mut held = self.lock();
        let mut ids = Vec::new();
        for rule in rules {
            held.issued += 1;
            ids.push(held.issued);
            let active = Active {
                id: held.issued,
                matched: 0,
                struck: 0,
                until: rule.for_ms.and_then(|ms| {
                    let lasts = time::Duration::milliseconds(i64::try_from(ms).ok()?);
                    // What ends after the end of time lasts for ever.
                    now.checked_add(lasts)
                }),
                dice: Dice(fastrand::Rng::with_seed(rule.seed)),
                rule,
            };
            held.active.push(active);
        }
        self.settle(&held);
        Ok(ids)
    }

    /// The rules that still exist, oldest first; those whose time is up are gone.
    pub fn list(&self, now: Timestamp) -> Vec<Active> {
        let mut held = self.lock();
        self.expire(&mut held, now);
        held.active.clone()
    }

    /// Removes one rule; whether it existed.
    pub fn remove(&self, id: u64) -> bool {
        let mut held = self.lock();
        let before = held.active.len();
        held.active.retain(|active| active.id != id);
        self.settle(&held);
        held.active.len() != before
    }

    /// Removes every rule; answers how many there were.
    pub fn clear(&self) -> usize {
        let mut held = self.lock();
        let before = held.active.len();
        held.active.clear();
        self.settle(&held);
        before
    }

    /// What strikes this call, if anything does.
    pub(crate) fn draw(
        &self,
        now: Timestamp,
        who: Who<'_>,
        service: Service,
        operation: &str,
    ) -> Option<Strike> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut held = self.lock();
        self.expire(&mut held, now);
        held.active
            .iter_mut()
            .filter(|active| active.rule.matches(who, service, operation))
            .find_map(Active::try_strike)
    }

    fn expire(&self, held: &mut Rules, now: Timestamp) {
        held.active
            .retain(|active| active.until.is_none_or(|until| now < until));
        self.settle(held);
    }

    /// What follows from the rules that there are now.
    fn settle(&self, held: &Rules) {
        self.any.store(!held.active.is_empty(), Ordering::Release);
        self.past
            .keep(held.active.iter().flat_map(Active::looks_back));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// Whose past this rule shows, and how far back; of every service when it names none.
    fn looks_back(&self) -> Vec<(Service, Duration)> {
        let Some((lag, of)) = self.rule.fault.looks_back() else {
            return Vec::new();
        };
        let named = of.map(Seen::service);
        let named = named.or_else(|| Service::from_signing_name(&self.rule.service));
        let services = named.map_or(Service::ALL.to_vec(), |service| vec![service]);
        let holders = services.into_iter().filter_map(past::looks_at);
        holders.map(|service| (service, lag)).collect()
    }

    fn try_strike(&mut self) -> Option<Strike> {
        self.matched += 1;
        // Rolled for every matching call, so that the sequence does not depend on counts.
        let hit = self.rule.probability >= 1.0 || self.dice.0.f64() < self.rule.probability;
        let used_up = (self.rule.count).is_some_and(|count| self.struck >= count);
        if self.matched <= self.rule.skip || used_up || !hit {
            return None;
        }
        self.struck += 1;
        Some(Strike {
            fault: self.rule.fault.clone(),
            phase: self.rule.phase,
        })
    }
}
