//! Which processes belong to a function: its own, whatever that started, and whatever those started,
//! in whatever session, whoever their parent is by now.
//!
//! A process that loses its parent becomes a child of the sandbox, which is their *subreaper*. Whose
//! it was is told by a mark that is inherited and cannot be changed from within: a hard limit that
//! has no effect on an ordinary process (`RLIMIT_RTTIME`, the processor time of real-time
//! processes), with a value of its own for each function's process. It is put on from outside when
//! the process has been started. What that process starts before is an orphan without a mark
//! at most; it is known by having more system-call filters than the sandbox, and ended on sight.
//!
//! Why not a limit on processes (`RLIMIT_NPROC`): it counts all processes of the user, and none of
//! root's. Control groups and process namespaces would do all of this better, and are not to be had
//! by ordinary users on most machines.
//!
//! Counting the processes is left to whoever looks at them every so often, which bounds them late but
//! everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{RwLock, RwLockReadGuard};

/// The mark of one function's process and of all that come from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64);

/// How many marks a sandbox has; the bits above them are its own.
const MARKS: u64 = 1 << 24;

/// The processes that the sandbox has started itself.
static STARTED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Held by whoever starts a process, until that is in [`STARTED`]; and by whoever takes children
/// that are not in it for strays.
static STARTING: RwLock<()> = RwLock::const_new(());

/// To be held while a function's process is started and marked.
pub(super) async fn starting() -> RwLockReadGuard<'static, ()> {
    adopt_orphans();
    STARTING.read().await
}

/// The highest mark of this sandbox, which no function's process has. Large enough for no limit of
/// processor time to be reached.
pub(super) fn own_mark() -> Mark {
    static OWN: OnceLock<Mark> = OnceLock::new();
    *OWN.get_or_init(|| Mark(fastrand::u64(1 << 20..1 << 31) * MARKS + MARKS - 1))
}

impl Mark {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % (MARKS - 1);
        Self(own_mark().0 - MARKS + 1 + number)
    }

    /// As an argument of the reaper.
    pub(super) fn to_text(self) -> String {
        self.0.to_string()
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn is_of(self, sandbox: Self) -> bool {
        self.0 / MARKS == sandbox.0 / MARKS
    }
}

/// Marks a process that was just started and makes it known. Held meanwhile: [`starting`].
pub(super) fn add(pid: Pid, mark: Mark) -> io::Result<()> {
    started().insert(pid.as_raw_nonzero().get());
    system::put(pid, mark)
}

/// The process has ended and was waited for.
pub(super) fn remove(pid: Pid) {
    started().remove(&pid.as_raw_nonzero().get());
}

fn started() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Orphans of functions come to this process, as long as it lives.
fn adopt_orphans() {
    static ADOPTED: OnceLock<()> = OnceLock::new();
    ADOPTED.get_or_init(system::adopt_orphans);
}

/// All living processes that come from `main` or bear its mark.
pub(super) fn of(main: Pid, mark: Mark) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    gather(main.as_raw_nonzero().get(), &mut found);
    for orphan in orphans() {
        if mark_of(orphan) == Some(mark) {
            gather(orphan, &mut found);
        }
    }
    found
}

/// Ends what bears `mark` and has lost its parent, until none is left. Whoever forks quicker than it is
/// found loses to the second or third look, as what was found is gone by then.
pub(super) fn end(mark: Mark) {
    for _ in 0..LOOKS {
        let mut found = BTreeSet::new();
        for orphan in orphans() {
            if mark_of(orphan) == Some(mark) {
                gather(orphan, &mut found);
            }
        }
        if found.is_empty() {
            return;
        }
        kill_all(&found);
    }
    tracing::warn!("processes of a function could not be ended: they start others too quickly");
}

/// How often it is looked for processes to end; only what withstands is looked for more than thrice.
const LOOKS: usize = 10_000;

/// Ends every process of a dead sandbox: its children are children of others now, so all processes
/// of the machine are looked at.
pub(super) fn end_all_of(sandbox: Mark) {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    for _ in 0..LOOKS {
        let found: BTreeSet<i32> = processes()
            .filter(|pid| *pid != own && !is_zombie(*pid))
            .filter(|pid| mark_of(*pid).is_some_and(|mark| mark.is_of(sandbox)))
            .collect();
        if found.is_empty() {
            return;
        }
        kill_all(&found);
    }
}

