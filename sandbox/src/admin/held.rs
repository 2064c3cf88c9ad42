//! `GET /_sandbox/held`: how much the sandbox holds, of which budgets, and what it had to forget.

use serde_json::{Map, Value, json};

use super::reply;
use crate::budgets::Kind;
use crate::protocol::HttpResponse;
use crate::sandbox::Sandbox;

/// Bytes by kind, with the budget of an account and of all.
pub(super) fn show(sandbox: &Sandbox) -> HttpResponse {
    let budgets = &sandbox.settings.budgets;
    let held = sandbox.ledger.held();
    let kinds = Kind::ALL.map(|kind| {
        let of_an_account = match kind {
            Kind::State => budgets.state_bytes,
            Kind::Objects => budgets.object_bytes,
            Kind::Code => budgets.code_bytes,
            Kind::Logs => budgets.log_bytes,
            Kind::Mails => budgets.mail_bytes,
            Kind::Items => budgets.item_bytes,
        };
        let shown = json!({
            "bytes": held.of(kind),
            "budget_of_an_account": of_an_account.0,
            "forgotten": sandbox.ledger.forgotten(kind),
        });
        (kind.name().to_owned(), shown)
    });
    let calls = sandbox.journal.size();
    let (posted, posts_forgotten) = sandbox.webhooks.size();
    let body = json!({
        "accounts": {"count": sandbox.count_accounts(), "budget": budgets.max_accounts},
        "total": {"bytes": held.total(), "budget": budgets.total_bytes.0},
        "kinds": Value::Object(Map::from_iter(kinds)),
        "calls": {
            "count": calls.calls,
            "bytes": calls.bytes,
            "budget": budgets.call_bytes.0,
            "forgotten": calls.forgotten,
        },
        "webhooks": {
            "bytes": posted,
            "budget": budgets.webhook_bytes.0,
            "forgotten": posts_forgotten,
        },
        "tasks": {"count": sandbox.engine.tasks(), "budget": budgets.max_tasks},
        "events": {
            "bytes": sandbox.queued.bytes(),
            "budget": budgets.event_bytes.0,
            "dropped": sandbox.ledger.dropped_events(),
        },
    });
    reply(200, &body)
}
