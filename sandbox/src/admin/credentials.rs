//! `GET /_sandbox/credentials`: the key pairs that exist from the start, so that no tool needs the cryptography that
//! derives them.

use serde_json::json;

use super::{parameter, reply};
use crate::ids::AccountId;
use crate::protocol::{HttpRequest, HttpResponse};
use crate::sandbox::Sandbox;

/// Answers the pair of an account's operator, or with `caller=root` that of its root user.
pub(super) fn show(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let Some(account) = parameter(request, "account").and_then(|id| AccountId::parse(&id)) else {
        return reply(
            400,
            &json!({"error": "`account` must be a 12-digit account id, as in credentials?account=123456789012"}),
        );
    };
    let pair = match parameter(request, "caller").as_deref() {
        None | Some("operator") => sandbox.keys.operator(&account),
        Some("root") => sandbox.keys.root(&account),
        Some(other) => {
            let error = format!("`caller` must be `operator` or `root`, not `{other}`");
            return reply(400, &json!({"error": error}));
        }
    };
    reply(
        200,
        &json!({
            "access_key_id": pair.access_key_id,
            "secret_access_key": pair.secret_access_key,
        }),
    )
}