fn kill_all(processes: &BTreeSet<i32>) {
    for pid in processes.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Children of this process that it has not started. Those that have ended are cleared away, and so
/// are those that nobody can be asked for.
fn orphans() -> Vec<i32> {
    // Nobody starts anything now, or nothing is decided about strays.
    let quiet = STARTING.try_write();
    let started = started().clone();
    let mut orphans = children(i32::try_from(std::process::id()).unwrap_or_default());
    orphans.retain(|pid| !started.contains(pid));
    orphans.retain(|pid| {
        let Some(mark) = mark_of(*pid) else {
            return false;
        };
        if mark.is_of(own_mark()) && mark != own_mark() {
            return !(is_zombie(*pid) && system::wait(*pid));
        }
        if quiet.is_ok() && system::is_filtered_more(*pid) {
            tracing::warn!(pid, "a process that no function answers for is ended");
            kill_all(&BTreeSet::from([*pid]));
        }
        false
    });
    orphans
}

/// A process and everything below it.
fn gather(pid: i32, found: &mut BTreeSet<i32>) {
    if found.insert(pid) {
        for child in children(pid) {
            gather(child, found);
        }
    }
}

/// The children of all threads of a process. Not every kernel lists them; then there are none.
fn children(pid: i32) -> Vec<i32> {
    let mut children = Vec::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return children;
    };
    for thread in threads.flatten() {
        let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(listed.split(' ').filter_map(|id| id.parse::<i32>().ok()));
    }
    children
}

/// How many threads a process has.
pub(super) fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn processes() -> impl Iterator<Item = i32> {
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// `None` where the process is gone; without a mark, the limit is some other number.
fn mark_of(pid: i32) -> Option<Mark> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max realtime timeout"))?;
    let hard = line.split_whitespace().nth(1)?;
    Some(Mark(hard.parse().unwrap_or(u64::MAX)))
}

fn is_zombie(pid: i32) -> bool {
    // The name, which may hold anything, ends with the last bracket.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('Z'))
}

#[cfg(target_os = "linux")]
mod system {
    use std::{fs, io};

    use rustix::process::{
        Pid, Resource, Rlimit, WaitOptions, getpid, getrlimit, prlimit, set_child_subreaper,
        waitpid,
    };

    use super::Mark;

    pub(super) fn adopt_orphans() {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "processes that functions leave behind are not ended with them");
        }
    }

    pub(super) fn put(pid: Pid, mark: Mark) -> io::Result<()> {
        let limit = Rlimit {
            current: Some(mark.0),
            maximum: Some(mark.0),
        };
        match prlimit(Some(pid), Resource::Rttime, limit) {
            // It may have ended already.
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Marks this process, whatever it starts has the same mark at first.
    pub(in super::super) fn mark_this_process() -> io::Result<()> {
        let mark = super::own_mark();
        let held = getrlimit(Resource::Rttime);
        let limit = Rlimit {
            current: held.current,
            maximum: Some(mark.0),
        };
        let limit = Rlimit {
            current: limit
                .current
                .filter(|soft| *soft < mark.0)
                .or(limit.maximum),
            ..limit
        };
        Ok(rustix::process::setrlimit(Resource::Rttime, limit)?)
    }

    /// Takes note of the end of a child.
    pub(super) fn wait(pid: i32) -> bool {
        Pid::from_raw(pid)
            .is_some_and(|pid| matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(Some(_))))
    }

    /// Whether the process has more system-call filters than this one: only functions have.
    pub(super) fn is_filtered_more(pid: i32) -> bool {
        filters(&pid.to_string()) > filters("self")
    }

    fn filters(pid: &str) -> u32 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("Seccomp_filters:"))
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use rustix::process::Pid;

    use super::Mark;

    pub(super) fn adopt_orphans() {}

    pub(super) fn put(_pid: Pid, _mark: Mark) -> io::Result<()> {
        Ok(())
    }

    pub(in super::super) fn mark_this_process() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn wait(_pid: i32) -> bool {
        false
    }

    pub(super) fn is_filtered_more(_pid: i32) -> bool {
        false
    }
}

pub(super) use system::mark_this_process;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use tokio::process::Command;

    use super::*;
    use crate::ids::hex_id;
    use crate::lambda::host::isolation::{Boundary, spawn};

    /// What a function's process has started before it was marked.
    #[tokio::test]
    async fn orphan_without_a_mark_is_ended_on_sight() {
        let token = hex_id("stray-", 12);
        let forever = format!("while :; do sleep 1; done # {token}");
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("setsid sh -c '{forever}' & exit 0")])
            .stdout(Stdio::null());
        let held = starting().await;
        let mut child = spawn(command, Boundary::default()).await.unwrap();
        // Known, but not marked.
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        started().insert(pid);
        drop(held);
        child.wait().await.unwrap();
        remove(Pid::from_raw(pid).unwrap());
        let alive = || {
            processes().any(|pid| {
                let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&arguments).contains(&token)
            })
        };
        assert!(alive());
        // Only a failing test waits that long.
        let deadline = Instant::now() + Duration::from_secs(30);
        while alive() {
            assert!(Instant::now() < deadline, "the orphan stays");
            orphans();
            tokio::task::yield_now().await;
        }
    }
}
