//! Holding the lock, and writing the journal while one does.

use std::time::Duration;

use tokio::sync::Mutex;

use super::lock::{Running, alive};
use super::{
    Claim, DIGEST_TAG, Journal, KEY, LEASE, Lock, Mark, Me, Purpose, Seen, VERSION, claim,
};
use crate::aws::{Doing, Reader, Tags, Writer, Written};
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
    /// Whether its digest is kept. Not for what an older driftlab said of borrowed things: that nobody can vouch for.
    vouched: bool,
    /// The digests that the bucket's tag holds.
    mark: Mark,
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
    /// The tags of the code bucket; `None` for one that was made a moment ago.
    pub tags: Option<Tags>,
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
    let lock = seen.lock();
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
            tags,
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
        // A deployment goes on with what is there now; a removal leaves what is unverified as it was found.
        let anew = purpose == Purpose::Deploy;
        let (mut journal, etag, vouched) = seen.goes_on(&place.stack, anew);
        let tags = tags.unwrap_or_default();
        let mark = tags.get(DIGEST_TAG).map(|value| Mark::parse(value));
        let mark = mark.unwrap_or_default();
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
            held: Mutex::new(Held {
                journal,
                etag,
                vouched,
                mark,
            }),
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

    /// The tag of the code bucket that vouches for the journal, for whoever replaces the bucket's tags.
    pub async fn tag(&self) -> Option<(String, String)> {
        let mark = self.held.lock().await.mark.value();
        (!mark.is_empty()).then(|| (DIGEST_TAG.to_owned(), mark))
    }

    /// Writes the journal. Where what it says of borrowed things changes, the tag of the bucket admits the old and the new
    /// digest meanwhile: cut off between any two of these writes, the journal that is there is vouched for.
    async fn write(&self, change: impl FnOnce(&mut Journal)) -> Result<()> {
        let mut held = self.held.lock().await;
        let mut journal = held.journal.clone();
        change(&mut journal);
        journal.serial += 1;
        journal.run.clone_from(&self.me.run);
        let vouched = held.vouched;
        if !vouched {
            return self.put(&mut held, journal).await;
        }
        journal.version = VERSION;
        let digest = journal.digest();
        if !held.mark.admits(&digest) {
            self.admit(&mut held, |mark| mark.and(&digest)).await?;
        }
        self.put(&mut held, journal).await?;
        let only = Mark::of(&digest);
        if held.mark != only {
            self.admit(&mut held, |_| only).await?;
        }
        Ok(())
    }

    /// Writes the tag of the bucket. What somebody else has admitted meanwhile is kept by a change that keeps what is there.
    async fn admit(&self, held: &mut Held, change: impl FnOnce(&Mark) -> Mark) -> Result<()> {
        let (bucket, account) = (self.place.code_bucket(), self.place.account());
        let doing = format!("keep the journal's digest in a tag of the bucket `{bucket}`");
        let there = self.aws.bucket_tags(&bucket, account).await.doing(&doing)?;
        // Without the bucket there is no journal either: its deletion has overtaken this write.
        let Some(mut tags) = there else {
            return Err(overtaken(&Seen::Absent));
        };
        let there = tags.get(DIGEST_TAG).map(|value| Mark::parse(value));
        let mark = change(&there.unwrap_or_default());
        tags.insert(DIGEST_TAG.to_owned(), mark.value());
        self.writer
            .tag_bucket(&bucket, account, &tags)
            .await
            .doing(&doing)?;
        held.mark = mark;
        Ok(())
    }

    async fn put(&self, held: &mut Held, journal: Journal) -> Result<()> {
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
                held.journal = journal;
                held.etag = Some(etag);
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
                    held.journal = journal;
                    held.etag = Some(document.etag.clone());
                    return Ok(());
                }
                // Two writes met, and neither took place.
                found if found.as_ref().map(|d| &d.etag) == held.etag.as_ref() => {}
                found => {
                    return Err(overtaken(&Seen::of(
                        found.as_ref(),
                        None,
                        &self.place.stack,
                    )));
                }
            }
        }
        Err(Error::refused(format!(
            "cannot {doing}: others keep writing it"
        )))
    }
}

fn overtaken(now: &Seen) -> Error {
    match now.lock() {
        Some(lock) => held_by(lock),
        None => Error::refused("somebody else has changed the lab since it was looked at")
            .hint("run the same command again: it looks again"),
    }
}
