//! From a change to a configuration item, and from an item to the rules.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::item::{Item, ResourceKey, Status};
use super::notice;
use super::periodic;
use super::place::Place;
use super::recording_group::RESOURCE_COMPLIANCE;
use super::{Change, Resource, delivery, invoke, oversized};
use crate::budgets::{self, Kind};
use crate::clock::{Timestamp, epoch_millis};
use crate::ec2;
use crate::engine::Task;
use crate::sandbox::Call;

/// What Config noticed and has not recorded yet. The resource is captured when it is noticed: what
/// happens to it before it is recorded belongs to the next item.
#[derive(Debug, Clone)]
pub(super) enum Noticed {
    /// Somebody made or modified it: always an item.
    Changed(Resource),
    /// Somebody deleted it: always an item.
    Deleted(Resource),
    /// A starting recorder found it: an item unless the last one already says the same.
    Present(Resource),
    /// A starting recorder missed it: an item unless Config knew.
    Absent(ResourceKey),
    /// The recording group changed, and its type is no longer in it.
    Unrecorded(ResourceKey),
    /// Somebody deleted it after that.
    DeletedUnrecorded(ResourceKey),
}

/// When something that is noticed now will be recorded.
pub(super) fn due(call: &Call<'_>) -> Timestamp {
    call.now + call.sandbox.config_latency().sample()
}

/// The same for a change of a resource. Some changes take longer than others, but those of one resource are
/// recorded in their order.
fn due_of(call: &mut Call<'_>, key: &ResourceKey) -> Timestamp {
    let due = due(call);
    let promised = &mut call.here().config.promised;
    let promised = promised.entry(key.clone()).or_insert(due);
    *promised = due.max(*promised);
    *promised
}

pub(super) fn observe(call: &mut Call<'_>, change: Change, resource: Resource) {
    let state = &call.here().config;
    let Some(recorder) = state
        .recorder
        .as_ref()
        .filter(|recorder| recorder.recording)
    else {
        return;
    };
    let recorded = recorder.records(resource.resource_type);
    let noticed = match change {
        Change::Created | Change::Modified if recorded => Noticed::Changed(resource),
        Change::Deleted if recorded => Noticed::Deleted(resource),
        Change::Deleted if state.history.latest(&resource.key()).is_some() => {
            Noticed::DeletedUnrecorded(resource.key())
        }
        Change::Created | Change::Modified | Change::Deleted => return,
    };
    if recorder.mode.is_daily(&noticed.key().resource_type) {
        // Only how the day ends will count, and only if that differs from what was recorded last.
        let at_the_end = match noticed {
            Noticed::Changed(resource) => Noticed::Present(resource),
            Noticed::Deleted(resource) => Noticed::Absent(resource.key()),
            other => other,
        };
        call.here()
            .config
            .today
            .insert(at_the_end.key(), at_the_end);
        return;
    }
    schedule(call, noticed);
}

/// Counts the days of a recorder that starts: what is recorded daily is recorded at the end of each.
pub(super) fn plan_days(call: &mut Call<'_>) {
    let state = &mut call.here().config;
    let plan = state.next_plan();
    if let Some(recorder) = &mut state.recorder {
        recorder.plan = plan;
    }
    periodic::every(call, "days", time::Duration::days(1), move |call, _| {
        let state = &mut call.here().config;
        let recorder = state.recorder.as_ref();
        if !recorder.is_some_and(|recorder| recorder.recording && recorder.plan == plan) {
            return false;
        }
        for noticed in std::mem::take(&mut state.today).into_values() {
            schedule(call, noticed);
        }
        true
    });
}

