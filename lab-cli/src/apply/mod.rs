//! Carrying a plan out, step by step. Every step can be repeated.

mod code;
mod config;
mod foresee;
mod recover;
mod stack;

pub use code::{make_code_bucket, remove_bare_code_bucket};
pub use foresee::{Foreseen, Seer};

use crate::aws::{Reader, Writer};
use crate::clock::Clock;
use crate::error::Result;
use crate::journal::Lease;
use crate::output::Ui;
use crate::plan::{Change, Plan, plan_config};
use crate::spec::Spec;
use crate::state::{Observed, Outputs, Place};

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
    /// The right to do it, and the journal.
    pub lease: &'a Lease<'a>,
}

/// Carries a plan out, the change set included that belongs to it; the answer is what the stack made.
///
/// # Errors
/// The step that failed. A stack that was made just now and failed is removed again, and with it a code bucket that was
/// made for it. Everything else that was done stays: running the same command again goes on from there.
pub async fn apply(
    hands: Hands<'_>,
    plan: &Plan,
    observed: &Observed,
    foreseen: Option<&Foreseen>,
) -> Result<Outputs> {
    let steps = Steps::of(plan);
    hands.code(&steps, observed).await?;
    let outputs = hands.stack(observed, foreseen).await?;
    if steps.replace_code {
        hands.replace_code(&outputs).await?;
    }
    // The outputs may be news; what they mean for recorder, channel and rule is decided now.
    let mut config = Plan::default();
    plan_config(hands.spec, observed, Some(&outputs), &mut config);
    hands.config(&config, observed, &outputs).await?;
    Ok(outputs)
}

/// Which kinds of steps a plan has. That of the stack is in its change set.
#[derive(Debug, Default)]
struct Steps {
    make_code_bucket: bool,
    upload_package: bool,
    replace_code: bool,
    put_recorder: bool,
    widen_recorder: bool,
    put_channel: bool,
    start_recorder: bool,
    put_retention: bool,
    put_rule: bool,
}

impl Steps {
    fn of(plan: &Plan) -> Self {
        let mut steps = Self::default();
        for change in &plan.changes {
            match change {
                Change::MakeCodeBucket { .. } => steps.make_code_bucket = true,
                Change::UploadPackage { .. } => steps.upload_package = true,
                Change::ReplaceCode { .. } => steps.replace_code = true,
                Change::PutRecorder { .. } => steps.put_recorder = true,
                Change::AdoptRecorder { differs, .. } => {
                    steps.widen_recorder = !differs.is_empty();
                }
                Change::PutChannel { .. } => steps.put_channel = true,
                Change::StartRecorder { .. } => steps.start_recorder = true,
                Change::PutRetention { .. } => steps.put_retention = true,
                Change::PutRule { .. } => steps.put_rule = true,
                // The first two come before any other step, and are planned from anew; the next two are a change set; the
                // last one is only written into the journal.
                Change::RemoveBrokenStack { .. }
                | Change::RecoverStack { .. }
                | Change::CreateStack { .. }
                | Change::UpdateStack { .. }
                | Change::AdoptChannel { .. } => {}
            }
        }
        steps
    }
}
