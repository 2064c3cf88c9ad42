//! Who hears of the end of an asynchronous invocation: topics and functions.
//!
//! Lambda writes to them as the function's role, which must be allowed to. AWS also has queues,
//! event buses and buckets as destinations; the sandbox does not, and says so when they are chosen.

use serde_json::Value;

use super::asynchronous;
use super::invalid;
use super::reference::Reference;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::iam::{self, Access, Decision};
use crate::ids::uuid;
use crate::sandbox::{Call, Target};
use crate::sns;

/// Bytes of a message to a topic.
const MAX_MESSAGE: usize = 256 * 1024;

/// What a destination's ARN means here.
enum Destination {
    Topic,
    Function(Reference),
}

impl Destination {
    fn parse(call: &Call<'_>, arn: &str) -> Result<Self, ApiError> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, account, _] = parts[..] else {
            return Err(invalid(format!("The provided ARN is invalid: {arn}")));
        };
        if region != call.region.as_str() || account != call.account.id.as_str() {
            return Err(ApiError::not_implemented(
                "lambda",
                "a destination in another account or region",
            ));
        }
        match service {
            "sns" if arn.ends_with(".fifo") => Err(invalid(
                "The destination must be a standard topic, not a FIFO topic.",
            )),
            "sns" => Ok(Destination::Topic),
            "lambda" => Reference::parse(arn, None).map(Destination::Function),
            other => Err(ApiError::not_implemented(
                "lambda",
                &format!("a destination in {other}"),
            )),
        }
    }
}

/// Whether records may be sent to `arn` in the name of `role`.
pub(super) fn check(call: &mut Call<'_>, role: &str, arn: &str) -> Result<(), ApiError> {
    let action = match Destination::parse(call, arn)? {
        Destination::Topic => {
            topic_exists(call, arn)?;
            ("sns", "Publish")
        }
        Destination::Function(reference) => {
            reference.resolve(call)?;
            ("lambda", "InvokeFunction")
        }
    };
    allowed(call, role, action, arn).map_err(|why| {
        tracing::debug!(role, arn, why, "a destination is refused");
        invalid(format!(
            "The function's execution role does not have permissions to call {} on {arn}",
            action.1
        ))
    })
}

/// The same for the topic of a dead-letter queue, which cannot be a function.
pub(super) fn check_dead_letters(
    call: &mut Call<'_>,
    role: &str,
    arn: &str,
) -> Result<(), ApiError> {
    match Destination::parse(call, arn)? {
        Destination::Topic => {}
        Destination::Function(_) => {
            return Err(invalid(
                "The provided target must be an SQS queue or an SNS topic.",
            ));
        }
    }
    topic_exists(call, arn)?;
    allowed(call, role, ("sns", "Publish"), arn).map_err(|why| {
        tracing::debug!(role, arn, why, "a dead-letter topic is refused");
        invalid("The provided execution role does not have permissions to call Publish on SNS")
    })
}

/// Sends a record. Whoever set the destination up cannot be told when that fails; AWS counts it in a
/// metric.
pub(super) fn deliver(call: &mut Call<'_>, role: &str, arn: &str, record: &Value) {
    let delivered = Destination::parse(call, arn).and_then(|destination| match destination {
        Destination::Topic => {
            let mut text = record.to_string();
            if text.len() > MAX_MESSAGE {
                let mut short = record.clone();
                for payload in ["requestPayload", "responsePayload"] {
                    short[payload] = Value::Null;
                }
                text = short.to_string();
            }
            publish(call, role, arn, text, Vec::new())
        }
        Destination::Function(reference) => {
            let denied = |why: String| ApiError::new(403, "AccessDeniedException", why);
            allowed(call, role, ("lambda", "InvokeFunction"), arn).map_err(denied)?;
            reference.resolve(call)?;
            let target = Target {
                account: call.account.id.clone(),
                region: call.region.clone(),
                caller: call.caller.clone(),
                request_id: uuid(),
            };
            asynchronous::accept(call, target, reference, record.to_string().into());
            Ok(())
        }
    });
    if let Err(error) = delivered {
        tracing::warn!(arn, %error, "the record of an invocation could not be delivered");
    }
}

/// Sends an event to the topic of a dead-letter queue.
pub(super) fn bury(
    call: &mut Call<'_>,
    role: &str,
    arn: &str,
    event: String,
    attributes: Vec<(&str, String)>,
) {
    if let Err(error) = publish(call, role, arn, event, attributes) {
        tracing::warn!(arn, %error, "an event could not be sent to the dead-letter topic");
    }
}

fn publish(
    call: &mut Call<'_>,
    role: &str,
    arn: &str,
    body: String,
    attributes: Vec<(&str, String)>,
) -> Result<(), ApiError> {
    let message = sns::Message {
        subject: None,
        body,
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    sns::publish(call, arn, role, message).map(drop)
}

fn topic_exists(call: &mut Call<'_>, arn: &str) -> Result<(), ApiError> {
    match sns::policy(call, arn) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("The destination ARN {arn} is invalid."))),
    }
}

fn allowed(
    call: &Call<'_>,
    role: &str,
    (service, action): (&'static str, &'static str),
    arn: &str,
) -> Result<(), String> {
    let caller = Caller::Role {
        role: role.rsplit('/').next().unwrap_or_default().to_owned(),
        session: "lambda".to_owned(),
    };
    match iam::decide(call.account, &caller, &Access::on(service, action, arn)) {
        Decision::Allowed => Ok(()),
        Decision::Denied(why) => Err(why),
    }
}
