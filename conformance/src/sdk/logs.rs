//! CloudWatch Logs.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;

use super::call;
use super::input::{Members, structure};
use crate::Reply;

structure!(InputLogEvent { "timestamp" => set_timestamp, "message" => set_message });

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateLogGroup" => call!(client.create_log_group, input, {
            "logGroupName" => set_log_group_name, "tags" => set_tags,
        }),
        "DeleteLogGroup" => {
            call!(client.delete_log_group, input, { "logGroupName" => set_log_group_name })
        }
        "DescribeLogGroups" => call!(client.describe_log_groups, input, {
            "logGroupNamePrefix" => set_log_group_name_prefix, "limit" => set_limit, "nextToken" => set_next_token,
        }),
        "PutRetentionPolicy" => call!(client.put_retention_policy, input, {
            "logGroupName" => set_log_group_name, "retentionInDays" => set_retention_in_days,
        }),
        "DeleteRetentionPolicy" => {
            call!(client.delete_retention_policy, input, { "logGroupName" => set_log_group_name })
        }
        "CreateLogStream" => call!(client.create_log_stream, input, {
            "logGroupName" => set_log_group_name, "logStreamName" => set_log_stream_name,
        }),
        "DeleteLogStream" => call!(client.delete_log_stream, input, {
            "logGroupName" => set_log_group_name, "logStreamName" => set_log_stream_name,
        }),
        "DescribeLogStreams" => call!(client.describe_log_streams, input, {
            "logGroupName" => set_log_group_name, "logStreamNamePrefix" => set_log_stream_name_prefix,
        }),
        "PutLogEvents" => call!(client.put_log_events, input, {
            "logGroupName" => set_log_group_name,
            "logStreamName" => set_log_stream_name,
            "logEvents" => set_log_events,
        }),
        "GetLogEvents" => call!(client.get_log_events, input, {
            "logGroupName" => set_log_group_name,
            "logStreamName" => set_log_stream_name,
            "startFromHead" => set_start_from_head,
        }),
        "FilterLogEvents" => call!(client.filter_log_events, input, {
            "logGroupName" => set_log_group_name, "filterPattern" => set_filter_pattern,
        }),
        "ListTagsForResource" => {
            call!(client.list_tags_for_resource, input, { "resourceArn" => set_resource_arn })
        }
        "TagResource" => call!(client.tag_resource, input, {
            "resourceArn" => set_resource_arn, "tags" => set_tags,
        }),
        "UntagResource" => call!(client.untag_resource, input, {
            "resourceArn" => set_resource_arn, "tagKeys" => set_tag_keys,
        }),
        other => panic!("the table of CloudWatch Logs has no `{other}`"),
    }
}
