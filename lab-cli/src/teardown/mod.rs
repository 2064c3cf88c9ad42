//! Removing the lab in the order that AWS accepts. Every step can be repeated, and touches only what is ours.

mod removal;

pub use removal::{Removal, Stray};

use std::time::Duration;

use crate::aws::{Doing, Reader, RuleDescription, StackDescription, Writer};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::output::Ui;
use crate::state::{Names, Place};
use crate::wait::{Look, Pace, Wait};
use crate::watch::Watch;

/// How long AWS Config may take to delete a rule or to let go of a channel. Usually under a minute; the trackers know
/// of rules that took a quarter of an hour.
const CONFIG_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// How often a stack is deleted again because something was delivered to its bucket meanwhile.
const STACK_ATTEMPTS: usize = 3;

/// Removing what was found.
#[derive(Debug)]
pub struct Teardown<'a> {
    /// The calls that look.
    pub aws: &'a Reader,
    /// The calls that change something.
    pub writer: &'a Writer,
    /// Where progress is told.
    pub ui: &'a Ui,
    /// The clock.
    pub clock: &'a Clock,
    /// Where.
    pub place: &'a Place,
}

impl Teardown<'_> {
    /// Carries a removal out; the answer is what was removed.
    ///
    /// # Errors
    /// The step that failed. What was removed before it stays removed.
    pub async fn run(&self, removal: &Removal) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        let mut gone = |what: String| {
            self.ui.say(format_args!("removed {what}"));
            removed.push(what);
        };
        if let Some(rule) = &removal.rule {
            self.rule(rule).await?;
            gone(format!("rule `{}`", rule.name));
        }
        self.stop(&removal.recorders).await?;
        for channel in &removal.channels {
            self.channel(channel).await?;
            gone(format!("delivery channel `{channel}`"));
        }
        for recorder in &removal.recorders {
            let what = format!("configuration recorder `{recorder}`");
            self.writer
                .delete_recorder(recorder)
                .await
                .doing(format_args!("delete the {what}"))?;
            gone(what);
        }
        if removal.retention.is_some() {
            let what = "retention of configuration history";
            self.writer
                .delete_retention()
                .await
                .doing(format_args!("remove the {what}"))?;
            gone(what.to_owned());
        }
        let mut strays = removal.strays.clone();
        if let Some(stack) = &removal.stack {
            self.ui
                .say(format_args!("deleting the stack `{}`", stack.name));
            delete_stack(
                self.aws,
                self.writer,
                self.ui,
                self.clock,
                self.place,
                stack,
            )
            .await?;
            gone(format!("stack `{}`", stack.name));
            strays = self.left_by(stack).await?;
        }
        for stray in &strays {
            self.stray(stray).await?;
            gone(stray.to_string());
        }
        if let Some(bucket) = &removal.code_bucket {
            remove_code_bucket(self.writer, self.place).await?;
            gone(format!("code bucket `{bucket}`"));
        }
        Ok(removed)
    }

    async fn rule(&self, rule: &RuleDescription) -> Result<()> {
        let name = &rule.name;
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("AWS Config to delete the rule `{name}`"),
            usual: "usually under a minute",
            timeout: CONFIG_TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        let mut asked = rule.state == "DELETING";
        wait.until(async || {
            if !asked {
                match self.writer.delete_rule(name).await {
                    Ok(true) => asked = true,
                    Ok(false) => return Ok(Look::Done(())),
                    // An evaluation is under way; the deletion has to wait for its end.
                    Err(error) if error.is(&["ResourceInUseException"]) => {
                        return Ok(Look::Missing(error.to_string()));
                    }
                    Err(error) => {
                        return Err(error).doing(format_args!("delete the rule `{name}`"));
                    }
                }
            }
            let left = self
                .aws
                .rule(name)
                .await
                .doing(format_args!("look at the rule `{name}`"))?;
            Ok(match left {
                Some(left) => Look::Missing(format!("it is {}", left.state)),
                None => Look::Done(()),
            })
        })
        .await
    }

    async fn stop(&self, recorders: &[String]) -> Result<()> {
        for name in recorders {
            self.writer
                .stop_recorder(name)
                .await
                .doing(format_args!("stop the configuration recorder `{name}`"))?;
        }
        Ok(())
    }

    async fn channel(&self, name: &str) -> Result<()> {
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("AWS Config to let go of the delivery channel `{name}`"),
            usual: "usually seconds after the recorder stopped",
            timeout: CONFIG_TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        wait.until(async || match self.writer.delete_channel(name).await {
            Ok(()) => Ok(Look::Done(())),
            // That the recorder has stopped is not known everywhere at once.
            Err(error) if error.is(&["LastDeliveryChannelDeleteFailedException"]) => {
                Ok(Look::Missing(error.to_string()))
            }
            Err(error) => Err(error).doing(format_args!("delete the delivery channel `{name}`")),
        })
        .await
    }

    /// A stack may keep what it made; and Lambda may have written a last line after the log group was deleted.
    async fn left_by(&self, stack: &StackDescription) -> Result<Vec<Stray>> {
        let log_group = Names::from_parameters(&stack.parameters, None).log_group;
        let bucket = stack.outputs.get("DeliveryBucketName");
        let account = self.place.account();
        let (group, kept) = tokio::try_join!(
            async {
                self.aws
                    .log_group_arn(&log_group)
                    .await
                    .doing(format_args!("look for the log group `{log_group}`"))
            },
            async {
                match bucket {
                    Some(bucket) => self
                        .aws
                        .bucket_tags(bucket, account)
                        .await
                        .doing(format_args!("look for the bucket `{bucket}`")),
                    None => Ok(None),
                }
            },
        )?;
        let group = group.map(|_| Stray::LogGroup(log_group));
        let bucket = kept.and(bucket).cloned().map(Stray::Bucket);
        Ok(group.into_iter().chain(bucket).collect())
    }

    async fn stray(&self, stray: &Stray) -> Result<()> {
        let what = format!("remove the {stray}");
        match stray {
            Stray::Bucket(name) => {
                let account = self.place.account();
                self.writer.empty_bucket(name, account).await.doing(&what)?;
                self.writer.delete_bucket(name, account).await.doing(&what)
            }
            Stray::LogGroup(name) => self.writer.delete_log_group(name).await.doing(&what),
        }
    }
}

