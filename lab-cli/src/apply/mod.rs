//! Carrying a plan out, step by step. Every step can be repeated.

mod config;
mod stack;

pub use stack::remove_code_bucket;

use std::collections::BTreeSet;

use crate::aws::{Aws, Doing, Tags};
use crate::clock::Clock;
use crate::error::Result;
use crate::output::Ui;
use crate::plan::{Change, Plan, plan_config};
use crate::spec::{RETENTION_DAYS, RETENTION_TAG, Spec};
use crate::state::{Observed, Outputs, Place};

/// What carrying out needs.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'a> {
    /// The clients.
    pub aws: &'a Aws,
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
    let kinds = Steps::of(plan);
    hands.code(&kinds, observed).await?;
    let outputs = hands.stack(plan, &kinds, observed).await?;
    if kinds.has("replace-code") {
        hands.replace_code(&outputs).await?;
    }
    // The outputs may be news; what they mean for recorder, channel and rule is decided now.
    let mut config = Plan::default();
    plan_config(hands.spec, observed, Some(&outputs), &mut config);
    hands.config(&config, observed, &outputs).await?;
    Ok(outputs)
}

/// Which kinds of steps a plan has.
#[derive(Debug)]
struct Steps(BTreeSet<&'static str>);

impl Steps {
    fn of(plan: &Plan) -> Self {
        Self(plan.changes.iter().map(kind).collect())
    }

    fn has(&self, kind: &str) -> bool {
        self.0.contains(kind)
    }
}

fn kind(change: &Change) -> &'static str {
    match change {
        Change::MakeCodeBucket { .. } => "make-code-bucket",
        Change::NoteRetention { .. } => "note-retention",
        Change::UploadPackage { .. } => "upload-package",
        Change::RemoveBrokenStack { .. } => "remove-broken-stack",
        Change::CreateStack { .. } => "create-stack",
        Change::UpdateStack { .. } => "update-stack",
        Change::ReplaceCode { .. } => "replace-code",
        Change::PutRecorder { .. } => "put-recorder",
        Change::PutChannel { .. } => "put-channel",
        Change::StartRecorder { .. } => "start-recorder",
        Change::PutRetention { .. } => "put-retention",
        Change::PutRule { .. } => "put-rule",
    }
}

impl Hands<'_> {
    async fn code(&self, steps: &Steps, observed: &Observed) -> Result<()> {
        let bucket = self.place.code_bucket();
        let made = steps.has("make-code-bucket");
        if made {
            self.ui
                .say(format_args!("making the code bucket `{bucket}`"));
            self.aws
                .create_bucket(&bucket)
                .await
                .doing(format_args!("make the code bucket `{bucket}`"))?;
        }
        let account = self.place.account();
        let tags = async {
            if !made && !steps.has("note-retention") {
                return Ok(());
            }
            self.aws
                .tag_bucket(&bucket, account, &self.bucket_tags(observed))
                .await
                .doing(format_args!("tag the code bucket `{bucket}`"))
        };
        let block = async {
            if !made {
                return Ok(());
            }
            self.aws
                .block_public_access(&bucket, account)
                .await
                .doing(format_args!(
                    "block public access to the code bucket `{bucket}`"
                ))
        };
        let upload = async {
            if !steps.has("upload-package") {
                return Ok(());
            }
            let key = self.spec.package.key();
            self.ui.say(format_args!("uploading the package `{key}`"));
            self.aws
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
        match remove_code_bucket(self.aws, self.place).await {
            Ok(()) => error,
            Err(second) => error.hint(format!(
                "delete the bucket `{}` yourself; that failed too: {second}",
                self.place.code_bucket()
            )),
        }
    }
}
