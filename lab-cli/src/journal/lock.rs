//! Who is at work on the lab. Decided here without a clock or a network; carried out by the [`super::Lease`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How long a lock lasts from its last renewal on: long enough for an outage of the network, short enough to wait for.
pub const LEASE: Duration = Duration::from_secs(10 * 60);

/// What somebody is at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Making or changing the lab.
    Deploy,
    /// Removing it.
    Cleanup,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deploy => "deploying",
            Self::Cleanup => "cleaning up",
        })
    }
}

/// The right to change the lab, until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The ARN of the caller.
    pub by: String,
    /// The name of the machine; empty when it is unknown.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The run of the program.
    pub run: String,
    /// What for.
    pub purpose: Purpose,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Until when, unless it is renewed.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.by)?;
        if !self.host.is_empty() {
            write!(f, " on `{}` (process {})", self.host, self.pid)?;
        }
        write!(
            f,
            " is {} since {}",
            self.purpose,
            crate::output::moment(self.since)
        )
    }
}

/// Who asks for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The ARN of the caller.
    pub by: String,
    /// The name of the machine; empty when it is unknown.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The run of the program.
    pub run: String,
}

impl Me {
    /// This run of the program, for the given caller.
    pub fn new(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            host: host(),
            pid: std::process::id(),
            run: token(),
        }
    }
}

/// Sixteen random hexadecimal digits.
pub(crate) fn token() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The name of this machine as Linux tells it; empty where it does not.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// Whether one may have the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has it.
    Free,
    /// Its time is over.
    Expired,
    /// The process that had it on this very machine, for the same caller, is no more.
    Abandoned,
    /// Somebody has it.
    Held,
}

/// Decides whether `me` may have the lock. `alive` tells whether a holder of this machine is still running.
pub fn claim(
    lock: Option<&Lock>,
    me: &Me,
    now: OffsetDateTime,
    alive: impl Fn(&Lock) -> bool,
) -> Claim {
    let Some(lock) = lock else {
        return Claim::Free;
    };
    if lock.run == me.run {
        return Claim::Free;
    }
    if lock.until <= now {
        return Claim::Expired;
    }
    let here = lock.by == me.by && !me.host.is_empty() && lock.host == me.host;
    if here && !alive(lock) {
        return Claim::Abandoned;
    }
    Claim::Held
}

/// The runs of this process that hold a lock: a process may run the program more than once.
static RUNNING: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A run that holds a lock, until dropped.
#[derive(Debug)]
pub(super) struct Running(String);

impl Running {
    pub(super) fn new(run: &str) -> Self {
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run.to_owned());
        Self(run.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

/// Whether the process that took a lock on this machine is still running. Where that cannot be told it counts as running.
pub(super) fn alive(lock: &Lock) -> bool {
    if lock.pid == std::process::id() {
        return RUNNING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&lock.run);
    }
    let processes = std::path::Path::new("/proc");
    !processes.join("self").exists() || processes.join(lock.pid.to_string()).exists()
}
