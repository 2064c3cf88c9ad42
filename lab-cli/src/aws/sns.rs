//! SNS: the topic and whether anybody confirmed the subscription.

use super::{CallError, CallResult, Reader, Tags};

impl Reader {
    /// The tags of a topic; `None` when there is no such topic.
    ///
    /// # Errors
    /// The failed call.
    pub async fn topic_tags(&self, arn: &str) -> CallResult<Option<Tags>> {
        match self
            .sns
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
        {
            Ok(answer) => Ok(Some(
                answer
                    .tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect(),
            )),
            Err(e) => {
                let error = CallError::from_sdk("sns:ListTagsForResource", &e);
                if error.is(&[
                    "ResourceNotFound",
                    "ResourceNotFoundException",
                    "NotFound",
                    "NotFoundException",
                ]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The addresses whose owners have not confirmed the topic's e-mail yet.
    ///
    /// # Errors
    /// The failed call.
    pub async fn pending_subscriptions(&self, topic: &str) -> CallResult<Vec<String>> {
        let mut found = self
            .sns
            .list_subscriptions_by_topic()
            .topic_arn(topic)
            .into_paginator()
            .items()
            .send();
        let mut pending = Vec::new();
        while let Some(subscription) = found
            .try_next()
            .await
            .map_err(|e| CallError::from_sdk("sns:ListSubscriptionsByTopic", &e))?
        {
            // An unconfirmed subscription has these words where its ARN will be.
            if subscription.subscription_arn.as_deref() == Some("PendingConfirmation") {
                pending.extend(subscription.endpoint);
            }
        }
        Ok(pending)
    }
}
