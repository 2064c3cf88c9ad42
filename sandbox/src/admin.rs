//! What is not AWS: health, keys, the clock, the inbox, webhooks, calls, faults. Everything under `/_sandbox/`.

mod access;
mod calls;
mod credentials;
mod faults;
mod held;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;

pub(crate) use self::access::admit;
use crate::caller::Caller;
use crate::clock::iso8601;
use crate::config::{self, Latency};
use crate::ids::{AccountId, Region};
use crate::protocol::{HttpRequest, HttpResponse, respond};
use crate::sandbox::{Sandbox, Target};
use crate::sns::{self, Mail};

/// Answers a request to `/_sandbox/<path>`.
pub(crate) async fn answer(
    sandbox: &Arc<Sandbox>,
    path: &str,
    request: &HttpRequest,
) -> HttpResponse {
    match (&request.method, path) {
        (&Method::GET, "health") => reply(
            200,
            &json!({
                "status": "ok",
                "instance": sandbox.instance,
                "version": env!("CARGO_PKG_VERSION"),
                "now": iso8601(sandbox.clock.now()),
                "busy": sandbox.engine.is_busy(sandbox.clock.now()),
                "idle": sandbox.engine.is_idle_at(sandbox.clock.now()),
                "isolation": crate::lambda::isolation::name(),
                "isolation_means": crate::lambda::isolation::means(),
                "lost": {
                    "log_lines": sandbox.settings.narration.lost(),
                    "mails_in_file": sandbox.mailbox.lost(),
                },
            }),
        ),
        (&Method::GET, "credentials") => credentials::show(sandbox, request),
        (&Method::GET, "held") => held::show(sandbox),
        (&Method::POST, "clock/advance") => advance(sandbox, request),
        (&Method::POST, "clock/freeze") => {
            sandbox.clock.freeze();
            reply(200, &json!({"now": iso8601(sandbox.clock.now())}))
        }
        (&Method::POST, "config-latency") => config_latency(sandbox, request),
        (&Method::POST, "call-latency") => call_latency(sandbox, request),
        (&Method::GET, "inbox") => inbox(sandbox, request),
        // Links in mails are clicked, so these two are GET although they change something.
        (&Method::GET, "confirm") => confirm(sandbox, request),
        (&Method::GET, "unsubscribe") => unsubscribe(sandbox, request),
        (&Method::GET, "calls") => calls::list(sandbox, request),
        (&Method::POST, "faults") => faults::add(sandbox, request),
        (&Method::GET, "faults") => faults::list(sandbox),
        (&Method::DELETE, "faults") => faults::remove(sandbox, request),
        (method, _) if path.starts_with("webhooks/") => {
            let name = path.trim_start_matches("webhooks/");
            // The token behind the name was looked at when the request was let in.
            let name = match *method {
                Method::POST => name.split_once('/').map_or(name, |(name, _)| name),
                _ => name,
            };
            match *method {
                Method::POST => webhooks::post(sandbox, name, request).await,
                Method::GET => webhooks::list(sandbox, name),
                Method::DELETE => webhooks::forget(sandbox, name),
                _ => unknown(method, path),
            }
        }
        (method, _) => unknown(method, path),
    }
}

fn unknown(method: &Method, path: &str) -> HttpResponse {
    reply(
        404,
        &json!({"error": format!("`{method} /_sandbox/{path}` does not exist")}),
    )
}

/// The clock is not moved this far.
const LAST_YEAR: i32 = 9000;

fn advance(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let seconds = request
        .query_pairs()
        .into_iter()
        .find(|(name, _)| name == "seconds")
        .and_then(|(_, value)| value.parse::<u32>().ok())
        // Far from where calendars end, whatever is added to it afterwards.
        .filter(|seconds| {
            let step = time::Duration::seconds(i64::from(*seconds));
            let then = sandbox.clock.now().checked_add(step);
            then.is_some_and(|then| then.year() < LAST_YEAR)
        });
    let Some(seconds) = seconds else {
        return reply(
            400,
            &json!({"error": format!("`seconds` must be a whole number, as in clock/advance?seconds=60, and end before the year {LAST_YEAR}")}),
        );
    };
    sandbox.clock.advance(Duration::from_secs(seconds.into()));
    reply(200, &json!({"now": iso8601(sandbox.clock.now())}))
}

