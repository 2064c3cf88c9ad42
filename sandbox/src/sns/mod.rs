//! SNS: topics, subscriptions, mail.

use crate::error::ApiError;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("sns", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("sns", &operation.name)]
}

/// A message that a service publishes.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The subject line of mails.
    pub subject: Option<String>,
    /// The body.
    pub body: String,
    /// String attributes, for filter policies.
    pub attributes: std::collections::BTreeMap<String, String>,
}

/// Publishes on behalf of `principal` (a service or a role's ARN), which the topic's policy must allow.
/// Answers the message id.
pub(crate) fn publish(
    _call: &mut Call<'_>,
    topic_arn: &str,
    _principal: &str,
    _message: Message,
) -> Result<String, ApiError> {
    Err(ApiError::not_implemented("sns", topic_arn))
}

/// The policy of a topic of this account; `None` when there is no such topic.
pub(crate) fn policy(_call: &mut Call<'_>, _topic_arn: &str) -> Option<serde_json::Value> {
    None
}
