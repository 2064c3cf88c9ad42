//! Groups: what schedules are kept, tagged and deleted in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::page::page;
use super::schedules::Schedule;
use super::{DEFAULT_GROUP, conflict, group_path, invalid, name, tags};
use crate::clock::{Timestamp, epoch_seconds};
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Target};

#[derive(Debug, Clone)]
pub(super) struct Group {
    name: String,
    created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) schedules: BTreeMap<String, Schedule>,
    /// Whether it is on its way out.
    pub(super) deleting: bool,
    /// The token with which it was made.
    token: Option<String>,
}

impl Group {
    pub(super) fn new(name: &str, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            created: now,
            modified: now,
            tags: BTreeMap::new(),
            schedules: BTreeMap::new(),
            deleting: false,
            token: None,
        }
    }

    fn describe(&self, arn: String) -> Value {
        json!({
            "Arn": arn,
            "Name": self.name,
            "State": if self.deleting { "DELETING" } else { "ACTIVE" },
            "CreationDate": epoch_seconds(self.created),
            "LastModificationDate": epoch_seconds(self.modified),
        })
    }
}

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = name(input, "Name")?;
    let tags = tags::given(input)?;
    let token = token(input)?;
    let arn = call.arn("scheduler", &group_path(name));
    let now = call.now;
    let groups = call.here().scheduler.groups(now);
    if let Some(group) = groups.get(name) {
        let again = token.is_some() && group.token == token && group.tags == tags;
        if again && !group.deleting {
            return Ok(json!({"ScheduleGroupArn": arn}));
        }
        return Err(conflict(format!("Schedule group {name} already exists.")));
    }
    let group = Group {
        tags,
        token,
        ..Group::new(name, now)
    };
    groups.insert(name.to_owned(), group);
    Ok(json!({"ScheduleGroupArn": arn}))
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = name(input, "Name")?;
    let arn = call.arn("scheduler", &group_path(name));
    let now = call.now;
    Ok(call.here().scheduler.group(name, now)?.describe(arn))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let prefix = input.text("NamePrefix").unwrap_or_default().to_owned();
    let (now, root) = (call.now, call.arn("scheduler", &group_path("")));
    let groups = call.here().scheduler.groups(now).values();
    let found = groups
        .filter(|group| group.name.starts_with(&prefix))
        .map(|group| {
            (
                group.name.clone(),
                group.describe(format!("{root}{}", group.name)),
            )
        });
    page(input, "ScheduleGroups", found)
}

/// A group goes with its schedules, a moment later; until then it is `DELETING`.
pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = name(input, "Name")?.to_owned();
    token(input)?;
    if name == DEFAULT_GROUP {
        return Err(invalid("The default schedule group cannot be deleted."));
    }
    let now = call.now;
    let group = call.here().scheduler.group(&name, now)?;
    if group.deleting {
        return Ok(json!({}));
    }
    group.deleting = true;
    group.modified = now;
    let place = Target::new(
        call.account.id.clone(),
        call.region.clone(),
        crate::caller::Caller::Service(super::PRINCIPAL),
    );
    let lane = format!("scheduler/group/{}/{name}", call.region);
    call.account
        .later(Task::new(now, lane, move |sandbox| async move {
            sandbox.enter(&place, |call| {
                call.here().scheduler.groups.remove(&name);
            });
        }));
    Ok(json!({}))
}

/// The client's token, checked.
pub(super) fn token(input: &Value) -> Result<Option<String>, ApiError> {
    let Some(token) = input.text("ClientToken") else {
        return Ok(None);
    };
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if (1..=64).contains(&token.len()) && token.bytes().all(known) {
        return Ok(Some(token.to_owned()));
    }
    Err(super::constraint(
        "ClientToken",
        token,
        "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}",
    ))
}
