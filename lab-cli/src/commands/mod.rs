//! One file per command: its arguments and what it does.

mod believed;
mod caught_up;
pub mod cleanup;
pub mod completions;
pub mod deploy;
pub mod doctor;
pub mod extend;
mod first_evaluation;
pub mod group_policy;
mod lifetime;
pub mod logs;
pub mod policy;
pub mod simulate_incident;
pub mod status;

use remediator_core::{AccountId, GroupId, Policy, SecurityGroup};

use self::believed::believed;
use crate::aws::Doing;
use crate::cli::Context;
use crate::error::{Error, Kind, Result};
use crate::journal::nobody_else;
use crate::state::{
    Interest, Observed, ObservedStack, Outputs, Phase, observe, observe_stack, phase,
};
use crate::sunset::{self, Armed};
use crate::watch::{Ends, Watch};

/// The stack of a lab that is deployed, and its outputs.
async fn deployed(context: &Context) -> Result<(ObservedStack, Outputs)> {
    let name = &context.place.stack;
    let not_deployed =
        |what: String| Error::new(Kind::Failed, what).hint("make the lab with `deploy` first");
    let region = &context.place.region;
    let stack = observe_stack(&context.aws, name).await?.ok_or_else(|| {
        let what = format!("there is no stack `{name}` in this account in {region}");
        Error::new(Kind::Failed, what)
            .hint("check `--stack` and `--region`, or make the lab with `deploy` first")
    })?;
    let status = &stack.description.status;
    match phase(status) {
        Phase::Usable => {
            let outputs = Outputs::of(&stack.description)?;
            Ok((stack, outputs))
        }
        Phase::Busy | Phase::Review | Phase::Broken | Phase::Stuck => Err(not_deployed(format!(
            "the stack `{name}` cannot be used: it is {status}"
        ))),
    }
}

/// The account that the credentials are of.
fn account(context: &Context) -> Result<AccountId> {
    context.place.account().parse().map_err(|e| {
        Error::new(Kind::Failed, "the endpoint told no usable account id").caused_by(e)
    })
}

/// Whether a rule of this policy judges a group at all.
fn in_scope(context: &Context, policy: &Policy, group: &SecurityGroup) -> Result<bool> {
    Ok(policy.scope.admits(group, &account(context)?))
}

/// The id of LabSG1.
fn lab_group(outputs: &Outputs) -> Result<GroupId> {
    outputs.group_id.parse().map_err(|e| {
        Error::new(
            Kind::Failed,
            "the stack's output `LabSecurityGroupId` is no group",
        )
        .caused_by(e)
    })
}

/// The lab's group as EC2 knows it now.
async fn live_group(context: &Context, id: &GroupId) -> Result<SecurityGroup> {
    group_or(context, id, || {
        Error::new(Kind::Failed, format!("the group `{id}` is gone"))
            .hint("make the lab anew: `cleanup`, then `deploy`")
    })
    .await
}

/// A group as EC2 knows it now. `missing` says what it means that there is none.
async fn group_or(
    context: &Context,
    id: &GroupId,
    missing: impl FnOnce() -> Error,
) -> Result<SecurityGroup> {
    let group = context.aws.group(id).await;
    let group = group.doing(format_args!("look at the group `{id}`"))?;
    group.ok_or_else(missing)
}

/// Looks at everything, and at the self-destruct beside it, and refuses if somebody else is at work. A stack that
/// CloudFormation is working on is waited for: nothing can be decided before it is at rest.
async fn observe_settled(
    context: &Context,
    interest: Interest<'_>,
    take_over: bool,
) -> Result<(Observed, Armed)> {
    let look = async || {
        let (observed, armed) = tokio::try_join!(
            observe(&context.aws, &context.place, interest),
            sunset::armed(&context.aws, &context.place),
        )?;
        nobody_else(&observed.journal, &context.place, &context.clock, take_over)?;
        Ok((observed, armed))
    };
    let (observed, armed): (Observed, Armed) = look().await?;
    let busy = observed
        .stack
        .as_ref()
        .map(|stack| &stack.description)
        .filter(|stack| phase(&stack.status) == Phase::Busy);
    let Some(stack) = busy else {
        return Ok((believed(context, observed).await?, armed));
    };
    context.ui.say(format_args!(
        "the stack `{}` is being changed already: {}",
        stack.name, stack.status
    ));
    let mut watch =
        Watch::of_existing(&context.aws, &context.ui, &context.clock, &stack.id).await?;
    let what = format!("the stack `{}` to come to rest", stack.name);
    watch.until_settled(&stack.id, &what, Ends::AtRest).await?;
    let (observed, armed) = look().await?;
    Ok((believed(context, observed).await?, armed))
}
