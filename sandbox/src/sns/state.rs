//! What SNS holds in one region of one account.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::Filter;
use crate::budgets::{self, Kind};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::Arn;
use crate::listing;
use crate::sandbox::{Call, Sandbox};

/// Topics and subscriptions by ARN, and the mail that went out.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    /// Every mail in the order in which it was sent: the inboxes of all subscribers.
    pub inbox: Vec<Mail>,
    /// Bytes of these.
    mail_bytes: u64,
    /// Older mails that have been forgotten.
    pub(crate) forgotten: u64,
}

impl State {
    /// Puts mails into the inbox, and into the file beside it: whatever becomes of that, the mail is
    /// in the inbox.
    ///
    /// Where that then has more than `limit` bytes, the oldest mails are forgotten.
    pub(super) fn send(
        &mut self,
        sandbox: &Sandbox,
        limit: u64,
        mails: impl IntoIterator<Item = Mail>,
    ) {
        for mail in mails {
            self.mail_bytes += mail.size();
            self.inbox.push(mail);
            if let Some(mail) = self.inbox.last() {
                sandbox.mailbox.deliver(mail);
            }
        }
        if self.mail_bytes <= limit {
            return;
        }
        // A sixteenth more goes, so that not each mail that comes moves all others.
        let goal = limit - limit / 16;
        let mut count = 0;
        while self.mail_bytes > goal && count + 1 < self.inbox.len() {
            self.mail_bytes -= self.inbox[count].size();
            count += 1;
        }
        self.inbox.drain(..count);
        self.forgotten += count as u64;
        sandbox.ledger.forget(Kind::Mails, count);
    }

    /// Bytes of the mails.
    pub(crate) fn held(&self) -> u64 {
        self.mail_bytes
    }

    /// What topics and subscriptions take, written as text.
    pub(crate) fn weight(&self) -> u64 {
        budgets::weight(&(&self.topics, &self.subscriptions))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Topic {
    pub(super) arn: String,
    pub(super) display_name: String,
    /// What was set besides name, display name and policy.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) policy: Value,
    pub(super) tags: BTreeMap<String, String>,
    /// How many subscriptions have ended.
    pub(super) deleted: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) topic: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// Whether nobody has confirmed it yet.
    pub(super) pending: bool,
    /// Whether somebody with credentials confirmed, instead of a click on the link.
    pub(super) authenticated: bool,
    /// Whether only somebody with credentials may end it.
    pub(super) authenticate_on_unsubscribe: bool,
    /// The filter's text and what it means.
    pub(super) filter: Option<(String, Filter)>,
    pub(super) filter_scope: Scope,
}

impl Subscription {
    /// Whether its mails are documents for a program.
    pub(super) fn wants_json(&self) -> bool {
        self.protocol == "email-json"
    }
}

/// What a filter policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scope {
    #[default]
    MessageAttributes,
    MessageBody,
}

impl Scope {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "MessageAttributes" => Ok(Scope::MessageAttributes),
            "MessageBody" => Ok(Scope::MessageBody),
            other => Err(invalid(format!(
                "FilterPolicyScope: Invalid value [{other}]. Please use either MessageBody or MessageAttributes"
            ))),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Scope::MessageAttributes => "MessageAttributes",
            Scope::MessageBody => "MessageBody",
        }
    }
}

/// A mail as the subscriber reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// When it was sent.
    pub sent: Timestamp,
    /// `Display name <no-reply@sns.amazonaws.com>`.
    pub from: String,
    /// The subscribed address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The topic that it comes from.
    pub topic_arn: String,
}

impl Mail {
    /// Bytes of memory.
    fn size(&self) -> u64 {
        let texts = [
            &self.from,
            &self.to,
            &self.subject,
            &self.body,
            &self.topic_arn,
        ];
        let texts: usize = texts.into_iter().map(String::len).sum();
        (size_of::<Self>() + texts) as u64
    }
}

/// A topic of the called account and region.
pub(super) fn topic<'a>(call: &'a mut Call<'_>, arn: &str) -> Result<&'a mut Topic, ApiError> {
    check_arn(call, arn)?;
    call.here().sns.topics.get_mut(arn).ok_or_else(no_topic)
}

/// Refuses what is no ARN, and what belongs to another region or account.
pub(super) fn check_arn(call: &Call<'_>, arn: &str) -> Result<(), ApiError> {
    let parsed = Arn::parse(arn).filter(|parsed| parsed.service == "sns");
    let Some(parsed) = parsed.filter(|parsed| parsed.region == call.region.as_str()) else {
        // Another region: recorded by LocalStack (`test_cross_region_access`, 2025-05-28).
        return Err(invalid("TopicArn"));
    };
    if call.owns(&parsed).is_err() {
        return Err(ApiError::new(
            403,
            "AuthorizationError",
            format!("not authorized to use the resource {arn} of another account"),
        ));
    }
    Ok(())
}

pub(super) fn no_topic() -> ApiError {
    ApiError::new(404, "NotFound", "Topic does not exist")
}

/// SNS's error for a bad parameter.
pub(super) fn invalid(what: impl std::fmt::Display) -> ApiError {
    ApiError::bad("InvalidParameter", format!("Invalid parameter: {what}"))
}

/// Unicode's own line and paragraph separators, which are no control characters.
pub(super) fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// A required parameter.
pub(super) fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| invalid(format!("{name} Reason: no value for required parameter")))
}

/// A map as query answers write it.
pub(super) fn entries<'a>(map: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    let entries: Vec<Value> = map
        .into_iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    json!({"Attributes|entry": entries})
}

/// A page of at most 100, as every list of SNS has them.
pub(super) fn page<'a>(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Value, ApiError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let after = match input.get("NextToken").and_then(Value::as_str) {
        None => None,
        Some(token) => Some(
            URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| invalid("NextToken"))?,
        ),
    };
    let (shown, next) = listing::cut(items, after.as_deref(), 100);
    let token = next.map(|last| URL_SAFE_NO_PAD.encode(last));
    let mut answer = json!({"NextToken": token});
    answer[member] = Value::Array(shown);
    Ok(answer)
}
