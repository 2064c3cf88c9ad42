//! One invocation: from the event to the last report.

use crate::effects::Effects;
use crate::error::HandleError;
use crate::repair;
use crate::report::Reporter;
use remediator_core::{Compliance, Decision, Event, decide};
use serde_json::Value;

/// Handles one event. Whatever fails is in the log and in the result.
///
/// # Errors
/// [`HandleError`]; Lambda then invokes again with the same event, up to twice.
pub(crate) async fn handle<E: Effects>(effects: &E, payload: &Value) -> Result<(), HandleError> {
    let result = answer(effects, payload).await;
    if let Err(error) = &result {
        effects.log(&format!("error: {}", error.chain()));
    }
    result
}

async fn answer<E: Effects>(effects: &E, payload: &Value) -> Result<(), HandleError> {
    let event = Event::from_value(payload)?;
    if event.policy.debug {
        effects.log(&format!("received event: {}", without_token(payload)));
    }
    let reporter = Reporter::new(effects, &event);
    match decide(&event)? {
        Decision::Remediate { group } => repair::run(effects, &reporter, &event, &group).await,
        Decision::ReportNotApplicable {
            resource_type,
            resource_id,
            annotation,
        } => {
            let now = effects.now();
            let verdict = Compliance::NotApplicable;
            let sent = reporter
                .send(&resource_type, &resource_id, verdict, annotation, now)
                .await;
            sent.map_err(|e| HandleError::calls([&e]))
        }
    }
}

/// The event as received, except for the token with which anybody in the account could report on
/// behalf of the rule.
fn without_token(payload: &Value) -> String {
    let mut shown = payload.clone();
    if let Some(token) = shown.get_mut("resultToken") {
        *token = "(not shown)".into();
    }
    shown.to_string()
}
