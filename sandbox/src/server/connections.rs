//! Which connections there are: at most a number at once, of which the one that has been idle for
//! longest gives way to a new one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Every connection that has a place.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Counts what happens, so that idle connections have an order.
    happened: u64,
    seats: BTreeMap<u64, Activity>,
}

#[derive(Debug)]
struct Activity {
    /// Requests that are being answered.
    at_work: usize,
    /// When the last one was answered, or when the connection came.
    idle_since: u64,
    /// How the connection learns that it is to close.
    give_way: Arc<Notify>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    connections: Arc<Connections>,
    id: u64,
    give_way: Arc<Notify>,
}

/// A request at work; over when dropped.
#[derive(Debug)]
pub(super) struct Work {
    connections: Arc<Connections>,
    id: u64,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            open: Mutex::default(),
        }
    }

    /// A place for a new connection; `None` while every other one is at work.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let mut open = self.lock();
        if open.seats.len() >= self.most {
            let idle = open.seats.iter().filter(|(_, seat)| seat.at_work == 0);
            let (&oldest, _) = idle.min_by_key(|(_, seat)| seat.idle_since)?;
            let seat = open.seats.remove(&oldest)?;
            seat.give_way.notify_one();
        }
        open.happened += 1;
        let id = open.happened;
        let give_way = Arc::new(Notify::default());
        let activity = Activity {
            at_work: 0,
            idle_since: id,
            give_way: give_way.clone(),
        };
        open.seats.insert(id, activity);
        Some(Seat {
            connections: self.clone(),
            id,
            give_way,
        })
    }

    /// How many connections have no request at work.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        let open = self.lock();
        open.seats.values().filter(|seat| seat.at_work == 0).count()
    }

    /// How many connections have a place.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().seats.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Begins to answer a request; `None` if the connection had to give way meanwhile.
    pub(super) fn begin(&self) -> Option<Work> {
        let mut open = self.connections.lock();
        open.seats.get_mut(&self.id)?.at_work += 1;
        Some(Work {
            connections: self.connections.clone(),
            id: self.id,
        })
    }

    /// Waits until another connection needs the place.
    pub(super) async fn must_go(&self) {
        self.give_way.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.lock().seats.remove(&self.id);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.happened += 1;
        let now = open.happened;
        if let Some(seat) = open.seats.get_mut(&self.id) {
            seat.at_work -= 1;
            seat.idle_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[tokio::test]
    async fn seat_when_all_are_taken_goes_to_newcomer_from_longest_idle() {
        let connections = Arc::new(Connections::new(2));
        let first = connections.seat().unwrap();
        let second = connections.seat().unwrap();
        // The first has just answered, so the second is idle for longer.
        drop(first.begin().unwrap());
        let third = connections.seat().unwrap();
        second.must_go().await;
        assert!(second.begin().is_none(), "a request begins in a lost place");
        assert_eq!(connections.count(), 2);
        let _busy = (first.begin().unwrap(), third.begin().unwrap());
        assert!(connections.seat().is_none(), "work must not be broken off");
        drop(second);
        assert_eq!(connections.count(), 2);
        drop(third);
        assert_eq!(connections.count(), 1);
    }
}