/// What a recorder does that starts, or that is to record something else: it looks at everything.
pub(super) fn take_inventory(call: &mut Call<'_>) {
    let found = ec2::recordable(call);
    let state = &mut call.here().config;
    // What changed today is among what is found.
    state.today.clear();
    let Some(recorder) = &state.recorder else {
        return;
    };
    let found: Vec<Resource> = found
        .into_iter()
        .filter(|resource| recorder.records(resource.resource_type))
        .collect();
    let present: HashSet<ResourceKey> = found.iter().map(Resource::key).collect();
    let absent: Vec<ResourceKey> = state
        .history
        .newest()
        .filter(|item| item.is_live())
        // Config keeps compliance itself: nothing outside of it can be looked at.
        .filter(|item| item.key.resource_type != RESOURCE_COMPLIANCE)
        .map(|item| item.key.clone())
        .filter(|key| !present.contains(key))
        .collect();
    let (absent, unrecorded): (Vec<_>, Vec<_>) = absent
        .into_iter()
        .partition(|key| recorder.records(&key.resource_type));
    for resource in found {
        schedule(call, Noticed::Present(resource));
    }
    for key in absent {
        schedule(call, Noticed::Absent(key));
    }
    for key in unrecorded {
        schedule(call, Noticed::Unrecorded(key));
    }
}

fn schedule(call: &mut Call<'_>, noticed: Noticed) {
    let place = Place::of(call);
    let key = noticed.key();
    // One lane for each resource: its items stay in the order of its changes.
    let lane = place.lane(&format!("item/{}/{}", key.resource_type, key.resource_id));
    let due = due_of(call, &key);
    call.account
        .later(Task::new(due, lane, move |sandbox| async move {
            sandbox.enter(&place.target(), |call| {
                let promised = &mut call.here().config.promised;
                if promised.get(&key).is_some_and(|last| *last <= due) {
                    promised.remove(&key);
                }
                record(call, noticed);
            });
        }));
}

impl Resource {
    fn key(&self) -> ResourceKey {
        ResourceKey::new(self.resource_type, &self.resource_id)
    }

    fn is_as_in(&self, item: &Item) -> bool {
        self.configuration == item.configuration
            && self.tags == item.tags
            && self.relationships == item.relationships
    }
}

impl Noticed {
    fn key(&self) -> ResourceKey {
        match self {
            Self::Changed(resource) | Self::Deleted(resource) | Self::Present(resource) => {
                resource.key()
            }
            Self::Absent(key) | Self::Unrecorded(key) | Self::DeletedUnrecorded(key) => key.clone(),
        }
    }

    /// The status of the item that this becomes; `None` when there is nothing to say.
    fn status(&self, previous: Option<&Item>) -> Option<Status> {
        let live = previous.filter(|item| item.is_live());
        match (self, live) {
            (Self::Changed(_) | Self::Present(_), None) => Some(Status::Discovered),
            (Self::Changed(_), Some(_)) => Some(Status::Ok),
            (Self::Present(resource), Some(item)) => {
                (!resource.is_as_in(item)).then_some(Status::Ok)
            }
            (Self::Deleted(_), _) | (Self::Absent(_), Some(_)) => Some(Status::Deleted),
            (Self::Unrecorded(_), Some(_)) => Some(Status::NotRecorded),
            (Self::DeletedUnrecorded(_), _) => previous
                .is_some_and(|item| item.status == Status::NotRecorded)
                .then_some(Status::DeletedNotRecorded),
            (Self::Absent(_) | Self::Unrecorded(_), None) => None,
        }
    }
}

fn record(call: &mut Call<'_>, noticed: Noticed) {
    let key = noticed.key();
    let previous = call.here().config.history.latest(&key).cloned();
    let live = previous.as_deref().filter(|item| item.is_live());
    let Some(status) = noticed.status(previous.as_deref()) else {
        return;
    };
    // A deleted resource has lost its tags, but it still leaves through the rules that knew it by them.
    let last_tags = match &noticed {
        Noticed::Changed(resource) | Noticed::Deleted(resource) | Noticed::Present(resource) => {
            resource.tags.clone()
        }
        Noticed::Absent(_) | Noticed::Unrecorded(_) | Noticed::DeletedUnrecorded(_) => {
            live.map(|item| item.tags.clone()).unwrap_or_default()
        }
    };
    let mut item = Item {
        key,
        resource_name: None,
        arn: previous
            .as_ref()
            .map(|item| item.arn.clone())
            .unwrap_or_default(),
        tags: BTreeMap::new(),
        relationships: Vec::new(),
        configuration: Value::Null,
        status,
        captured: call.now,
        state_id: next_state_id(call.now, previous.as_deref()),
    };
    match noticed {
        Noticed::Changed(resource) | Noticed::Present(resource) => {
            item.resource_name = resource.resource_name;
            item.arn = resource.arn;
            item.tags = resource.tags;
            item.relationships = resource.relationships;
            item.configuration = resource.configuration;
        }
        Noticed::Deleted(resource) => item.arn = resource.arn,
        Noticed::Absent(_) | Noticed::Unrecorded(_) | Noticed::DeletedUnrecorded(_) => {}
    }
    let notice = keep(call, previous.as_deref(), item.clone());
    trigger(call, &item, &last_tags, live, &notice);
}

