//! `/_sandbox/faults`: sets, lists and removes what goes wrong on purpose.

use serde_json::json;

use super::{parameter, reply};
use crate::faults::Rule;
use crate::protocol::{HttpRequest, HttpResponse};
use crate::sandbox::Sandbox;

/// `POST`: adds the rules of a JSON array, all or none.
pub(super) fn add(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let rules: Vec<Rule> = match serde_json::from_slice(&request.body) {
        Ok(rules) => rules,
        Err(error) => {
            return reply(
                400,
                &json!({"error": format!("the body is no JSON array of fault rules: {error}")}),
            );
        }
    };
    match sandbox.faults.add(sandbox.clock.now(), rules) {
        Ok(ids) => reply(200, &json!({"ids": ids})),
        Err((index, error)) => reply(400, &json!({"error": format!("rule {index}: {error}")})),
    }
}

/// `GET`: every rule with how often it matched and struck.
pub(super) fn list(sandbox: &Sandbox) -> HttpResponse {
    reply(
        200,
        &json!({"faults": sandbox.faults.list(sandbox.clock.now())}),
    )
}

/// `DELETE`: removes all rules, or the one with `id`.
pub(super) fn remove(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let Some(id) = parameter(request, "id") else {
        return reply(200, &json!({"removed": sandbox.faults.clear()}));
    };
    match id.parse() {
        Ok(id) if sandbox.faults.remove(id) => reply(200, &json!({"removed": 1})),
        Ok(id) => reply(
            404,
            &json!({"error": format!("there is no fault rule {id}")}),
        ),
        Err(_) => reply(
            400,
            &json!({"error": format!("`id` must be the number of a fault rule, not `{id}`")}),
        ),
    }
}
