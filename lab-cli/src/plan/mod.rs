//! What has to change: a pure comparison of the lab as it should be with the lab as it is.

mod config;
mod conflict;
mod difference;
mod show;
mod stack;

pub use config::{Singletons, plan_config};
pub use conflict::{Conflict, conflicts, refusal};
pub use difference::Difference;
pub(crate) use difference::{group_in_words, mode_in_words, of_recorder};

use serde::Serialize;
use time::OffsetDateTime;

use crate::aws::ResourceChange;
use crate::error::Result;
use crate::journal::{Borrowed, BorrowedRecorder, Journal};
use crate::spec::Spec;
use crate::state::Observed;

/// One step, so specific that carrying it out leaves nothing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Make the code bucket, block public access to it and tag it.
    MakeCodeBucket {
        /// The bucket.
        bucket: String,
    },
    /// Put the package into the code bucket.
    UploadPackage {
        /// The key.
        key: String,
        /// How many bytes.
        bytes: usize,
    },
    /// Delete what an earlier attempt left of the stack.
    RemoveBrokenStack {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
    },
    /// Bring the stack back to what it was before a change that failed half-way.
    RecoverStack {
        /// The stack.
        stack: String,
        /// Its status.
        status: String,
    },
    /// Make the stack.
    CreateStack {
        /// The stack.
        stack: String,
        /// What CloudFormation would make; empty until it was asked.
        resources: Vec<ResourceChange>,
    },
    /// Change the stack.
    UpdateStack {
        /// The stack.
        stack: String,
        /// What differs.
        because: Vec<String>,
        /// What CloudFormation would change; empty until it was asked.
        resources: Vec<ResourceChange>,
    },
    /// Give the function the package again: somebody gave it another one.
    ReplaceCode {
        /// The function.
        function: String,
    },
    /// Make or change the lab's own recorder.
    PutRecorder {
        /// The recorder.
        recorder: String,
        /// Whether there is none yet.
        is_new: bool,
        /// What differs.
        differs: Vec<Difference>,
    },
    /// Use the recorder that is there, widened as far as the lab needs.
    AdoptRecorder {
        /// The recorder.
        recorder: String,
        /// What differs; nothing when it does all that the lab needs.
        differs: Vec<Difference>,
    },
    /// Make or change the lab's own delivery channel.
    PutChannel {
        /// The channel.
        channel: String,
        /// Whether there is none yet.
        is_new: bool,
        /// What differs.
        differs: Vec<Difference>,
    },
    /// Use the delivery channel that is there, as it is.
    AdoptChannel {
        /// The channel.
        channel: String,
        /// Where it delivers to.
        bucket: String,
    },
    /// Start the recorder.
    StartRecorder {
        /// The recorder.
        recorder: String,
    },
    /// Set how long Config keeps history.
    PutRetention {
        /// Days.
        days: i32,
    },
    /// Make or change the rule.
    PutRule {
        /// The rule.
        rule: String,
        /// Whether there is none yet.
        is_new: bool,
        /// What differs.
        differs: Vec<Difference>,
    },
}

/// Something that is left as it is although it differs from what one might expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// The steps, in order. Empty means converged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps.
    pub changes: Vec<Change>,
    /// What is left alone, and why.
    pub kept: Vec<Kept>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether the stack has to be put right before CloudFormation can say what the rest would do. Then that is all that
    /// is done, and what comes after it is planned anew.
    pub fn clears_the_way(&self) -> bool {
        self.changes.iter().any(|change| {
            matches!(
                change,
                Change::RemoveBrokenStack { .. } | Change::RecoverStack { .. }
            )
        })
    }

    /// Whether the stack is to be made (`Some(true)`) or changed (`Some(false)`).
    pub fn makes_stack(&self) -> Option<bool> {
        self.changes.iter().find_map(|change| match change {
            Change::CreateStack { .. } => Some(true),
            Change::UpdateStack { .. } => Some(false),
            Change::MakeCodeBucket { .. }
            | Change::UploadPackage { .. }
            | Change::RemoveBrokenStack { .. }
            | Change::RecoverStack { .. }
            | Change::ReplaceCode { .. }
            | Change::PutRecorder { .. }
            | Change::AdoptRecorder { .. }
            | Change::PutChannel { .. }
            | Change::AdoptChannel { .. }
            | Change::StartRecorder { .. }
            | Change::PutRetention { .. }
            | Change::PutRule { .. } => None,
        })
    }

    /// Fills in what CloudFormation says that it would do with the stack; `None` when it finds nothing to do.
    pub fn foresee(&mut self, foreseen: Option<Vec<ResourceChange>>) {
        let Some(foreseen) = foreseen else {
            self.changes
                .retain(|change| !matches!(change, Change::UpdateStack { .. }));
            return;
        };
        for change in &mut self.changes {
            if let Change::CreateStack { resources, .. } | Change::UpdateStack { resources, .. } =
                change
            {
                resources.clone_from(&foreseen);
            }
        }
    }

    /// Writes into the journal what carrying the plan out will touch that is not the lab's, and what the lab sets that
    /// nobody could tell from somebody else's.
    pub fn note(&self, observed: &Observed, by: &str, now: OffsetDateTime, journal: &mut Journal) {
        for change in &self.changes {
            if let Change::PutRetention { days } = change {
                journal.retention = Some(*days);
            }
        }
        let recorder = observed
            .recorders
            .iter()
            .find(|recorder| !observed.owns_recorder(recorder));
        let channel = observed
            .channels
            .iter()
            .find(|channel| !observed.owns_channel(channel));
        if recorder.is_none() && channel.is_none() {
            // What its owner has deleted cannot be given back, and the lab's own may bear the same name from now on.
            journal.borrowed = None;
            return;
        }
        let earlier = journal.borrowed.take();
        journal.borrowed = Some(Borrowed {
            since: earlier.as_ref().map_or(now, |earlier| earlier.since),
            by: earlier
                .as_ref()
                .map_or_else(|| by.to_owned(), |earlier| earlier.by.clone()),
            recorder: recorder.map(|recorder| {
                let earlier = earlier.as_ref().and_then(|e| e.recorder.as_ref());
                BorrowedRecorder::of(&recorder.it, earlier)
            }),
            channel: channel.map(|channel| channel.channel.raw.clone()),
            retention: observed
                .retention
                .filter(|days| observed.own_retention() != Some(*days)),
        });
    }
}

/// Compares the lab as it should be with the lab as it is. Conflicts are looked for elsewhere, and before: what is not the
/// lab's here is borrowed with the user's consent.
///
/// # Errors
/// When the stack is usable but is not the lab's (an output is missing).
pub fn plan(spec: &Spec, observed: &Observed) -> Result<Plan> {
    let mut plan = Plan::default();
    stack::plan_code(spec, observed, &mut plan);
    stack::plan_stack(spec, observed, &mut plan);
    let outputs = observed.outputs()?;
    if let Some(outputs) = &outputs {
        stack::plan_function(spec, observed, outputs, &mut plan);
    }
    // A stack that has to be put right keeps its outputs until it is changed.
    let outputs = outputs.or_else(|| observed.outputs_of_stuck_stack());
    plan_config(spec, observed, outputs.as_ref(), &mut plan);
    Ok(plan)
}

#[cfg(test)]
mod tests;