/// State ids order the items of a resource, also of those that are recorded in one millisecond.
pub(super) fn next_state_id(now: Timestamp, previous: Option<&Item>) -> i64 {
    let now = epoch_millis(now);
    previous.map_or(now, |previous| now.max(previous.state_id + 1))
}

/// Writes an item into the history and streams it.
pub(super) fn keep(call: &mut Call<'_>, previous: Option<&Item>, item: Item) -> notice::Notice {
    let place = Place::of(call);
    let now = call.now;
    let whole = notice::of_change(&place, previous, &item, now);
    let sent = oversized::fit(call, &item, whole);
    let subject = notice::change_subject(&place, &item);
    let limit = budgets::room(call, Kind::Items);
    let state = &mut call.here().config;
    let item = Arc::new(item);
    state.undelivered.push(item.clone());
    state.history.push(item);
    let forgotten = state.history.forget_over(limit);
    if !forgotten.is_empty() {
        state
            .undelivered
            .retain(|item| !forgotten.iter().any(|gone| Arc::ptr_eq(gone, item)));
    }
    if let Some(recorder) = &mut state.recorder {
        recorder.succeeded(now);
    }
    call.sandbox.ledger.forget(Kind::Items, forgotten.len());
    delivery::stream(call, subject, sent.topic);
    sent.rules
}

/// Asks every rule in whose scope the resource is, or was until now.
fn trigger(
    call: &mut Call<'_>,
    item: &Item,
    tags: &BTreeMap<String, String>,
    live: Option<&Item>,
    notice: &notice::Notice,
) {
    let concerned: Vec<(String, bool)> = call
        .here()
        .config
        .rules
        .values()
        .filter(|rule| !rule.deleting && rule.wants(notice.message_type))
        .filter_map(|rule| {
            let inside = rule.scope.covers(&item.key, tags);
            let was_inside = live.is_some_and(|item| rule.scope.covers(&item.key, &item.tags));
            (inside || was_inside).then(|| (rule.id.clone(), !inside))
        })
        .collect();
    for (rule_id, left_scope) in concerned {
        invoke::schedule(
            call,
            invoke::Trigger {
                rule_id,
                about: item.key.to_string(),
                invoking_event: notice.body.clone(),
                left_scope,
                on_demand: false,
            },
        );
    }
}

/// Asks one rule about the last recorded state of everything in its scope, and says how often.
pub(super) fn evaluate_all(call: &mut Call<'_>, rule_name: &str, on_demand: bool) -> usize {
    let place = Place::of(call);
    let now = call.now;
    let state = &call.here().config;
    let Some(rule) = state.rules.get(rule_name) else {
        return 0;
    };
    let items: Vec<Arc<Item>> = state
        .history
        .newest()
        .filter(|item| item.is_live() && item.key.resource_type != RESOURCE_COMPLIANCE)
        .filter(|item| rule.scope.covers(&item.key, &item.tags))
        .cloned()
        .collect();
    let (rule_id, message_types) = (rule.id.clone(), rule.message_types.clone());
    let mut count = 0;
    for item in items {
        let whole = notice::of_state(&place, &item, now);
        let notice = oversized::fit(call, &item, whole).rules;
        if !message_types.iter().any(|name| name == notice.message_type) {
            continue;
        }
        count += 1;
        invoke::schedule(
            call,
            invoke::Trigger {
                rule_id: rule_id.clone(),
                about: item.key.to_string(),
                invoking_event: notice.body,
                left_scope: false,
                on_demand,
            },
        );
    }
    count
}
