//! AWS Config: recorder, delivery channel and retention, of which an account has one each per region.
//! The rule and what it found are in [`rules`], what was recorded in [`history`].

mod history;
mod rules;

pub use history::ConfigItem;
pub use rules::{EvaluationResult, RuleDescription, RuleRequest, TRIGGERS};

use aws_sdk_configservice::types::{
    ConfigurationRecorder, DeliveryChannel, RecordingFrequency, RecordingGroup, RecordingMode,
    RecordingStrategy, RecordingStrategyType, ResourceType, Tag,
};

use super::{CallError, CallResult, Reader, Tags, Writer, absent};

/// The one type of resource that the lab records.
pub const RECORDED_TYPE: &str = "AWS::EC2::SecurityGroup";

/// A customer-managed recorder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorder {
    /// The name, which cannot be changed.
    pub name: String,
    /// The ARN, which tags hang on. Older endpoints do not tell it.
    pub arn: Option<String>,
    /// The role it records with.
    pub role_arn: String,
    /// Whether it records all types.
    pub all_supported: bool,
    /// Whether it records global types.
    pub include_global: bool,
    /// The types it records.
    pub types: Vec<String>,
    /// `CONTINUOUS` or `DAILY`.
    pub frequency: Option<String>,
    /// Whether it is running.
    pub recording: bool,
    /// Why it does not work, if it says: code and message.
    pub trouble: Option<String>,
}

/// The delivery channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// The name, which cannot be changed.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// The topic, if it streams.
    pub topic_arn: Option<String>,
}

