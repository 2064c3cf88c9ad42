//! The host's private directory, and what dead hosts left behind.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

use crate::ids::hex_id;

/// Directories of hosts are named `<prefix><pid>-<random>`.
const PREFIX: &str = "driftlab-functions-";
/// Held by the host for as long as it lives; the kernel lets go of it when the host dies.
const LOCK: &str = "lock";

/// A directory that only this user can look into.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// A new directory; those of hosts that were killed are removed on the way.
    pub(super) fn make() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        let path = parent.join(hex_id(&format!("{PREFIX}{}-", std::process::id()), 12));
        private_directory(&path)?;
        // Locked before it has its name, so that nobody sees it unlocked.
        let unnamed = path.join("unnamed");
        let lock = File::create_new(&unnamed)?;
        lock.lock()?;
        fs::rename(&unnamed, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path in the directory that nobody else has; nothing is made there yet.
    pub(super) fn directory(&self, prefix: &str) -> PathBuf {
        self.path.join(hex_id(&format!("{prefix}-"), 12))
    }

    /// Removes the directory with all that is in it.
    pub(super) fn remove(&self) {
        remove(&self.path);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Whether `path` is named like a host's directory.
pub(super) fn is_home(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(PREFIX))
}

/// Makes a directory that only this user can look into.
pub(super) fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Removes a directory; that it is not there is fine.
pub(super) fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a directory could not be removed");
        }
    }
}

fn remove_abandoned(parent: &Path) {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(path = %parent.display(), %error, "leftovers cannot be looked for");
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(pid, _)| pid.parse::<i32>().ok())
            .and_then(Pid::from_raw);
        // Not through a link: `file_type` is that of the entry itself.
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let Some(pid) = pid
            && is_directory
            && is_abandoned(&entry.path(), pid)
        {
            tracing::info!(path = %entry.path().display(), "removing what a dead sandbox left");
            remove(&entry.path());
        }
    }
}

/// The lock tells it even across process namespaces; where there is none yet, the process id does.
fn is_abandoned(path: &Path, pid: Pid) -> bool {
    match File::open(path.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn only_directories_of_dead_hosts_are_removed() {
        let parent = std::env::temp_dir().join(hex_id("driftlab-home-test-", 12));
        private_directory(&parent).unwrap();
        let alive = parent.join(format!("{PREFIX}1-a"));
        let dead = parent.join(format!("{PREFIX}1-b"));
        let foreign = parent.join("something-else");
        for path in [&alive, &dead, &foreign] {
            fs::create_dir(path).unwrap();
        }
        let lock = File::create(alive.join(LOCK)).unwrap();
        lock.lock().unwrap();
        drop(File::create(dead.join(LOCK)).unwrap());
        remove_abandoned(&parent);
        assert!(alive.exists() && foreign.exists());
        assert!(!dead.exists());
        remove(&parent);
    }
}
