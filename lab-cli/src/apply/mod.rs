//! Carrying a plan out, step by step. Every step can be repeated.

mod config;
mod stack;

use crate::aws::{Doing, Reader, Tags, Writer};
use crate::clock::Clock;
use crate::error::Result;
use crate::output::Ui;
use crate::plan::{Change, Plan, plan_config};
use crate::spec::{RETENTION_DAYS, RETENTION_TAG, Spec};
use crate::state::{Observed, Outputs, Place};
use crate::teardown::remove_code_bucket;

/// What carrying out needs.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'a> {
    /// The calls that look.
    pub aws: &'a Reader,
    /// The calls that change something.
    pub writer: &'a Writer,
    /// Where.
    pub place: &'a Place,
    /// What the lab should be.
    pub spec: &'a Spec,
    /// Where progress is told.
    pub ui: &'a Ui,
    /// The clock.
    pub clock: &'a Clock,
}

/// Carries a plan out; the answer is what the stack made.
///
/// # Errors
/// The step that failed. A stack that was made just now and failed is removed again, and with it a code bucket that was
/// made for it. Everything else that was done stays: running the same command again goes on from there.
pub async fn apply(hands: Hands<'_>, plan: &Plan, observed: &Observed) -> Result<Outputs> {
    let steps = Steps::of(plan);
    hands.code(&steps, observed).await?;
    let outputs = hands.stack(&steps, observed).await?;
    if steps.replace_code {
        hands.replace_code(&outputs).await?;
    }
    // The outputs may be news; what they mean for recorder, channel and rule is decided now.
    let mut config = Plan::default();
    plan_config(hands.spec, observed, Some(&outputs), &mut config);
    hands.config(&config, observed, &outputs).await?;
    Ok(outputs)
}

/// Which kinds of steps a plan has.
#[derive(Debug, Default)]
struct Steps {
    make_code_bucket: bool,
    note_retention: bool,
    upload_package: bool,
    remove_broken_stack: bool,
    create_stack: bool,
    update_stack: bool,
    replace_code: bool,
    put_recorder: bool,
    put_channel: bool,
    start_recorder: bool,
    put_retention: bool,
    put_rule: bool,
}

impl Steps {
    fn of(plan: &Plan) -> Self {
        let mut steps = Self::default();
        for change in &plan.changes {
            let step = match change {
                Change::MakeCodeBucket { .. } => &mut steps.make_code_bucket,
                Change::NoteRetention { .. } => &mut steps.note_retention,
                Change::UploadPackage { .. } => &mut steps.upload_package,
                Change::RemoveBrokenStack { .. } => &mut steps.remove_broken_stack,
                Change::CreateStack { .. } => &mut steps.create_stack,
                Change::UpdateStack { .. } => &mut steps.update_stack,
                Change::ReplaceCode { .. } => &mut steps.replace_code,
                Change::PutRecorder { .. } => &mut steps.put_recorder,
                Change::PutChannel { .. } => &mut steps.put_channel,
                Change::StartRecorder { .. } => &mut steps.start_recorder,
                Change::PutRetention { .. } => &mut steps.put_retention,
                Change::PutRule { .. } => &mut steps.put_rule,
            };
            *step = true;
        }
        steps
    }
}

impl Hands<'_> {
    async fn code(&self, steps: &Steps, observed: &Observed) -> Result<()> {
        let bucket = self.place.code_bucket();
        let made = steps.make_code_bucket;
        if made {
            self.ui
                .say(format_args!("making the code bucket `{bucket}`"));
            self.writer
                .create_bucket(&bucket)
                .await
                .doing(format_args!("make the code bucket `{bucket}`"))?;
        }
        let account = self.place.account();
        let tags = async {
            if !made && !steps.note_retention {
                return Ok(());
            }
            self.writer
                .tag_bucket(&bucket, account, &self.bucket_tags(observed))
                .await
                .doing(format_args!("tag the code bucket `{bucket}`"))
        };
        let block = async {
            if !made {
                return Ok(());
            }
            self.writer
                .block_public_access(&bucket, account)
                .await
                .doing(format_args!(
                    "block public access to the code bucket `{bucket}`"
                ))
        };
        let upload = async {
            if !steps.upload_package {
                return Ok(());
            }
            let key = self.spec.package.key();
            self.ui.say(format_args!("uploading the package `{key}`"));
            self.writer
                .put_object(&bucket, account, &key, self.spec.package.bytes().to_vec())
                .await
                .doing(format_args!("upload the package to `{bucket}`"))
        };
        let done = tokio::try_join!(tags, block, upload);
        if let Err(error) = done {
            return Err(if made {
                self.give_up_code_bucket(error).await
            } else {
                error
            });
        }
        Ok(())
    }

    /// The tags of the code bucket. That the retention is ours is noted before it is set, so that an interruption in
    /// between leaves a note too many, never one too few.
    fn bucket_tags(&self, observed: &Observed) -> Tags {
        let mut tags = observed.code_bucket.clone().unwrap_or_default();
        tags.extend(self.spec.all_tags());
        if observed.retention.is_none() {
            tags.insert(RETENTION_TAG.to_owned(), RETENTION_DAYS.to_string());
        }
        tags
    }

    async fn give_up_code_bucket(&self, error: crate::error::Error) -> crate::error::Error {
        match remove_code_bucket(self.writer, self.place).await {
            Ok(()) => error,
            Err(second) => error.hint(format!(
                "delete the bucket `{}` yourself; that failed too: {second}",
                self.place.code_bucket()
            )),
        }
    }
}
