//! Removing the lab in the order that AWS accepts. Every step can be repeated, and touches only what is ours.

use std::time::Duration;

use crate::apply::remove_code_bucket;
use crate::aws::{Aws, Doing, StackDescription};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::output::Ui;
use crate::state::{Names, Observed, Place};
use crate::wait::{Look, Pace, Wait};
use crate::watch::Watch;

/// How long AWS Config may take to delete a rule or to let go of a channel. Usually under a minute; the trackers know
/// of rules that took a quarter of an hour.
const CONFIG_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// How often a stack is deleted again because something was delivered to its bucket meanwhile.
const STACK_ATTEMPTS: usize = 3;

/// Removing what was observed.
#[derive(Debug)]
pub struct Teardown<'a> {
    aws: &'a Aws,
    ui: &'a Ui,
    clock: &'a Clock,
    observed: &'a Observed,
    removed: Vec<String>,
}

impl<'a> Teardown<'a> {
    /// Prepares to remove what was observed; does nothing yet.
    pub fn new(aws: &'a Aws, ui: &'a Ui, clock: &'a Clock, observed: &'a Observed) -> Self {
        Self {
            aws,
            ui,
            clock,
            observed,
            removed: Vec::new(),
        }
    }

    /// What will be removed, one line each, in order.
    pub fn plan(&self) -> Vec<String> {
        let Observed {
            rule,
            recorders,
            channels,
            stack,
            code_bucket,
            ..
        } = self.observed;
        let mut lines = Vec::new();
        if rule.iter().any(|rule| self.observed.owns_rule(rule)) {
            lines.push(format!("rule `{}`", crate::spec::RULE_NAME));
        }
        for channel in channels
            .iter()
            .filter(|channel| self.observed.owns_channel(channel))
        {
            lines.push(format!("delivery channel `{}`", channel.channel.name));
        }
        for recorder in recorders
            .iter()
            .filter(|recorder| self.observed.owns_recorder(recorder))
        {
            lines.push(format!("configuration recorder `{}`", recorder.it.name));
        }
        if self.retention_is_ours() {
            lines.push("retention of configuration history".to_owned());
        }
        if let Some(stack) = stack.as_ref().filter(|_| self.observed.owns_stack()) {
            if let Some(bucket) = stack.description.outputs.get("DeliveryBucketName") {
                lines.push(format!("everything in the delivery bucket `{bucket}`"));
            }
            lines.push(format!("stack `{}`", stack.description.name));
        }
        for named in self.loose() {
            lines.push(format!("{} `{}`", named.0, named.1));
        }
        if code_bucket.is_some() {
            lines.push(format!("code bucket `{}`", self.place().code_bucket()));
        }
        lines
    }

    /// Removes everything that is ours; the answer is what was removed.
    ///
    /// # Errors
    /// The step that failed. What was removed before it stays removed.
    pub async fn run(mut self) -> Result<Vec<String>> {
        self.rule().await?;
        self.recorder_and_channel().await?;
        self.retention().await?;
        self.stack().await?;
        self.loose_ends().await?;
        self.code_bucket().await?;
        Ok(self.removed)
    }

