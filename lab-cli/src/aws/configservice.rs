//! AWS Config: [`recorder`], delivery [`channel`] and [`retention`], of which an account has one each per region.
//! The rule and what it found are in [`rules`], what was recorded in [`history`].

mod channel;
mod history;
mod recorder;
mod retention;
mod rules;

pub use channel::Channel;
pub use history::ConfigItem;
pub use recorder::{
    CONTINUOUS, Exclusion, ModeOverride, RECORDED_TYPE, Recorder, RecorderDescription,
    RecordingGroup, RecordingMode, Strategy,
};
pub use rules::{EvaluationResult, RuleDescription, RuleRequest, TRIGGERS};

use aws_sdk_configservice::types::Tag;

use super::{CallError, CallResult, Reader, Tags, Writer, absent};

fn sdk_tags(operation: &'static str, tags: &Tags) -> Vec<Tag> {
    tracing::trace!(operation, count = tags.len(), "tags");
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

impl Reader {
    /// The tags of a recorder or rule; empty when it is gone.
    ///
    /// # Errors
    /// The failed call.
    pub async fn config_tags(&self, arn: &str) -> CallResult<Tags> {
        let found: Result<Vec<_>, _> = self
            .config
            .list_tags_for_resource()
            .resource_arn(arn)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await;
        match found {
            Ok(found) => Ok(found
                .into_iter()
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect()),
            Err(e) => {
                let error = CallError::from_sdk("config:ListTagsForResource", &e);
                if error.is(&["ResourceNotFoundException"]) {
                    Ok(Tags::new())
                } else {
                    Err(error)
                }
            }
        }
    }
}

impl Writer {
    /// Adds tags to a recorder or rule: putting one again leaves its tags alone.
    ///
    /// # Errors
    /// The failed call.
    pub async fn tag_config(&self, arn: &str, tags: &Tags) -> CallResult<()> {
        const OPERATION: &str = "config:TagResource";
        self.aws
            .config
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(sdk_tags(OPERATION, tags)))
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(OPERATION, &e))
    }
}

fn fine_without(result: CallResult<()>, code: &str) -> CallResult<()> {
    match result {
        Err(error) if error.is(&[code]) => Ok(()),
        other => other,
    }
}
