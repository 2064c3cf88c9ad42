//! Getting a stack out of the states in which CloudFormation takes no change.

use super::Hands;
use crate::aws::{CallError, Doing, StackDescription};
use crate::error::{Error, Kind, Result};
use crate::journal::token;
use crate::plan::Plan;
use crate::state::{Observed, Phase, phase};
use crate::teardown::Teardown;
use crate::watch::{Ends, Watch};

const ROLLBACK_FAILED: &str = "UPDATE_ROLLBACK_FAILED";

impl Hands<'_> {
    /// Puts the stack right, so that the rest can be planned: deletes one that is of no use, takes a half-made change back.
    ///
    /// # Errors
    /// When CloudFormation cannot do it, with the root cause.
    pub async fn clear_the_way(&self, plan: &Plan, observed: &Observed) -> Result<()> {
        let Some(stack) = observed.stack.as_ref().filter(|_| plan.clears_the_way()) else {
            return Ok(());
        };
        let stack = &stack.description;
        match phase(&stack.status) {
            Phase::Broken => {
                self.ui.say(format_args!(
                    "deleting the stack `{}`, which is {}",
                    stack.name, stack.status
                ));
                self.teardown().delete_stack(stack).await
            }
            Phase::Stuck => self.take_back(stack).await,
            Phase::Usable | Phase::Busy | Phase::Review => Ok(()),
        }
    }

    pub(super) fn teardown(&self) -> Teardown<'_> {
        Teardown {
            aws: self.aws,
            writer: self.writer,
            ui: self.ui,
            clock: self.clock,
            cfn_role: self.spec.cfn_role.as_deref(),
            place: self.place,
        }
    }

    async fn take_back(&self, stack: &StackDescription) -> Result<()> {
        let name = &stack.name;
        self.ui.say(format_args!(
            "taking back a change of the stack `{name}` that failed half-way ({})",
            stack.status
        ));
        let mut watch = Watch::of_existing(self.aws, self.ui, self.clock, &stack.id).await?;
        let begun = if stack.status == ROLLBACK_FAILED {
            self.writer
                .continue_update_rollback(&stack.id, &[], &token())
                .await
        } else {
            self.writer.rollback_stack(&stack.id, &token()).await
        };
        if self.rolled_back(stack, &mut watch, begun).await? {
            return Ok(());
        }
        // The last resort: what cannot be rolled back stays as it is, and counts as rolled back.
        let skipped = self.failed_resources(&stack.id).await?;
        if !skipped.is_empty() {
            self.ui.warn(format_args!(
                "the rollback goes on without what cannot be rolled back and stays as it is: {}; the next change of the stack puts it right, or says why it cannot",
                skipped.join(", ")
            ));
            let begun = self
                .writer
                .continue_update_rollback(&stack.id, &skipped, &token())
                .await;
            if self.rolled_back(stack, &mut watch, begun).await? {
                return Ok(());
            }
        }
        let error = Error::new(
            Kind::Failed,
            format!("a failed change of the stack `{name}` cannot be taken back"),
        );
        let error = match watch.root_cause() {
            Some(cause) => error.caused_by(cause),
            None => error,
        };
        Err(error
            .hint("remove the cause, then run the same command again")
            .hint("or remove the lab with `cleanup` and deploy it anew"))
    }

    /// Waits for the rollback; `false` when it failed.
    async fn rolled_back(
        &self,
        stack: &StackDescription,
        watch: &mut Watch<'_>,
        begun: Result<(), CallError>,
    ) -> Result<bool> {
        let name = &stack.name;
        if let Err(error) = begun {
            // The answer to the first try may have been lost: then CloudFormation is at it, or done.
            let now = self
                .aws
                .stack(&stack.id)
                .await
                .doing(format_args!("look at the stack `{name}`"))?;
            let moved = now.is_some_and(|now| now.status != stack.status);
            if !error.is(&["ValidationError", "TokenAlreadyExistsException"]) || !moved {
                return Err(error).doing(format_args!("roll the stack `{name}` back"));
            }
        }
        let what = format!("the stack `{name}` to be rolled back");
        let settled = watch
            .until_settled(&stack.id, &what, Ends::OnceBegun)
            .await?;
        Ok(settled.is_none_or(|stack| phase(&stack.status) != Phase::Stuck))
    }

    /// What CloudFormation could not roll back. What it cancelled because of that is rolled back once it goes on.
    async fn failed_resources(&self, stack: &str) -> Result<Vec<String>> {
        let resources = self
            .aws
            .stack_resources(stack)
            .await
            .doing(format_args!("look at the resources of `{stack}`"))?;
        Ok(resources
            .into_iter()
            .filter(|resource| resource.status == "UPDATE_FAILED")
            .filter(|resource| {
                !resource
                    .reason
                    .as_deref()
                    .unwrap_or_default()
                    .contains("cancelled")
            })
            .map(|resource| resource.logical_id)
            .collect())
    }
}
