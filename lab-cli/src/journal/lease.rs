//! Holding the lock, and writing the journal while one does.

use std::time::Duration;

use tokio::sync::Mutex;

use super::lock::{Running, alive};
use super::{Claim, Journal, KEY, LEASE, Lock, Me, Purpose, Seen, claim};
use crate::aws::{Doing, Reader, Writer, Written};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::output::Ui;
use crate::state::Place;

/// How often a lock is renewed: several times before it would expire.
const RENEWAL: Duration = Duration::from_secs(2 * 60);
/// How often a write is repeated that met another one and left no trace.
const ATTEMPTS: usize = 5;

/// The right to change the lab, and the journal that goes with it. Not released when dropped: then the run was cut off, and
/// the next one of the same caller on this machine takes over.
#[derive(Debug)]
pub struct Lease<'a> {
    aws: &'a Reader,
    writer: Writer,
    place: &'a Place,
    clock: &'a Clock,
    me: Me,
    held: Mutex<Held>,
    _running: Running,
}

#[derive(Debug)]
struct Held {
    journal: Journal,
    etag: Option<String>,
}

/// Who wants to change the lab.
#[derive(Debug, Clone)]
pub struct Bid<'a> {
    /// The calls that look.
    pub aws: &'a Reader,
    /// The calls that change something.
    pub writer: Writer,
    /// Where.
    pub place: &'a Place,
    /// Where progress is told.
    pub ui: &'a Ui,
    /// The clock.
    pub clock: &'a Clock,
    /// What for.
    pub purpose: Purpose,
    /// Whether the user says that the holder is at work no more.
    pub take_over: bool,
}

/// Refuses early if somebody else is at work, before the user reads a plan in vain.
///
/// # Errors
/// [`crate::error::Kind::Refused`].
pub(crate) fn nobody_else(
    seen: &Seen,
    place: &Place,
    clock: &Clock,
    take_over: bool,
) -> Result<Claim> {
    let me = Me::new(&place.identity.arn);
    let lock = seen.journal().and_then(|journal| journal.lock.as_ref());
    let claim = claim(lock, &me, clock.now(), alive);
    match (&claim, lock) {
        (Claim::Held, Some(lock)) if !take_over => Err(held_by(lock)),
        _ => Ok(claim),
    }
}

fn held_by(lock: &Lock) -> Error {
    Error::refused(format!("nothing was changed, because {lock}"))
        .hint(format!(
            "wait for them to finish; if they were cut off, the lab is free again at {}",
            crate::output::moment(lock.until)
        ))
        .hint("or, if you know that they are at work no more, run the same command with `--take-over`")
}

impl<'a> Lease<'a> {
    /// Takes the lock, and with the same write notes in the journal what is about to be changed. `seen` is the journal that
    /// the plan was made from: if it has changed since, so may everything else.
    ///
    /// # Errors
    /// [`crate::error::Kind::Refused`] when somebody else has it or has changed the lab since, or the failed call.
    pub async fn take(bid: Bid<'a>, seen: &Seen, note: impl FnOnce(&mut Journal)) -> Result<Self> {
        let Bid {
            aws,
            writer,
            place,
            ui,
            clock,
            purpose,
            take_over,
        } = bid;
        seen.usable(&place.code_bucket())?;
        match nobody_else(seen, place, clock, take_over)? {
            Claim::Free => {}
            Claim::Expired => ui.say("taking over the lab's lock, which has expired"),
            Claim::Abandoned => {
                ui.say("taking over the lab's lock from a run of yours that was cut off");
            }
            Claim::Held => ui.warn("taking over the lab's lock, as you said"),
        }
        let (mut journal, etag) = match seen {
            Seen::Read(journal, etag) => ((**journal).clone(), Some(etag.clone())),
            Seen::Absent | Seen::Unusable(_) => (Journal::new(&place.stack), None),
        };
        let me = Me::new(&place.identity.arn);
        let now = clock.now();
        journal.lock = Some(Lock {
            by: me.by.clone(),
            host: me.host.clone(),
            pid: me.pid,
            run: me.run.clone(),
            purpose,
            since: now,
            until: now + LEASE,
        });
        let lease = Self {
            aws,
            writer,
            place,
            clock,
            _running: Running::new(&me.run),
            me,
            held: Mutex::new(Held { journal, etag }),
        };
        lease.write(note).await?;
        Ok(lease)
    }