/// Empties the stack's delivery bucket and deletes the stack, telling its events. Config may deliver once more after it was
/// told to stop, so a deletion that fails is tried again with an emptied bucket.
///
/// # Errors
/// [`Kind::Failed`] with the root cause when the stack cannot be deleted.
pub async fn delete_stack(
    aws: &Reader,
    writer: &Writer,
    ui: &Ui,
    clock: &Clock,
    place: &Place,
    stack: &StackDescription,
) -> Result<()> {
    let mut watch = Watch::of_existing(aws, ui, clock, &stack.id).await?;
    let mut cause = None;
    for _ in 0..STACK_ATTEMPTS {
        if let Some(bucket) = stack.outputs.get("DeliveryBucketName") {
            let emptied = writer
                .empty_bucket(bucket, place.account())
                .await
                .doing(format_args!("empty the delivery bucket `{bucket}`"))?;
            if emptied > 0 {
                ui.say(format_args!(
                    "emptied the delivery bucket `{bucket}` (objects and versions: {emptied})"
                ));
            }
        }
        writer
            .delete_stack(&stack.id)
            .await
            .doing(format_args!("delete the stack `{}`", stack.name))?;
        let what = format!("the stack `{}` to be deleted", stack.name);
        // Until CloudFormation begins, the status is still the old one.
        let settled = watch
            .until_settled(&stack.id, &what, |status| status == "DELETE_FAILED")
            .await?;
        match settled {
            None => return Ok(()),
            Some(left) => cause = watch.root_cause().or(left.reason),
        }
    }
    let error = Error::new(
        Kind::Failed,
        format!("the stack `{}` could not be deleted", stack.name),
    )
    .hint("remove the cause, then run the same command again");
    Err(match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    })
}

/// Empties and deletes the code bucket.
///
/// # Errors
/// The failed call.
pub async fn remove_code_bucket(writer: &Writer, place: &Place) -> Result<()> {
    let bucket = place.code_bucket();
    let what = format!("remove the code bucket `{bucket}`");
    writer
        .empty_bucket(&bucket, place.account())
        .await
        .doing(&what)?;
    writer
        .delete_bucket(&bucket, place.account())
        .await
        .doing(&what)
}
