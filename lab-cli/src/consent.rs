//! The user's agreement, as a value: without one nothing can be changed.

use crate::error::{Error, Kind, Result};
use crate::guard::MayChange;
use crate::output::Ui;

/// Proof that the user agreed to what was shown. [`crate::aws::Writer`] is made from nothing else, and only asking makes
/// one, so that a command which asks for nothing changes nothing.
#[derive(Debug)]
pub struct Consent(());

impl Consent {
    /// Asks for consent to what was just shown; `yes` is the consent that was given on the command line.
    ///
    /// # Errors
    /// [`Kind::Refused`] when it is not given, or when nobody can be asked.
    pub fn ask(_: MayChange, ui: &Ui, yes: bool, question: &str) -> Result<Self> {
        if yes {
            return Ok(Self(()));
        }
        match ui.ask(question) {
            Some(true) => Ok(Self(())),
            Some(false) => Err(Error::new(
                Kind::Refused,
                "nothing was changed, because you said no",
            )),
            None => Err(Error::new(
                Kind::Refused,
                "nothing was changed, because nobody can be asked for consent",
            )
            .hint("run the same command with `--yes`")),
        }
    }

    /// The consent that lies in the command itself, for one that changes nothing of what is there: it may have AWS Config
    /// judge again, or open the ports that it was asked to open.
    pub(crate) fn by_command(_: MayChange) -> Self {
        Self(())
    }
}
