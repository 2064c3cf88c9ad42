//! Recorder, channel, retention and rule, in the only order that AWS Config accepts.

use std::time::Duration;

use super::{Hands, Steps};
use crate::aws::{CallResult, Doing};
use crate::error::{Error, Kind, Result};
use crate::journal::{BorrowedRecorder, widened};
use crate::plan::{Plan, Singletons};
use crate::spec::RETENTION_DAYS;
use crate::state::{Observed, Outputs};
use crate::wait::{Look, Pace, Wait};

/// How long AWS may take to learn of a role, bucket or recorder that was made a moment ago. IAM says seconds, and
/// half a minute has been seen.
const CONSISTENCY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long AWS Config may take to be done with a rule that is being deleted. The trackers know of a quarter of an hour.
const DELETING_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// What each refusal that may pass by itself means when it does not.
const MAY_PASS: [(&str, &str); 7] = [
    (
        "InsufficientDeliveryPolicyException",
        "let `config.amazonaws.com` and the recorder's role write to the delivery bucket and publish to the topic",
    ),
    (
        "InvalidRoleException",
        "let `config.amazonaws.com` assume the recorder's role",
    ),
    (
        "InsufficientPermissionsException",
        "let `config.amazonaws.com` invoke the function (`lambda:InvokeFunction` with this account as source)",
    ),
    (
        "NoAvailableConfigurationRecorderException",
        "check that the configuration recorder is still there",
    ),
    (
        "NoAvailableDeliveryChannelException",
        "check that the delivery channel is still there",
    ),
    (
        "NoSuchBucketException",
        "check that the delivery bucket is still there",
    ),
    (
        "ResourceInUseException",
        "wait until AWS Config is done with the rule",
    ),
];

