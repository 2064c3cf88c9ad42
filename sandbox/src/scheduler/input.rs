//! What a request wants a schedule to be, checked.

use serde_json::{Value, json};

use super::action::Action;
use super::expression::Expression;
use super::{PRINCIPAL, constraint, group_path, invalid};
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam;
use crate::sandbox::Call;

/// The members of `CreateSchedule` and `UpdateSchedule`.
pub(super) const MEMBERS: &[&str] = &[
    "ActionAfterCompletion",
    "ClientToken",
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
];

/// The longest that AWS goes on trying, unless told otherwise.
const MAX_AGE: i64 = 86_400;
/// How often AWS tries again, unless told otherwise.
const MAX_RETRIES: i64 = 185;

/// What is called, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goal {
    pub(super) arn: String,
    pub(super) role: String,
    pub(super) input: String,
    /// Seconds.
    pub(super) max_age: i64,
    pub(super) max_retries: i64,
}

/// A schedule as it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) expression: Expression,
    text: String,
    zone: String,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    /// The longest delay that is fine, in minutes.
    pub(super) window: Option<i64>,
    pub(super) enabled: bool,
    pub(super) delete_when_done: bool,
    description: Option<String>,
    pub(super) goal: Goal,
}

impl Wanted {
    /// # Errors
    /// `ValidationException`; `NotImplemented` for what AWS has and the sandbox has not.
    pub(super) fn read(call: &Call<'_>, group: &str, input: &Value) -> Result<Self, ApiError> {
        let text = input.require("ScheduleExpression")?;
        let expression = Expression::parse(text)
            .filter(|_| text.len() <= 256)
            .ok_or_else(|| invalid(format!("Invalid Schedule Expression {text}.")))?;
        if matches!(expression, Expression::At(moment) if moment < call.now) {
            return Err(not_there("a moment that has passed"));
        }
        let (start, end) = (moment(input, "StartDate")?, moment(input, "EndDate")?);
        if end.is_some_and(|end| end <= call.now || start.is_some_and(|start| start >= end)) {
            return Err(invalid(
                "The EndDate you specify must be in the future and after the StartDate.",
            ));
        }
        let description = input.text("Description").map(str::to_owned);
        if description
            .as_ref()
            .is_some_and(|text| text.chars().count() > 512)
        {
            return Err(invalid(
                "Description must have length less than or equal to 512",
            ));
        }
        Ok(Self {
            expression,
            text: text.to_owned(),
            zone: zone(input)?.to_owned(),
            start,
            end,
            window: window(input)?,
            enabled: choice(input, "State", "ENABLED", "DISABLED")? == "ENABLED",
            delete_when_done: choice(input, "ActionAfterCompletion", "NONE", "DELETE")? == "DELETE",
            description,
            goal: goal(call, group, input)?,
        })
    }

    /// As `GetSchedule` shows it.
    pub(super) fn show(&self) -> Value {
        let goal = &self.goal;
        let mut shown = json!({
            "ScheduleExpression": self.text,
            "ScheduleExpressionTimezone": self.zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": self.state(),
            "ActionAfterCompletion": if self.delete_when_done { "DELETE" } else { "NONE" },
            "Target": {
                "Arn": goal.arn,
                "RoleArn": goal.role,
                "Input": goal.input,
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": goal.max_age,
                    "MaximumRetryAttempts": goal.max_retries,
                },
            },
        });
        if let Some(minutes) = self.window {
            shown["FlexibleTimeWindow"] =
                json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes});
        }
        for (name, at) in [("StartDate", self.start), ("EndDate", self.end)] {
            if let Some(at) = at {
                shown[name] = epoch_seconds(at);
            }
        }
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        shown
    }

    pub(super) fn state(&self) -> &'static str {
        if self.enabled { "ENABLED" } else { "DISABLED" }
    }
}

fn not_there(what: &str) -> ApiError {
    ApiError::not_implemented("scheduler", &format!("CreateSchedule with {what}"))
}

/// Seconds since the epoch.
fn moment(input: &Value, member: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = input.field(member) else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is no moment of this calendar, and refused below"
    )]
    let millis = value.as_f64().map(|seconds| (seconds * 1000.0) as i128);
    millis
        .and_then(|millis| {
            Timestamp::from_unix_timestamp_nanos(millis.checked_mul(1_000_000)?).ok()
        })
        .map(Some)
        .ok_or_else(|| ApiError::bad("SerializationException", format!("{member} is no time")))
}

