//! Subscriptions: asking, confirming, filtering, ending.

use std::sync::Arc;

use serde_json::{Value, json};

use super::filter::Filter;
use super::mail;
use super::state::{Scope, State, Subscription, entries, invalid, no_topic, page, require, topic};
use crate::budgets::{self, Kind};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::accept;
use crate::ids::{AccountId, Region, uuid};
use crate::protocol::Operation;
use crate::sandbox::{Call, Sandbox, Target};
use crate::secret::Secret;

pub(super) fn subscribe(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "sns",
        operation,
        &[
            "TopicArn",
            "Protocol",
            "Endpoint",
            "Attributes",
            "ReturnSubscriptionArn",
        ],
    )?;
    let input = &operation.input;
    let topic_arn = require(input, "TopicArn")?;
    let protocol = require(input, "Protocol")?;
    let endpoint = require(input, "Endpoint")?;
    check_endpoint(protocol, endpoint)?;
    let return_arn = input.flag("ReturnSubscriptionArn")?.unwrap_or(false);
    topic(call, topic_arn)?;
    let mut made = Subscription {
        arn: format!("{topic_arn}:{}", uuid()),
        topic: topic_arn.to_owned(),
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
        pending: true,
        authenticated: false,
        authenticate_on_unsubscribe: false,
        filter: None,
        filter_scope: Scope::default(),
    };
    apply_all(&mut made, input)?;
    let sandbox = call.sandbox.clone();
    let now = call.now;
    let limit = budgets::room(call, Kind::Mails);
    let state = &mut call.here().sns;
    let known = state.subscriptions.values_mut().find(|known| {
        known.topic == topic_arn && known.protocol == protocol && known.endpoint == endpoint
    });
    let arn = match known {
        Some(known) => {
            if input.field("Attributes").is_some()
                && (known.filter != made.filter || known.filter_scope != made.filter_scope)
            {
                return Err(invalid(
                    "Attributes Reason: Subscription already exists with different attributes",
                ));
            }
            known.arn.clone()
        }
        None => {
            let arn = made.arn.clone();
            state.subscriptions.insert(arn.clone(), made);
            arn
        }
    };
    let subscription = state.subscriptions.get(&arn).ok_or_else(no_subscription)?;
    if !subscription.pending {
        return Ok(json!({"SubscriptionArn": arn}));
    }
    // Asking again sends the mail again.
    let topic = state.topics.get(topic_arn).ok_or_else(no_topic)?;
    let mail = mail::confirmation(&sandbox, topic, subscription, now);
    state.send(&sandbox, limit, [mail]);
    let shown = if return_arn {
        arn.as_str()
    } else {
        "pending confirmation"
    };
    Ok(json!({"SubscriptionArn": shown}))
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), ApiError> {
    match protocol {
        "email" | "email-json" if is_address(endpoint) => Ok(()),
        "email" | "email-json" => Err(invalid("Email address")),
        "application" | "firehose" | "http" | "https" | "lambda" | "sms" | "sqs" => Err(
            ApiError::not_implemented("sns", &format!("Subscribe with protocol {protocol}")),
        ),
        other => Err(invalid(format!(
            "Amazon SNS does not support this protocol string: {other}"
        ))),
    }
}

/// Whether mail could go there, by its form alone.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let atom = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let label = |text: &str| {
        !text.is_empty()
            && text.len() <= 63
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    text.len() <= 320
        && local.len() <= 64
        && local.split('.').all(atom)
        && labels.len() >= 2
        && labels.iter().all(|each| label(each))
        && labels
            .last()
            .is_some_and(|top| top.len() >= 2 && !top.bytes().all(|b| b.is_ascii_digit()))
}

/// The attributes of a request, the scope first: it says how the filter is to be read.
fn apply_all(subscription: &mut Subscription, input: &Value) -> Result<(), ApiError> {
    let Some(given) = input["Attributes"].as_object() else {
        return Ok(());
    };
    let scope = given
        .iter()
        .filter(|(name, _)| *name == "FilterPolicyScope");
    let others = given
        .iter()
        .filter(|(name, _)| *name != "FilterPolicyScope");
    for (name, value) in scope.chain(others) {
        // Templates give filters as structures.
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        apply(subscription, name, &value)?;
    }
    Ok(())
}

