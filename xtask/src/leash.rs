//! Ends a child process when xtask is gone, however it went.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// Holds a process for as long as the value lives; if xtask dies first, even killed outright, the process is ended.
///
/// Ctrl-C on a terminal reaches every process by itself. A signal to xtask alone does not, and without unsafe code there
/// is no way to ask the kernel for it: so a shell waits at a pipe that nobody writes to, and acts when the pipe closes.
#[derive(Debug)]
pub(crate) struct Leash(Child);

impl Leash {
    /// Starts the watcher. It comes before the process that it watches, so that there is hardly a moment in which that
    /// process runs without it.
    pub(crate) fn new() -> Result<Self> {
        Command::new("sh")
            .args([
                "-c",
                "read -r process; read -r _; [ -z \"$process\" ] || kill -TERM \"$process\"",
            ])
            // Ctrl-C must not reach the watcher before the watched.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .context("cannot start `sh` to watch over a process")
    }

    /// Names the process that is to be watched.
    pub(crate) fn hold(&mut self, child: &Child) -> Result<()> {
        self.0.stdin.as_mut().map_or(Ok(()), |pipe| {
            writeln!(pipe, "{}", child.id()).context("cannot tell `sh` what to watch over")
        })
    }
}

impl Drop for Leash {
    /// The process has ended by itself: the watcher must go before it acts on the closing pipe.
    fn drop(&mut self) {
        // Both can only fail because the watcher is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
