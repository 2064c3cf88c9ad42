//! Searching all streams of a group.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use serde_json::{Value, json};

use super::pattern::Pattern;
use super::read::{MAX_EVENTS, parse_key, time};
use super::store::{Event, Group, Key};
use super::{invalid, limit, names};
use crate::allowance::Allowance;
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

const MAX_BYTES: usize = 1_048_576;

/// What one call searches: bytes of messages, each as often as the pattern has terms (the sandbox's own; AWS documents that
/// it searches a part and gives a token, not how much).
const STEPS: usize = 64 << 20;

pub(super) fn filter(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = names::requested_group(call, input)?;
    let pattern = Pattern::parse(input.text("filterPattern").unwrap_or_default())?;
    let limit = limit(input, MAX_EVENTS, MAX_EVENTS)?;
    let start = time(input, "startTime")?.unwrap_or(i64::MIN);
    let end = time(input, "endTime")?.unwrap_or(i64::MAX);
    let after = match input.text("nextToken") {
        None => None,
        Some(token) => {
            Some(parse_key(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?)
        }
    };
    let now = epoch_millis(call.now);
    let group = call.here().logs.group(&group)?;
    let start = start.max(group.expiry(now));
    let mut merged = Merged::default();
    for (name, events) in searched(group, input)? {
        let low = events.partition_point(|event| {
            event.timestamp < start || after.is_some_and(|after| event.key() <= after)
        });
        // The end is included here, other than in GetLogEvents.
        let high = events.partition_point(|event| event.timestamp <= end);
        merged.add(name, events.get(low..high).unwrap_or_default());
    }
    let (page, more) = search(merged, &pattern, limit);
    let mut answer = json!({
        "events": page.iter().map(|(stream, event)| shown(stream, event)).collect::<Vec<_>>(),
        // The service deprecated the list in 2022 and leaves it empty.
        "searchedLogStreams": [],
    });
    if let Some((at, sequence)) = more {
        answer["nextToken"] = json!(format!("{at:020}{sequence:020}"));
    }
    Ok(answer)
}

/// The streams that the request asks for.
fn searched<'a>(group: &'a Group, input: &Value) -> Result<Vec<(&'a str, &'a [Event])>, ApiError> {
    let wanted = input.texts("logStreamNames");
    let prefix = input.text("logStreamNamePrefix");
    if !wanted.is_empty() && prefix.is_some() {
        return Err(invalid(
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
        ));
    }
    for name in &wanted {
        group.stream(name)?;
    }
    Ok(group
        .streams
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)))
        .map(|(name, stream)| (name.as_str(), stream.events.as_slice()))
        .collect())
}

/// The events of several streams in the order of all.
#[derive(Default)]
struct Merged<'g> {
    streams: BinaryHeap<Reverse<Ahead<'g>>>,
}

/// What is left of one stream, ordered by its first event.
struct Ahead<'g> {
    key: Key,
    stream: &'g str,
    events: &'g [Event],
}

impl PartialEq for Ahead<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Ahead<'_> {}
impl PartialOrd for Ahead<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ahead<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.key, self.stream).cmp(&(other.key, other.stream))
    }
}

impl<'g> Merged<'g> {
    fn add(&mut self, stream: &'g str, events: &'g [Event]) {
        if let Some(first) = events.first() {
            let key = first.key();
            self.streams.push(Reverse(Ahead {
                key,
                stream,
                events,
            }));
        }
    }
}

impl<'g> Iterator for Merged<'g> {
    type Item = (&'g str, &'g Event);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(Ahead { stream, events, .. }) = self.streams.pop()?;
        let (first, rest) = events.split_first()?;
        self.add(stream, rest);
        Some((stream, first))
    }
}

/// The next matching events that fit on a page, and where to go on where that is not the end. A page may also end, even
/// empty, because enough was searched: AWS documents the same.
fn search<'g>(
    merged: Merged<'g>,
    pattern: &Pattern,
    limit: usize,
) -> (Vec<(&'g str, &'g Event)>, Option<Key>) {
    let steps = Allowance::of(STEPS);
    let (mut page, mut bytes, mut last) = (Vec::new(), 0, None);
    for (stream, event) in merged {
        // The first event of a page is always looked at, so that every page comes further.
        let searched = !steps.take(pattern.cost(&event.message)) && last.is_some();
        let matches = !searched && pattern.matches(&event.message);
        let full = page.len() >= limit || bytes >= MAX_BYTES;
        if searched || (matches && full) {
            return (page, last);
        }
        if matches {
            bytes += event.message.len() + 26;
            page.push((stream, event));
        }
        last = Some(event.key());
    }
    (page, None)
}

fn shown(stream: &str, event: &Event) -> Value {
    json!({
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": format!("{:026}{:030}", event.timestamp, event.sequence),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn event(timestamp: i64, message: &str) -> Event {
        Event {
            timestamp,
            ingested: timestamp,
            sequence: 0,
            message: message.to_owned(),
        }
    }

    #[test]
    fn streams_are_searched_in_the_order_of_time_and_a_page_ends_where_enough_was_searched() {
        let long = "x".repeat(STEPS / 4);
        let one = [
            event(1, "hit"),
            event(4, &long),
            event(6, &long),
            event(8, "hit"),
        ];
        let other = [
            event(2, "miss"),
            event(3, "hit"),
            event(5, &long),
            event(7, &long),
        ];
        let pattern = Pattern::parse("hit").unwrap();
        let page = |after: i64, limit: usize| {
            let mut merged = Merged::default();
            for (name, events) in [("one", &one), ("other", &other)] {
                let low = events.partition_point(|event| event.timestamp <= after);
                merged.add(name, &events[low..]);
            }
            let (found, more) = search(merged, &pattern, limit);
            let found: Vec<i64> = found.iter().map(|(_, event)| event.timestamp).collect();
            (found, more.map(|(at, _)| at))
        };
        // Three long messages are searched, the fourth is too much.
        assert_eq!(page(0, 10), (vec![1, 3], Some(6)));
        assert_eq!(page(6, 10), (vec![8], None));
        // A full page ends before the next hit.
        assert_eq!(page(0, 1), (vec![1], Some(2)));
        assert_eq!(page(2, 1), (vec![3], Some(6)));
    }
}
