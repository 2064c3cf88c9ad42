//! SNS: topics, subscriptions, mail.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::{self, Access, Decision};
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

pub(crate) use self::delivery::Message;
pub use self::mailbox::Mailbox;
pub use self::state::{Mail, State};
pub(crate) use self::subscriptions::{confirm_by_link, unsubscribe_by_link};
pub(crate) use self::topics::default_policy;

mod delivery;
mod filter;
mod mail;
mod mailbox;
mod state;
mod subscriptions;
#[cfg(test)]
mod tests;
mod topics;

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let answer = match operation.name.as_str() {
        "CreateTopic" => topics::create(call, operation),
        "DeleteTopic" => topics::delete(call, operation),
        "ListTopics" => topics::list(call, operation),
        "GetTopicAttributes" => topics::attributes(call, operation),
        "SetTopicAttributes" => topics::set_attribute(call, operation),
        "TagResource" => topics::tag(call, operation),
        "UntagResource" => topics::untag(call, operation),
        "ListTagsForResource" => topics::list_tags(call, operation),
        "Subscribe" => subscriptions::subscribe(call, operation),
        "ConfirmSubscription" => subscriptions::confirm(call, operation),
        "Unsubscribe" => subscriptions::unsubscribe(call, operation),
        "ListSubscriptions" => subscriptions::list(call, operation),
        "ListSubscriptionsByTopic" => subscriptions::list_by_topic(call, operation),
        "GetSubscriptionAttributes" => subscriptions::attributes(call, operation),
        "SetSubscriptionAttributes" => subscriptions::set_attribute(call, operation),
        "Publish" => delivery::publish_operation(call, operation),
        name => Err(ApiError::not_implemented("sns", name)),
    }?;
    Ok(answer.into())
}

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let named = ["TopicArn", "TargetArn", "ResourceArn"]
        .iter()
        .find_map(|member| input.text(member));
    // Subscriptions are no resources of their own: what is done to one is done to its topic.
    let subscribed = input
        .text("SubscriptionArn")
        .and_then(|arn| arn.rsplit_once(':'))
        .map(|(topic, _)| topic);
    let resource = match (named.or(subscribed), input.text("Name")) {
        (Some(arn), _) => arn.to_owned(),
        (None, Some(name)) => call.arn("sns", name),
        (None, None) => "*".to_owned(),
    };
    let mut access = Access::on("sns", &operation.name, resource);
    if operation.name == "Subscribe" {
        for (member, key) in [("Protocol", "sns:Protocol"), ("Endpoint", "sns:Endpoint")] {
            if let Some(value) = input.text(member) {
                access = access.with(key, value);
            }
        }
    }
    vec![access]
}

/// Publishes on behalf of `principal` (a service or a role's ARN), which the topic's policy must allow;
/// for a role its own policies may do that too. Answers the message id.
pub(crate) fn publish(
    call: &mut Call<'_>,
    topic_arn: &str,
    principal: &str,
    message: Message,
) -> Result<String, ApiError> {
    let topic = state::topic(call, topic_arn)?;
    let policy = topic.policy.clone();
    // Services publish for the account that they work for.
    let access =
        Access::on("sns", "Publish", topic_arn).with("aws:SourceAccount", call.account.id.as_str());
    match iam::decide_for(call.account, principal, &policy, &access) {
        Decision::Allowed => delivery::publish(call, topic_arn, &message),
        Decision::Denied(why) => Err(ApiError::new(
            403,
            "AuthorizationError",
            format!(
                "User: {principal} is not authorized to perform: SNS:Publish on resource: {topic_arn} because {why}"
            ),
        )),
    }
}

/// The policy of a topic of this account; `None` when there is no such topic.
pub(crate) fn policy(call: &mut Call<'_>, topic_arn: &str) -> Option<Value> {
    state::topic(call, topic_arn)
        .ok()
        .map(|topic| topic.policy.clone())
}

/// Strings as the values of message attributes.
fn text_attributes(attributes: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
    attributes
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.clone())))
        .collect()
}
