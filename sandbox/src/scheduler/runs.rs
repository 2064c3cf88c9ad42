//! From a moment to a call.
//!
//! A call is made as the schedule's role, through the door that clients go through. One that fails is tried
//! again, at growing intervals, for as long and as often as the schedule's retry policy says; AWS makes no
//! difference between failures here, so a missing permission that is granted meanwhile heals the schedule.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::action::Action;
use super::expression::Expression;
use super::input::{Goal, may_work_as};
use super::schedules::{Key, find};
use super::{PRINCIPAL, schedule_path};
use crate::caller::Caller;
use crate::clock::{Timestamp, iso8601};
use crate::engine::Task;
use crate::error::ApiError;
use crate::ids::{hex_id, uuid};
use crate::protocol::Answer;
use crate::sandbox::{Call, Sandbox, Target};

/// The first wait before a call is tried again, doubled up to the longest. AWS documents exponential
/// back-off but no figures: these are ours.
const FIRST_RETRY: time::Duration = time::Duration::seconds(1);
const LONGEST_RETRY: time::Duration = time::Duration::minutes(10);

/// Plans the next run of a schedule: the first moment at or after `from`. A schedule that waits does not keep
/// the engine from being idle.
pub(super) fn arm(call: &mut Call<'_>, key: &Key, from: Timestamp) {
    let Ok(schedule) = find(call, key) else {
        return;
    };
    let (edition, wanted) = (schedule.edition, &schedule.wanted);
    let Some(due) = next(wanted, schedule.created, from).filter(|_| wanted.enabled) else {
        return;
    };
    // Within the window any moment is right.
    let window = wanted.window.map_or(0, |minutes| minutes * 60);
    let delay = time::Duration::seconds(fastrand::i64(0..=window));
    let place = Target::new(
        call.account.id.clone(),
        call.region.clone(),
        Caller::Service(PRINCIPAL),
    );
    let (lane, key) = (lane(call, key), key.clone());
    let task = Task::new(due.saturating_add(delay), lane, move |sandbox| async move {
        let run = sandbox.enter(&place, |call| begin(call, key, edition, due));
        if let Some(run) = run {
            run.attempt(sandbox).await;
        }
    });
    call.account.later(task.routine());
}

/// One lane for each schedule: what one does happens in order, and holds up no other.
fn lane(call: &Call<'_>, key: &Key) -> String {
    format!("scheduler/{}", key.arn(call))
}

fn next(wanted: &super::input::Wanted, created: Timestamp, from: Timestamp) -> Option<Timestamp> {
    // Start and end are not for schedules that run once.
    if matches!(wanted.expression, Expression::At(_)) {
        return wanted.expression.next(from, created);
    }
    let start = wanted.start.unwrap_or(created);
    let due = wanted.expression.next(from.max(start), start)?;
    wanted.end.is_none_or(|end| due <= end).then_some(due)
}

/// One run of a schedule: a call, with its repetitions.
struct Run {
    place: Target,
    key: Key,
    edition: u64,
    goal: Goal,
    /// The moment that the schedule names.
    due: Timestamp,
    began: Timestamp,
    /// Names the run.
    id: String,
    retried: i64,
    /// Whether none comes after it.
    last: bool,
}

/// Starts a run, unless the schedule has gone or changed, and plans the next one.
fn begin(call: &mut Call<'_>, key: Key, edition: u64, due: Timestamp) -> Option<Run> {
    let after = due.saturating_add(time::Duration::SECOND);
    let schedule = find(call, &key).ok().filter(|it| it.edition == edition)?;
    let goal = schedule.wanted.goal.clone();
    // A clock that was moved far forward does not make up for every moment that it jumped over.
    let (wanted, created) = (schedule.wanted.clone(), schedule.created);
    let now = call.now;
    let last = next(&wanted, created, after.max(now)).is_none();
    arm(call, &key, after.max(now));
    Some(Run {
        place: Target::new(
            call.account.id.clone(),
            call.region.clone(),
            Caller::Service(PRINCIPAL),
        ),
        key,
        edition,
        goal,
        due,
        began: now,
        id: uuid(),
        retried: 0,
        last,
    })
}

