//! The stack and the function's code.

use std::time::Duration;

use super::{Foreseen, Hands};
use crate::aws::{Doing, StackDescription};
use crate::error::{Error, Kind, Result};
use crate::state::{Observed, Outputs, Phase, phase};
use crate::wait::{Look, Pace, Wait};
use crate::watch::{Ends, Watch};

impl Hands<'_> {
    pub(super) async fn stack(
        &self,
        observed: &Observed,
        foreseen: Option<&Foreseen>,
    ) -> Result<Outputs> {
        let usable = observed
            .stack
            .as_ref()
            .is_some_and(|stack| phase(&stack.description.status) == Phase::Usable);
        match foreseen {
            Some(foreseen) if usable => self.update_stack(foreseen).await,
            Some(foreseen) => {
                self.create_stack(foreseen, observed.code_bucket.is_none())
                    .await
            }
            None => observed.outputs()?.ok_or_else(|| {
                Error::new(
                    Kind::Failed,
                    format!(
                        "the stack `{}` cannot be used in its present state",
                        self.spec.stack
                    ),
                )
            }),
        }
    }

    async fn create_stack(&self, foreseen: &Foreseen, made_bucket: bool) -> Result<Outputs> {
        let name = &self.spec.stack;
        self.ui.say(format_args!("making the stack `{name}`"));
        let mut watch = Watch::of_new(self.aws, self.ui, self.clock);
        self.execute(foreseen, "make").await?;
        let what = format!("the stack `{name}` to be made");
        let settled = watch
            .until_settled(&foreseen.set.stack_id, &what, Ends::OnceBegun)
            .await?;
        match settled {
            Some(stack) if stack.status == "CREATE_COMPLETE" => Outputs::of(&stack),
            other => Err(self.give_up_stack(&watch, other, made_bucket).await),
        }
    }

    async fn execute(&self, foreseen: &Foreseen, verb: &str) -> Result<()> {
        self.writer
            .execute_change_set(&foreseen.set.id, &foreseen.name)
            .await
            .doing(format_args!("{verb} the stack `{}`", self.spec.stack))
            .map_err(|error| {
                error.hint("if the stack was changed since the plan was made, run the same command again: it plans anew")
            })
    }

    /// A stack that could not be made is of no use, and it would be in the way of the next attempt.
    async fn give_up_stack(
        &self,
        watch: &Watch<'_>,
        stack: Option<StackDescription>,
        made_bucket: bool,
    ) -> Error {
        let name = &self.spec.stack;
        let mut error = Error::new(
            Kind::Failed,
            format!("the stack `{name}` could not be made"),
        );
        if let Some(cause) = watch.root_cause() {
            error = error.caused_by(cause);
        }
        self.ui
            .say(format_args!("removing what was made of the stack `{name}`"));
        if let Some(stack) = stack
            && let Err(second) = self.teardown().delete_stack(&stack).await
        {
            return error.hint(format!(
                "run `cleanup`: removing the remains failed too: {second}"
            ));
        }
        if made_bucket {
            error = self.give_up_code_bucket(error).await;
        }
        error.hint(
            "nothing of this attempt is left; remove the cause, then run the same command again",
        )
    }

    async fn update_stack(&self, foreseen: &Foreseen) -> Result<Outputs> {
        let name = &self.spec.stack;
        self.ui.say(format_args!("changing the stack `{name}`"));
        let id = &foreseen.set.stack_id;
        let mut watch = Watch::of_existing(self.aws, self.ui, self.clock, id).await?;
        self.execute(foreseen, "change").await?;
        let what = format!("the stack `{name}` to be changed");
        let settled = watch.until_settled(id, &what, Ends::OnceBegun).await?;
        match settled {
            Some(stack) if stack.status == "UPDATE_COMPLETE" => Outputs::of(&stack),
            other => {
                let status = other.map_or("gone".to_owned(), |stack| stack.status);
                let error = Error::new(
                    Kind::Failed,
                    format!("the stack `{name}` could not be changed: it is {status}"),
                )
                .hint("remove the cause, then run the same command again");
                Err(match watch.root_cause() {
                    Some(cause) => error.caused_by(cause),
                    None => error,
                })
            }
        }
    }

    pub(super) async fn replace_code(&self, outputs: &Outputs) -> Result<()> {
        let function = &outputs.function_name;
        self.ui.say(format_args!(
            "giving the function `{function}` our package again"
        ));
        self.writer
            .update_function_code(
                function,
                &self.place.code_bucket(),
                &self.spec.package.key(),
            )
            .await
            .doing(format_args!("give the function `{function}` its package"))?;
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("the function `{function}` to take its package"),
            usual: "usually a few seconds",
            timeout: Duration::from_secs(120),
            pace: Pace::CONSISTENCY,
        };
        wait.until(async || {
            let found = self
                .aws
                .function(function)
                .await
                .doing(format_args!("look at the function `{function}`"))?;
            Ok(match found {
                Some(found) if found.updating => Look::Missing("it is being updated".to_owned()),
                Some(found)
                    if found.code_sha256.as_deref()
                        == Some(self.spec.package.sha256_base64().as_str()) =>
                {
                    Look::Done(())
                }
                Some(_) => Look::Missing("it has other code".to_owned()),
                None => Look::Missing("it is not there".to_owned()),
            })
        })
        .await
    }
}