fn apply(subscription: &mut Subscription, name: &str, value: &str) -> Result<(), ApiError> {
    match (name, value) {
        ("FilterPolicyScope", value) => {
            let scope = Scope::parse(value)?;
            if let Some((text, _)) = &subscription.filter {
                subscription.filter = Some(filter(text, scope)?);
            }
            subscription.filter_scope = scope;
        }
        ("FilterPolicy", "" | "{}") => subscription.filter = None,
        ("FilterPolicy", value) => {
            subscription.filter = Some(filter(value, subscription.filter_scope)?);
        }
        ("RawMessageDelivery", "false") => {}
        ("RawMessageDelivery", "true") => {
            return Err(invalid(
                "Attributes Reason: RawMessageDelivery: not supported for protocol type email",
            ));
        }
        ("DeliveryPolicy" | "RedrivePolicy" | "ReplayPolicy" | "SubscriptionRoleArn", _) => {
            let what = format!("the subscription attribute {name}");
            return Err(ApiError::not_implemented("sns", &what));
        }
        _ => return Err(invalid("AttributeName")),
    }
    Ok(())
}

fn filter(text: &str, scope: Scope) -> Result<(String, Filter), ApiError> {
    let filter = Filter::parse(text, scope == Scope::MessageBody)
        .map_err(|error| invalid(format!("FilterPolicy: {error}")))?;
    Ok((text.to_owned(), filter))
}

pub(super) fn confirm(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "sns",
        operation,
        &["TopicArn", "Token", "AuthenticateOnUnsubscribe"],
    )?;
    let input = &operation.input;
    let topic_arn = require(input, "TopicArn")?;
    let token = require(input, "Token")?;
    let authenticate = input.flag("AuthenticateOnUnsubscribe")?.unwrap_or(false);
    topic(call, topic_arn)?;
    let secret = call.sandbox.secret.clone();
    let found = find_pending(&secret, &mut call.here().sns, topic_arn, token)?;
    found.pending = false;
    found.authenticated = true;
    found.authenticate_on_unsubscribe = authenticate;
    Ok(json!({"SubscriptionArn": found.arn}))
}

fn find_pending<'a>(
    secret: &Secret,
    state: &'a mut State,
    topic_arn: &str,
    token: &str,
) -> Result<&'a mut Subscription, ApiError> {
    state
        .subscriptions
        .values_mut()
        .find(|each| {
            each.topic == topic_arn
                && each.pending
                && secret.verify_hex(mail::CONFIRM, &each.arn, token)
        })
        .ok_or_else(|| invalid("Token"))
}

pub(super) fn unsubscribe(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["SubscriptionArn"])?;
    let arn = require(&operation.input, "SubscriptionArn")?;
    check_subscription_arn(call, arn)?;
    remove(&mut call.here().sns, arn);
    Ok(Value::Null)
}

/// Ending what has ended succeeds.
fn remove(state: &mut State, arn: &str) {
    if let Some(ended) = state.subscriptions.remove(arn)
        && let Some(topic) = state.topics.get_mut(&ended.topic)
    {
        topic.deleted += 1;
    }
}

/// `PendingConfirmation`, which lists show, is no ARN.
fn check_subscription_arn(call: &Call<'_>, arn: &str) -> Result<(), ApiError> {
    let elements = arn.split(':').count();
    if elements < 6 {
        return Err(invalid(format!(
            "SubscriptionArn Reason: An ARN must have at least 6 elements, not {elements}"
        )));
    }
    if elements != 7 {
        return Err(invalid("SubscriptionArn"));
    }
    super::state::check_arn(call, arn)
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["NextToken"])?;
    show(call, &operation.input, None)
}

pub(super) fn list_by_topic(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["TopicArn", "NextToken"])?;
    let topic_arn = require(&operation.input, "TopicArn")?;
    topic(call, topic_arn)?;
    show(call, &operation.input, Some(topic_arn))
}

fn show(call: &mut Call<'_>, input: &Value, topic: Option<&str>) -> Result<Value, ApiError> {
    let owner = call.account.id.clone();
    let subscriptions = call
        .here()
        .sns
        .subscriptions
        .values()
        .filter(|each| topic.is_none_or(|topic| each.topic == topic));
    let shown = subscriptions.map(|each| {
        let arn = if each.pending {
            "PendingConfirmation"
        } else {
            &each.arn
        };
        let entry = json!({
            "SubscriptionArn": arn,
            "Owner": owner.as_str(),
            "Protocol": each.protocol,
            "Endpoint": each.endpoint,
            "TopicArn": each.topic,
        });
        (each.arn.as_str(), entry)
    });
    page(input, "Subscriptions", shown)
}

