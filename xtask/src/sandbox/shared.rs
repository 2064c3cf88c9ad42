//! The one background sandbox that the separate commands share.
//!
//! `sandbox.json` in the state directory says where it is. It is believed only after the sandbox itself has confirmed its
//! name, and it is read and written under a lock, so that two commands at once never start two sandboxes.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::process::{self, GONE_WITHIN};
use super::{Options, Sandbox, health};
use crate::failure::{Exit, Failure};
use crate::output::narrate;
use crate::private_file;
use crate::workspace;

/// The state directory while nobody else may change it; the lock goes with the value.
#[derive(Debug)]
pub(crate) struct State {
    dir: PathBuf,
    /// Held for its lock: closing the file gives it up.
    _lock: File,
}

/// What the state directory says, compared with what is really there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Alive(Sandbox),
    /// There was one, and it is gone with all that was in it.
    Dead(Sandbox),
}

impl State {
    /// Waits for the lock; whoever holds it is starting or stopping a sandbox, which takes a moment.
    pub(crate) fn lock() -> Result<Self> {
        let dir = workspace::state_dir();
        private_file::directory(&dir)
            .map_err(|error| unusable(&dir, "create the state directory", error))?;
        let path = dir.join("sandbox.lock");
        let lock = private_file::open(&path)
            .map_err(|error| unusable(&path, "write to the state directory", error))?;
        lock.lock()
            .map_err(|error| unusable(&path, "lock the state directory", error))?;
        Ok(Self { dir, _lock: lock })
    }

    /// Fails at once, and not after minutes of building, where the state directory cannot be used.
    pub(crate) fn check() -> Result<()> {
        Self::lock().map(drop)
    }

    pub(crate) fn find(&self) -> Result<Found> {
        let path = self.file();
        let text = match private_file::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(unusable(&path, "read the state file", error)),
        };
        let sandbox: Sandbox = serde_json::from_str(&text).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!(
                    "the state file `{}` makes no sense: {error}",
                    path.display()
                ),
            )
            .hint("delete it; a sandbox that it no longer names has to be ended by hand")
        })?;
        Ok(if health::is_alive(&sandbox) {
            Found::Alive(sandbox)
        } else {
            Found::Dead(sandbox)
        })
    }

    /// The sandbox that is running, or a new one.
    pub(crate) fn ensure(&self, program: &Path) -> Result<Sandbox> {
        match self.find()? {
            Found::Alive(sandbox) => Ok(sandbox),
            Found::Nothing => self.start(program, 0, &Options::default()),
            Found::Dead(gone) => {
                self.bury(&gone)?;
                self.start(program, 0, &Options::default())
            }
        }
    }

    /// Forgets a sandbox that died, and says so: what was in it is lost.
    pub(crate) fn bury(&self, gone: &Sandbox) -> Result<()> {
        narrate(format!(
            "note: the sandbox at {} (process {}) is gone, and everything that was in it with it",
            gone.endpoint, gone.pid
        ));
        self.forget()
    }

    pub(crate) fn start(&self, program: &Path, port: u16, options: &Options) -> Result<Sandbox> {
        let sandbox = process::start_detached(program, port, options, &self.dir)?;
        if let Err(error) = self.remember(&sandbox) {
            // Nobody would ever find it again.
            end(&sandbox, "KILL");
            return Err(error);
        }
        narrate(format!(
            "started a sandbox at {} (process {})",
            sandbox.endpoint, sandbox.pid
        ));
        Ok(sandbox)
    }

    /// Ends a sandbox that has just confirmed its name, and waits until it is gone.
    pub(crate) fn stop(&self, sandbox: &Sandbox) -> Result<()> {
        end(sandbox, "TERM");
        let deadline = Instant::now() + GONE_WITHIN;
        while health::is_alive(sandbox) {
            if Instant::now() >= deadline {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("the sandbox (process {}) does not end", sandbox.pid),
                )
                .hint(format!("run `kill -KILL {}`", sandbox.pid))
                .into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.forget()
    }

    fn remember(&self, sandbox: &Sandbox) -> Result<()> {
        let path = self.file();
        let partial = self.dir.join("sandbox.json.partial");
        let text =
            serde_json::to_string(sandbox).context("cannot write down where the sandbox is")?;
        private_file::create(&partial)
            .and_then(|mut file| file.write_all((text + "\n").as_bytes()))
            .and_then(|()| fs::rename(&partial, &path))
            .map_err(|error| unusable(&path, "write the state file", error))
    }

    fn forget(&self) -> Result<()> {
        let path = self.file();
        fs::remove_file(&path).map_err(|error| unusable(&path, "remove the state file", error))
    }

    fn file(&self) -> PathBuf {
        self.dir.join("sandbox.json")
    }
}

/// Sends a signal through the shell's own `kill`: it is always there, and needs no unsafe code here.
fn end(sandbox: &Sandbox, signal: &str) {
    // A process that cannot be signalled is noticed by whoever waits for its end.
    let _ = Command::new("sh")
        .args([
            "-c",
            "kill -\"$0\" \"$1\"",
            signal,
            &sandbox.pid.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn unusable(path: &Path, what: &str, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(
        Failure::new(Exit::Failed, format!("cannot {what}: `{}`", path.display())).hint(
            "make it writable and your own, or set DRIFTLAB_STATE_DIR to a directory that is",
        ),
    )
}
