//! Topics: making, configuring, tagging, removing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::{
    Topic, check_arn, entries, invalid, is_separator, no_topic, page, require, topic,
};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::{self, accept};
use crate::protocol::Operation;
use crate::sandbox::Call;
use crate::tags;

/// The retries of HTTP subscribers that SNS shows for every topic.
const DELIVERY_POLICY: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#;

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["Name", "Attributes", "Tags"])?;
    let input = &operation.input;
    let name = require(input, "Name")?;
    if name.ends_with(".fifo") {
        return Err(ApiError::not_implemented(
            "sns",
            "CreateTopic of a FIFO topic",
        ));
    }
    let valid = name.len() <= 256
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !valid {
        return Err(invalid("Topic Name"));
    }
    let arn = call.arn("sns", name);
    let mut made = Topic {
        display_name: String::new(),
        attributes: BTreeMap::new(),
        policy: default_policy(&arn, call.account.id.as_str()),
        tags: tags(call, input)?,
        arn: arn.clone(),
        deleted: 0,
    };
    let given = input["Attributes"].as_object();
    for (attribute, value) in given.into_iter().flatten() {
        let value = text(value)?;
        apply(call, &mut made, attribute, &value)?;
    }
    if let Some(known) = call.here().sns.topics.get(&arn) {
        // Making a topic again answers with it, unless it would be another one.
        // `FifoTopic` alone is what every topic of this kind says: recorded by LocalStack (2025-10, 8b9a79f0).
        let says = |given: &serde_json::Map<String, Value>| {
            given
                .iter()
                .any(|(name, value)| name != "FifoTopic" || value != "false")
        };
        let same_attributes = !given.is_some_and(says)
            || (known.display_name == made.display_name
                && known.attributes == made.attributes
                && (given.is_none_or(|given| !given.contains_key("Policy"))
                    || known.policy == made.policy));
        if !same_attributes {
            return Err(invalid(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        if !has_tags(&known.tags, &made.tags) {
            return Err(invalid(
                "Tags Reason: Topic already exists with different tags",
            ));
        }
    } else {
        call.here().sns.topics.insert(arn.clone(), made);
    }
    Ok(json!({"TopicArn": arn}))
}

/// Deleting what is not there succeeds. Subscriptions go with their topic.
pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["TopicArn"])?;
    let arn = require(&operation.input, "TopicArn")?;
    check_arn(call, arn)?;
    let state = &mut call.here().sns;
    state.topics.remove(arn);
    state
        .subscriptions
        .retain(|_, subscription| subscription.topic != arn);
    Ok(Value::Null)
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["NextToken"])?;
    let topics = call.here().sns.topics.values();
    page(
        &operation.input,
        "Topics",
        topics.map(|topic| (topic.arn.as_str(), json!({"TopicArn": topic.arn}))),
    )
}

pub(super) fn attributes(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["TopicArn"])?;
    let arn = require(&operation.input, "TopicArn")?;
    topic(call, arn)?;
    let owner = call.account.id.to_string();
    let state = &call.here().sns;
    let topic = state.topics.get(arn).ok_or_else(no_topic)?;
    let (mut pending, mut confirmed) = (0, 0);
    for subscription in state
        .subscriptions
        .values()
        .filter(|each| each.topic == arn)
    {
        if subscription.pending {
            pending += 1;
        } else {
            confirmed += 1;
        }
    }
    let mut shown = vec![
        ("TopicArn", arn.to_owned()),
        ("Owner", owner),
        ("DisplayName", topic.display_name.clone()),
        ("Policy", topic.policy.to_string()),
        ("EffectiveDeliveryPolicy", DELIVERY_POLICY.to_owned()),
        ("SubscriptionsPending", pending.to_string()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsDeleted", topic.deleted.to_string()),
    ];
    let others = topic.attributes.iter();
    shown.extend(others.map(|(name, value)| (name.as_str(), value.clone())));
    Ok(entries(shown))
}

pub(super) fn set_attribute(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "sns",
        operation,
        &["TopicArn", "AttributeName", "AttributeValue"],
    )?;
    let input = &operation.input;
    let arn = require(input, "TopicArn")?;
    let name = require(input, "AttributeName")?;
    let value = input.text("AttributeValue").unwrap_or_default();
    topic(call, arn)?;
    // What kind of topic it is, is said when it is made (LocalStack, 8b9a79f0).
    if name == "FifoTopic" {
        return Err(invalid("AttributeName"));
    }
    // Taken out while it changes, because the check of a policy looks at the account's roles.
    let mut topic = call.here().sns.topics.remove(arn).ok_or_else(no_topic)?;
    let applied = apply(call, &mut topic, name, value);
    call.here().sns.topics.insert(arn.to_owned(), topic);
    applied.map(|()| Value::Null)
}

