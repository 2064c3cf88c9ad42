//! Every item that was recorded, by resource.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::item::{Item, ResourceKey};

/// The items of every resource, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    items: BTreeMap<ResourceKey, Vec<Arc<Item>>>,
    /// Whose item was recorded when, oldest first: each item once.
    order: VecDeque<ResourceKey>,
    bytes: u64,
}

impl History {
    pub(super) fn push(&mut self, item: Arc<Item>) {
        self.bytes += item.size();
        self.order.push_back(item.key.clone());
        self.items.entry(item.key.clone()).or_default().push(item);
    }

    /// Bytes of all items.
    pub(super) fn held(&self) -> u64 {
        self.bytes
    }

    /// Forgets the oldest items until the rest has at most `limit` bytes, and answers them. The newest
    /// one of a resource that exists stays: it says how the resource is.
    pub(super) fn forget_over(&mut self, limit: u64) -> Vec<Arc<Item>> {
        let mut forgotten = Vec::new();
        // Each item is looked at once at most.
        for _ in 0..self.order.len() {
            if self.bytes <= limit {
                break;
            }
            let Some(key) = self.order.pop_front() else {
                break;
            };
            let Some(items) = self.items.get_mut(&key) else {
                continue;
            };
            if items.len() == 1 && items[0].is_live() {
                self.order.push_back(key);
                continue;
            }
            let item = items.remove(0);
            if items.is_empty() {
                self.items.remove(&key);
            }
            self.bytes -= item.size();
            forgotten.push(item);
        }
        forgotten
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The newest item of a resource, which may say that it is gone.
    pub(super) fn latest(&self, key: &ResourceKey) -> Option<&Arc<Item>> {
        self.items.get(key).and_then(|items| items.last())
    }

    /// Whether Config knew the resource and has nothing to show of it any more.
    pub(super) fn has_left(&self, key: &ResourceKey) -> bool {
        self.latest(key).is_some_and(|item| !item.is_live())
    }

    /// Every item of a resource, oldest first.
    pub(super) fn of(&self, key: &ResourceKey) -> &[Arc<Item>] {
        self.items.get(key).map_or(&[], Vec::as_slice)
    }

    /// The newest item of every resource.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.items.values().filter_map(|items| items.last())
    }
}