impl Run {
    /// Boxed because a failed attempt leaves a task that holds the next one.
    fn attempt(self, sandbox: Arc<Sandbox>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let Err(error) = self.call(&sandbox).await else {
                self.finish(&sandbox);
                return;
            };
            let again = self.again(sandbox.clock.now());
            let path = schedule_path(&self.key.group, &self.key.name);
            let target = &self.goal.arn;
            tracing::warn!(schedule = path, target, %error, again = again.is_some(), "a schedule's call failed");
            match again {
                None => self.finish(&sandbox),
                Some(due) => {
                    let lane = format!("scheduler/retry/{}", self.id);
                    let retried = self.retried + 1;
                    let run = Self { retried, ..self };
                    let task = Task::new(due, lane, move |sandbox| async move {
                        if run.still_wanted(&sandbox) {
                            run.attempt(sandbox).await;
                        }
                    });
                    sandbox.engine.schedule([task.routine()]);
                }
            }
        })
    }

    async fn call(&self, sandbox: &Arc<Sandbox>) -> Result<(), ApiError> {
        let action = Action::parse(&self.goal.arn, &self.place.region)?;
        let operation = action.operation(&self.input())?;
        sandbox
            .enter(&self.place, |call| {
                may_work_as(call, &self.goal.role, &self.key.group)
            })
            .map_err(|why| ApiError::new(403, "AccessDeniedException", why))?;
        let role = self.goal.role.rsplit('/').next().unwrap_or_default();
        let caller = Caller::Role {
            role: role.to_owned(),
            session: hex_id("", 32),
        };
        let target = Target::new(
            self.place.account.clone(),
            self.place.region.clone(),
            caller,
        );
        match sandbox.perform(&target, action.service, &operation).await? {
            Answer::Http(response) if !response.status().is_success() => {
                let status = response.status();
                let message = format!("{} answered {status}", operation.name);
                Err(ApiError::new(status.as_u16(), "TargetError", message))
            }
            Answer::Http(_) | Answer::Value(_) => Ok(()),
        }
    }

    /// The input with its context attributes filled in.
    fn input(&self) -> String {
        let region = &self.place.region;
        let path = schedule_path(&self.key.group, &self.key.name);
        let arn = crate::ids::arn(region, &self.place.account, "scheduler", &path);
        let attributes = [
            ("schedule-arn", arn),
            ("scheduled-time", iso8601(self.due).replace(".000Z", "Z")),
            ("execution-id", self.id.clone()),
            ("attempt-number", (self.retried + 1).to_string()),
        ];
        let mut input = self.goal.input.clone();
        for (name, value) in attributes {
            input = input.replace(&format!("<aws.scheduler.{name}>"), &value);
        }
        input
    }

    /// When to try again, if at all.
    fn again(&self, now: Timestamp) -> Option<Timestamp> {
        // Ten doublings are more than the longest wait.
        let doublings = u32::try_from(self.retried.clamp(0, 10)).unwrap_or_default();
        let due = now + (FIRST_RETRY * 2_i32.pow(doublings)).min(LONGEST_RETRY);
        let too_old = due > self.began + time::Duration::seconds(self.goal.max_age);
        (!too_old && self.retried < self.goal.max_retries).then_some(due)
    }

    fn still_wanted(&self, sandbox: &Arc<Sandbox>) -> bool {
        sandbox.enter(&self.place, |call| {
            find(call, &self.key).is_ok_and(|it| it.edition == self.edition)
        })
    }

    /// After its last run a schedule goes, if that was asked for, however the run ended.
    fn finish(&self, sandbox: &Arc<Sandbox>) {
        if !self.last {
            return;
        }
        sandbox.enter(&self.place, |call| {
            let done = find(call, &self.key)
                .is_ok_and(|it| it.edition == self.edition && it.wanted.delete_when_done);
            let now = call.now;
            if done && let Ok(group) = call.here().scheduler.group(&self.key.group, now) {
                group.schedules.remove(&self.key.name);
            }
        });
    }
}
