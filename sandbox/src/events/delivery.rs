//! From an API call to the functions that want to hear of it.
//!
//! EventBridge hands an event to Lambda, which runs the function later: so there are two kinds of
//! failure. What cannot be handed over because of too many requests or an error of Lambda's is tried
//! again by EventBridge, at growing intervals, for a day and 185 times at most. What is not allowed, or
//! has no function to go to, is given up at once. A function that fails is run twice more by Lambda.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::PRINCIPAL;
use super::rules::Switch;
use super::targets::{Input, Target};
use crate::allowance::Allowance;
use crate::budgets::Charge;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Task;
use crate::error::ApiError;
use crate::ids::uuid;
use crate::journal::Entry;
use crate::lambda::{self, Invoker};
use crate::sandbox::{self, Call, Sandbox};

/// The first wait of EventBridge's own retries, doubled up to the longest. AWS documents exponential
/// back-off with jitter but no figures: these are ours, without the jitter, so that runs repeat.
const FIRST_RETRY: time::Duration = time::Duration::seconds(1);
const LONGEST_RETRY: time::Duration = time::Duration::minutes(10);

/// The steps of comparing one event with the patterns of all rules, and of one `TestEventPattern`. Three hundred rules of
/// the largest pattern take a tenth of it for the events of usual calls.
pub(super) const MATCHING_STEPS: usize = 2_000_000;

/// Offers the event of a call to every rule of the called region. Under the account's lock.
pub(super) fn offer(call: &mut Call<'_>, entry: &Entry, record: Value) {
    let event = json!({
        "version": "0",
        "id": uuid(),
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{}", entry.service),
        "account": call.account.id.as_str(),
        "time": record["eventTime"],
        "region": call.region.as_str(),
        "resources": [],
        "detail": record,
    });
    let steps = Allowance::of(MATCHING_STEPS);
    let mut deliveries = Vec::new();
    for rule in call.here().events.rules.values() {
        let hears = match rule.switch {
            Switch::Enabled => !entry.read_only(),
            Switch::EnabledWithReads => true,
            Switch::Disabled => false,
        };
        let wanted = hears && rule.pattern.matches(&event, &steps);
        if steps.is_exhausted() {
            tracing::warn!(
                rule = rule.name,
                operation = entry.operation,
                "the event is too large for the patterns of the rules: this rule and those after it do not hear of it"
            );
            break;
        }
        if wanted {
            for target in rule.targets.values() {
                deliveries.push((rule.name.clone(), rule.arn.clone(), target.clone()));
            }
        }
    }
    let sandbox = call.sandbox.clone();
    for (rule, rule_arn, target) in deliveries {
        // A rule whose target causes its own event may have several targets: without a bound, each
        // round is larger than the one before.
        if !sandbox.can_queue() {
            sandbox.ledger.drop_event();
            continue;
        }
        let invoker = Invoker {
            principal: PRINCIPAL,
            source_account: call.account.id.clone(),
            source_arn: Some(rule_arn),
        };
        // Decided now and not when the delivery's turn comes: a permission that is given after the
        // event is not for it, however busy the machine is.
        if let Err(error) = lambda::may_invoke(call, &target.arn, &invoker)
            && !passing(&error)
        {
            tracing::warn!(rule, target = target.id, %error, "an event may not be delivered");
            continue;
        }
        let payload = payload(&target.input, &event);
        let delivery = Delivery {
            place: sandbox::Target::new(
                call.account.id.clone(),
                call.region.clone(),
                Caller::Service(PRINCIPAL),
            ),
            _charge: sandbox.queued.charge(payload.len()),
            payload,
            rule,
            invoker,
            target,
            began: call.now,
            retried: 0,
            rerun: 0,
        };
        call.account.later(delivery.task(call.now));
    }
}

fn payload(input: &Input, event: &Value) -> Bytes {
    match input {
        Input::Event => Bytes::from(event.to_string()),
        Input::Constant(text) => Bytes::from(text.clone()),
        // What is not there is null.
        Input::Part(names) => {
            let part = names.iter().try_fold(event, |value, name| value.get(name));
            Bytes::from(part.unwrap_or(&Value::Null).to_string())
        }
    }
}

/// One event on its way to one target.
#[derive(Debug)]
struct Delivery {
    place: sandbox::Target,
    rule: String,
    target: Target,
    payload: Bytes,
    /// Counts the payload for as long as it is on its way.
    _charge: Charge,
    invoker: Invoker,
    began: Timestamp,
    /// How often EventBridge has tried again to hand it over.
    retried: i64,
    /// How often Lambda has run the function again.
    rerun: usize,
}

impl Delivery {
    /// Every delivery has a lane of its own: EventBridge promises no order, and a slow function must
    /// not hold up others.
    fn task(self, due: Timestamp) -> Task {
        let lane = format!("events/{}", self.place.request_id);
        Task::new(due, lane, move |sandbox| self.attempt(sandbox))
    }

    /// Boxed because a failed attempt leaves a task that holds the next one.
    fn attempt(self, sandbox: Arc<Sandbox>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let result = lambda::invoke(
                &sandbox,
                &self.place.account,
                &self.place.region,
                &self.target.arn,
                self.payload.clone(),
                &self.invoker,
            )
            .await;
            let (rule, target) = (self.rule.clone(), self.target.id.clone());
            match result {
                Ok(invocation) => {
                    // The function's own configuration says how often it is run and who hears of the end.
                    let attempts = u32::try_from(self.rerun + 1).unwrap_or(u32::MAX);
                    let delay = sandbox.enter(&self.place, |call| {
                        lambda::after(call, &self.target.arn, &self.payload, attempts, &invocation)
                    });
                    if invocation.function_error.is_some() {
                        let error = String::from_utf8_lossy(&invocation.payload).into_owned();
                        tracing::warn!(
                            rule,
                            target,
                            error,
                            again = delay.is_some(),
                            "a rule's function failed"
                        );
                    }
                    let now = sandbox.clock.now();
                    let again = delay.map(|delay| self.run_again(now + delay));
                    sandbox.engine.schedule(again);
                }
                Err(error) => {
                    let again = passing(&error)
                        .then(|| self.hand_over_again(sandbox.clock.now()))
                        .flatten();
                    tracing::warn!(rule, target, %error, again = again.is_some(), "an event could not be delivered");
                    sandbox.engine.schedule(again);
                }
            }
        })
    }

    fn run_again(self, due: Timestamp) -> Task {
        let rerun = self.rerun + 1;
        Self { rerun, ..self }.task(due)
    }

    fn hand_over_again(self, now: Timestamp) -> Option<Task> {
        let delay = retry_delay(self.retried);
        let too_old = now + delay > self.began + time::Duration::seconds(self.target.max_age);
        if too_old || self.retried >= self.target.max_retries {
            return None;
        }
        let retried = self.retried + 1;
        Some(Self { retried, ..self }.task(now + delay))
    }
}

/// Whether EventBridge tries again after this error.
fn passing(error: &ApiError) -> bool {
    error.status == 429 || error.status >= 500
}

fn retry_delay(retried: i64) -> time::Duration {
    // Ten doublings are more than the longest wait.
    let doublings = u32::try_from(retried.clamp(0, 10)).unwrap_or_default();
    (FIRST_RETRY * 2_i32.pow(doublings)).min(LONGEST_RETRY)
}
