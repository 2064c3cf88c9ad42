//! For how long AWS Config keeps history, of which an account has one setting per region.

use super::{CallError, CallResult, Reader, Writer, fine_without};

impl Reader {
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
}

impl Writer {
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
}