    /// Notes something in the journal, before it is done.
    ///
    /// # Errors
    /// [`crate::error::Kind::Refused`] when somebody took the lock over meanwhile, or the failed call.
    pub async fn note(&self, change: impl FnOnce(&mut Journal)) -> Result<()> {
        self.write(|journal| {
            change(journal);
            if let Some(lock) = &mut journal.lock {
                lock.until = self.clock.now() + LEASE;
            }
        })
        .await
    }

    /// Does the work while the lock is kept. Ends early when somebody else has taken it over.
    ///
    /// # Errors
    /// That of the work, or [`crate::error::Kind::Refused`].
    pub async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            lost = self.keep() => Err(lost),
        }
    }

    /// Renews the lock again and again; ends only when somebody else has taken it over. A renewal that fails for another
    /// reason is tried again when the next one is due: the lock outlasts several.
    async fn keep(&self) -> Error {
        loop {
            // The machine's own clock: one that jumps would renew without end.
            tokio::time::sleep(RENEWAL).await;
            match self.note(|_| {}).await {
                Err(error) if error.kind() == crate::error::Kind::Refused => return error,
                Err(error) => tracing::warn!(%error, "the lab's lock was not renewed"),
                Ok(()) => {}
            }
        }
    }

    /// Gives the lock back after the work, however that ended.
    ///
    /// # Errors
    /// That of the work.
    pub async fn released<T>(&self, ui: &Ui, outcome: Result<T>) -> Result<T> {
        if let Err(error) = self.release().await {
            ui.warn(format_args!(
                "the lab's lock was not given back, and expires by itself: {error}"
            ));
        }
        outcome
    }

    /// Gives the lock back. Where the bucket is gone, the lock is gone too.
    ///
    /// # Errors
    /// As [`Lease::note`].
    pub async fn release(&self) -> Result<()> {
        self.write(|journal| journal.lock = None).await
    }

    /// What the journal says now.
    pub async fn journal(&self) -> Journal {
        self.held.lock().await.journal.clone()
    }

    async fn write(&self, change: impl FnOnce(&mut Journal)) -> Result<()> {
        let mut held = self.held.lock().await;
        let mut journal = held.journal.clone();
        change(&mut journal);
        journal.serial += 1;
        journal.run.clone_from(&self.me.run);
        let (bucket, account) = (self.place.code_bucket(), self.place.account());
        let doing = format!("write the journal `{KEY}` in the bucket `{bucket}`");
        let body = journal.body();
        for _ in 0..ATTEMPTS {
            let over = held.etag.as_deref();
            let written = self
                .writer
                .put_document(&bucket, account, KEY, body.clone(), over)
                .await
                .doing(&doing)?;
            if let Written::Yes(etag) = written {
                *held = Held {
                    journal,
                    etag: Some(etag),
                };
                return Ok(());
            }
            let found = self
                .aws
                .document(&bucket, account, KEY)
                .await
                .doing(&doing)?;
            match &found {
                // Our own write, whose answer was lost.
                Some(document) if document.body == body => {
                    let etag = Some(document.etag.clone());
                    *held = Held { journal, etag };
                    return Ok(());
                }
                // Two writes met, and neither took place.
                found if found.as_ref().map(|d| &d.etag) == held.etag.as_ref() => {}
                found => return Err(overtaken(&Seen::of(found.as_ref(), &self.place.stack))),
            }
        }
        Err(Error::refused(format!(
            "cannot {doing}: others keep writing it"
        )))
    }
}

fn overtaken(now: &Seen) -> Error {
    match now.journal().and_then(|journal| journal.lock.as_ref()) {
        Some(lock) => held_by(lock),
        None => Error::refused("somebody else has changed the lab since it was looked at")
            .hint("run the same command again: it looks again"),
    }
}