pub(super) fn attributes(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sns", operation, &["SubscriptionArn"])?;
    let owner = call.account.id.to_string();
    let caller = call.caller.arn(&call.account.id, &call.region);
    let found = find(call, &operation.input)?;
    let mut shown = vec![
        ("SubscriptionArn", found.arn.clone()),
        ("TopicArn", found.topic.clone()),
        ("Owner", owner),
        ("Protocol", found.protocol.clone()),
        ("Endpoint", found.endpoint.clone()),
        ("PendingConfirmation", found.pending.to_string()),
        (
            "ConfirmationWasAuthenticated",
            found.authenticated.to_string(),
        ),
        ("RawMessageDelivery", "false".to_owned()),
        ("SubscriptionPrincipal", caller),
    ];
    if let Some((text, _)) = &found.filter {
        shown.push(("FilterPolicy", text.clone()));
        shown.push(("FilterPolicyScope", found.filter_scope.name().to_owned()));
    }
    Ok(entries(shown))
}

pub(super) fn set_attribute(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept(
        "sns",
        operation,
        &["SubscriptionArn", "AttributeName", "AttributeValue"],
    )?;
    let input = &operation.input;
    let name = require(input, "AttributeName")?;
    let value = input.text("AttributeValue").unwrap_or_default();
    apply(find(call, input)?, name, value)?;
    Ok(Value::Null)
}

fn find<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut Subscription, ApiError> {
    let arn = require(input, "SubscriptionArn")?;
    check_subscription_arn(call, arn)?;
    call.here()
        .sns
        .subscriptions
        .get_mut(arn)
        .ok_or_else(no_subscription)
}

fn no_subscription() -> ApiError {
    ApiError::new(404, "NotFound", "Subscription does not exist")
}

/// What a click on the link in a confirmation mail does: nobody is signed in there.
pub(crate) fn confirm_by_link(
    sandbox: &Arc<Sandbox>,
    topic_arn: &str,
    token: &str,
) -> Result<String, ApiError> {
    let target = owner_of(topic_arn)?;
    sandbox.enter(&target, |call| {
        topic(call, topic_arn)?;
        let found = find_pending(&sandbox.secret, &mut call.here().sns, topic_arn, token)?;
        found.pending = false;
        Ok(found.arn.clone())
    })
}

/// What a click on the link in a notification does. On AWS the subscription's ARN suffices; here that is no secret,
/// and whoever knows it could end what others have subscribed to.
pub(crate) fn unsubscribe_by_link(
    sandbox: &Arc<Sandbox>,
    arn: &str,
    token: &str,
) -> Result<(), ApiError> {
    let target = owner_of(arn)?;
    if !sandbox.secret.verify_hex(mail::UNSUBSCRIBE, arn, token) {
        return Err(invalid("Token"));
    }
    sandbox.enter(&target, |call| {
        let state = &mut call.here().sns;
        let found = state.subscriptions.get(arn).ok_or_else(no_subscription)?;
        if found.authenticate_on_unsubscribe {
            return Err(ApiError::new(
                403,
                "AuthorizationError",
                "ending this subscription needs credentials",
            ));
        }
        remove(state, arn);
        Ok(())
    })
}

fn owner_of(arn: &str) -> Result<Target, ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        [_, _, "sns", region, account, _, ..] => {
            let region = Region::parse(region).ok_or_else(|| invalid("TopicArn"))?;
            let account = AccountId::parse(account).ok_or_else(|| invalid("TopicArn"))?;
            Ok(Target::new(
                account,
                region,
                Caller::Service("sns.amazonaws.com"),
            ))
        }
        _ => Err(invalid("TopicArn")),
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses() {
        for good in [
            "a@example.com",
            "first.last+lab-1@sub.example.co.uk",
            "o'neil@example.io",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@example.com",
            "a@b",
            "a b@example.com",
            "a@example..com",
            ".a@example.com",
            "a@-x.com",
            "a@10.0.0.1",
            "a@b@example.com",
            "ü@example.com",
            "a@example.com\r\nBcc: x@example.com",
            "a\n@example.com",
            "a@example.com\n",
            "a@exam\u{1b}ple.com",
            "\"><img src=x onerror=alert(1)>@example.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "A <a@example.com>",
            "a@example.com,b@example.com",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
