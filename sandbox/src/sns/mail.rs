//! The words of SNS's mails.

use serde_json::{Value, json};

use super::state::{Mail, Subscription, Topic};
use crate::clock::{Timestamp, iso8601};
use crate::ids::uuid;
use crate::sandbox::Sandbox;

/// The purpose of the token that confirms a subscription.
pub(super) const CONFIRM: &str = "sns-confirm";
/// The purpose of the token that ends one.
pub(super) const UNSUBSCRIBE: &str = "sns-unsubscribe";

/// A message on its way to one address.
pub(super) struct Notice<'n> {
    /// The message's id.
    pub(super) id: &'n str,
    pub(super) subject: Option<&'n str>,
    pub(super) message: &'n str,
}

/// Asks the owner of an address whether to subscribe it. The link leads into the sandbox.
pub(super) fn confirmation(
    sandbox: &Sandbox,
    topic: &Topic,
    subscription: &Subscription,
    now: Timestamp,
) -> Mail {
    let token = sandbox.secret.derive_hex(CONFIRM, &subscription.arn);
    let link = link(
        sandbox,
        "confirm",
        &[
            ("TopicArn", &topic.arn),
            ("Token", &token),
            ("Endpoint", &subscription.endpoint),
        ],
    );
    let body = match subscription.wants_json() {
        true => document(&json!({
            "Type": "SubscriptionConfirmation",
            "MessageId": uuid(),
            "Token": token,
            "TopicArn": topic.arn,
            "Message": format!("You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL included in this message.", topic.arn),
            "SubscribeURL": link,
            "Timestamp": iso8601(now),
        })),
        false => format!(
            "You have chosen to subscribe to the topic: \n{}\n\nTo confirm this subscription, click or visit the link below (If this was in error no action is necessary): \n{link}\n\nPlease do not reply directly to this email.\n",
            topic.arn
        ),
    };
    mail(
        topic,
        subscription,
        now,
        "AWS Notification - Subscription Confirmation",
        body,
    )
}

/// Carries a message: with the footer that every mail of SNS has, or as the document that `email-json` gets. The
/// document's signature is left out, for nobody could check one of the sandbox.
pub(super) fn notification(
    sandbox: &Sandbox,
    topic: &Topic,
    subscription: &Subscription,
    notice: &Notice<'_>,
    now: Timestamp,
) -> Mail {
    let link = link(
        sandbox,
        "unsubscribe",
        &[
            ("SubscriptionArn", &subscription.arn),
            (
                "Token",
                &sandbox.secret.derive_hex(UNSUBSCRIBE, &subscription.arn),
            ),
            ("Endpoint", &subscription.endpoint),
        ],
    );
    let body = match subscription.wants_json() {
        true => {
            let mut shown = json!({
                "Type": "Notification",
                "MessageId": notice.id,
                "TopicArn": topic.arn,
                "Message": notice.message,
                "Timestamp": iso8601(now),
                "UnsubscribeURL": link,
            });
            if let Some(subject) = notice.subject {
                shown["Subject"] = subject.into();
            }
            document(&shown)
        }
        false => format!(
            "{}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n{link}\n\nPlease do not reply directly to this email. If you have any questions or comments regarding this email, please contact us at https://aws.amazon.com/support\n",
            notice.message
        ),
    };
    mail(
        topic,
        subscription,
        now,
        notice.subject.unwrap_or("AWS Notification Message"),
        body,
    )
}

fn document(value: &Value) -> String {
    format!("{value:#}\n")
}

fn mail(
    topic: &Topic,
    subscription: &Subscription,
    sent: Timestamp,
    subject: &str,
    body: String,
) -> Mail {
    let sender = if topic.display_name.is_empty() {
        "AWS Notifications"
    } else {
        &topic.display_name
    };
    Mail {
        sent,
        from: format!("{sender} <no-reply@sns.amazonaws.com>"),
        to: subscription.endpoint.clone(),
        subject: subject.to_owned(),
        body,
        topic_arn: topic.arn.clone(),
    }
}

fn link(sandbox: &Sandbox, action: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("{}/_sandbox/{action}?{query}", sandbox.endpoint())
}