fn zone(input: &Value) -> Result<&str, ApiError> {
    match input.text("ScheduleExpressionTimezone") {
        None => Ok("UTC"),
        Some(zone @ ("UTC" | "Etc/UTC" | "GMT" | "Etc/GMT")) => Ok(zone),
        Some(zone) => Err(not_there(&format!("the time zone {zone}"))),
    }
}

fn window(input: &Value) -> Result<Option<i64>, ApiError> {
    let window = input
        .field("FlexibleTimeWindow")
        .ok_or_else(|| invalid("FlexibleTimeWindow must not be null"))?;
    let minutes = window.int("MaximumWindowInMinutes")?;
    match (window.text("Mode"), minutes) {
        (Some("OFF"), None) => Ok(None),
        (Some("FLEXIBLE"), Some(minutes)) if (1..=1440).contains(&minutes) => Ok(Some(minutes)),
        (Some("FLEXIBLE"), _) => Err(invalid(
            "MaximumWindowInMinutes must be between 1 and 1440 for a flexible time window.",
        )),
        (Some("OFF"), Some(_)) => Err(invalid(
            "MaximumWindowInMinutes is not allowed when the flexible time window is OFF.",
        )),
        (other, _) => Err(constraint(
            "FlexibleTimeWindow.mode",
            other.unwrap_or("null"),
            "Member must satisfy enum value set: [OFF, FLEXIBLE]",
        )),
    }
}

/// One of two values; the first unless given.
fn choice<'a>(
    input: &Value,
    member: &str,
    usual: &'a str,
    other: &'a str,
) -> Result<&'a str, ApiError> {
    match input.text(member) {
        None => Ok(usual),
        Some(value) if value == usual => Ok(usual),
        Some(value) if value == other => Ok(other),
        Some(value) => Err(constraint(
            member,
            value,
            &format!("Member must satisfy enum value set: [{usual}, {other}]"),
        )),
    }
}

fn goal(call: &Call<'_>, group: &str, input: &Value) -> Result<Goal, ApiError> {
    let target = input
        .field("Target")
        .ok_or_else(|| invalid("Target must not be null"))?;
    let known = ["Arn", "RoleArn", "Input", "RetryPolicy"];
    for (name, value) in target.as_object().into_iter().flatten() {
        if !value.is_null() && !known.contains(&name.as_str()) {
            return Err(not_there(&format!("Target.{name}")));
        }
    }
    let arn = target.require("Arn")?;
    let action = Action::parse(arn, &call.region)?;
    let text = target.text("Input").filter(|input| !input.is_empty());
    let text = text
        .ok_or_else(|| invalid("You must provide an input to set this target for your schedule"))?;
    action.operation(text)?;
    let policy = target.field("RetryPolicy").cloned().unwrap_or_default();
    let within = |member: &str, least: i64, most: i64| match policy.int(member)? {
        None => Ok(most),
        Some(value) if (least..=most).contains(&value) => Ok(value),
        Some(value) => Err(constraint(
            &format!("Target.RetryPolicy.{member}"),
            &value.to_string(),
            &format!("Member must have value between {least} and {most}"),
        )),
    };
    let role = target.require("RoleArn")?;
    may_work_as(call, role, group)
        .map_err(|_| {
            invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
        })?;
    Ok(Goal {
        arn: arn.to_owned(),
        role: role.to_owned(),
        input: text.to_owned(),
        max_age: within("MaximumEventAgeInSeconds", 60, MAX_AGE)?,
        max_retries: within("MaximumRetryAttempts", 0, MAX_RETRIES)?,
    })
}

/// Whether a schedule of the group may work with the role. What the service tells the role's trust policy as
/// `aws:SourceArn` is the group.
///
/// # Errors
/// Says why not, as the end of a sentence.
pub(super) fn may_work_as(call: &Call<'_>, role: &str, group: &str) -> Result<(), String> {
    let source = call.arn("scheduler", &group_path(group));
    iam::assumable_for(call.account, role, PRINCIPAL, &source)
}
