//! The customer-managed recorder, of which an account has one per region.

use aws_sdk_configservice::types::{
    ConfigurationRecorder, ExclusionByResourceTypes, RecordingFrequency as SdkFrequency,
    RecordingGroup as SdkGroup, RecordingMode as SdkMode, RecordingModeOverride as SdkOverride,
    RecordingStrategy as SdkStrategy, RecordingStrategyType, ResourceType,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CallError, CallResult, Reader, Tags, Writer, fine_without, sdk_tags};
use crate::aws::raw::RawAnswer;

/// The one type of resource that the lab records.
pub const RECORDED_TYPE: &str = "AWS::EC2::SecurityGroup";
/// Changes are recorded as they happen.
pub const CONTINUOUS: &str = "CONTINUOUS";

/// A customer-managed recorder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorder {
    /// What it is.
    pub it: RecorderDescription,
    /// The same as AWS Config sent it, with whatever this program knows nothing of.
    pub raw: Value,
    /// Whether it is running.
    pub recording: bool,
    /// Why it does not work, if it says: code and message.
    pub trouble: Option<String>,
}

/// What a recorder is: the members of AWS Config's own description, by their own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecorderDescription {
    /// The ARN, which tags hang on. Older endpoints do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The name, which cannot be changed.
    #[serde(default)]
    pub name: String,
    /// The role it records with.
    #[serde(rename = "roleARN", default)]
    pub role_arn: String,
    /// What it records. Absent means every regional type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_group: Option<RecordingGroup>,
    /// How often it records. Absent means continuously.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_mode: Option<RecordingMode>,
    /// Whether somebody pays for its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_scope: Option<String>,
    /// The AWS service that it belongs to; a customer's has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal: Option<String>,
}

/// What a recorder records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordingGroup {
    /// Every regional type.
    pub all_supported: bool,
    /// The global types too.
    pub include_global_resource_types: bool,
    /// Only these types.
    pub resource_types: Vec<String>,
    /// All but some types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusion_by_resource_types: Option<Exclusion>,
    /// Which of the three it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording_strategy: Option<Strategy>,
}

/// The types that are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exclusion {
    /// The types.
    pub resource_types: Vec<String>,
}

/// `ALL_SUPPORTED_RESOURCE_TYPES`, `INCLUSION_BY_RESOURCE_TYPES` or `EXCLUSION_BY_RESOURCE_TYPES`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Strategy {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_only: Option<String>,
}

/// How often a recorder records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordingMode {
    /// `CONTINUOUS` or `DAILY`.
    pub recording_frequency: String,
    /// Types that are recorded at another pace; AWS Config takes one such group.
    pub recording_mode_overrides: Vec<ModeOverride>,
}

/// Types that are recorded at another pace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModeOverride {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The types.
    pub resource_types: Vec<String>,
    /// `CONTINUOUS` or `DAILY`.
    pub recording_frequency: String,
}

impl Recorder {
    /// The name.
    pub fn name(&self) -> &str {
        &self.it.name
    }
}

impl RecorderDescription {
    /// The lab's own recorder: only security groups, continuously.
    pub fn of_lab(name: &str, role_arn: &str) -> Self {
        Self {
            name: name.to_owned(),
            role_arn: role_arn.to_owned(),
            recording_group: Some(RecordingGroup {
                resource_types: vec![RECORDED_TYPE.to_owned()],
                recording_strategy: Some(Strategy {
                    use_only: Some("INCLUSION_BY_RESOURCE_TYPES".to_owned()),
                }),
                ..RecordingGroup::default()
            }),
            recording_mode: Some(RecordingMode {
                recording_frequency: CONTINUOUS.to_owned(),
                recording_mode_overrides: Vec::new(),
            }),
            ..Self::default()
        }
    }

    /// Reads a description as AWS Config sends it.
    ///
    /// # Errors
    /// When it is no description of a recorder.
    pub fn from_raw(raw: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(raw)
    }

    fn to_sdk(&self, operation: &'static str) -> CallResult<ConfigurationRecorder> {
        let mode = self.recording_mode.as_ref().map(sdk_mode).transpose();
        Ok(ConfigurationRecorder::builder()
            .name(&self.name)
            .role_arn(&self.role_arn)
            .set_recording_group(self.recording_group.as_ref().map(sdk_group))
            .set_recording_mode(mode.map_err(|e| CallError::unusable(operation, &e))?)
            .build())
    }
}

