//! Looking before leaping: who is asking, what is in the way, what would be hit, what it costs.
//!
//! [`collect`] only reads, and keeps apart what it could not see; [`judge`] is pure. A finding says what is, why it matters
//! and what to do about it.

pub mod caller;
mod collect;
pub mod facts;
pub mod judge;
pub mod prices;
pub mod quotas;

pub use caller::Caller;
pub use collect::{Asked, collect};
pub use facts::Facts;
pub use judge::judge;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It may go wrong.
    Warning,
    /// It will go wrong.
    Blocker,
}

impl Severity {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Blocker => "blocker",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: `identity`, `permissions`, `names`, …
    pub about: &'static str,
    /// What is.
    pub what: String,
    /// Why it matters; empty where all is well.
    pub why: String,
    /// What to do, one way a line; empty where nothing is to be done.
    pub todo: Vec<String>,
}

impl Finding {
    fn ok(about: &'static str, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Ok,
            about,
            what: what.into(),
            why: String::new(),
            todo: Vec::new(),
        }
    }

    fn new(
        severity: Severity,
        about: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            why: why.into(),
            ..Self::ok(about, what)
        }
    }

    fn todo(mut self, what: impl Into<String>) -> Self {
        self.todo.push(what.into());
        self
    }
}
