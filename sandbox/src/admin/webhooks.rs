//! `/_sandbox/webhooks/<name>`: takes what is posted, as Slack and Teams would; shows and forgets it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{parameter, reply};
use crate::clock::iso8601;
use crate::protocol::{HttpRequest, HttpResponse, respond};
use crate::sandbox::Sandbox;
use crate::webhooks::{MAX_BODY, MAX_WEBHOOKS, Post};

/// A webhook is held for no longer than this, in milliseconds.
const MAX_HOLD: u64 = 600_000;

/// `POST`: keeps what is posted, then answers as the address asks: `status` instead of 200, after `hold_ms`.
pub(super) async fn post(
    sandbox: &Arc<Sandbox>,
    name: &str,
    request: &HttpRequest,
) -> HttpResponse {
    if let Err(message) = check(name, request) {
        return reply(400, &json!({"error": message}));
    }
    let (status, hold) = match (status(request), hold(request)) {
        (Ok(status), Ok(hold)) => (status, hold),
        (Err(message), _) | (_, Err(message)) => return reply(400, &json!({"error": message})),
    };
    let post = Post {
        number: 0,
        at: sandbox.clock.now(),
        content_type: request
            .header("content-type")
            .unwrap_or_default()
            .to_owned(),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        status,
    };
    if !sandbox.webhooks.keep(name, post) {
        let message = format!("there are {MAX_WEBHOOKS} webhooks already; DELETE one");
        return reply(507, &json!({"error": message}));
    }
    if !hold.is_zero() {
        // By the sandbox's clock, like the faults that hold a call.
        let until = sandbox.clock.now() + hold;
        sandbox.clock.wait_until(until).await;
    }
    // Slack's whole answer to a message.
    respond(
        status,
        "text/plain",
        if status < 300 { "ok" } else { "refused" },
    )
}

/// `GET`: the address that takes posts, and what was posted, oldest first.
pub(super) fn list(sandbox: &Sandbox, name: &str) -> HttpResponse {
    let posts: Vec<Value> = sandbox
        .webhooks
        .posts(name)
        .into_iter()
        .map(|post| {
            let Post {
                number,
                at,
                content_type,
                body,
                status,
            } = post;
            json!({"number": number, "at": iso8601(at), "content_type": content_type, "body": body, "status": status})
        })
        .collect();
    reply(
        200,
        &json!({"url": sandbox.webhook_url(name), "posts": posts}),
    )
}

/// `DELETE`: forgets them.
pub(super) fn forget(sandbox: &Sandbox, name: &str) -> HttpResponse {
    reply(200, &json!({"forgotten": sandbox.webhooks.forget(name)}))
}

fn check(name: &str, request: &HttpRequest) -> Result<(), String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(known) {
        return Err("a webhook's name has 1 to 64 letters, digits, `-` and `_`".to_owned());
    }
    if request.body.len() > MAX_BODY {
        return Err(format!("a webhook takes at most {MAX_BODY} bytes"));
    }
    let odd = request
        .query_pairs()
        .into_iter()
        .find(|(name, _)| !["status", "hold_ms"].contains(&name.as_str()));
    odd.map_or(Ok(()), |(name, _)| {
        Err(format!(
            "`{name}` is no parameter of a webhook: use status, hold_ms"
        ))
    })
}

fn status(request: &HttpRequest) -> Result<u16, String> {
    let Some(text) = parameter(request, "status") else {
        return Ok(200);
    };
    let status = text
        .parse()
        .ok()
        .filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| format!("`status` must be an HTTP status from 200 to 599, not `{text}`"))
}

fn hold(request: &HttpRequest) -> Result<Duration, String> {
    let Some(text) = parameter(request, "hold_ms") else {
        return Ok(Duration::ZERO);
    };
    let millis = text.parse().ok().filter(|millis| *millis <= MAX_HOLD);
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`hold_ms` must be at most {MAX_HOLD} milliseconds, not `{text}`"))
}
