//! The stack and the function's code.

use std::time::Duration;

use super::{Hands, Steps};
use crate::aws::{Doing, StackDescription};
use crate::error::{Error, Kind, Result};
use crate::state::{Observed, Outputs};
use crate::teardown::delete_stack;
use crate::wait::{Look, Pace, Wait};
use crate::watch::Watch;

impl Hands<'_> {
    pub(super) async fn stack(&self, steps: &Steps, observed: &Observed) -> Result<Outputs> {
        let name = &self.spec.stack;
        if steps.remove_broken_stack {
            let leftover = observed.stack.as_ref().map(|stack| &stack.description);
            if let Some(leftover) = leftover {
                self.ui.say(format_args!(
                    "deleting the stack `{name}`, which is {}",
                    leftover.status
                ));
                delete_stack(
                    self.aws,
                    self.writer,
                    self.ui,
                    self.clock,
                    self.place,
                    leftover,
                )
                .await?;
            }
        }
        if steps.create_stack {
            return self.create_stack(steps.make_code_bucket).await;
        }
        if steps.update_stack {
            return self.update_stack().await;
        }
        observed.outputs()?.ok_or_else(|| {
            Error::new(
                Kind::Failed,
                format!("the stack `{name}` cannot be used in its present state"),
            )
        })
    }

    async fn create_stack(&self, made_bucket: bool) -> Result<Outputs> {
        let name = &self.spec.stack;
        self.ui.say(format_args!("making the stack `{name}`"));
        let mut watch = Watch::of_new(self.aws, self.ui, self.clock);
        let begun = self
            .writer
            .create_stack(&self.spec.stack_request(&self.place.code_bucket()))
            .await
            .doing(format_args!("make the stack `{name}`"));
        let id = match begun {
            Ok(id) => id,
            // The call was refused, so there is no stack: only the bucket may be left.
            Err(error) if made_bucket && error.kind() == Kind::Failed => {
                return Err(self.give_up_code_bucket(error).await);
            }
            Err(error) => return Err(error),
        };
        let what = format!("the stack `{name}` to be made");
        let settled = watch.until_settled(&id, &what, |_| true).await?;
        match settled {
            Some(stack) if stack.status == "CREATE_COMPLETE" => Outputs::of(&stack),
            other => Err(self.give_up_stack(&watch, other, made_bucket).await),
        }
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
            && let Err(second) = delete_stack(
                self.aws,
                self.writer,
                self.ui,
                self.clock,
                self.place,
                &stack,
            )
            .await
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

    async fn update_stack(&self) -> Result<Outputs> {
        let name = &self.spec.stack;
        self.ui.say(format_args!("changing the stack `{name}`"));
        let mut watch = Watch::of_existing(self.aws, self.ui, self.clock, name).await?;
        let begun = self
            .writer
            .update_stack(&self.spec.stack_request(&self.place.code_bucket()))
            .await
            .doing(format_args!("change the stack `{name}`"))?;
        let settled = if begun {
            let what = format!("the stack `{name}` to be changed");
            watch.until_settled(name, &what, |_| true).await?
        } else {
            self.aws
                .stack(name)
                .await
                .doing(format_args!("look at the stack `{name}`"))?
        };
        match settled {
            Some(stack)
                if matches!(stack.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") =>
            {
                Outputs::of(&stack)
            }
            Some(stack) if stack.status == "UPDATE_ROLLBACK_COMPLETE" && !begun => {
                Outputs::of(&stack)
            }
            other => {
                let status = other.map_or("gone".to_owned(), |stack| stack.status);
                let error = Error::new(
                    Kind::Failed,
                    format!("the stack `{name}` could not be changed: it is {status}"),
                );
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
