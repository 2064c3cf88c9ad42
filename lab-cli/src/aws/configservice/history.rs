//! The history of a resource.

use aws_sdk_configservice::types::{ChronologicalOrder, ConfigurationItem, ResourceType};
use time::OffsetDateTime;

use super::{CallError, CallResult, RECORDED_TYPE, Reader, absent};
use crate::aws::moment;

const OPERATION: &str = "config:GetResourceConfigHistory";

/// One item of a resource's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigItem {
    /// When the state was captured.
    pub captured_at: OffsetDateTime,
    /// `OK`, `ResourceDiscovered`, `ResourceDeleted`, …
    pub status: String,
    /// The state as Config keeps it; null when there is none.
    pub configuration: serde_json::Value,
}

impl Reader {
    /// The history of a security group since about a moment, oldest first; empty when Config has not discovered it.
    ///
    /// # Errors
    /// The failed call.
    pub async fn history(
        &self,
        group_id: &str,
        since: OffsetDateTime,
    ) -> CallResult<Vec<ConfigItem>> {
        // The moment travels as a binary fraction; a millisecond more leaves nothing out, and whoever asks looks again.
        let earlier = since - time::Duration::MILLISECOND;
        let earlier = aws_smithy_types::DateTime::from_nanos(earlier.unix_timestamp_nanos())
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        let mut found = self
            .config
            .get_resource_config_history()
            .resource_type(ResourceType::from(RECORDED_TYPE))
            .resource_id(group_id)
            .earlier_time(earlier)
            .chronological_order(ChronologicalOrder::Forward)
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = found.next().await {
            match item {
                Ok(item) => items.push(item_from_sdk(item)?),
                Err(e) => {
                    let error = CallError::from_sdk(OPERATION, &e);
                    if error.is(&["ResourceNotDiscoveredException"]) {
                        break;
                    }
                    return Err(error);
                }
            }
        }
        items.sort_by_key(|item| item.captured_at);
        Ok(items)
    }

    /// The newest item of a security group; `None` when Config has not discovered it.
    ///
    /// # Errors
    /// The failed call.
    pub async fn newest_item(&self, group_id: &str) -> CallResult<Option<ConfigItem>> {
        let answer = self
            .config
            .get_resource_config_history()
            .resource_type(ResourceType::from(RECORDED_TYPE))
            .resource_id(group_id)
            .chronological_order(ChronologicalOrder::Reverse)
            .limit(1)
            .send()
            .await;
        match answer {
            Ok(answer) => answer
                .configuration_items
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(item_from_sdk)
                .transpose(),
            Err(e) => {
                let error = CallError::from_sdk(OPERATION, &e);
                if error.is(&["ResourceNotDiscoveredException"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }
}

fn item_from_sdk(item: ConfigurationItem) -> CallResult<ConfigItem> {
    let captured_at = item
        .configuration_item_capture_time
        .as_ref()
        .and_then(moment)
        .ok_or_else(|| absent(OPERATION, "configurationItemCaptureTime"))?;
    Ok(ConfigItem {
        captured_at,
        status: item
            .configuration_item_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        configuration: item
            .configuration
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
    })
}
