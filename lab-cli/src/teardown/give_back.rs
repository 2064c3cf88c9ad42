//! Giving back what was borrowed, and making sure of it.

use std::time::Duration;

use serde_json::Value;

use super::Teardown;
use crate::aws::{Doing, Recorder};
use crate::error::{Error, Kind, Result};
use crate::journal::{Borrowed, BorrowedRecorder, GivingBack, giving_back};
use crate::plan::{Difference, of_recorder};
use crate::state::Observed;
use crate::wait::{Look, Pace, Wait};

/// How long AWS Config may take to show what it was told.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What is given back: recorder, channel and retention as they were. Channel and retention were never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// The recorder as it is.
    pub now: Recorder,
    /// The recorder as it shall be.
    pub back: GivingBack,
    /// Whether what it shall be is, to the byte, what it was: nobody else changed it meanwhile.
    pub exact: bool,
    /// What the journal says.
    pub loan: Borrowed,
}

impl GiveBack {
    /// What the journal and the recorder that is there say; `None` when nothing is on loan, the journal is not verified, or the
    /// recorder is gone.
    pub fn of(observed: &Observed) -> Option<Self> {
        let loan = observed.journal.journal()?.borrowed.as_ref()?;
        Self::from_loan(observed, loan)
    }

    /// The same for what a journal says that was borrowed.
    pub(super) fn from_loan(observed: &Observed, loan: &Borrowed) -> Option<Self> {
        let recorder: &BorrowedRecorder = loan.recorder.as_ref()?;
        let found = observed
            .recorders
            .iter()
            .find(|found| found.it.name() == recorder.name() && !observed.owns_recorder(found))?;
        let back = giving_back(recorder, &found.it);
        Some(Self {
            exact: back.raw == recorder.before && back.recording == recorder.recording,
            now: found.it.clone(),
            back,
            loan: loan.clone(),
        })
    }

    /// The recorder's name.
    pub fn name(&self) -> &str {
        self.now.name()
    }

    /// Whether it has to be stopped.
    pub fn stops(&self) -> bool {
        self.now.recording && !self.back.recording
    }

    /// What is changed back, field by field.
    pub fn differences(&self) -> Vec<Difference> {
        let mut differs = of_recorder(Some(&self.now.it), &self.back.it);
        if self.stops() {
            differs.push(Difference::new("state", Some("recording"), Some("stopped")));
        }
        differs
    }

    /// The sentence for the report.
    pub fn to_report(&self) -> String {
        let name = self.name();
        if self.exact {
            return format!("configuration recorder `{name}` is as it was, to the byte");
        }
        format!(
            "configuration recorder `{name}` is as it was, apart from what its owner changed meanwhile: {}",
            if self.back.theirs.is_empty() {
                "whether it is running".to_owned()
            } else {
                self.back.theirs.join(", ")
            }
        )
    }
}

impl Teardown<'_> {
    /// Looks once more at a borrowed recorder, before anything is done: minutes may have passed since the user was shown what
    /// becomes of it, and its owner may have changed it.
    ///
    /// # Errors
    /// [`Kind::Refused`] when it is not as it was shown.
    pub(super) async fn still_as_shown(&self, loan: &GiveBack) -> Result<()> {
        let name = loan.name();
        let recorders = self.aws.recorders().await;
        let recorders = recorders.doing("look at the configuration recorder")?;
        let now = recorders.iter().find(|now| now.name() == name);
        let same = |now: &Recorder| now.raw == loan.now.raw && now.recording == loan.now.recording;
        if now.is_some_and(same) {
            return Ok(());
        }
        Err(Error::refused(format!(
            "nothing was removed, because the configuration recorder `{name}` has changed since it was shown what becomes of it"
        ))
        .hint("run the same command again: it looks again"))
    }

    /// Puts a borrowed recorder back as it was, and waits until AWS Config's description of it is what it shall be. The
    /// journal is still there when that does not happen.
    pub(super) async fn give_back(&self, loan: &GiveBack) -> Result<()> {
        let name = loan.name();
        if loan.back.differs {
            self.ui.say(format_args!(
                "giving back the configuration recorder `{name}` as it was"
            ));
            self.writer
                .put_recorder(&loan.back.it, None)
                .await
                .doing(format_args!(
                    "give back the configuration recorder `{name}`"
                ))?;
        }
        let wait = Wait {
            clock: self.clock,
            ui: self.ui,
            what: format!("AWS Config to show the recorder `{name}` as it was"),
            usual: "usually at once",
            timeout: TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        let looked = wait
            .until(async || {
                let now = self
                    .aws
                    .recorders()
                    .await
                    .doing("look at the configuration recorder")?
                    .into_iter()
                    .find(|now| now.name() == name);
                Ok(match now {
                    Some(now) => match unlike(&now, &loan.back) {
                        Some(unlike) => Look::Missing(unlike),
                        None => Look::Done(()),
                    },
                    None => Look::Missing("it is gone".to_owned()),
                })
            })
            .await;
        match looked {
            Err(error) if error.kind() == Kind::TimedOut => Err(Error::new(
                Kind::Failed,
                format!("the configuration recorder `{name}` is not as it was"),
            )
            .caused_by(error)
            .hint(
                "run the same command again; what it was is in the journal, which is still there",
            )),
            Ok(()) => {
                self.ui.say(loan.to_report());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// In what a recorder is not as it shall be.
fn unlike(now: &Recorder, back: &GivingBack) -> Option<String> {
    if now.recording != back.recording {
        return Some(format!(
            "it is {}",
            if now.recording { "running" } else { "stopped" }
        ));
    }
    let (Value::Object(now), Value::Object(wanted)) = (&now.raw, &back.raw) else {
        return Some("its description is not understood".to_owned());
    };
    let members = now.keys().chain(wanted.keys());
    members
        .filter(|member| now.get(*member) != wanted.get(*member))
        .map(|member| format!("`{member}` is not as it was"))
        .next()
}
