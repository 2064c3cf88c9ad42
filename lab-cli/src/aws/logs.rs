//! CloudWatch Logs: the function's lines, and the log group itself.

use time::OffsetDateTime;

use super::{CallError, CallResult, Reader, Tags, Writer};

/// What to look for in a log group.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Words or a CloudWatch Logs filter pattern; empty means everything.
    pub pattern: Option<String>,
    /// From when on, inclusive.
    pub since: Option<OffsetDateTime>,
}

/// One line of a log stream.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LogEvent {
    /// The id of the event, unique in its group.
    pub id: String,
    /// The stream.
    pub stream: String,
    /// When the line was written.
    #[serde(with = "crate::output::moments")]
    pub at: OffsetDateTime,
    /// The line, without its line break.
    pub message: String,
}

impl Reader {
    /// The lines of a log group that match, oldest first; `None` when there is no such group.
    ///
    /// # Errors
    /// The failed call.
    pub async fn log_events(
        &self,
        group: &str,
        query: &LogQuery,
    ) -> CallResult<Option<Vec<LogEvent>>> {
        const OPERATION: &str = "logs:FilterLogEvents";
        let mut pages = self
            .logs
            .filter_log_events()
            .log_group_name(group)
            .set_filter_pattern(query.pattern.clone())
            .set_start_time(query.since.map(millis))
            .into_paginator()
            .send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(e) => {
                    let error = CallError::from_sdk(OPERATION, &e);
                    return if error.is(&["ResourceNotFoundException"]) {
                        Ok(None)
                    } else {
                        Err(error)
                    };
                }
            };
            let found = page.events.unwrap_or_default().into_iter();
            events.extend(found.filter_map(|event| {
                Some(LogEvent {
                    at: from_millis(event.timestamp?)?,
                    message: event.message?.trim_end().to_owned(),
                    id: event.event_id.unwrap_or_default(),
                    stream: event.log_stream_name.unwrap_or_default(),
                })
            }));
        }
        // Pages come stream by stream; within a millisecond the order of arrival is kept.
        events.sort_by_key(|event| event.at);
        Ok(Some(events))
    }

    /// The ARN of a log group; `None` when there is none of exactly that name.
    ///
    /// # Errors
    /// The failed call.
    pub async fn log_group_arn(&self, name: &str) -> CallResult<Option<String>> {
        let mut groups = self
            .logs
            .describe_log_groups()
            .log_group_name_prefix(name)
            .into_paginator()
            .items()
            .send();
        while let Some(group) = groups
            .try_next()
            .await
            .map_err(|e| CallError::from_sdk("logs:DescribeLogGroups", &e))?
        {
            if group.log_group_name.as_deref() == Some(name) {
                let arn = group.log_group_arn.or(group.arn).unwrap_or_default();
                // The older of the two fields ends with `:*`, which the tagging calls refuse.
                return Ok(Some(arn.trim_end_matches(":*").to_owned()));
            }
        }
        Ok(None)
    }

    /// The tags of a log group; `None` when there is none of that ARN, which ends with the group's name.
    ///
    /// # Errors
    /// The failed call.
    pub async fn log_group_tags(&self, arn: &str) -> CallResult<Option<Tags>> {
        match self
            .logs
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
        {
            Ok(answer) => Ok(Some(answer.tags.unwrap_or_default().into_iter().collect())),
            Err(e) => {
                let error = CallError::from_sdk("logs:ListTagsForResource", &e);
                if error.is(&["ResourceNotFoundException"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }
}

impl Writer {
    /// Deletes a log group. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_log_group(&self, name: &str) -> CallResult<()> {
        match self
            .aws
            .logs
            .delete_log_group()
            .log_group_name(name)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("logs:DeleteLogGroup", &e);
                if error.is(&["ResourceNotFoundException"]) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn from_millis(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}
