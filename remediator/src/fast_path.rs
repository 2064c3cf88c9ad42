//! Seconds instead of minutes: EventBridge tells of a call to EC2 long before Config tells of the
//! change.
//!
//! The same reading, plan and writes as for Config's event, so the two paths may run at once: whoever
//! is second finds the group right, or reads it again. What is written here makes events too. They
//! find a group that is right and end with a read, so nothing goes round.

use crate::effects::Effects;
use crate::error::HandleError;
use crate::handle::{Instance, is_ours, log_event};
use crate::repair::{self, Job};
use crate::report::{Reporter, Sink};
use remediator_core::actor::Actor;
use remediator_core::api_call::{Heard, Origin};
use remediator_core::call_rules::Added;
use remediator_core::{ApiCall, Json, PolicySource, Witness};

/// CloudTrail tells whole seconds: a call may have been made at any moment within that second, and a repair in the same
/// second may have come before it.
const WITHIN_THE_SECOND: i64 = 999;

/// Looks at the group of the call, under the policy of the environment: the event brings none.
pub(crate) async fn run<E: Effects>(
    effects: &E,
    instance: &Instance,
    payload: &Json<'_>,
) -> Result<(), HandleError> {
    let parameters = instance.fast_path.as_deref();
    let parameters = parameters.ok_or(HandleError::NoPolicy)?;
    let source =
        PolicySource::from_parameters(parameters).map_err(|source| HandleError::Policy {
            place: "environment variable `DRIFTLAB_POLICY`".to_owned(),
            source,
        })?;
    let heard = Heard::from_value(payload)?;
    let Origin { account_id, region } = Origin::from_value(payload)?;
    is_ours(effects, &account_id, region.as_deref())?;
    let call = match heard {
        Heard::Call(call) => call,
        Heard::Refused(code) => {
            effects.log(&format!("the call was refused and changed nothing: {code}"));
            return Ok(());
        }
        Heard::Unnamed(name) => {
            effects.log(&format!(
                "{name} names no group: if it changed one, AWS Config tells which"
            ));
            return Ok(());
        }
    };
    let policy = instance.policies.resolve(effects, &source).await?;
    if policy.debug {
        log_event(effects, payload);
    }
    let ApiCall {
        name,
        account_id,
        group,
        at,
        added: Added { rules, either },
    } = call;
    effects.about(group.as_str(), at);
    let actor = Actor::from_event(payload);
    let actor = actor.map_or_else(|| "(unknown)".to_owned(), |actor| actor.to_string());
    effects.log(&format!("heard of {name} for {group}: changed by {actor}"));
    let witness = Witness {
        at: at.plus_millis(WITHIN_THE_SECOND),
        shown: rules,
        either,
        is_new: name == "CreateSecurityGroup",
    };
    let reporter = Reporter::new(effects, Sink::Nobody, at);
    let job = Job {
        policy: &policy,
        account: &account_id,
        group: &group,
        witness: Some(&witness),
    };
    repair::run(effects, &instance.memory, &reporter, job, None)
        .await
        .map(drop)
}
