//! EventBridge Scheduler: the schedules of the self-destruct.

use aws_sdk_scheduler::types::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target,
};
use aws_smithy_types::DateTime;
use time::OffsetDateTime;

use super::{CallError, CallResult, Reader, Writer};

/// A schedule as the lab makes them: one call to AWS, in UTC, that deletes itself after its last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRequest {
    /// The name, unique in the default group.
    pub name: String,
    /// What it is for, in words.
    pub description: String,
    /// `at(…)` or `rate(…)`.
    pub expression: String,
    /// From when to when a rate runs.
    pub span: Option<(OffsetDateTime, OffsetDateTime)>,
    /// `arn:aws:scheduler:::aws-sdk:…`.
    pub target: String,
    /// The role that the call is made with.
    pub role_arn: String,
    /// The input of the call, JSON.
    pub input: String,
    /// How often the call is repeated when it fails.
    pub retries: i32,
}

/// What all schedules of the lab share.
struct Parts {
    window: FlexibleTimeWindow,
    target: Target,
    start: Option<DateTime>,
    end: Option<DateTime>,
}

impl Parts {
    fn of(operation: &'static str, request: &ScheduleRequest) -> CallResult<Self> {
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()
            .map_err(|e| CallError::unusable(operation, &e))?;
        let retries = RetryPolicy::builder()
            .maximum_event_age_in_seconds(3600)
            .maximum_retry_attempts(request.retries)
            .build();
        let target = Target::builder()
            .arn(&request.target)
            .role_arn(&request.role_arn)
            .input(&request.input)
            .retry_policy(retries)
            .build()
            .map_err(|e| CallError::unusable(operation, &e))?;
        let moment = |at: OffsetDateTime| DateTime::from_secs(at.unix_timestamp());
        Ok(Self {
            window,
            target,
            start: request.span.map(|(start, _)| moment(start)),
            end: request.span.map(|(_, end)| moment(end)),
        })
    }
}

/// Says the same to what makes and to what changes a schedule: the SDK has a type for each, with the same members.
macro_rules! filled {
    ($call:expr, $operation:expr, $request:expr) => {{
        let parts = Parts::of($operation, $request)?;
        $call
            .name(&$request.name)
            .description(&$request.description)
            .schedule_expression(&$request.expression)
            .schedule_expression_timezone("UTC")
            .set_start_date(parts.start)
            .set_end_date(parts.end)
            .flexible_time_window(parts.window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(parts.target)
    }};
}

impl Reader {
    /// The names of the schedules in the default group that begin so.
    ///
    /// # Errors
    /// The failed call.
    pub async fn schedules(&self, prefix: &str) -> CallResult<Vec<String>> {
        let found: Vec<_> = self
            .scheduler
            .list_schedules()
            .group_name("default")
            .name_prefix(prefix)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("scheduler:ListSchedules", &e))?;
        Ok(found.into_iter().filter_map(|it| it.name).collect())
    }
}

impl Writer {
    /// Makes a schedule, or changes the one of that name.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_schedule(&self, request: &ScheduleRequest) -> CallResult<()> {
        const OPERATION: &str = "scheduler:CreateSchedule";
        let made = filled!(self.aws.scheduler.create_schedule(), OPERATION, request)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk(OPERATION, &e);
                if error.is(&["ConflictException"]) {
                    self.change_schedule(request).await
                } else {
                    Err(error)
                }
            }
        }
    }

    async fn change_schedule(&self, request: &ScheduleRequest) -> CallResult<()> {
        const OPERATION: &str = "scheduler:UpdateSchedule";
        filled!(self.aws.scheduler.update_schedule(), OPERATION, request)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(OPERATION, &e))
    }

    /// Deletes a schedule. One that is gone already, perhaps because it has run, is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_schedule(&self, name: &str) -> CallResult<()> {
        let deleted = self.aws.scheduler.delete_schedule().name(name).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("scheduler:DeleteSchedule", &e);
                if error.is(&["ResourceNotFoundException"]) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }
}
