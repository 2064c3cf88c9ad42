//! What can go wrong, and the exit code that each kind of failure has.
//!
//! An [`Error`] says what could not be done, keeps the cause as its source, and carries hints apart from the message.
//! Its `Display` never repeats the source: [`crate::output::failure`] prints the whole chain, once.

use std::error::Error as StdError;
use std::fmt;

/// The kind of a failure: all that a script needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// AWS refused a call, or something else failed that has no kind of its own.
    Failed,
    /// A flag, an environment variable, the settings file or the package is not usable.
    Input,
    /// Going on would touch what is not ours, or needs a consent that was not given.
    Refused,
    /// The incident was judged and the group is not healed.
    NotHealed,
    /// The audit found something of the lab that is still there.
    Leftovers,
    /// A wait came to its deadline.
    TimedOut,
    /// The endpoint does not answer, or there are no credentials to ask it with.
    Unreachable,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The exit code of the process, as documented in `driftlab --help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Input => 2,
            Self::Refused => 3,
            Self::NotHealed => 4,
            Self::Leftovers => 5,
            Self::TimedOut => 6,
            Self::Unreachable => 7,
            Self::Interrupted => 130,
        }
    }
}

/// A failure that ends a command.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    hints: Vec<String>,
}

/// Shorthand used across the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of the given kind. The message is lower-case and has no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            hints: Vec::new(),
        }))
    }

    /// Input that cannot be used.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// Something that is refused.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// The same failure with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same failure with one more hint: an imperative sentence without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the user can do about it.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .field("hints", &self.0.hints)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_documented_exit_code() {
        let codes = [
            (Kind::Failed, 1),
            (Kind::Input, 2),
            (Kind::Refused, 3),
            (Kind::NotHealed, 4),
            (Kind::Leftovers, 5),
            (Kind::TimedOut, 6),
            (Kind::Unreachable, 7),
            (Kind::Interrupted, 130),
        ];
        for (kind, code) in codes {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn the_message_does_not_repeat_the_cause() {
        let error = Error::new(Kind::Failed, "cannot read `driftlab.yaml`")
            .caused_by(std::io::Error::other("disk on fire"))
            .hint("put the fire out");
        assert_eq!(error.to_string(), "cannot read `driftlab.yaml`");
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("disk on fire")
        );
        assert_eq!(error.hints(), ["put the fire out"]);
    }
}
