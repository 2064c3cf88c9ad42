//! What happens to function processes when the sandbox is killed: a second, tiny process notices it,
//! ends them and removes their files.
//!
//! The sandbox tells it about process groups over a pipe. When the pipe is closed, for whatever
//! reason, the sandbox is gone. Programs that embed the sandbox without providing the executable do
//! without: their functions end when they next ask the dead Runtime API for work.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use super::descendants::{self, Mark};
use super::home::{self, Home};

/// The argument that makes an executable call [`main`]; the directory to remove and the mark of the
/// sandbox follow it.
pub const ARGUMENT: &str = "--reap-functions-in";

/// The name under which it appears in process lists: not the sandbox's, so that whoever kills
/// everything of that name leaves the one who cleans up.
const NAME: &str = "driftlab-function-reaper";

/// Waits for the end of standard input, then kills every group that is still on the list, every process
/// that bears a `mark` of the sandbox, and removes `directory`. Lines are `+<group>` and `-<group>`.
pub fn main(directory: &Path, mark: &str) {
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let group = line.get(1..).and_then(|id| id.parse::<i32>().ok());
        match (line.as_bytes().first(), group.and_then(Pid::from_raw)) {
            (Some(b'+'), Some(group)) => groups.insert(group.as_raw_nonzero()),
            (Some(b'-'), Some(group)) => groups.remove(&group.as_raw_nonzero()),
            _ => false,
        };
    }
    for group in groups {
        if let Some(group) = Pid::from_raw(group.get()) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    if let Some(mark) = Mark::from_text(mark) {
        descendants::end_all_of(mark);
    }
    // The argument could come from anybody; only a host's directory is ever removed.
    if home::is_home(directory) {
        home::remove(directory);
    }
}

/// The sandbox's end of it.
#[derive(Debug, Default)]
pub(super) struct Guard {
    executable: Option<PathBuf>,
    pipe: Pipe,
}

/// Where to say which groups there are; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipe(Option<Arc<Mutex<std::process::ChildStdin>>>);

impl Guard {
    pub(super) fn new(executable: PathBuf) -> Self {
        Self {
            executable: Some(executable),
            pipe: Pipe(None),
        }
    }

    /// Starts the second process, which will look after `home`.
    pub(super) fn start(&mut self, home: &Home) {
        let Some(executable) = &self.executable else {
            return;
        };
        let started = Command::new(executable)
            .arg0(NAME)
            .arg(ARGUMENT)
            .arg(home.path())
            .arg(descendants::own_mark().to_text())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C, which ends the sandbox.
            .process_group(0)
            .current_dir("/")
            .spawn();
        match started {
            Ok(mut child) => {
                self.pipe = Pipe(child.stdin.take().map(|stdin| Arc::new(Mutex::new(stdin))));
                // It ends after the sandbox and is nobody's to wait for; were it to end before,
                // writing to it would say so.
                drop(child);
            }
            Err(error) => {
                tracing::warn!(%error, "functions will not be ended if the sandbox is killed");
            }
        }
    }

    pub(super) fn pipe(&self) -> Pipe {
        self.pipe.clone()
    }
}

impl Pipe {
    /// There is a new group.
    pub(super) fn watch(&self, group: Pid) {
        self.say(&format!("+{}\n", group.as_raw_nonzero()));
    }

    /// The group has ended.
    pub(super) fn forget(&self, group: Pid) {
        self.say(&format!("-{}\n", group.as_raw_nonzero()));
    }

    fn say(&self, line: &str) {
        let Some(pipe) = &self.0 else { return };
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = pipe.write_all(line.as_bytes()) {
            tracing::warn!(%error, "functions will not be ended if the sandbox is killed");
        }
    }
}
