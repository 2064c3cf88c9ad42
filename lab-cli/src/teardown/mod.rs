//! Removing the lab in the order that AWS accepts. Every step can be repeated, and touches only what is ours.

mod claimed;
mod give_back;
mod history;
mod removal;
mod stack;

pub use claimed::Claimed;
pub use give_back::GiveBack;
pub use removal::{Removal, Stray};

use std::fmt;
use std::time::Duration;

use crate::aws::{Doing, Reader, RuleDescription, StackDescription, Writer};
use crate::clock::Clock;
use crate::error::Result;
use crate::output::{Ui, inline};
use crate::state::{Names, Place};
use crate::wait::{Look, Pace, Wait};
use crate::watch::Watch;

/// How long AWS Config may take to delete a rule or to let go of a channel. Usually under a minute; the trackers know
/// of rules that took a quarter of an hour.
const CONFIG_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// How often a bucket is emptied again because something came in.
const BUCKET_FILLINGS: usize = 4;
/// How long S3 may be at work on a bucket, and refuse to delete it meanwhile. It says no time.
const BUCKET_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// Writes a line. AWS Config takes any name for a recorder or a channel, line breaks included.
fn line(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{}", inline(&text.to_string()))
}

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
    /// The role that CloudFormation deletes the stack with, if it is not to be the one that the stack was made with.
    pub cfn_role: Option<&'a str>,
}

impl Teardown<'_> {
    /// Carries a removal out, all but its last step; the answer is what was removed.
    ///
    /// # Errors
    /// The step that failed. What was removed before it stays removed.
    pub async fn run(&self, removal: &Removal) -> Result<Vec<String>> {
        if let Some(loan) = &removal.give_back {
            self.still_as_shown(loan).await?;
        }
        // Rule, recorder and retention do not need each other.
        let (rule, recorder, retention, watch) = tokio::try_join!(
            self.rules(removal),
            self.recording(removal),
            self.retention(removal),
            self.watch(removal),
        )?;
        let mut removed = [rule, recorder, retention].concat();
        let mut strays = removal.strays.clone();
        if let Some(stack) = &removal.stack {
            self.ui
                .say(format_args!("deleting the stack `{}`", stack.name));
            if removal.history.is_some() {
                self.stack_but_bucket(stack).await?;
            } else {
                self.delete_watched(stack, watch).await?;
            }
            removed.push(self.gone(format!("stack `{}`", stack.name)));
            strays = self.left_by(stack).await?;
            strays.retain(|stray| {
                let kept = removal.history.as_ref();
                !matches!(stray, Stray::Bucket(bucket) if Some(bucket) == kept)
            });
        }
        for stray in &strays {
            self.stray(stray).await?;
            removed.push(self.gone(stray.to_string()));
        }
        Ok(removed)
    }

    /// Removes the code bucket, and the journal in it: the very last step, when there is nothing left to take notes of.
    ///
    /// # Errors
    /// The failed call.
    pub async fn finish(&self, removal: &Removal, mut removed: Vec<String>) -> Result<Vec<String>> {
        if let Some(bucket) = &removal.code_bucket {
            let what = format!("code bucket `{bucket}`");
            self.bucket(bucket, &what).await?;
            removed.push(self.gone(what));
        }
        Ok(removed)
    }

    /// What has happened to the stack so far is no news.
    async fn watch(&self, removal: &Removal) -> Result<Option<Watch<'_>>> {
        match &removal.stack {
            Some(stack) => {
                let watch = Watch::of_existing(self.aws, self.ui, self.clock, &stack.id);
                watch.await.map(Some)
            }
            None => Ok(None),
        }
    }

    fn gone(&self, what: String) -> String {
        self.ui.say(format_args!("removed {what}"));
        what
    }

    async fn rules(&self, removal: &Removal) -> Result<Vec<String>> {
        let Some(rule) = &removal.rule else {
            return Ok(Vec::new());
        };
        self.rule(rule).await?;
        Ok(vec![self.gone(format!("rule `{}`", rule.name))])
    }

    /// Stops recording, then removes the channel and the recorder; what was borrowed is given back instead.
    async fn recording(&self, removal: &Removal) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        let loan = removal.give_back.as_ref();
        let borrowed = loan.filter(|loan| loan.stops()).map(GiveBack::name);
        let ours = removal.recorders.iter().map(String::as_str);
        for name in ours.chain(borrowed) {
            self.writer
                .stop_recorder(name)
                .await
                .doing(format_args!("stop the configuration recorder `{name}`"))?;
        }
        if let Some(loan) = loan {
            self.give_back(loan).await?;
        }
        for channel in &removal.channels {
            self.channel(channel).await?;
            removed.push(self.gone(format!("delivery channel `{channel}`")));
        }
        for recorder in &removal.recorders {
            let what = format!("configuration recorder `{recorder}`");
            self.writer
                .delete_recorder(recorder)
                .await
                .doing(format_args!("delete the {what}"))?;
            removed.push(self.gone(what));
        }
        Ok(removed)
    }

    async fn retention(&self, removal: &Removal) -> Result<Vec<String>> {
        if removal.retention.is_none() {
            return Ok(Vec::new());
        }
        let what = "retention of configuration history";
        self.writer
            .delete_retention()
            .await
            .doing(format_args!("remove the {what}"))?;
        Ok(vec![self.gone(what.to_owned())])
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
        match stray {
            Stray::Bucket(name) => self.bucket(name, &stray.to_string()).await,
            Stray::LogGroup(name) => self
                .writer
                .delete_log_group(name)
                .await
                .doing(format_args!("remove the {stray}")),
        }
    }

    /// Empties and deletes a bucket of ours. Something may come in between the two, or S3 be at work on the bucket still, so
    /// it is tried more than once.
    ///
    /// # Errors
    /// The failed call.
    pub(crate) async fn bucket(&self, name: &str, what: &str) -> Result<()> {
        let account = self.place.account();
        let doing = format!("remove the {what}");
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("S3 to let go of the {what}"),
            usual: "usually seconds",
            timeout: BUCKET_TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        let mut fillings = 0;
        wait.until(async || {
            self.writer
                .empty_bucket(name, account)
                .await
                .doing(&doing)?;
            match self.writer.delete_bucket(name, account).await {
                Ok(()) => Ok(Look::Done(())),
                Err(error) if error.is(&["OperationAborted"]) => {
                    Ok(Look::Missing(error.to_string()))
                }
                Err(error) if error.is(&["BucketNotEmpty"]) && fillings < BUCKET_FILLINGS => {
                    fillings += 1;
                    Ok(Look::Missing(error.to_string()))
                }
                Err(error) => Err(error).doing(&doing),
            }
        })
        .await
    }
}
