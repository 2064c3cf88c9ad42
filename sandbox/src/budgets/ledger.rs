//! What is held, counted where it is held, so that no deletion can be forgotten in the count.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something of which accounts hold bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Stacks, roles, groups, parameters and everything else that has no kind of its own.
    State,
    /// Objects in buckets.
    Objects,
    /// Packages of functions.
    Code,
    /// Log events.
    Logs,
    /// Mails.
    Mails,
    /// Configuration items.
    Items,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Kind::State,
        Kind::Objects,
        Kind::Code,
        Kind::Logs,
        Kind::Mails,
        Kind::Items,
    ];

    /// As `/_sandbox/held` names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::State => "state",
            Kind::Objects => "objects",
            Kind::Code => "code",
            Kind::Logs => "logs",
            Kind::Mails => "mails",
            Kind::Items => "items",
        }
    }
}

/// Bytes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holdings([u64; Kind::ALL.len()]);

impl Holdings {
    /// Bytes of one kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// Adds bytes of one kind.
    pub(crate) fn add(&mut self, kind: Kind, bytes: u64) {
        self.0[kind as usize] += bytes;
    }

    /// Bytes of all kinds.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// What all accounts hold together, and what had to be forgotten.
#[derive(Debug, Default)]
pub struct Ledger {
    held: [AtomicU64; Kind::ALL.len()],
    forgotten: [AtomicU64; Kind::ALL.len()],
    dropped_events: AtomicU64,
}

impl Ledger {
    /// What an account holds changed.
    pub(crate) fn change(&self, before: &Holdings, after: &Holdings) {
        for kind in Kind::ALL {
            let held = &self.held[kind as usize];
            // What was counted once is what is taken back, so this cannot fall below zero.
            held.fetch_add(after.of(kind), Ordering::Relaxed);
            held.fetch_sub(before.of(kind), Ordering::Relaxed);
        }
    }

    /// Things that were forgotten to stay within a budget.
    pub(crate) fn forget(&self, kind: Kind, things: usize) {
        let things = u64::try_from(things).unwrap_or(u64::MAX);
        self.forgotten[kind as usize].fetch_add(things, Ordering::Relaxed);
    }

    /// An event that was not handed to a rule's target, as too many wait already.
    pub(crate) fn drop_event(&self) {
        self.dropped_events.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes that all accounts hold.
    pub fn held(&self) -> Holdings {
        let mut holdings = Holdings::default();
        for kind in Kind::ALL {
            holdings.add(kind, self.held[kind as usize].load(Ordering::Relaxed));
        }
        holdings
    }

    /// Things of a kind that were forgotten.
    pub fn forgotten(&self, kind: Kind) -> u64 {
        self.forgotten[kind as usize].load(Ordering::Relaxed)
    }

    /// Events that were not handed on.
    pub fn dropped_events(&self) -> u64 {
        self.dropped_events.load(Ordering::Relaxed)
    }
}

/// A sum of charges. Copies are the same sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<AtomicU64>);

impl Held {
    /// Bytes that are charged now.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Charges `bytes` for as long as the charge lives.
    pub(crate) fn charge(&self, bytes: usize) -> Charge {
        let mut charge = Charge {
            held: Some(self.clone()),
            bytes: 0,
        };
        charge.set(bytes);
        charge
    }
}

/// Bytes that are counted for as long as this lives, beside what takes them. A copy counts nothing:
/// it shares the memory, or is one of the copies that stale reads look at.
#[derive(Default)]
pub(crate) struct Charge {
    held: Option<Held>,
    bytes: u64,
}

impl Charge {
    /// Counts `bytes` from now on.
    pub(crate) fn set(&mut self, bytes: usize) {
        let Some(held) = &self.held else { return };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        held.0.fetch_add(bytes, Ordering::Relaxed);
        held.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// What is counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Clone for Charge {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Charge").field(&self.bytes).finish()
    }
}

/// How long a value is when it is written out as text: what an account's state is measured by. Each
/// member is in it without anybody having to think of it.
pub(crate) fn weight(value: &impl fmt::Debug) -> u64 {
    struct Count(u64);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += u64::try_from(text.len()).unwrap_or(u64::MAX);
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail; a type whose `Debug` does would count as far as it got.
    let _ = fmt::write(&mut count, format_args!("{value:?}"));
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_counts_until_it_is_dropped_and_its_copies_never() {
        let held = Held::default();
        let mut charge = held.charge(10);
        let copy = charge.clone();
        charge.set(25);
        assert_eq!((held.bytes(), copy.bytes()), (25, 0));
        drop(copy);
        assert_eq!(held.bytes(), 25);
        drop(charge);
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn ledger_after_changes_is_the_sum_of_all_accounts() {
        let ledger = Ledger::default();
        let mut one = Holdings::default();
        one.add(Kind::Logs, 10);
        ledger.change(&Holdings::default(), &one);
        let mut other = Holdings::default();
        other.add(Kind::Logs, 5);
        other.add(Kind::Mails, 1);
        ledger.change(&Holdings::default(), &other);
        assert_eq!(
            (ledger.held().of(Kind::Logs), ledger.held().total()),
            (15, 16)
        );
        ledger.change(&one, &Holdings::default());
        assert_eq!(ledger.held(), other);
    }

    #[test]
    fn weight_is_the_length_of_the_text() {
        assert_eq!(weight(&vec!["ab", "c"]), r#"["ab", "c"]"#.len() as u64);
    }
}
