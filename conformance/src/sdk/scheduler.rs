//! EventBridge Scheduler.

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Tag, Target,
};

use super::call;
use super::input::{FromInput, Members, structure};
use crate::Reply;

structure!(Tag { "Key" => set_key, "Value" => set_value });
structure!(RetryPolicy {
    "MaximumEventAgeInSeconds" => set_maximum_event_age_in_seconds,
    "MaximumRetryAttempts" => set_maximum_retry_attempts,
});
structure!(FlexibleTimeWindow {
    "Mode" => set_mode, "MaximumWindowInMinutes" => set_maximum_window_in_minutes,
});
structure!(Target {
    "Arn" => set_arn, "RoleArn" => set_role_arn, "Input" => set_input, "RetryPolicy" => set_retry_policy,
});

/// Names that stand for one of a few values.
macro_rules! choice {
    ($($type:ty),*) => {$(
        impl FromInput for $type {
            fn from_input(value: &serde_json::Value) -> Self {
                String::from_input(value).as_str().into()
            }
        }
    )*};
}
choice!(ActionAfterCompletion, FlexibleTimeWindowMode, ScheduleState);

/// What `CreateSchedule` and `UpdateSchedule` share.
macro_rules! put {
    ($client:ident.$operation:ident, $input:ident) => {
        call!($client.$operation, $input, {
            "Name" => set_name,
            "GroupName" => set_group_name,
            "ClientToken" => set_client_token,
            "Description" => set_description,
            "ScheduleExpression" => set_schedule_expression,
            "ScheduleExpressionTimezone" => set_schedule_expression_timezone,
            "StartDate" => set_start_date,
            "EndDate" => set_end_date,
            "State" => set_state,
            "FlexibleTimeWindow" => set_flexible_time_window,
            "ActionAfterCompletion" => set_action_after_completion,
            "Target" => set_target,
        })
    };
}

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateSchedule" => put!(client.create_schedule, input),
        "UpdateSchedule" => put!(client.update_schedule, input),
        "GetSchedule" => call!(client.get_schedule, input, {
            "Name" => set_name, "GroupName" => set_group_name,
        }),
        "DeleteSchedule" => call!(client.delete_schedule, input, {
            "Name" => set_name, "GroupName" => set_group_name,
        }),
        "ListSchedules" => call!(client.list_schedules, input, {
            "GroupName" => set_group_name,
            "NamePrefix" => set_name_prefix,
            "State" => set_state,
            "MaxResults" => set_max_results,
            "NextToken" => set_next_token,
        }),
        "CreateScheduleGroup" => call!(client.create_schedule_group, input, {
            "Name" => set_name, "Tags" => set_tags, "ClientToken" => set_client_token,
        }),
        "GetScheduleGroup" => call!(client.get_schedule_group, input, { "Name" => set_name }),
        "DeleteScheduleGroup" => call!(client.delete_schedule_group, input, { "Name" => set_name }),
        "ListScheduleGroups" => call!(client.list_schedule_groups, input, {
            "NamePrefix" => set_name_prefix, "MaxResults" => set_max_results, "NextToken" => set_next_token,
        }),
        "TagResource" => call!(client.tag_resource, input, {
            "ResourceArn" => set_resource_arn, "Tags" => set_tags,
        }),
        "UntagResource" => call!(client.untag_resource, input, {
            "ResourceArn" => set_resource_arn, "TagKeys" => set_tag_keys,
        }),
        "ListTagsForResource" => {
            call!(client.list_tags_for_resource, input, { "ResourceArn" => set_resource_arn })
        }
        other => panic!("the table of EventBridge Scheduler has no `{other}`"),
    }
}
