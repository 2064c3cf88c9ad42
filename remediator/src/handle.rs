//! One invocation: from the event to the last report.

use crate::effects::{Effects, Invocation};
use crate::error::HandleError;
use crate::fast_path;
use crate::memory::Memory;
use crate::policies::Policies;
use crate::repair::{self, Job};
use crate::report::{Reporter, Sink};
use crate::sweep;
use crate::witness::Witness;
use remediator_core::api_call::is_api_call;
use remediator_core::event::{Item, Location};
use remediator_core::{
    AccountId, Compliance, Decision, Event, Json, Message, Mode, Policy, PolicySource,
    SECURITY_GROUP, decide, json,
};
use serde_json::Value;

/// What one instance of the function keeps between invocations.
#[derive(Debug, Default)]
pub(crate) struct Instance {
    /// The repairs of late.
    pub(crate) memory: Memory,
    /// Policies from Parameter Store.
    pub(crate) policies: Policies,
    /// The policy for events that bring none (`DRIFTLAB_POLICY`), as the parameters of a rule.
    pub(crate) fast_path: Option<String>,
}

/// Handles the event whose text is `text`. Whatever fails is in the log and in the result.
///
/// # Errors
/// [`HandleError`]; Lambda then invokes again with the same event, up to twice.
pub(crate) async fn handle<E: Effects>(
    effects: &E,
    instance: &Instance,
    text: &str,
) -> Result<(), HandleError> {
    let (payload, read) = match json::payload(text) {
        Ok(payload) => (payload, Ok(())),
        Err(error) => (Json::Null, Err(error)),
    };
    let witness = Witness::new(effects, &payload);
    let result = match read {
        Ok(()) if is_api_call(&payload) => fast_path::run(&witness, instance, &payload).await,
        Ok(()) => answer(&witness, instance, &payload).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = &result {
        effects.log(&format!("error: {}", error.chain()));
    }
    witness.close(result.as_ref().err()).await;
    result
}

async fn answer<E: Effects>(
    effects: &E,
    instance: &Instance,
    payload: &Json<'_>,
) -> Result<(), HandleError> {
    let event = Event::from_value(payload)?;
    is_served(effects, &event)?;
    let decision = decide(&event)?;
    let sink = Sink::Config(&event.result_token);
    match decision {
        Decision::ReportNotApplicable {
            resource_type,
            resource_id,
            annotation,
            captured,
        } => {
            effects.about(&resource_id, captured);
            // The policy has no say in it, so one that is kept elsewhere is not read.
            if says_debug(&event.policy) {
                log_event(effects, payload);
            }
            let now = effects.now();
            let verdict = Compliance::NotApplicable;
            let sent = Reporter::new(effects, sink, captured)
                .send(&resource_type, &resource_id, verdict, annotation, now)
                .await;
            sent.map_err(|e| HandleError::calls([&e]))
        }
        Decision::Remediate { group, witness } => {
            effects.about(group.as_str(), witness.at);
            let policy = policy_for(effects, instance, &event).await?;
            if policy.debug {
                log_event(effects, payload);
            }
            let reporter = Reporter::new(effects, sink, witness.at);
            let job = Job {
                policy: &policy,
                account: &event.account_id,
                group: &group,
                // What is planned has not been anywhere.
                witness: (!event.is_proactive).then_some(&witness),
            };
            repair::run(effects, &instance.memory, &reporter, job, None)
                .await
                .map(drop)
        }
        Decision::Sweep { created } => {
            let policy = policy_for(effects, instance, &event).await?;
            if policy.debug {
                log_event(effects, payload);
            }
            let sweep = sweep::Sweep {
                effects,
                memory: &instance.memory,
                policy: &policy,
                account: &event.account_id,
                token: &event.result_token,
                created,
            };
            sweep.run().await
        }
    }
}

/// Refuses an event of Config's that is about another account or region.
fn is_served<E: Effects>(effects: &E, event: &Event) -> Result<(), HandleError> {
    is_ours(effects, &event.account_id, None)?;
    if let Message::Change(Item {
        resource_type,
        location: Location { account_id, region },
        ..
    }) = &event.message
        && resource_type == SECURITY_GROUP
    {
        let account_id = account_id.as_ref().unwrap_or(&event.account_id);
        is_ours(effects, account_id, region.as_deref())?;
    }
    Ok(())
}

/// Refuses what the function's credentials do not reach: with them it would look for the group at home, not find it, and
/// end well while a port is open elsewhere.
pub(crate) fn is_ours<E: Effects>(
    effects: &E,
    account: &AccountId,
    region: Option<&str>,
) -> Result<(), HandleError> {
    let ours = effects.invocation();
    let Invocation {
        account: our_account,
        region: our_region,
        ..
    } = ours;
    let other_account = our_account.is_some_and(|ours| ours != account);
    if !other_account && region.is_none_or(|region| region == our_region) {
        return Ok(());
    }
    let our_account = our_account.unwrap_or(account);
    let region = region.map_or_else(String::new, |region| format!(" in {region}"));
    Err(HandleError::Foreign {
        theirs: format!("account {account}{region}"),
        ours: format!("account {our_account} in {our_region}"),
    })
}

/// The policy of the rule. For what is only planned it judges and writes nothing.
async fn policy_for<E: Effects>(
    effects: &E,
    instance: &Instance,
    event: &Event,
) -> Result<Policy, HandleError> {
    let mut policy = instance.policies.resolve(effects, &event.policy).await?;
    if event.is_proactive {
        policy.mode = Mode::Audit;
    }
    Ok(policy)
}

fn says_debug(source: &PolicySource) -> bool {
    match source {
        PolicySource::Here(policy) => policy.debug,
        PolicySource::Stored { name: _, debug } => *debug == Some(true),
    }
}

/// The event as received, except for the token with which anybody in the account could report on
/// behalf of the rule.
pub(crate) fn log_event<E: Effects>(effects: &E, payload: &Json<'_>) {
    let mut shown = Value::from(payload);
    if let Some(token) = shown.get_mut("resultToken") {
        *token = "(not shown)".into();
    }
    effects.log(&format!("received event: {shown}"));
}
