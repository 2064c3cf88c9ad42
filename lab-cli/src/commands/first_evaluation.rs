//! Waiting until the rule has judged LabSG1.

use std::time::Duration;

use remediator_core::{Baseline, Plan, Policy, plan};
use time::OffsetDateTime;

use super::{lab_group, live_group};
use crate::aws::{Doing, EvaluationResult, Writer};
use crate::cli::Context;
use crate::error::{Kind, Result};
use crate::spec::RULE_NAME;
use crate::state::Outputs;
use crate::verify::is_failure;
use crate::wait::{Look, Pace, Wait};

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    /// What the stack made.
    pub(super) outputs: &'a Outputs,
    /// What the group shall look like.
    pub(super) baseline: &'a Baseline,
    /// When the deployment began.
    pub(super) begun: OffsetDateTime,
    /// How long to wait at most.
    pub(super) timeout: Duration,
}

/// Waits until the rule is active and has judged LabSG1. A new group lacks a rule of the baseline, so the first report is
/// NON_COMPLIANT and the repair follows at once: that is waited for too, unless the function says that it fails.
///
/// A verdict from before `begun` may be out of date: whatever was wrong may just have been put right, or the group may have
/// drifted while nobody could judge it, and nothing else would make Config look again. Then a new evaluation is asked for.
///
/// # Errors
/// [`Kind::TimedOut`] with hints, or the failed call.
pub(super) async fn first_evaluation(
    context: &Context,
    writer: &Writer,
    sought: &Sought<'_>,
) -> Result<EvaluationResult> {
    let Sought {
        outputs,
        baseline,
        begun,
        timeout,
    } = *sought;
    let wait = Wait {
        clock: &context.clock,
        ui: &context.ui,
        what: format!(
            "the evaluation of `{}` by the rule `{RULE_NAME}`",
            outputs.group_id
        ),
        usual: "AWS Config promises no latency, usually 1–15 minutes",
        timeout,
        pace: Pace::EVIDENCE,
    };
    let mut asked_again = false;
    let waited = wait
        .until(async || {
            let seen = look(context, outputs, baseline).await?;
            // A rule under evaluation is an active one.
            if seen.state != "ACTIVE" && seen.state != "EVALUATING" {
                return Ok(Look::Missing(format!("the rule is {}", seen.state)));
            }
            let Some(result) = seen.result else {
                return Ok(Look::Missing(
                    "there is no evaluation of the group yet".to_owned(),
                ));
            };
            if result.compliance == "COMPLIANT" && seen.drift.is_empty() {
                return Ok(Look::Done(result));
            }
            let stale = result.recorded_at.is_none_or(|at| at < begun);
            if !stale && failure_of(&result).is_some() {
                return Ok(Look::Done(result));
            }
            if stale && !asked_again {
                asked_again = writer
                    .reevaluate(RULE_NAME)
                    .await
                    .doing(format_args!("have the rule `{RULE_NAME}` judge again"))?;
            }
            Ok(Look::Missing(if seen.drift.is_empty() {
                format!(
                    "the group is {} ({})",
                    result.compliance,
                    result.annotation.as_deref().unwrap_or("no annotation")
                )
            } else {
                let drift = seen.drift.to_string().replace('\n', ", ");
                format!("the group is not at its baseline: {drift}")
            }))
        })
        .await;
    waited.map_err(|error| match error.kind() {
        Kind::TimedOut => error
            .hint("everything is deployed; see with `status` whether the evaluation arrives later")
            .hint("read with `logs` whether the function was invoked at all"),
        Kind::Failed
        | Kind::Input
        | Kind::Refused
        | Kind::NotHealed
        | Kind::Leftovers
        | Kind::Unreachable
        | Kind::Interrupted => error,
    })
}

/// The rule, its last verdict on the group, and the group itself: a verdict may be older than the last change.
struct Seen {
    state: String,
    result: Option<EvaluationResult>,
    drift: Plan,
}

async fn look(context: &Context, outputs: &Outputs, baseline: &Baseline) -> Result<Seen> {
    let id = lab_group(outputs)?;
    let what = format!("look at the rule `{RULE_NAME}`");
    let (rule, results, group) = tokio::try_join!(
        async { context.aws.rule(RULE_NAME).await.doing(&what) },
        async { context.aws.evaluations(RULE_NAME).await.doing(&what) },
        live_group(context, &id),
    )?;
    let policy = Policy {
        baseline: baseline.clone(),
        ..Policy::default()
    };
    Ok(Seen {
        state: rule.map_or("not there".to_owned(), |rule| rule.state),
        result: results
            .into_iter()
            .find(|result| result.resource_id == outputs.group_id),
        drift: plan(&group, &policy),
    })
}

/// The annotation, if it says that the function could not do its work.
pub(super) fn failure_of(result: &EvaluationResult) -> Option<String> {
    let annotation = result.annotation.as_deref()?;
    (result.compliance != "COMPLIANT" && is_failure(annotation)).then(|| annotation.to_owned())
}
