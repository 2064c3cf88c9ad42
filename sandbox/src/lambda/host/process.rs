//! One process of a function: started, watched, ended together with whatever it started itself.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::sync::watch;

use super::isolation;
use super::reaper::Pipe;

/// A running process. It leads a process group, so that its children go with it.
#[derive(Debug)]
pub(super) struct Process {
    group: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts `command` and keeps watching it; `guard` learns of its group. It can connect to
    /// `ports` only.
    pub(super) async fn start(
        mut command: Command,
        ports: Vec<u16>,
        guard: Pipe,
    ) -> io::Result<Arc<Self>> {
        command.process_group(0).kill_on_drop(true);
        let mut child = isolation::spawn(command, ports).await?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the process has no id"))?;
        guard.watch(group);
        let (tell, exit) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a function's process cannot be waited for");
                ExitStatus::from_raw(0)
            });
            // What the function started and left behind goes too.
            let _ = kill_process_group(group, Signal::KILL);
            guard.forget(group);
            let _ = tell.send(Some(status));
        });
        Ok(Arc::new(Self { group, exit }))
    }

    /// Whether it has not ended yet.
    pub(super) fn is_alive(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Ends it and its children at once.
    pub(super) fn kill(&self) {
        if self.is_alive() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
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

impl Process {
    /// Waits until it and its children hold more than `limit` bytes, and answers how many they hold.
    /// The pages that count are those that the system cannot take back (neither code nor files).
    ///
    /// They are looked at every so often: what is taken and given back in between is not seen, nor
    /// are children that have left their parent. An invocation that is over before the first look
    /// costs nothing.
    pub(super) async fn outgrows(&self, limit: u64) -> u64 {
        loop {
            tokio::time::sleep(LOOK).await;
            let held = unreclaimable(self.group.as_raw_nonzero().get());
            if held > limit {
                return held;
            }
        }
    }
}

/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a process and its children that are no copies of files.
fn unreclaimable(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = ["RssAnon:", "RssShmem:"]
        .iter()
        .filter_map(|name| kilobytes(&status, name))
        .sum::<u64>();
    // Not every kernel lists children; then only the process itself counts.
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    own * 1024 + children.map(unreclaimable).sum::<u64>()
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
