//! Schedules: making, changing, showing, deleting them.

use serde_json::{Value, json};

use super::groups::{Group, token};
use super::input::Wanted;
use super::page::page;
use super::{DEFAULT_GROUP, conflict, constraint, name, not_found, runs, schedule_path};
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// A schedule.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) wanted: Wanted,
    pub(super) created: Timestamp,
    modified: Timestamp,
    /// The token with which it was made.
    token: Option<String>,
    /// Tells this form of it from what it was before.
    pub(super) edition: u64,
}

/// Where a schedule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) group: String,
    pub(super) name: String,
}

impl Key {
    fn of(input: &Value) -> Result<Self, ApiError> {
        let group = match input.text("GroupName") {
            None => DEFAULT_GROUP,
            Some(_) => name(input, "GroupName")?,
        };
        Ok(Self {
            group: group.to_owned(),
            name: name(input, "Name")?.to_owned(),
        })
    }

    pub(super) fn arn(&self, call: &Call<'_>) -> String {
        call.arn("scheduler", &schedule_path(&self.group, &self.name))
    }

    fn missing(&self) -> ApiError {
        not_found(format!("Schedule {} does not exist.", self.name))
    }
}

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let key = Key::of(input)?;
    let token = token(input)?;
    let arn = key.arn(call);
    let now = call.now;
    let group = open(call, &key.group)?;
    if let Some(there) = group.schedules.get(&key.name) {
        // The same request again is answered like the first one, even if its moment has passed meanwhile.
        if token.is_some() && there.token == token {
            return Ok(json!({"ScheduleArn": arn}));
        }
        return Err(conflict(format!("Schedule {} already exists.", key.name)));
    }
    let wanted = Wanted::read(call, &key.group, input)?;
    let edition = next_edition(call);
    let schedule = Schedule {
        wanted,
        created: now,
        modified: now,
        token,
        edition,
    };
    let group = open(call, &key.group)?;
    group.schedules.insert(key.name.clone(), schedule);
    runs::arm(call, &key, now);
    Ok(json!({"ScheduleArn": arn}))
}

/// Everything that is not given goes back to what it is by default.
pub(super) fn update(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let key = Key::of(input)?;
    token(input)?;
    find(call, &key)?;
    let wanted = Wanted::read(call, &key.group, input)?;
    let (now, edition) = (call.now, next_edition(call));
    let schedule = find(call, &key)?;
    schedule.wanted = wanted;
    schedule.modified = now;
    schedule.edition = edition;
    runs::arm(call, &key, now);
    Ok(json!({"ScheduleArn": key.arn(call)}))
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let key = Key::of(input)?;
    let arn = key.arn(call);
    let schedule = find(call, &key)?;
    let mut shown = schedule.wanted.show();
    shown["Arn"] = json!(arn);
    shown["Name"] = json!(key.name);
    shown["GroupName"] = json!(key.group);
    shown["CreationDate"] = epoch_seconds(schedule.created);
    shown["LastModificationDate"] = epoch_seconds(schedule.modified);
    Ok(shown)
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let key = Key::of(input)?;
    token(input)?;
    let now = call.now;
    let group = call.here().scheduler.group(&key.group, now)?;
    let deleted = group.schedules.remove(&key.name);
    deleted.map(|_| json!({})).ok_or_else(|| key.missing())
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = input.text("GroupName");
    let prefix = input.text("NamePrefix").unwrap_or_default();
    let state = input.text("State");
    if let Some(state) = state.filter(|state| !["ENABLED", "DISABLED"].contains(state)) {
        let rule = "Member must satisfy enum value set: [ENABLED, DISABLED]";
        return Err(constraint("State", state, rule));
    }
    let (now, root) = (call.now, call.arn("scheduler", "schedule"));
    let scheduler = &mut call.here().scheduler;
    if let Some(group) = group {
        scheduler.group(group, now)?;
    }
    let groups = scheduler.groups(now).iter();
    let found = groups
        .filter(|(name, _)| group.is_none_or(|group| group == name.as_str()))
        .flat_map(|(group, it)| it.schedules.iter().map(move |(name, it)| (group, name, it)))
        .filter(|(_, name, schedule)| {
            name.starts_with(prefix) && state.is_none_or(|state| state == schedule.wanted.state())
        })
        .map(|(group, name, schedule)| {
            let shown = json!({
                "Arn": format!("{root}/{group}/{name}"),
                "Name": name,
                "GroupName": group,
                "State": schedule.wanted.state(),
                "CreationDate": epoch_seconds(schedule.created),
                "LastModificationDate": epoch_seconds(schedule.modified),
                "Target": {"Arn": schedule.wanted.goal.arn},
            });
            (format!("{group}/{name}"), shown)
        });
    // Ordered by the path as a whole, which is not the order of the groups: `-` and `.` come before `/`.
    let mut found: Vec<_> = found.collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    page(input, "Schedules", found.into_iter())
}

pub(super) fn find<'a>(call: &'a mut Call<'_>, key: &Key) -> Result<&'a mut Schedule, ApiError> {
    let now = call.now;
    let group = call.here().scheduler.group(&key.group, now)?;
    group
        .schedules
        .get_mut(&key.name)
        .ok_or_else(|| key.missing())
}

/// A group that takes schedules.
fn open<'a>(call: &'a mut Call<'_>, name: &str) -> Result<&'a mut Group, ApiError> {
    let now = call.now;
    let group = call.here().scheduler.group(name, now)?;
    if group.deleting {
        return Err(conflict(format!("Schedule group {name} is being deleted.")));
    }
    Ok(group)
}

fn next_edition(call: &mut Call<'_>) -> u64 {
    let scheduler = &mut call.here().scheduler;
    scheduler.editions += 1;
    scheduler.editions
}
