//! What a function's process may do.
//!
//! The process is started by a thread that has restricted itself and ends right after: restrictions
//! belong to threads and are inherited by what a thread starts, so the sandbox itself stays free and
//! a start costs no further program. Four things are combined, and need no privilege but the first:
//!
//! - *Mounts* of its own where the sandbox may mount ([`mounts`]).
//! - *Landlock's* rules for files, TCP ports and other processes ([`rules`]).
//! - No *capabilities*, where the sandbox has any ([`privileges`]).
//! - A *seccomp filter* for what Landlock has no rules for ([`filter`]).
//!
//! Landlock's rules are about ports, not addresses: another machine that listens on the very port of
//! the sandbox could still be connected to. User and network namespaces would close that, but many
//! containers and distributions forbid them to ordinary users, and they would need a proxy in the
//! way of every call.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

#[cfg(target_os = "linux")]
pub(in crate::lambda) mod filter;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod rules;

/// What this machine's kernel lets the sandbox hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Means {
    /// Files: Landlock since Linux 5.13.
    pub files: bool,
    /// TCP ports: Landlock since Linux 6.7.
    pub network: bool,
    /// Signals to other processes: Landlock since Linux 6.12.
    pub processes: bool,
    /// A `/tmp` and a `/proc` of its own, and everything else read-only down to permissions: where
    /// the sandbox may mount, which is as root.
    pub mount: bool,
}

impl Means {
    /// What functions can do because this machine lacks the means against it, a sentence each.
    #[must_use]
    pub fn gaps(&self) -> Vec<&'static str> {
        let gaps = [
            (
                self.files,
                "functions can read and write files of this user (Landlock since Linux 5.13 would keep them from it)",
            ),
            (
                self.network,
                "functions can connect to other endpoints than the sandbox (Landlock since Linux 6.7 would keep them from it)",
            ),
            (
                self.processes,
                "functions can signal other processes of this user (Landlock since Linux 6.12 would keep them from it)",
            ),
        ];
        let missing = gaps.iter().filter(|(held, _)| !held);
        missing.map(|(_, gap)| *gap).collect()
    }
}

/// What one process may use; all else is refused where the machine has the means.
#[derive(Debug, Clone, Default)]
pub(super) struct Boundary {
    /// TCP ports that it may connect to.
    pub(super) ports: Vec<u16>,
    /// Its code, which it may read and execute.
    pub(super) code: Option<PathBuf>,
    /// Further files and directories that it may read and execute.
    pub(super) read: Vec<PathBuf>,
    /// The directory that it may write to.
    pub(super) scratch: Option<PathBuf>,
    /// How many bytes it may write there.
    pub(super) storage: u64,
    /// Its mounts, once they are made.
    pub(super) mounts: Arc<OnceLock<OwnedFd>>,
}

/// Whether this machine can keep functions from other endpoints and from the files of the user; why
/// not, for people.
///
/// # Errors
/// What is missing.
pub fn available() -> Result<(), &'static str> {
    match &found().0 {
        Ok(()) => Ok(()),
        Err(why) => Err(why.as_str()),
    }
}

/// Which means this machine has.
pub fn means() -> Means {
    found().1
}

/// The word for it in the health document: `landlock` or `none`.
pub fn name() -> &'static str {
    match available() {
        Ok(()) => "landlock",
        Err(_) => "none",
    }
}

fn found() -> &'static (Result<(), String>, Means) {
    static FOUND: OnceLock<(Result<(), String>, Means)> = OnceLock::new();
    FOUND.get_or_init(|| {
        let means = system::means();
        // The thread that finds out has restricted itself and is of no other use.
        let tried = thread::spawn(move || system::restrict(Boundary::default(), means))
            .join()
            .unwrap_or_else(|_| Err("the attempt ended abnormally".to_owned()));
        let complete = tried.and_then(|()| {
            match means {
                Means { files: false, .. } => {
                    Err("this kernel has no Landlock (Linux 5.13 or newer)")
                }
                Means { network: false, .. } => {
                    Err("this kernel has no Landlock with rules for TCP (Linux 6.7 or newer)")
                }
                Means {
                    files: true,
                    network: true,
                    ..
                } => Ok(()),
            }
            .map_err(str::to_owned)
        });
        (complete, means)
    })
}

/// Starts `command`, kept within `boundary` as far as this machine can do that.
pub(super) async fn spawn(mut command: Command, boundary: Boundary) -> io::Result<Child> {
    let means = means();
    let runtime = Handle::current();
    let (tell, told) = oneshot::channel();
    // Not a thread of a pool: it ends here, and its restrictions with it.
    thread::Builder::new()
        .name("function-start".to_owned())
        .spawn(move || {
            let restricted = system::restrict(boundary, means).map_err(io::Error::other);
            let _runtime = runtime.enter();
            // When nobody listens any more the child is dropped, and killed with that.
            let _ = tell.send(restricted.and_then(|()| start(&mut command)));
        })?;
    told.await.map_err(io::Error::other)?
}

/// Starts the process. Another thread that forks while the executable is being written holds it open
/// for writing until that other child execs; the kernel calls the file busy for that moment.
fn start(command: &mut Command) -> io::Result<Child> {
    for _ in 0..100 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
    command.spawn()
}

/// Where a function with `scratch` as its directory finds what it may write to.
pub(super) fn visible_scratch(scratch: &std::path::Path) -> PathBuf {
    system::visible_scratch(scratch)
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::{Path, PathBuf};

    use super::{Boundary, Means, filter, mounts, privileges, rules};

    pub(super) fn means() -> Means {
        let mut boundary = Boundary {
            scratch: Some(std::env::temp_dir()),
            storage: 1024 * 1024,
            ..Boundary::default()
        };
        let mount = std::thread::spawn(move || mounts::apply(&mut boundary))
            .join()
            .is_ok_and(|mounted| {
                if let Err(error) = &mounted {
                    tracing::debug!(%error, "functions get no mounts of their own");
                }
                mounted.is_ok()
            });
        Means {
            mount,
            ..rules::means()
        }
    }

    /// Restricts the calling thread, for ever, and what it starts.
    pub(super) fn restrict(mut boundary: Boundary, means: Means) -> Result<(), String> {
        if means.mount {
            mounts::apply(&mut boundary)
                .map_err(|error| format!("the function's own mounts cannot be made: {error}"))?;
        }
        if means.files {
            rules::apply(&boundary, means)?;
        }
        privileges::drop()?;
        filter::apply()
    }

    pub(super) fn visible_scratch(scratch: &Path) -> PathBuf {
        if super::means().mount {
            PathBuf::from(mounts::TMP)
        } else {
            scratch.to_owned()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::{Path, PathBuf};

    use super::{Boundary, Means};

    pub(super) fn means() -> Means {
        Means::default()
    }

    pub(super) fn restrict(_boundary: Boundary, _means: Means) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn visible_scratch(scratch: &Path) -> PathBuf {
        scratch.to_owned()
    }
}
