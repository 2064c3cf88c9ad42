//! EventBridge Scheduler: schedules that call an API at a moment, again and again, or once.
//!
//! Names, limits and error codes are those of the service's API model (`scheduler-2021-06-30`); what a
//! schedule does is that of the user guide. Of its targets the sandbox has the universal ones: any call to
//! a service that the sandbox has, made with the rights of the schedule's role and through the door that
//! clients go through.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

mod action;
mod cron;
mod days;
mod expression;
mod groups;
mod input;
mod page;
mod runs;
mod schedules;
mod tags;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use self::wire::decode;

/// The service principal that assumes the roles of schedules.
const PRINCIPAL: &str = "scheduler.amazonaws.com";

/// The group that is always there.
const DEFAULT_GROUP: &str = "default";

/// What the service holds: schedules in their groups.
#[derive(Debug, Clone, Default)]
pub struct State {
    groups: BTreeMap<String, groups::Group>,
    /// Counts what was made and changed, so that what was planned for an older form can be told from it.
    editions: u64,
}

impl State {
    /// The groups, the default one among them.
    fn groups(&mut self, now: Timestamp) -> &mut BTreeMap<String, groups::Group> {
        self.groups
            .entry(DEFAULT_GROUP.to_owned())
            .or_insert_with(|| groups::Group::new(DEFAULT_GROUP, now));
        &mut self.groups
    }

    fn group(&mut self, name: &str, now: Timestamp) -> Result<&mut groups::Group, ApiError> {
        let group = self.groups(now).get_mut(name);
        group.ok_or_else(|| not_found(format!("Schedule group {name} does not exist.")))
    }
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    accept(operation)?;
    let answer = match operation.name.as_str() {
        "CreateSchedule" => schedules::create(call, input),
        "GetSchedule" => schedules::get(call, input),
        "UpdateSchedule" => schedules::update(call, input),
        "DeleteSchedule" => schedules::delete(call, input),
        "ListSchedules" => schedules::list(call, input),
        "CreateScheduleGroup" => groups::create(call, input),
        "GetScheduleGroup" => groups::get(call, input),
        "DeleteScheduleGroup" => groups::delete(call, input),
        "ListScheduleGroups" => groups::list(call, input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        "ListTagsForResource" => tags::list(call, input),
        name => Err(ApiError::not_implemented("scheduler", name)),
    }?;
    Ok(answer.into())
}

/// Schedules and groups are resources for IAM, listings are not. Whoever deletes a group deletes its
/// schedules, and whoever makes one with tags tags it.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let name = input.text("Name").unwrap_or("*");
    let group = input.text("GroupName").unwrap_or(DEFAULT_GROUP);
    let schedules = |group: &str, name: &str| call.arn("scheduler", &schedule_path(group, name));
    let groups = |name: &str| call.arn("scheduler", &group_path(name));
    let on = |resource: String| Access::on("scheduler", &operation.name, resource);
    match operation.name.as_str() {
        "CreateSchedule" | "GetSchedule" | "UpdateSchedule" | "DeleteSchedule" => {
            vec![on(schedules(group, name))]
        }
        "DeleteScheduleGroup" => vec![
            on(groups(name)),
            Access::on("scheduler", "DeleteSchedule", schedules(name, "*")),
        ],
        "CreateScheduleGroup" if !input.list("Tags").is_empty() => vec![
            on(groups(name)),
            Access::on("scheduler", "TagResource", groups(name)),
        ],
        "CreateScheduleGroup" | "GetScheduleGroup" => vec![on(groups(name))],
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            vec![on(input.text("ResourceArn").unwrap_or("*").to_owned())]
        }
        _ => vec![on("*".to_owned())],
    }
}

fn schedule_path(group: &str, name: &str) -> String {
    format!("schedule/{group}/{name}")
}

fn group_path(name: &str) -> String {
    format!("schedule-group/{name}")
}

/// Refuses members that the operation would ignore.
fn accept(operation: &Operation) -> Result<(), ApiError> {
    let known: &[&str] = match operation.name.as_str() {
        "CreateSchedule" | "UpdateSchedule" => input::MEMBERS,
        "GetSchedule" => &["GroupName", "Name"],
        "DeleteSchedule" => &["ClientToken", "GroupName", "Name"],
        "ListSchedules" => &[
            "GroupName",
            "MaxResults",
            "NamePrefix",
            "NextToken",
            "State",
        ],
        "CreateScheduleGroup" => &["ClientToken", "Name", "Tags"],
        "GetScheduleGroup" => &["Name"],
        "DeleteScheduleGroup" => &["ClientToken", "Name"],
        "ListScheduleGroups" => &["MaxResults", "NamePrefix", "NextToken"],
        "TagResource" => &["ResourceArn", "Tags"],
        "UntagResource" => &["ResourceArn", "TagKeys"],
        "ListTagsForResource" => &["ResourceArn"],
        _ => return Ok(()),
    };
    crate::iam::accept("scheduler", operation, known)
}

/// A required name: up to 64 letters, digits, `-`, `_` and `.`.
fn name<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    let name = input.require(member)?;
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.len() <= 64 && name.bytes().all(known) {
        return Ok(name);
    }
    Err(constraint(
        member,
        name,
        "Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]{1,64}",
    ))
}

fn constraint(member: &str, value: &str, rule: &str) -> ApiError {
    let mut member = member.to_owned();
    if let Some(first) = member.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new(404, "ResourceNotFoundException", message)
}

fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::new(409, "ConflictException", message)
}
