//! Having CloudFormation say what it would do with the stack, before anybody agrees to it.

use std::time::Duration;

use time::OffsetDateTime;

use crate::aws::{ChangeSetDescription, ChangeSetId, ChangeSets, Doing, Reader};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::guard::MayChange;
use crate::journal::token;
use crate::output::Ui;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::state::{CHANGE_SET_PREFIX, Observed};
use crate::wait::{Look, Pace, Wait};
use crate::watch::{Ends, Watch};

/// How long CloudFormation may take to work a change set out. Usually seconds.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// A change set this old was left by a run that was cut off: nobody reads a plan for so long.
const STALE: time::Duration = time::Duration::hours(1);

/// What looking ahead needs.
#[derive(Debug, Clone, Copy)]
pub struct Seer<'a> {
    /// The calls that look.
    pub aws: &'a Reader,
    /// That change sets may be made.
    pub may: MayChange,
    /// Where progress is told.
    pub ui: &'a Ui,
    /// The clock.
    pub clock: &'a Clock,
}

/// A change set that waits to be carried out.
#[derive(Debug)]
pub struct Foreseen {
    /// Which one.
    pub set: ChangeSetId,
    /// Its name, which no other one has.
    pub name: String,
    is_new: bool,
}

impl Seer<'_> {
    /// Has CloudFormation work out what the plan's step for the stack would do, and writes that into the plan. `None` when
    /// the plan has no such step, or CloudFormation finds nothing to do.
    ///
    /// # Errors
    /// When CloudFormation finds that it cannot be done, or the failed call. Nothing is left behind then.
    pub async fn foresee(
        self,
        spec: &Spec,
        observed: &Observed,
        plan: &mut Plan,
    ) -> Result<Option<Foreseen>> {
        let Some(is_new) = plan.makes_stack().filter(|_| !plan.clears_the_way()) else {
            return Ok(None);
        };
        self.forget_stale(observed).await?;
        let name = format!("{CHANGE_SET_PREFIX}{}", token());
        let request = spec.stack_request(&observed.place.code_bucket());
        let stack = &spec.stack;
        let doing = format!("work out what would become of the stack `{stack}`");
        let set = ChangeSets::new(self.aws, self.may)
            .create(&request, is_new, &name)
            .await
            .doing(&doing)?;
        let foreseen = Foreseen { set, name, is_new };
        let worked_out = match self.worked_out(&foreseen, &doing).await {
            Ok(worked_out) => worked_out,
            Err(error) => return Err(self.withdrawn(foreseen, error).await),
        };
        if worked_out.status != "FAILED" {
            plan.foresee(Some(worked_out.changes));
            return Ok(Some(foreseen));
        }
        let reason = worked_out.reason.unwrap_or_default();
        if finds_nothing(&reason) {
            plan.foresee(None);
            self.withdraw(foreseen).await?;
            return Ok(None);
        }
        let error = Error::new(Kind::Failed, format!("cannot {doing}")).caused_by(reason);
        Err(self.withdrawn(foreseen, error).await)
    }

    async fn worked_out(&self, foreseen: &Foreseen, doing: &str) -> Result<ChangeSetDescription> {
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: "CloudFormation to work out what would change".to_owned(),
            usual: "usually a few seconds",
            timeout: TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        wait.until(async || {
            let set = self.aws.change_set(&foreseen.set.id).await.doing(doing)?;
            Ok(match set {
                Some(set) if set.status == "CREATE_COMPLETE" || set.status == "FAILED" => {
                    Look::Done(set)
                }
                Some(set) => Look::Missing(format!("it is {}", set.status)),
                None => Look::Missing("the change set is not there yet".to_owned()),
            })
        })
        .await
    }

    /// Takes a change set away again, and with it the empty stack that was made for it.
    ///
    /// # Errors
    /// The failed call.
    pub async fn withdraw(self, foreseen: Foreseen) -> Result<()> {
        let Foreseen {
            set,
            name: _,
            is_new,
        } = foreseen;
        let sets = ChangeSets::new(self.aws, self.may);
        sets.delete(&set.id)
            .await
            .doing("delete the change set that showed what would be done")?;
        if !is_new {
            return Ok(());
        }
        let doing = "delete the empty stack that the change set left";
        let discarded = match sets.discard_empty_stack(&set.stack_id, &set.id).await {
            // Who may only plan may delete no stack; an empty one is in nobody's way.
            Err(refused) if refused.is_denied() => {
                self.ui.warn(format_args!(
                    "an empty stack stays, which holds nothing, costs nothing and is used by the next deployment: {refused}"
                ));
                false
            }
            answered => answered.doing(doing)?,
        };
        if discarded {
            let mut watch = Watch::of_new(self.aws, self.ui, self.clock).quiet();
            watch
                .until_settled(&set.stack_id, "the empty stack to be deleted", Ends::Gone)
                .await?;
        }
        Ok(())
    }

    /// After a failure: withdraws a change set unless it is being carried out, or was.
    pub async fn unused(self, foreseen: Option<Foreseen>, error: Error) -> Error {
        let Some(foreseen) = foreseen else {
            return error;
        };
        match self.aws.change_set(&foreseen.set.id).await {
            Ok(Some(set)) if set.execution == "AVAILABLE" => self.withdrawn(foreseen, error).await,
            // The failure comes first; what may be left of the set is removed by the next run.
            Ok(_) | Err(_) => error,
        }
    }

    /// Withdraws after a failure, which stays the failure.
    async fn withdrawn(self, foreseen: Foreseen, error: Error) -> Error {
        match self.withdraw(foreseen).await {
            Ok(()) => error,
            Err(second) => error.hint(format!(
                "a change set may be left, which `cleanup` removes: {second}"
            )),
        }
    }

    /// Change sets of runs that were cut off keep an empty stack from being discarded.
    async fn forget_stale(&self, observed: &Observed) -> Result<()> {
        let Some(stack) = &observed.stack else {
            return Ok(());
        };
        let limit: OffsetDateTime = self.clock.now() - STALE;
        let sets = ChangeSets::new(self.aws, self.may);
        for set in &stack.change_sets {
            if set.created.is_some_and(|created| created < limit) {
                sets.delete(&set.id)
                    .await
                    .doing("delete a change set that was left over")?;
            }
        }
        Ok(())
    }
}

/// One status for every failure; only the words tell that there was nothing to do.
fn finds_nothing(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
