//! A failure that knows its exit code and, where there is one, its remedy.

use std::fmt;

/// The exit codes are those of `driftlab`; the README lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A build, a process or a file failed.
    Failed,
    /// The command line or a value on it is wrong.
    Usage,
    /// The repair did not happen.
    NotHealed,
    /// Something was left behind.
    Leftovers,
    /// Another program ended with this code, and it is passed on.
    Passed(u8),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotHealed => 4,
            Self::Leftovers => 5,
            Self::Passed(code) => code,
        }
    }
}

/// The outermost error of a command: what `main` turns into a message, a hint and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
