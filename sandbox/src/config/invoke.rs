//! Invoking a rule's function, off the request path.
//!
//! One lane for each rule and resource: a rule hears about a resource in the order of its items, and a
//! slow function delays nobody else. A failed invocation is made again as Lambda's asynchronous
//! invocation does it, twice, a minute and then two minutes later. The retry waits outside of the lane,
//! so newer items are not held up by it; it then carries an older item, as on AWS, where nothing orders
//! retries either. Config's own ordering timestamps keep its answer from replacing a newer one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::PRINCIPAL;
use super::event::rule_event;
use super::place::Place;
use super::rule::Rule;
use crate::engine::Task;
use crate::error::ApiError;
use crate::lambda::{self, Invocation, Invoker};
use crate::sandbox::{Call, Sandbox};

/// How long Lambda waits before the second and the third attempt of an asynchronous invocation
/// (Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation").
pub(super) const RETRY_DELAYS: [time::Duration; 2] =
    [time::Duration::minutes(1), time::Duration::minutes(2)];

/// Why a rule is asked.
#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) rule_id: String,
    /// What it is asked about; it hears of one thing in order.
    pub(super) about: String,
    /// JSON text, shared by every rule that hears of the same item.
    pub(super) invoking_event: Arc<str>,
    pub(super) left_scope: bool,
    /// Part of a `StartConfigRulesEvaluation`.
    pub(super) on_demand: bool,
}

/// Everything that an attempt needs, fixed when the first one starts.
#[derive(Debug, Clone)]
struct Prepared {
    place: Place,
    lane: String,
    rule_id: String,
    function: String,
    payload: Bytes,
    invoker: Invoker,
    on_demand: bool,
}

pub(super) fn schedule(call: &mut Call<'_>, trigger: Trigger) {
    let place = Place::of(call);
    let lane = place.lane(&format!("{}/{}", trigger.rule_id, trigger.about));
    let now = call.now;
    call.account
        .later(Task::new(now, lane.clone(), move |sandbox| async move {
            let prepared = sandbox.enter(&place.target(), |call| prepare(call, lane, &trigger));
            if let Some(prepared) = prepared {
                attempt(sandbox, prepared, 0).await;
            }
        }));
}

/// `None` when the rule has gone in the meantime.
fn prepare(call: &mut Call<'_>, lane: String, trigger: &Trigger) -> Option<Prepared> {
    let place = Place::of(call);
    let now = call.now;
    let state = &mut call.here().config;
    let rule = state
        .rules
        .values()
        .find(|rule| rule.id == trigger.rule_id && !rule.deleting)?;
    let role = state
        .recorder
        .as_ref()
        .map_or("", |recorder| recorder.role_arn.as_str());
    let token = state.tokens.issue(&rule.id, now);
    let event = rule_event(
        &place,
        rule,
        role,
        &trigger.invoking_event,
        trigger.left_scope,
        &token,
    );
    Some(Prepared {
        lane,
        rule_id: rule.id.clone(),
        function: rule.function.clone(),
        payload: Bytes::from(event.to_string()),
        invoker: Invoker {
            principal: PRINCIPAL,
            source_account: place.account.clone(),
            source_arn: Some(rule.arn.clone()),
        },
        on_demand: trigger.on_demand,
        place,
    })
}

/// Boxed because a failed attempt leaves a task that holds the next one.
fn attempt(
    sandbox: Arc<Sandbox>,
    prepared: Prepared,
    number: usize,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let result = lambda::invoke(
            &sandbox,
            &prepared.place.account,
            &prepared.place.region,
            &prepared.function,
            prepared.payload.clone(),
            &prepared.invoker,
        )
        .await;
        sandbox.enter(&prepared.place.target(), |call| {
            if number == 0 {
                ended(call, &prepared);
            }
            // The function's own configuration says how often it is tried and who hears of the end.
            let delay = match &result {
                Ok(invocation) => {
                    let attempts = u32::try_from(number + 1).unwrap_or(u32::MAX);
                    let (function, event) = (&prepared.function, &prepared.payload);
                    lambda::after(call, function, event, attempts, invocation)
                }
                Err(_) => RETRY_DELAYS.get(number).copied(),
            };
            if note(call, &prepared.rule_id, result) {
                return;
            }
            if let Some(delay) = delay {
                let due = call.now + delay;
                let lane = prepared.lane.clone();
                let again = prepared.clone();
                call.account
                    .later(Task::new(due, lane, move |sandbox| async move {
                        let wanted = sandbox.enter(&again.place.target(), |call| {
                            rule(call, &again.rule_id).is_some_and(|rule| !rule.deleting)
                        });
                        if wanted {
                            attempt(sandbox, again, number + 1).await;
                        }
                    }));
            }
        });
    })
}

/// An on-demand evaluation is over when every resource was asked about once, retries not counted.
fn ended(call: &mut Call<'_>, prepared: &Prepared) {
    if prepared.on_demand
        && let Some(rule) = rule(call, &prepared.rule_id)
    {
        rule.running = rule.running.saturating_sub(1);
    }
}

/// Remembers how an attempt ended; whether it succeeded.
fn note(call: &mut Call<'_>, rule_id: &str, result: Result<Invocation, ApiError>) -> bool {
    let now = call.now;
    let failure = match &result {
        Ok(Invocation {
            function_error: None,
            ..
        }) => None,
        Ok(Invocation {
            function_error: Some(error),
            payload,
            ..
        }) => Some((
            (*error).to_owned(),
            String::from_utf8_lossy(payload).into_owned(),
        )),
        Err(error) => Some((error.code.to_string(), error.message.clone())),
    };
    if let Some((code, message)) = &failure {
        tracing::warn!(rule_id, code, message, "a rule's function failed");
    }
    let Some(rule) = rule(call, rule_id) else {
        return true;
    };
    let activity = &mut rule.activity;
    match &result {
        Ok(_) => activity.invoked = Some(now),
        Err(_) => activity.invocation_failed = Some(now),
    }
    match failure {
        None => true,
        Some(failure) => {
            activity.evaluation_failed = Some(now);
            activity.error = Some(failure);
            false
        }
    }
}

fn rule<'c>(call: &'c mut Call<'_>, id: &str) -> Option<&'c mut Rule> {
    call.here()
        .config
        .rules
        .values_mut()
        .find(|rule| rule.id == id)
}