/// What is noticed from now on takes this long to be recorded; what was noticed before keeps its time.
fn config_latency(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let value = parameter(request, "value").unwrap_or_default();
    match value.parse::<Latency>() {
        Ok(latency) => {
            sandbox.set_config_latency(latency);
            reply(200, &json!({"config_latency": latency.to_string()}))
        }
        Err(error) => reply(400, &json!({"error": error.to_string()})),
    }
}

/// Answers that are sent from now on take this long on their way, those under way among them.
fn call_latency(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    match config::duration(&parameter(request, "value").unwrap_or_default()) {
        Ok(latency) => {
            sandbox.set_call_latency(latency);
            reply(200, &json!({"call_latency_ms": latency.as_millis()}))
        }
        Err(error) => reply(400, &json!({"error": error.to_string()})),
    }
}

/// The mails of an account in all its regions, oldest first; `to` chooses one address.
fn inbox(sandbox: &Arc<Sandbox>, request: &HttpRequest) -> HttpResponse {
    let Some(account) = parameter(request, "account").and_then(|id| AccountId::parse(&id)) else {
        return reply(
            400,
            &json!({"error": "`account` must be a 12-digit account id, as in inbox?account=123456789012"}),
        );
    };
    let to = parameter(request, "to");
    // The region does not matter: mail is collected from all of them.
    let Some(region) = Region::all().next() else {
        return reply(500, &json!({"error": "no region is known"}));
    };
    let target = Target::new(account, region, Caller::Operator);
    let (mut mails, forgotten): (Vec<Mail>, u64) = sandbox.enter(&target, |call| {
        let regions = || call.account.regions();
        let mails = regions().flat_map(|region| region.sns.inbox.iter().cloned());
        (
            mails.collect(),
            regions().map(|region| region.sns.forgotten).sum(),
        )
    });
    mails.retain(|mail| to.as_ref().is_none_or(|to| mail.to == *to));
    mails.sort_by_key(|mail| mail.sent);
    let mails: Vec<_> = mails
        .iter()
        .map(|mail| {
            json!({
                "sent": iso8601(mail.sent),
                "from": mail.from,
                "to": mail.to,
                "subject": mail.subject,
                "body": mail.body,
                "topic_arn": mail.topic_arn,
            })
        })
        .collect();
    reply(200, &json!({"mails": mails, "forgotten": forgotten}))
}

fn confirm(sandbox: &Arc<Sandbox>, request: &HttpRequest) -> HttpResponse {
    let topic = parameter(request, "TopicArn").unwrap_or_default();
    let token = parameter(request, "Token").unwrap_or_default();
    match sns::confirm_by_link(sandbox, &topic, &token) {
        Ok(arn) => reply(200, &json!({"confirmed": arn})),
        Err(error) => reply(error.status, &json!({"error": error.to_string()})),
    }
}

fn unsubscribe(sandbox: &Arc<Sandbox>, request: &HttpRequest) -> HttpResponse {
    let arn = parameter(request, "SubscriptionArn").unwrap_or_default();
    let token = parameter(request, "Token").unwrap_or_default();
    match sns::unsubscribe_by_link(sandbox, &arn, &token) {
        Ok(()) => reply(200, &json!({"unsubscribed": arn})),
        Err(error) => reply(error.status, &json!({"error": error.to_string()})),
    }
}

fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = request.query_pairs();
    let found = pairs.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

fn reply(status: u16, body: &serde_json::Value) -> HttpResponse {
    respond(status, "application/json", body.to_string())
}