fn apply(call: &Call<'_>, topic: &mut Topic, name: &str, value: &str) -> Result<(), ApiError> {
    match (name, value) {
        ("DisplayName", value) => {
            // It becomes the sender of mails: a line of its own would be a header.
            let breaks = |c: char| (c.is_control() && c != '\t') || is_separator(c);
            if value.chars().count() > 100 || value.contains(breaks) {
                return Err(invalid("DisplayName"));
            }
            value.clone_into(&mut topic.display_name);
        }
        ("Policy", "") => topic.policy = default_policy(&topic.arn, call.account.id.as_str()),
        ("Policy", value) => topic.policy = checked_policy(call, value)?,
        ("SignatureVersion", "1" | "2") | ("TracingConfig", "PassThrough") => {
            topic.attributes.insert(name.to_owned(), value.to_owned());
        }
        ("SignatureVersion" | "TracingConfig", _) => return Err(invalid(name)),
        // Off is what a topic is anyway.
        ("FifoTopic" | "ContentBasedDeduplication", "false")
        | ("KmsMasterKeyId" | "DeliveryPolicy", "") => {}
        (
            "FifoTopic"
            | "ContentBasedDeduplication"
            | "KmsMasterKeyId"
            | "DeliveryPolicy"
            | "ArchivePolicy",
            _,
        ) => {
            return Err(ApiError::not_implemented(
                "sns",
                &format!("the topic attribute {name}"),
            ));
        }
        _ => return Err(invalid("AttributeName")),
    }
    Ok(())
}

fn checked_policy(call: &Call<'_>, text: &str) -> Result<Value, ApiError> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| invalid("Policy failed to parse, invalid JSON"))?;
    let document = iam::Document::read(&value, iam::Kind::Resource)
        .map_err(|error| invalid(format!("Policy Error: {error}")))?;
    if !document
        .actions_are(|action| action == "*" || action.to_ascii_lowercase().starts_with("sns:"))
    {
        return Err(invalid("Policy statement action out of service scope!"));
    }
    if document.unknown_principal(call.account).is_some() {
        return Err(invalid("Policy Error: PrincipalNotFound"));
    }
    Ok(value)
}

/// What every topic starts with: its account may do everything.
pub(crate) fn default_policy(arn: &str, account: &str) -> Value {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    })
}

pub(super) fn tag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["ResourceArn", "Tags"])?;
    let new = tags(call, &operation.input)?;
    let topic = tagged(call, &operation.input)?;
    let mut all = topic.tags.clone();
    all.extend(new);
    check_tag_count(&all)?;
    topic.tags = all;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["ResourceArn", "TagKeys"])?;
    let reserved = !call.caller.may_set_system_tags();
    let topic = tagged(call, &operation.input)?;
    for key in operation.input.texts("TagKeys") {
        if reserved && key.starts_with("aws:") {
            return Err(invalid("TagKeys"));
        }
        topic.tags.remove(&key);
    }
    Ok(json!({}))
}

pub(super) fn list_tags(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["ResourceArn"])?;
    let topic = tagged(call, &operation.input)?;
    Ok(json!({"Tags": tags::list(&topic.tags)}))
}

fn tagged<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut Topic, ApiError> {
    topic(call, require(input, "ResourceArn")?).map_err(|error| {
        if error.code == "NotFound" {
            ApiError::new(404, "ResourceNotFound", "Resource does not exist")
        } else {
            error
        }
    })
}

/// Whether a topic has the tags of a request. It may have more: recorded by LocalStack (2025-10, 8b9a79f0).
fn has_tags(known: &BTreeMap<String, String>, asked: &BTreeMap<String, String>) -> bool {
    asked
        .iter()
        .all(|(key, value)| known.get(key) == Some(value))
}

fn tags(call: &Call<'_>, input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags") {
        let key = require(tag, "Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid("Tags"));
        }
        if key.starts_with("aws:") && !call.caller.may_set_system_tags() {
            return Err(invalid("Tags"));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid("Tags Reason: duplicate keys"));
        }
    }
    check_tag_count(&tags)?;
    Ok(tags)
}

fn check_tag_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > 50 {
        return Err(ApiError::bad(
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    Ok(())
}

/// The value of an attribute: templates write numbers and booleans without quotes.
fn text(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(invalid("Attributes")),
    }
}
