//! Every item that was recorded, by resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::item::{Item, ResourceKey};

/// The items of every resource, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    items: BTreeMap<ResourceKey, Vec<Arc<Item>>>,
}

impl History {
    pub(super) fn push(&mut self, item: Arc<Item>) {
        self.items.entry(item.key.clone()).or_default().push(item);
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