fn sdk_tags(operation: &'static str, tags: &Tags) -> Vec<Tag> {
    tracing::trace!(operation, count = tags.len(), "tags");
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

impl Reader {
    /// The customer-managed recorders of this region with their state. Those that belong to AWS services are left out:
    /// they live beside ours and cannot be changed.
    ///
    /// # Errors
    /// The failed call.
    pub async fn recorders(&self) -> CallResult<Vec<Recorder>> {
        let (recorders, states) = tokio::join!(
            self.config.describe_configuration_recorders().send(),
            self.config.describe_configuration_recorder_status().send(),
        );
        let recorders = recorders
            .map_err(|e| CallError::from_sdk("config:DescribeConfigurationRecorders", &e))?;
        let states = states
            .map_err(|e| CallError::from_sdk("config:DescribeConfigurationRecorderStatus", &e))?
            .configuration_recorders_status
            .unwrap_or_default();
        let mut found: Vec<_> = recorders
            .configuration_recorders
            .unwrap_or_default()
            .into_iter()
            .filter(|recorder| recorder.service_principal.is_none())
            .map(recorder_from_sdk)
            .collect();
        for recorder in &mut found {
            let state = states
                .iter()
                .find(|state| state.name.as_deref() == Some(recorder.name.as_str()));
            if let Some(state) = state {
                recorder.recording = state.recording;
                recorder.trouble = state.last_error_code.as_ref().map(|code| {
                    format!(
                        "{code}: {}",
                        state.last_error_message.as_deref().unwrap_or_default()
                    )
                });
            }
        }
        Ok(found)
    }

    /// The delivery channels of this region.
    ///
    /// # Errors
    /// The failed call.
    pub async fn channels(&self) -> CallResult<Vec<Channel>> {
        let answer = self
            .config
            .describe_delivery_channels()
            .send()
            .await
            .map_err(|e| CallError::from_sdk("config:DescribeDeliveryChannels", &e))?;
        Ok(answer
            .delivery_channels
            .unwrap_or_default()
            .into_iter()
            .map(|channel| Channel {
                name: channel.name.unwrap_or_default(),
                bucket: channel.s3_bucket_name.unwrap_or_default(),
                topic_arn: channel.sns_topic_arn,
            })
            .collect())
    }

    /// For how many days Config keeps history in this region; `None` when nothing was set.
    ///
    /// # Errors
    /// The failed call.
    pub async fn retention_days(&self) -> CallResult<Option<i32>> {
        match self.config.describe_retention_configurations().send().await {
            Ok(answer) => Ok(answer
                .retention_configurations
                .unwrap_or_default()
                .first()
                .map(|retention| retention.retention_period_in_days)),
            Err(e) => {
                let error = CallError::from_sdk("config:DescribeRetentionConfigurations", &e);
                if error.is(&["NoSuchRetentionConfigurationException"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

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
    /// Makes or changes the recorder: only security groups, continuously.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_recorder(&self, name: &str, role_arn: &str, tags: &Tags) -> CallResult<()> {
        const OPERATION: &str = "config:PutConfigurationRecorder";
        let group = RecordingGroup::builder()
            .all_supported(false)
            .include_global_resource_types(false)
            .resource_types(ResourceType::from(RECORDED_TYPE))
            .recording_strategy(
                RecordingStrategy::builder()
                    .use_only(RecordingStrategyType::InclusionByResourceTypes)
                    .build(),
            )
            .build();
        let mode = RecordingMode::builder()
            .recording_frequency(RecordingFrequency::Continuous)
            .build()
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        let recorder = ConfigurationRecorder::builder()
            .name(name)
            .role_arn(role_arn)
            .recording_group(group)
            .recording_mode(mode)
            .build();
        self.aws
            .config
            .put_configuration_recorder()
            .configuration_recorder(recorder)
            .set_tags(Some(sdk_tags(OPERATION, tags)))
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(OPERATION, &e))
    }

    /// Starts the recorder. Starting a running one changes nothing.
    ///
    /// # Errors
    /// The failed call.
    pub async fn start_recorder(&self, name: &str) -> CallResult<()> {
        self.aws
            .config
            .start_configuration_recorder()
            .configuration_recorder_name(name)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("config:StartConfigurationRecorder", &e))
    }

    /// Stops the recorder. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn stop_recorder(&self, name: &str) -> CallResult<()> {
        let stopped = self
            .aws
            .config
            .stop_configuration_recorder()
            .configuration_recorder_name(name)
            .send()
            .await;
        fine_without(
            stopped
                .map(drop)
                .map_err(|e| CallError::from_sdk("config:StopConfigurationRecorder", &e)),
            "NoSuchConfigurationRecorderException",
        )
    }

    /// Deletes the recorder. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_recorder(&self, name: &str) -> CallResult<()> {
        let deleted = self
            .aws
            .config
            .delete_configuration_recorder()
            .configuration_recorder_name(name)
            .send()
            .await;
        fine_without(
            deleted
                .map(drop)
                .map_err(|e| CallError::from_sdk("config:DeleteConfigurationRecorder", &e)),
            "NoSuchConfigurationRecorderException",
        )
    }

    /// Makes or changes the delivery channel.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_channel(&self, channel: &Channel) -> CallResult<()> {
        let sdk = DeliveryChannel::builder()
            .name(&channel.name)
            .s3_bucket_name(&channel.bucket)
            .set_sns_topic_arn(channel.topic_arn.clone())
            .build();
        self.aws
            .config
            .put_delivery_channel()
            .delivery_channel(sdk)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("config:PutDeliveryChannel", &e))
    }

    /// Deletes the delivery channel. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_channel(&self, name: &str) -> CallResult<()> {
        let deleted = self
            .aws
            .config
            .delete_delivery_channel()
            .delivery_channel_name(name)
            .send()
            .await;
        fine_without(
            deleted
                .map(drop)
                .map_err(|e| CallError::from_sdk("config:DeleteDeliveryChannel", &e)),
            "NoSuchDeliveryChannelException",
        )
    }

    /// Sets for how many days Config keeps history in this region.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_retention(&self, days: i32) -> CallResult<()> {
        self.aws
            .config
            .put_retention_configuration()
            .retention_period_in_days(days)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("config:PutRetentionConfiguration", &e))
    }

    /// Removes the retention configuration, whose name is always `default`. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_retention(&self) -> CallResult<()> {
        let deleted = self
            .aws
            .config
            .delete_retention_configuration()
            .retention_configuration_name("default")
            .send()
            .await;
        fine_without(
            deleted
                .map(drop)
                .map_err(|e| CallError::from_sdk("config:DeleteRetentionConfiguration", &e)),
            "NoSuchRetentionConfigurationException",
        )
    }

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

fn recorder_from_sdk(recorder: ConfigurationRecorder) -> Recorder {
    let group = recorder.recording_group;
    Recorder {
        name: recorder.name.unwrap_or_default(),
        arn: recorder.arn,
        role_arn: recorder.role_arn.unwrap_or_default(),
        all_supported: group.as_ref().is_some_and(|g| g.all_supported),
        include_global: group
            .as_ref()
            .is_some_and(|g| g.include_global_resource_types),
        types: group
            .and_then(|g| g.resource_types)
            .unwrap_or_default()
            .iter()
            .map(|t| t.as_str().to_owned())
            .collect(),
        frequency: recorder
            .recording_mode
            .map(|mode| mode.recording_frequency.as_str().to_owned()),
        recording: false,
        trouble: None,
    }
}