    fn place(&self) -> &'a Place {
        &self.observed.place
    }

    fn retention_is_ours(&self) -> bool {
        self.observed.retention.is_some()
            && self.observed.retention == self.observed.own_retention()
    }

    fn gone(&mut self, what: String) {
        self.ui.say(format_args!("removed {what}"));
        self.removed.push(what);
    }

    async fn rule(&mut self) -> Result<()> {
        let Some(rule) = self
            .observed
            .rule
            .as_ref()
            .filter(|rule| self.observed.owns_rule(rule))
        else {
            return Ok(());
        };
        let name = &rule.it.name;
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("AWS Config to delete the rule `{name}`"),
            usual: "usually under a minute",
            timeout: CONFIG_TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        let mut asked = rule.it.state == "DELETING";
        wait.until(async || {
            if !asked {
                match self.aws.delete_rule(name).await {
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
        .await?;
        self.gone(format!("rule `{name}`"));
        Ok(())
    }

    async fn recorder_and_channel(&mut self) -> Result<()> {
        let observed = self.observed;
        let recorders: Vec<_> = observed
            .recorders
            .iter()
            .filter(|r| observed.owns_recorder(r))
            .collect();
        for recorder in &recorders {
            let name = &recorder.it.name;
            self.aws
                .stop_recorder(name)
                .await
                .doing(format_args!("stop the configuration recorder `{name}`"))?;
        }
        for found in observed
            .channels
            .iter()
            .filter(|channel| observed.owns_channel(channel))
        {
            let name = &found.channel.name;
            let wait = Wait {
                clock: self.clock,
                ui: self.ui,
                what: format!("AWS Config to let go of the delivery channel `{name}`"),
                usual: "usually seconds after the recorder stopped",
                timeout: CONFIG_TIMEOUT,
                pace: Pace::CONSISTENCY,
            };
            wait.until(async || match self.aws.delete_channel(name).await {
                Ok(()) => Ok(Look::Done(())),
                // That the recorder has stopped is not known everywhere at once.
                Err(error) if error.is(&["LastDeliveryChannelDeleteFailedException"]) => {
                    Ok(Look::Missing(error.to_string()))
                }
                Err(error) => {
                    Err(error).doing(format_args!("delete the delivery channel `{name}`"))
                }
            })
            .await?;
            self.gone(format!("delivery channel `{name}`"));
        }
        for recorder in recorders {
            let name = &recorder.it.name;
            self.aws
                .delete_recorder(name)
                .await
                .doing(format_args!("delete the configuration recorder `{name}`"))?;
            self.gone(format!("configuration recorder `{name}`"));
        }
        Ok(())
    }

    async fn retention(&mut self) -> Result<()> {
        let Some(days) = self.observed.retention else {
            return Ok(());
        };
        if !self.retention_is_ours() {
            self.ui.say(format_args!(
                "keeping the retention of configuration history ({days} days): this lab did not set it"
            ));
            return Ok(());
        }
        self.aws
            .delete_retention()
            .await
            .doing("remove the retention of configuration history")?;
        self.gone("retention of configuration history".to_owned());
        Ok(())
    }

    async fn stack(&mut self) -> Result<()> {
        let Some(stack) = self
            .observed
            .stack
            .as_ref()
            .filter(|_| self.observed.owns_stack())
        else {
            return Ok(());
        };
        let description = &stack.description;
        self.ui
            .say(format_args!("deleting the stack `{}`", description.name));
        delete_stack(self.aws, self.ui, self.clock, self.place(), description).await?;
        self.gone(format!("stack `{}`", description.name));
        Ok(())
    }

    /// Buckets and log groups of ours that no stack owns any more: the stack was deleted by hand, or kept them.
    fn loose(&self) -> Vec<(&'static str, String)> {
        let mut loose: Vec<_> = self
            .observed
            .named
            .iter()
            .filter(|named| {
                matches!(named.kind, "log group" | "bucket") && self.place().owns(&named.tags)
            })
            .map(|named| (named.kind, named.name.clone()))
            .collect();
        for channel in &self.observed.channels {
            let ours = channel
                .bucket_tags
                .as_ref()
                .is_some_and(|tags| self.place().owns(tags));
            let bucket = ("bucket", channel.channel.bucket.clone());
            if ours && !loose.contains(&bucket) {
                loose.push(bucket);
            }
        }
        if self.observed.owns_stack() {
            Vec::new()
        } else {
            loose
        }
    }

    async fn loose_ends(&mut self) -> Result<()> {
        let account = self.place().account();
        let mut ends = self.loose();
        if let Some(stack) = self
            .observed
            .stack
            .as_ref()
            .filter(|_| self.observed.owns_stack())
        {
            // A stack may keep what it made; and the function may have written a last line after its log group was deleted.
            let names = Names::from_parameters(&stack.description.parameters, None);
            if self
                .aws
                .log_group_arn(&names.log_group)
                .await
                .doing("look for the log group")?
                .is_some()
            {
                ends.push(("log group", names.log_group));
            }
            if let Some(bucket) = stack.description.outputs.get("DeliveryBucketName") {
                let what = format!("look at the bucket `{bucket}`");
                if self
                    .aws
                    .bucket_tags(bucket, account)
                    .await
                    .doing(what)?
                    .is_some()
                {
                    ends.push(("bucket", bucket.clone()));
                }
            }
        }
        for (kind, name) in ends {
            let what = format!("remove the {kind} `{name}`");
            if kind == "bucket" {
                self.aws.empty_bucket(&name, account).await.doing(&what)?;
                self.aws.delete_bucket(&name, account).await.doing(&what)?;
            } else {
                self.aws.delete_log_group(&name).await.doing(&what)?;
            }
            self.gone(format!("{kind} `{name}`"));
        }
        Ok(())
    }

    async fn code_bucket(&mut self) -> Result<()> {
        if self.observed.code_bucket.is_none() {
            return Ok(());
        }
        remove_code_bucket(self.aws, self.place()).await?;
        self.gone(format!("code bucket `{}`", self.place().code_bucket()));
        Ok(())
    }
}

/// Empties the stack's delivery bucket and deletes the stack, telling its events. Config may deliver once more after it was
/// told to stop, so a deletion that fails is tried again with an emptied bucket.
///
/// # Errors
/// [`Kind::Failed`] with the root cause when the stack cannot be deleted.
pub async fn delete_stack(
    aws: &Aws,
    ui: &Ui,
    clock: &Clock,
    place: &Place,
    stack: &StackDescription,
) -> Result<()> {
    let mut watch = Watch::of_existing(aws, ui, clock, &stack.id).await?;
    let mut cause = None;
    for _ in 0..STACK_ATTEMPTS {
        if let Some(bucket) = stack.outputs.get("DeliveryBucketName") {
            let emptied = aws
                .empty_bucket(bucket, place.account())
                .await
                .doing(format_args!("empty the delivery bucket `{bucket}`"))?;
            if emptied > 0 {
                ui.say(format_args!(
                    "emptied the delivery bucket `{bucket}` ({emptied} objects)"
                ));
            }
        }
        aws.delete_stack(&stack.id)
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