fn sdk_types(types: &[String]) -> Vec<ResourceType> {
    types
        .iter()
        .map(|t| ResourceType::from(t.as_str()))
        .collect()
}

fn sdk_group(group: &RecordingGroup) -> SdkGroup {
    let exclusion = group
        .exclusion_by_resource_types
        .as_ref()
        .filter(|exclusion| !exclusion.resource_types.is_empty())
        .map(|exclusion| {
            ExclusionByResourceTypes::builder()
                .set_resource_types(Some(sdk_types(&exclusion.resource_types)))
                .build()
        });
    let strategy = group.recording_strategy.as_ref().map(|strategy| {
        SdkStrategy::builder()
            .set_use_only(
                strategy
                    .use_only
                    .as_deref()
                    .map(RecordingStrategyType::from),
            )
            .build()
    });
    let types = (!group.resource_types.is_empty()).then(|| sdk_types(&group.resource_types));
    SdkGroup::builder()
        .all_supported(group.all_supported)
        .include_global_resource_types(group.include_global_resource_types)
        .set_resource_types(types)
        .set_exclusion_by_resource_types(exclusion)
        .set_recording_strategy(strategy)
        .build()
}

fn sdk_mode(
    mode: &RecordingMode,
) -> Result<SdkMode, aws_smithy_types::error::operation::BuildError> {
    let overrides = mode
        .recording_mode_overrides
        .iter()
        .map(|other| {
            SdkOverride::builder()
                .set_description(other.description.clone())
                .set_resource_types(Some(sdk_types(&other.resource_types)))
                .recording_frequency(SdkFrequency::from(other.recording_frequency.as_str()))
                .build()
        })
        .collect::<Result<Vec<_>, _>>()?;
    SdkMode::builder()
        .recording_frequency(SdkFrequency::from(mode.recording_frequency.as_str()))
        .set_recording_mode_overrides((!overrides.is_empty()).then_some(overrides))
        .build()
}

impl Reader {
    /// The customer-managed recorders of this region with their state. Those that belong to AWS services are left out:
    /// they live beside ours and cannot be changed.
    ///
    /// # Errors
    /// The failed call.
    pub async fn recorders(&self) -> CallResult<Vec<Recorder>> {
        const OPERATION: &str = "config:DescribeConfigurationRecorders";
        let raw = RawAnswer::default();
        let (recorders, states) = tokio::join!(
            self.config
                .describe_configuration_recorders()
                .customize()
                .interceptor(raw.clone())
                .send(),
            self.config.describe_configuration_recorder_status().send(),
        );
        recorders.map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        let states = states
            .map_err(|e| CallError::from_sdk("config:DescribeConfigurationRecorderStatus", &e))?
            .configuration_recorders_status
            .unwrap_or_default();
        let mut found = Vec::new();
        for raw in raw.list("ConfigurationRecorders") {
            let it = RecorderDescription::from_raw(&raw)
                .map_err(|e| CallError::malformed(OPERATION, e.to_string()))?;
            if it.service_principal.is_some() {
                continue;
            }
            let state = states
                .iter()
                .find(|state| state.name.as_deref() == Some(it.name.as_str()));
            found.push(Recorder {
                recording: state.is_some_and(|state| state.recording),
                trouble: state.and_then(|state| {
                    let code = state.last_error_code.as_ref()?;
                    let message = state.last_error_message.as_deref().unwrap_or_default();
                    Some(format!("{code}: {message}"))
                }),
                it,
                raw,
            });
        }
        Ok(found)
    }
}

impl Writer {
    /// Makes or changes a recorder. Tags are taken only when it is made.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_recorder(
        &self,
        recorder: &RecorderDescription,
        tags: Option<&Tags>,
    ) -> CallResult<()> {
        const OPERATION: &str = "config:PutConfigurationRecorder";
        self.aws
            .config
            .put_configuration_recorder()
            .configuration_recorder(recorder.to_sdk(OPERATION)?)
            .set_tags(tags.map(|tags| sdk_tags(OPERATION, tags)))
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
}
