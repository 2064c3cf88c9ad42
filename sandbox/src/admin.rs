//! What is not AWS: health, the clock. Everything under `/_sandbox/`.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::clock::iso8601;
use crate::protocol::{HttpRequest, HttpResponse, respond};
use crate::sandbox::Sandbox;

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
                "idle": sandbox.engine.is_idle(),
            }),
        ),
        (&Method::POST, "clock/advance") => advance(sandbox, request),
        (&Method::POST, "clock/freeze") => {
            sandbox.clock.freeze();
            reply(200, &json!({"now": iso8601(sandbox.clock.now())}))
        }
        _ => reply(
            404,
            &json!({"error": format!("`{} /_sandbox/{path}` does not exist", request.method)}),
        ),
    }
}

fn advance(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let seconds = request
        .query_pairs()
        .into_iter()
        .find(|(name, _)| name == "seconds")
        .and_then(|(_, value)| value.parse::<u64>().ok());
    let Some(seconds) = seconds else {
        return reply(
            400,
            &json!({"error": "`seconds` must be a whole number, as in clock/advance?seconds=60"}),
        );
    };
    sandbox.clock.advance(Duration::from_secs(seconds));
    reply(200, &json!({"now": iso8601(sandbox.clock.now())}))
}

fn reply(status: u16, body: &serde_json::Value) -> HttpResponse {
    respond(status, "application/json", body.to_string())
}
