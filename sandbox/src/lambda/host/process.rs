//! One process of a function: started, watched, ended together with whatever it started itself.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::descendants::{self, Mark};
use super::isolation::{self, Boundary};
use super::reaper::Pipe;

/// How many processes and threads a function may have at once, as on AWS ("Lambda quotas" in the
/// developer guide: execution processes and threads).
pub(super) const MAX_TASKS: usize = 1024;

/// A running process. It leads a process group; descendants that leave the group are found by their
/// mark.
#[derive(Debug)]
pub(super) struct Process {
    group: Pid,
    mark: Mark,
    /// Where it writes, if that has to be measured.
    scratch: Option<(PathBuf, u64)>,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// Why it was ended, where nobody waited for that.
    outgrown: OnceLock<Excess>,
}

/// What a function has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// Bytes of memory that it holds.
    Memory(u64),
    /// Processes and threads that it has.
    Tasks(usize),
    /// Bytes that it has written to its directory.
    Storage(u64),
}

impl Process {
    /// Starts `command` within `boundary` and keeps watching it; `guard` learns of its group.
    pub(super) async fn start(
        mut command: Command,
        boundary: Boundary,
        guard: Pipe,
    ) -> io::Result<Arc<Self>> {
        command.process_group(0).kill_on_drop(true);
        let mark = Mark::new();
        // Where a mount bounds what is written, nobody needs to measure it.
        let measured = !isolation::means().mount;
        let storage = boundary.storage;
        let scratch = boundary.scratch.clone().filter(|_| measured);
        let starting = descendants::starting().await;
        let mut child = isolation::spawn(command, boundary).await?;
        let group = group(&child)?;
        guard.watch(group);
        descendants::add(group, mark)?;
        limit(group, measured.then_some(storage))?;
        drop(starting);
        let (tell, exit) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a function's process cannot be waited for");
                ExitStatus::from_raw(0)
            });
            // What the function started and left behind goes too.
            let _ = kill_process_group(group, Signal::KILL);
            descendants::remove(group);
            let ended = tokio::task::spawn_blocking(move || descendants::end(mark)).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "what a function left behind could not be ended");
            }
            guard.forget(group);
            let _ = tell.send(Some(status));
        });
        let process = Arc::new(Self {
            group,
            mark,
            scratch: scratch.map(|path| (path, storage)),
            exit,
            outgrown: OnceLock::new(),
        });
        Ok(process)
    }

    /// Its own id and those of all that come from it.
    pub(super) fn family(&self) -> impl Iterator<Item = i32> + use<> {
        descendants::of(self.group, self.mark).into_iter()
    }

    /// Whether it has not ended yet.
    pub(super) fn is_alive(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Ends it at once; what comes from it follows, before [`Process::ended`] does.
    pub(super) fn kill(&self) {
        if self.is_alive() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
    }

    /// What it had too much of, if [`Process::watch_idle`] has ended it for that. An invocation may
    /// begin between that look and the end.
    pub(super) fn outgrown(&self) -> Option<Excess> {
        self.outgrown.get().copied()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        // The watcher goes without a word only when the whole runtime does.
        ended.map_or_else(
            |_| ExitStatus::from_raw(9),
            |status| status.unwrap_or_default(),
        )
    }

    /// The most memory that it ever had, in bytes; `None` when it has ended or the system does not say.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let status = format!("/proc/{}/status", self.group.as_raw_nonzero());
        let status = std::fs::read_to_string(status).ok()?;
        kilobytes(&status, "VmHWM:").map(|it| it * 1024)
    }
}

fn group(child: &Child) -> io::Result<Pid> {
    child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the process has no id"))
}

impl Process {
    /// Waits until it and its descendants hold more than `memory` bytes, are more than [`MAX_TASKS`], or
    /// have written more than they may. The pages that count are those that the system cannot take
    /// back (neither code nor files).
    ///
    /// They are looked at every so often: what is taken and given back in between is not seen. An
    /// invocation that is over before the first look costs nothing.
    pub(super) async fn outgrows(&self, memory: u64) -> Excess {
        for look in 1_u64.. {
            tokio::time::sleep(LOOK).await;
            let storage = look.is_multiple_of(LOOKS_PER_MEASURE);
            if let Some(excess) = self.excess(memory, storage) {
                return excess;
            }
        }
        std::future::pending().await
    }

    /// Ends the process if it outgrows its limits between invocations, when nobody waits for it. AWS
    /// freezes it then.
    pub(super) async fn watch_idle(process: Weak<Self>, memory: u64) {
        loop {
            tokio::time::sleep(IDLE_LOOK).await;
            let Some(process) = process.upgrade().filter(|process| process.is_alive()) else {
                return;
            };
            if let Some(excess) = process.excess(memory, true) {
                tracing::info!(?excess, "a function outgrew its limits between invocations");
                // Only this watcher sets it, once.
                let _ = process.outgrown.set(excess);
                process.kill();
                return;
            }
        }
    }

    fn excess(&self, memory: u64, measure: bool) -> Option<Excess> {
        let family: Vec<i32> = self.family().collect();
        let held = family.iter().map(|pid| unreclaimable(*pid)).sum();
        if held > memory {
            return Some(Excess::Memory(held));
        }
        let tasks = family.iter().map(|pid| descendants::threads(*pid)).sum();
        if tasks > MAX_TASKS {
            return Some(Excess::Tasks(tasks));
        }
        let (path, most) = self.scratch.as_ref().filter(|_| measure)?;
        let written = size(path, *most);
        (written > *most).then_some(Excess::Storage(written))
    }
}

/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How many of these looks there are for each that measures what was written.
const LOOKS_PER_MEASURE: u64 = 5;
/// How often a process is looked at that has no work.
const IDLE_LOOK: Duration = Duration::from_secs(1);

/// Bytes of a process that are no copies of files.
fn unreclaimable(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = ["RssAnon:", "RssShmem:"]
        .iter()
        .filter_map(|name| kilobytes(&status, name))
        .sum::<u64>();
    own * 1024
}

/// Bytes on disk of what is below `path`; not much more than `most` is counted.
fn size(path: &Path, most: u64) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let mut total = 0;
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        // What goes away meanwhile needs no room.
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            // An empty file takes room as well.
            total += metadata.blocks() * 512 + 512;
            if metadata.is_dir() {
                directories.push(entry.path());
            }
        }
        if total > most {
            break;
        }
    }
    total
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// No dumps of memory; and no file larger than `storage`, where it is not a mount that bounds it.
#[cfg(target_os = "linux")]
fn limit(pid: Pid, storage: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let limits = [(Resource::Core, Some(0)), (Resource::Fsize, storage)];
    for (resource, most) in limits {
        let Some(most) = most else { continue };
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        match prlimit(Some(pid), resource, limit) {
            // It may have ended already; and it may have less already.
            Ok(_) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit(_pid: Pid, _storage: Option<u64>) -> io::Result<()> {
    Ok(())
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    async fn waiting() -> Arc<Process> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        Process::start(command, Boundary::default(), Pipe::default())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn process_ended_by_the_idle_look_says_what_it_had_too_much_of() {
        let process = waiting().await;
        assert_eq!(process.outgrown(), None);
        Process::watch_idle(Arc::downgrade(&process), 0).await;
        assert_eq!(process.ended().await.signal(), Some(9));
        assert!(matches!(process.outgrown(), Some(Excess::Memory(1..))));
    }
}
