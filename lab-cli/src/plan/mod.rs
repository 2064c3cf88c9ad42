//! What has to change: a pure comparison of the lab as it should be with the lab as it is.

mod conflict;
mod diff;

pub use conflict::{Conflict, conflicts, refusal};
pub use diff::{Singletons, plan, plan_config};

use std::fmt;

use serde::Serialize;

/// One step, so specific that carrying it out leaves nothing to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Make the code bucket, block public access to it and tag it.
    MakeCodeBucket {
        /// The bucket.
        bucket: String,
    },
    /// Note on the code bucket that the retention is ours, before it is set.
    NoteRetention {
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
    /// Make the stack.
    CreateStack {
        /// The stack.
        stack: String,
    },
    /// Change the stack.
    UpdateStack {
        /// The stack.
        stack: String,
        /// What differs.
        because: Vec<String>,
    },
    /// Give the function the package again: somebody gave it another one.
    ReplaceCode {
        /// The function.
        function: String,
    },
    /// Make or change the recorder.
    PutRecorder {
        /// The recorder.
        recorder: String,
        /// What differs.
        because: Vec<String>,
    },
    /// Make or change the delivery channel.
    PutChannel {
        /// The channel.
        channel: String,
        /// What differs.
        because: Vec<String>,
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
        /// What differs.
        because: Vec<String>,
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
}

struct Because<'a>(&'a [String]);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.0.join(", "))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A thing is made when nothing differs because there is nothing.
        fn sign(because: &[String]) -> char {
            if because.is_empty() { '+' } else { '~' }
        }
        match self {
            Self::MakeCodeBucket { bucket } => write!(f, "+ code bucket `{bucket}`"),
            Self::NoteRetention { bucket } => write!(
                f,
                "~ code bucket `{bucket}` (note that the retention is ours)"
            ),
            Self::UploadPackage { key, bytes } => write!(f, "+ package `{key}` ({bytes} bytes)"),
            Self::RemoveBrokenStack { stack, status } => write!(f, "- stack `{stack}` ({status})"),
            Self::CreateStack { stack } => write!(f, "+ stack `{stack}`"),
            Self::UpdateStack { stack, because } => {
                write!(f, "~ stack `{stack}`{}", Because(because))
            }
            Self::ReplaceCode { function } => {
                write!(f, "~ code of function `{function}` (it is not our package)")
            }
            Self::PutRecorder { recorder, because } => {
                write!(
                    f,
                    "{} configuration recorder `{recorder}`{}",
                    sign(because),
                    Because(because)
                )
            }
            Self::PutChannel { channel, because } => {
                write!(
                    f,
                    "{} delivery channel `{channel}`{}",
                    sign(because),
                    Because(because)
                )
            }
            Self::StartRecorder { recorder } => {
                write!(f, "~ configuration recorder `{recorder}` (start it)")
            }
            Self::PutRetention { days } => {
                write!(f, "+ retention of configuration history ({days} days)")
            }
            Self::PutRule { rule, because } => {
                write!(f, "{} rule `{rule}`{}", sign(because), Because(because))
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            writeln!(f, "nothing to change")?;
        }
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        for Kept { subject, reason } in &self.kept {
            writeln!(f, "= {subject} ({reason})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
