//! From a published message to mails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::{Body, MATCHING_STEPS};
use super::mail;
use super::state::{Scope, invalid, is_separator, no_topic, require, topic};
use super::text_attributes;
use crate::allowance::Allowance;
use crate::budgets::{self, Kind};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::accept;
use crate::ids::uuid;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// The largest message, attributes included.
const MAX_MESSAGE: usize = 256 * 1024;

/// A message that a service publishes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// The subject line of mails.
    pub(crate) subject: Option<String>,
    /// The body.
    pub(crate) body: String,
    /// String attributes, for filter policies.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Hands a message to everybody who is subscribed, has confirmed and wants it. Answers its id.
pub(super) fn publish(
    call: &mut Call<'_>,
    topic_arn: &str,
    message: &Message,
) -> Result<String, ApiError> {
    let attributes = text_attributes(&message.attributes);
    deliver(
        call,
        topic_arn,
        message.subject.as_deref(),
        &Texts::same(&message.body),
        &attributes,
    )
}

fn deliver(
    call: &mut Call<'_>,
    topic_arn: &str,
    subject: Option<&str>,
    texts: &Texts,
    attributes: &BTreeMap<String, Value>,
) -> Result<String, ApiError> {
    let (id, sandbox) = (uuid(), call.sandbox.clone());
    let now = call.now;
    let steps = Allowance::of(MATCHING_STEPS);
    let read = Body::read(&texts.default);
    let limit = budgets::room(call, Kind::Mails);
    let state = &mut call.here().sns;
    let topic = state.topics.get(topic_arn).ok_or_else(no_topic)?;
    let wanted = state.subscriptions.values().filter(|each| {
        let listens = each.topic == topic_arn && !each.pending;
        listens
            && match (&each.filter, each.filter_scope) {
                (None, _) => true,
                (Some((_, filter)), Scope::MessageAttributes) => {
                    filter.admits_attributes(attributes, &steps)
                }
                (Some((_, filter)), Scope::MessageBody) => filter.admits_body(&read, &steps),
            }
    });
    let wanted: Vec<_> = wanted.collect();
    if steps.is_exhausted() {
        return Err(invalid(format!(
            "comparing the message with the filter policies of the topic takes more than {MATCHING_STEPS} steps, which the sandbox does not take; send shorter lists"
        )));
    }
    let mails: Vec<_> = wanted
        .into_iter()
        .map(|subscription| {
            let notice = mail::Notice {
                id: &id,
                subject,
                message: texts.of(&subscription.protocol),
            };
            mail::notification(&sandbox, topic, subscription, &notice, now)
        })
        .collect();
    state.send(&sandbox, limit, mails);
    Ok(id)
}

pub(super) fn publish_operation(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<Value, ApiError> {
    accept(
        "sns",
        operation,
        &[
            "TopicArn",
            "TargetArn",
            "Message",
            "Subject",
            "MessageStructure",
            "MessageAttributes",
        ],
    )?;
    let input = &operation.input;
    let topic_arn = match input.text("TargetArn") {
        Some(target) if input.text("TopicArn").is_none() => target,
        _ => require(input, "TopicArn")?,
    };
    if input.text("TargetArn").is_some() && topic_arn.contains(":endpoint/") {
        return Err(invalid(
            "TargetArn Reason: No endpoint found for the target arn specified",
        ));
    }
    topic(call, topic_arn)?;
    let message = input
        .text("Message")
        .filter(|message| !message.is_empty())
        .ok_or_else(|| invalid("Empty message"))?;
    let subject = input.text("Subject");
    if let Some(subject) = subject {
        check_subject(subject)?;
    }
    let attributes = attributes(&input["MessageAttributes"])?;
    let size: usize = input["MessageAttributes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, attribute)| name.len() + attribute_size(attribute))
        .sum();
    if message.len() + size > MAX_MESSAGE {
        return Err(invalid("Message too long"));
    }
    let texts = match input.text("MessageStructure") {
        None => Texts::same(message),
        Some("json") => Texts::read(message)?,
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let id = deliver(call, topic_arn, subject, &texts, &attributes)?;
    Ok(json!({"MessageId": id}))
}

/// “UTF-8 text with no line breaks or control characters, and less than 100 characters long” (API reference of
/// `Publish`, as in botocore 1.43; earlier editions wanted ASCII). That none is empty or begins with a blank is older.
fn check_subject(subject: &str) -> Result<(), ApiError> {
    let valid = !subject.is_empty()
        && subject.chars().count() < 100
        && !subject.chars().any(|c| c.is_control() || is_separator(c))
        && !subject.starts_with(' ');
    if valid {
        Ok(())
    } else {
        Err(invalid("Subject"))
    }
}

/// A message in the words that each protocol gets.
struct Texts {
    default: String,
    /// Those that have a text of their own.
    own: BTreeMap<String, String>,
}

impl Texts {
    fn same(text: &str) -> Self {
        Self {
            default: text.to_owned(),
            own: BTreeMap::new(),
        }
    }

    /// With a structure each protocol has a text of its own, or the default one.
    fn read(message: &str) -> Result<Self, ApiError> {
        let structure: Value = serde_json::from_str(message)
            .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
        let default = structure
            .text("default")
            .ok_or_else(|| invalid("Message Structure - No default entry in JSON message body"))?;
        let own = ["email", "email-json"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), structure.text(name)?.to_owned())));
        Ok(Self {
            default: default.to_owned(),
            own: own.collect(),
        })
    }

    fn of(&self, protocol: &str) -> &str {
        self.own.get(protocol).unwrap_or(&self.default)
    }
}

/// What an attribute adds to a message: its type and its value (LocalStack, 8b9a79f0: the type counts).
fn attribute_size(attribute: &Value) -> usize {
    ["DataType", "StringValue", "BinaryValue"]
        .iter()
        .filter_map(|member| attribute.text(member))
        .map(str::len)
        .sum()
}

/// Attributes with the values that filters compare.
fn attributes(given: &Value) -> Result<BTreeMap<String, Value>, ApiError> {
    let mut attributes = BTreeMap::new();
    for (name, attribute) in given.as_object().into_iter().flatten() {
        let kind = require(attribute, "DataType")?;
        let text = attribute.text("StringValue");
        let wrong = || {
            ApiError::bad(
                "ParameterValueInvalid",
                format!("The message attribute '{name}' must contain a value of type {kind}."),
            )
        };
        let value = match kind.split('.').next().unwrap_or_default() {
            "String" if kind == "String.Array" => {
                serde_json::from_str::<Value>(text.ok_or_else(wrong)?)
                    .ok()
                    .filter(Value::is_array)
                    .ok_or_else(wrong)?
            }
            "String" => json!(text.filter(|text| !text.is_empty()).ok_or_else(wrong)?),
            "Number" => {
                let number: f64 = text
                    .and_then(|text| text.trim().parse().ok())
                    .ok_or_else(wrong)?;
                json!(number)
            }
            // Filters do not look at bytes.
            "Binary" if attribute.field("BinaryValue").is_some() => continue,
            "Binary" => return Err(wrong()),
            _ => {
                return Err(ApiError::bad(
                    "ParameterValueInvalid",
                    format!(
                        "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                    ),
                ));
            }
        };
        attributes.insert(name.clone(), value);
    }
    Ok(attributes)
}
