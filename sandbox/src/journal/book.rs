//! Where the calls are: a ring for each account, and what all of them take.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Entry;
use crate::ids::AccountId;

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) written: u64,
    pub(super) bytes: u64,
    /// Calls that were forgotten with the last one of their account.
    pub(super) forgotten: u64,
    /// By account; calls that belong to nobody share a ring of their own.
    pub(super) rings: BTreeMap<Option<AccountId>, Ring>,
}

#[derive(Debug, Default)]
pub(super) struct Ring {
    pub(super) entries: VecDeque<Arc<Entry>>,
    pub(super) bytes: u64,
    pub(super) forgotten: u64,
}

impl Ring {
    /// Forgets the oldest call; answers its bytes.
    pub(super) fn forget(&mut self) -> u64 {
        let bytes = self.entries.pop_front().map_or(0, |entry| entry.size());
        self.bytes -= bytes;
        self.forgotten += 1;
        bytes
    }
}

impl Book {
    /// Forgets until the calls have at most `most` bytes, the oldest of the account that has the most:
    /// an account that is loud silences itself.
    pub(super) fn forget_over(&mut self, most: u64) {
        while self.bytes > most {
            let loudest = self.rings.iter_mut().max_by_key(|(_, ring)| ring.bytes);
            let Some((account, ring)) = loudest.filter(|(_, ring)| !ring.entries.is_empty()) else {
                return;
            };
            self.bytes -= ring.forget();
            if ring.entries.is_empty() {
                self.forgotten += ring.forgotten;
                let account = account.clone();
                self.rings.remove(&account);
            }
        }
    }
}
