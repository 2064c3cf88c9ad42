//! What the service holds: groups of streams of events in the order of their time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt;

use crate::budgets::{Charge, Held};
use crate::error::ApiError;

/// What the service holds.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) groups: BTreeMap<String, Group>,
    /// Numbers events over all groups, so that an event's id is unique and equal times keep their order.
    pub(super) sequence: u64,
    /// Bytes of all events.
    pub(super) held: Held,
}

/// A log group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Milliseconds since the epoch.
    pub(super) created: i64,
    pub(super) retention_days: Option<i64>,
    pub(super) class: String,
    pub(super) deletion_protection: bool,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) streams: BTreeMap<String, Stream>,
}

/// A log stream.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) created: i64,
    pub(super) last_ingestion: Option<i64>,
    /// Ordered by [`Event::key`].
    pub(super) events: Vec<Event>,
    charge: Charge,
}

/// Without its events, which have a budget of their own.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("created", &self.created)
            .field("last_ingestion", &self.last_ingestion)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// One line of a log.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Milliseconds since the epoch, as the writer says.
    pub(super) timestamp: i64,
    /// Milliseconds since the epoch, as the service received it.
    pub(super) ingested: i64,
    pub(super) sequence: u64,
    pub(super) message: String,
}

/// A place between events: everything up to and including this one is before it.
pub(super) type Key = (i64, u64);

impl State {
    pub(super) fn group(&self, name: &str) -> Result<&Group, ApiError> {
        self.groups.get(name).ok_or_else(no_group)
    }

    pub(super) fn group_mut(&mut self, name: &str) -> Result<&mut Group, ApiError> {
        self.groups.get_mut(name).ok_or_else(no_group)
    }

    /// Bytes of all events.
    pub(crate) fn held(&self) -> u64 {
        self.held.bytes()
    }

    /// Forgets the oldest events, wherever they are, until the rest has at most `limit` bytes; answers
    /// how many. A sixteenth more goes, so that not each event that comes has to look for the oldest.
    pub(super) fn forget_over(&mut self, limit: u64) -> usize {
        let held = self.held.bytes();
        if held <= limit {
            return 0;
        }
        let surplus = held - (limit - limit / 16);
        let groups = self.groups.values_mut();
        let mut streams: Vec<(&mut Stream, usize)> = groups
            .flat_map(|group| group.streams.values_mut())
            .map(|stream| (stream, 0))
            .collect();
        let first = |(place, (stream, _)): (usize, &(&mut Stream, usize))| {
            Some(Reverse((stream.events.first()?.key(), place)))
        };
        let mut oldest: BinaryHeap<_> = streams.iter().enumerate().filter_map(first).collect();
        let (mut freed, mut forgotten) = (0, 0);
        while freed < surplus
            && let Some(Reverse((_, place))) = oldest.pop()
        {
            let (stream, next) = &mut streams[place];
            freed += u64::try_from(stream.events[*next].size()).unwrap_or(u64::MAX);
            forgotten += 1;
            *next += 1;
            if let Some(event) = stream.events.get(*next) {
                oldest.push(Reverse((event.key(), place)));
            }
        }
        for (stream, next) in streams {
            stream.forget_first(next);
        }
        forgotten
    }
}

impl Group {
    pub(super) fn new(now: i64) -> Self {
        Self {
            created: now,
            retention_days: None,
            class: "STANDARD".to_owned(),
            deletion_protection: false,
            tags: BTreeMap::new(),
            streams: BTreeMap::new(),
        }
    }

    pub(super) fn stream(&self, name: &str) -> Result<&Stream, ApiError> {
        self.streams.get(name).ok_or_else(no_stream)
    }

    pub(super) fn stream_or_new(&mut self, name: &str, now: i64, held: &Held) -> &mut Stream {
        self.streams
            .entry(name.to_owned())
            .or_insert_with(|| Stream::new(now, held))
    }

    /// The time before which events have expired; the earliest possible when they are kept for ever.
    pub(super) fn expiry(&self, now: i64) -> i64 {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        self.retention_days
            .map_or(i64::MIN, |days| now.saturating_sub(days * DAY))
    }

    /// Bytes as the service counts them: 26 for every event beside its message.
    pub(super) fn stored_bytes(&self) -> usize {
        self.streams
            .values()
            .flat_map(|stream| &stream.events)
            .map(|event| event.message.len() + 26)
            .sum()
    }
}

impl Stream {
    pub(super) fn new(now: i64, held: &Held) -> Self {
        Self {
            created: now,
            last_ingestion: None,
            events: Vec::new(),
            charge: held.charge(0),
        }
    }

    /// Forgets the events that have expired: nobody can read them any more.
    pub(super) fn expire(&mut self, expiry: i64) {
        let expired = self
            .events
            .partition_point(|event| event.timestamp < expiry);
        self.forget_first(expired);
    }

    fn forget_first(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let freed: usize = self.events.drain(..count).map(|event| event.size()).sum();
        let freed = u64::try_from(freed).unwrap_or(u64::MAX);
        self.recount(self.charge.bytes().saturating_sub(freed));
    }

    fn recount(&mut self, bytes: u64) {
        self.charge
            .set(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Adds events, each at its time. A batch that is older than what is there is merged with it once: put in one by one,
    /// each of its events would move all that are there.
    pub(super) fn add(
        &mut self,
        sequence: &mut u64,
        now: i64,
        batch: impl IntoIterator<Item = (i64, String)>,
    ) {
        let before = self.events.last().map(Event::key);
        let known = self.events.len();
        let mut size = 0;
        for (timestamp, message) in batch {
            *sequence += 1;
            let event = Event {
                timestamp,
                ingested: now,
                sequence: *sequence,
                message,
            };
            size += u64::try_from(event.size()).unwrap_or(u64::MAX);
            self.events.push(event);
            self.last_ingestion = Some(now);
        }
        self.recount(self.charge.bytes() + size);
        let added = self.events.get(known..).unwrap_or_default();
        let in_order = added.is_sorted_by_key(Event::key)
            && added.first().is_none_or(|first| Some(first.key()) > before);
        if !in_order {
            self.events.sort_by_key(Event::key);
        }
    }
}

impl Event {
    /// Bytes of memory.
    fn size(&self) -> usize {
        self.message.len() + size_of::<Self>()
    }

    pub(super) fn key(&self) -> Key {
        (self.timestamp, self.sequence)
    }
}

pub(super) fn no_group() -> ApiError {
    ApiError::bad(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

pub(super) fn no_stream() -> ApiError {
    ApiError::bad(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}
