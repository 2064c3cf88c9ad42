//! How an invocation fails. Every one of these is a function error, so that Lambda tries again.

use crate::effects::Failure;
use lambda_runtime::Diagnostic;
use remediator_core::decision::DecisionError;
use remediator_core::{EventError, GroupId, PolicyError};
use std::error::Error;

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandleError {
    /// The event is not understood or not supported.
    #[error("the event cannot be handled")]
    Event(#[from] EventError),
    /// The item does not name a group.
    #[error("the event cannot be handled")]
    Decision(#[from] DecisionError),
    /// Calls failed; each is told in full.
    #[error("{}", .0.join("; "))]
    Calls(Vec<String>),
    /// The group kept changing.
    #[error("group `{0}` kept changing while it was being repaired")]
    Unsettled(GroupId),
    /// A policy cannot be followed.
    #[error("the policy in {place} cannot be followed")]
    Policy {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        source: PolicyError,
    },
    /// An event of EventBridge's, and no policy for it.
    #[error(
        "environment variable `DRIFTLAB_POLICY` is not set, so there is no policy for events of EventBridge"
    )]
    NoPolicy,
    /// An event of a place that the function does not serve.
    #[error(
        "the event is of {theirs}, and this function serves {ours}: deploy one there, or forward events from here only"
    )]
    Foreign {
        /// Account and region of the event.
        theirs: String,
        /// Account and region of the function.
        ours: String,
    },
    /// A sweep did not reach or heal everything.
    #[error("the sweep is not complete: {0}")]
    Sweep(String),
    /// EC2 never showed what the event shows.
    #[error("group `{0}` is not yet shown as its configuration item shows it")]
    Doubtful(GroupId),
}

impl HandleError {
    pub(crate) fn calls<'a, F: Failure + 'a>(failures: impl IntoIterator<Item = &'a F>) -> Self {
        Self::Calls(failures.into_iter().map(Failure::report).collect())
    }

    /// The error and its causes on one line.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Foreign { .. } => "ForeignEvent",
            Self::Event(_) | Self::Decision(_) => "InvalidEvent",
            Self::Policy { .. } | Self::NoPolicy => "InvalidPolicy",
            Self::Calls(_) => "AwsCallFailed",
            Self::Sweep(_) => "SweepIncomplete",
            Self::Unsettled(_) | Self::Doubtful(_) => "GroupUnsettled",
        }
    }
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        Self {
            error_type: error.kind().to_owned(),
            error_message: error.chain(),
        }
    }
}

/// An error and its causes, outermost first.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