impl Hands<'_> {
    pub(super) async fn config(
        &self,
        plan: &Plan,
        observed: &Observed,
        outputs: &Outputs,
    ) -> Result<()> {
        let steps = Steps::of(plan);
        let wanted = Singletons::new(self.spec, observed, outputs);
        let record = async {
            self.recorder(&steps, observed, &wanted).await?;
            // A rule needs a recorder; whether that runs already does not matter to it.
            let (channel, rule) = tokio::join!(
                self.channel(&steps, &wanted),
                self.rule(&steps, observed, &wanted),
            );
            channel.and(rule)
        };
        // The retention depends on nothing else.
        let retention = async {
            if !steps.put_retention {
                return Ok(());
            }
            self.ui.say(format_args!(
                "keeping configuration history for {RETENTION_DAYS} days"
            ));
            self.writer
                .put_retention(RETENTION_DAYS)
                .await
                .doing("set how long AWS Config keeps history")
        };
        tokio::try_join!(record, retention).map(|((), ())| ())
    }

    async fn recorder(
        &self,
        steps: &Steps,
        observed: &Observed,
        wanted: &Singletons,
    ) -> Result<()> {
        let recorder = &wanted.recorder;
        let name = &recorder.name;
        if steps.widen_recorder {
            self.widen(observed).await?;
        }
        if steps.put_recorder {
            self.ui
                .say(format_args!("putting the configuration recorder `{name}`"));
            let tags = self.spec.all_tags();
            self.patiently("AWS Config to accept the recorder's role", async || {
                self.writer.put_recorder(recorder, Some(&tags)).await
            })
            .await?;
            // Tags of a put are taken only when the recorder is made.
            let existing = observed
                .recorders
                .first()
                .and_then(|found| found.it.it.arn.as_deref());
            if let Some(arn) = existing {
                self.writer
                    .tag_config(arn, &tags)
                    .await
                    .doing(format_args!("tag the recorder `{name}`"))?;
            }
        }
        Ok(())
    }

    /// The channel, and after it the start: a recorder without a channel cannot be started.
    async fn channel(&self, steps: &Steps, wanted: &Singletons) -> Result<()> {
        let Singletons {
            recorder,
            borrowed: _,
            channel,
            rule: _,
        } = wanted;
        let name = &recorder.name;
        if let Some(channel) = channel.as_ref().filter(|_| steps.put_channel) {
            self.ui.say(format_args!(
                "putting the delivery channel `{}`",
                channel.name
            ));
            self.patiently(
                "AWS Config to accept the delivery bucket and topic",
                async || self.writer.put_channel(channel).await,
            )
            .await?;
        }
        if steps.start_recorder {
            self.ui
                .say(format_args!("starting the configuration recorder `{name}`"));
            self.patiently("AWS Config to start the recorder", async || {
                self.writer.start_recorder(name).await
            })
            .await?;
        }
        Ok(())
    }

    /// Widens a borrowed recorder. It is looked at once more: minutes may have passed since the journal was written, and
    /// what is given back must be what was there last.
    async fn widen(&self, observed: &Observed) -> Result<()> {
        let Some(seen) = observed.recorders.first() else {
            return Ok(());
        };
        let name = seen.it.name();
        let now = self
            .aws
            .recorders()
            .await
            .doing("look at the configuration recorder")?
            .into_iter()
            .find(|now| now.name() == name)
            .ok_or_else(|| {
                Error::new(
                    Kind::Failed,
                    format!("the configuration recorder `{name}` is gone"),
                )
                .hint("run the same command again: it plans anew")
            })?;
        if now.raw != seen.it.raw || now.recording != seen.it.recording {
            self.lease
                .note(|journal| {
                    if let Some(borrowed) = &mut journal.borrowed {
                        let loan = BorrowedRecorder::of(&now, borrowed.recorder.as_ref());
                        borrowed.recorder = Some(loan);
                    }
                })
                .await?;
        }
        let wide = widened(&now.it);
        if wide == now.it {
            return Ok(());
        }
        self.ui.say(format_args!(
            "widening the configuration recorder `{name}`; what it was is in the journal"
        ));
        self.patiently("AWS Config to accept the recorder's role", async || {
            self.writer.put_recorder(&wide, None).await
        })
        .await
    }

    async fn rule(&self, steps: &Steps, observed: &Observed, wanted: &Singletons) -> Result<()> {
        if !steps.put_rule {
            return Ok(());
        }
        let rule = &wanted.rule;
        self.ui
            .say(format_args!("putting the rule `{}`", rule.name));
        let tags = self.spec.all_tags();
        let deleting = observed
            .rule
            .as_ref()
            .is_some_and(|found| found.it.state == "DELETING");
        let timeout = if deleting {
            DELETING_TIMEOUT
        } else {
            CONSISTENCY_TIMEOUT
        };
        let what = "AWS Config to accept the rule's function";
        self.patiently_for(timeout, what, async || {
            self.writer.put_rule(rule, &tags).await
        })
        .await?;
        match observed
            .rule
            .as_ref()
            .and_then(|found| found.it.arn.as_deref())
        {
            // A rule that was being deleted has another ARN now, and got its tags when it was made.
            Some(arn)
                if observed
                    .rule
                    .as_ref()
                    .is_some_and(|found| found.it.state != "DELETING") =>
            {
                self.writer
                    .tag_config(arn, &tags)
                    .await
                    .doing(format_args!("tag the rule `{}`", rule.name))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Repeats a call while AWS does not know yet what was made a moment ago.
    async fn patiently(&self, what: &str, call: impl AsyncFn() -> CallResult<()>) -> Result<()> {
        self.patiently_for(CONSISTENCY_TIMEOUT, what, call).await
    }

    async fn patiently_for(
        &self,
        timeout: Duration,
        what: &str,
        call: impl AsyncFn() -> CallResult<()>,
    ) -> Result<()> {
        let first = match call().await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if remedy(first.code()).is_none() {
            return Err(first).doing(format_args!("go on: {what}"));
        }
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: what.to_owned(),
            usual: "usually a few seconds after the stack is made",
            timeout,
            pace: Pace::CONSISTENCY,
        };
        let mut last = first;
        let waited = wait
            .until(async || match call().await {
                Ok(()) => Ok(Look::Done(())),
                Err(error) if remedy(error.code()).is_some() => {
                    let text = error.to_string();
                    last = error;
                    Ok(Look::Missing(text))
                }
                Err(error) => Err(error).doing(format_args!("go on: {what}")),
            })
            .await;
        waited.map_err(|error| match error.kind() {
            Kind::TimedOut => remedy(last.code())
                .map(str::to_owned)
                .into_iter()
                .fold(error, Error::hint),
            Kind::Failed
            | Kind::Input
            | Kind::Refused
            | Kind::NotHealed
            | Kind::Leftovers
            | Kind::Unreachable
            | Kind::Interrupted => error,
        })
    }
}

fn remedy(code: Option<&str>) -> Option<&'static str> {
    let code = code?;
    MAY_PASS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, remedy)| *remedy)
}
