//! The delivery channel, of which an account has one per region.

use aws_sdk_configservice::types::DeliveryChannel;
use serde_json::Value;

use super::{CallError, CallResult, Reader, Writer, absent, fine_without};
use crate::aws::raw::RawAnswer;

/// The delivery channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// The name, which cannot be changed.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// The topic, if it streams.
    pub topic_arn: Option<String>,
    /// The same as AWS Config sent it, with whatever the lab has no use for; null for one that is still to be made.
    pub raw: Value,
}

impl Reader {
    /// The delivery channels of this region.
    ///
    /// # Errors
    /// The failed call.
    pub async fn channels(&self) -> CallResult<Vec<Channel>> {
        const OPERATION: &str = "config:DescribeDeliveryChannels";
        let raw = RawAnswer::default();
        self.config
            .describe_delivery_channels()
            .customize()
            .interceptor(raw.clone())
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        raw.list("DeliveryChannels")
            .into_iter()
            .map(|raw| {
                let text = |member: &str| raw.get(member)?.as_str().map(str::to_owned);
                Ok(Channel {
                    name: text("name").ok_or_else(|| absent(OPERATION, "name"))?,
                    bucket: text("s3BucketName").unwrap_or_default(),
                    topic_arn: text("snsTopicARN"),
                    raw,
                })
            })
            .collect()
    }
}

impl Writer {
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
}
