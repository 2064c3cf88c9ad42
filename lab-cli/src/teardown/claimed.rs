//! What an unverified journal says of borrowed things: told, never done.

use std::fmt;

use super::GiveBack;
use super::line;
use crate::journal::Doubt;
use crate::state::Observed;

/// What an unverified journal says, beside what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Why it is not believed.
    pub doubt: Doubt,
    /// The digest of what it says; empty when that is not understood.
    pub digest: String,
    /// How the recorder would become what the journal says that it was.
    pub recorder: Option<GiveBack>,
    /// The retention that the lab set, as the journal says, where it is still so.
    pub retention: Option<i32>,
}

impl Claimed {
    /// What the journal says and what is there; `None` for a journal that is believed.
    pub fn of(observed: &Observed) -> Option<Self> {
        let unverified = observed.journal.unverified()?;
        let claim = unverified.claim.as_ref();
        let loan = claim.and_then(|claim| claim.borrowed.as_ref());
        let retention = claim.and_then(|claim| claim.retention);
        Some(Self {
            doubt: unverified.doubt,
            digest: unverified.digest.clone(),
            recorder: loan.and_then(|loan| GiveBack::from_loan(observed, loan)),
            retention: retention.filter(|days| observed.retention == Some(*days)),
        })
    }

    /// Whether the journal is the only place that tells what a recorder was: nothing says that it was forged, and the recorder
    /// is not as it says.
    pub fn is_needed(&self) -> bool {
        let differs = |recorder: &GiveBack| !recorder.differences().is_empty();
        self.doubt == Doubt::NoDigest && self.recorder.as_ref().is_some_and(differs)
    }

    /// Whether restoring what it says would change anything.
    fn changes(&self) -> bool {
        let differs = |recorder: &GiveBack| !recorder.differences().is_empty();
        self.retention.is_some() || self.recorder.as_ref().is_some_and(differs)
    }
}

impl fmt::Display for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            doubt,
            digest,
            recorder,
            retention,
        } = self;
        line(f, format_args!("? the journal is not verified: {doubt}"))?;
        if let Some(recorder) = recorder {
            let differences = recorder.differences();
            let name = recorder.name();
            if differences.is_empty() {
                line(
                    f,
                    format_args!(
                        "    it says that the configuration recorder `{name}` was as it is"
                    ),
                )?;
            } else {
                line(
                    f,
                    format_args!(
                        "    it says how the configuration recorder `{name}` was, which stays as it is:"
                    ),
                )?;
            }
            for difference in differences {
                line(f, format_args!("        {difference}"))?;
            }
        }
        if let Some(days) = retention {
            line(
                f,
                format_args!(
                    "    it says that the lab set the retention of {days} days, which stays as it is"
                ),
            )?;
        }
        if self.changes() {
            line(
                f,
                format_args!(
                    "    if you know from elsewhere that this is true, restore it with `--restore-from-unverified-journal={digest}`"
                ),
            )?;
        }
        Ok(())
    }
}
