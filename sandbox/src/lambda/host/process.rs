//! One process of a function: started, watched, ended together with whatever it started itself.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

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
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
