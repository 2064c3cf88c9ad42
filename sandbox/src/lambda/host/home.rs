//! The host's private directory, and what dead hosts left behind.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::{Pid, geteuid, test_kill_process};

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
        if let Some(pid) = pid
            && is_ours(&entry.path())
            && is_abandoned(&entry.path(), pid)
        {
            tracing::info!(path = %entry.path().display(), "removing what a dead sandbox left");
            remove(&entry.path());
        }
    }
}

/// Whether `path` is a directory as hosts of this user make them. In a shared temporary directory
/// anybody can make something of that name; only what nobody else could fill is touched. A link is
/// not followed.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == geteuid().as_raw()
            && metadata.mode() & 0o777 == 0o700
    })
}

/// The lock tells it even across process namespaces; where there is none yet, the process id does.
/// A lock that is no regular file of this user says nothing, and opening it never waits.
fn is_abandoned(path: &Path, pid: Pid) -> bool {
    let harmless = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(harmless.bits()).unwrap_or_default();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path.join(LOCK));
    match opened {
        Ok(lock) => {
            let regular = lock
                .metadata()
                .is_ok_and(|metadata| metadata.is_file() && metadata.uid() == geteuid().as_raw());
            regular && lock.try_lock().is_ok()
        }
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

    /// A directory in which hosts keep theirs.
    struct Parent(PathBuf);

    impl Parent {
        fn new() -> Self {
            let path = std::env::temp_dir().join(hex_id("driftlab-home-test-", 12));
            private_directory(&path).unwrap();
            Self(path)
        }

        /// What a dead host has left, unless `mode` is not that of a host.
        fn leftover(&self, name: &str, mode: u32) -> PathBuf {
            let path = self.0.join(format!("{PREFIX}{name}"));
            DirBuilder::new().mode(mode).create(&path).unwrap();
            drop(File::create(path.join(LOCK)).unwrap());
            path
        }
    }

    impl Drop for Parent {
        fn drop(&mut self) {
            remove(&self.0);
        }
    }

    #[test]
    fn leftovers_of_dead_hosts_alone_are_removed() {
        let parent = Parent::new();
        let alive = parent.leftover("1-a", 0o700);
        let dead = parent.leftover("1-b", 0o700);
        let foreign = parent.0.join("something-else");
        fs::create_dir(&foreign).unwrap();
        let lock = File::open(alive.join(LOCK)).unwrap();
        lock.lock().unwrap();
        remove_abandoned(&parent.0);
        assert!(alive.exists() && foreign.exists());
        assert!(!dead.exists());
    }

    #[test]
    fn leftover_others_can_look_into_is_kept() {
        let parent = Parent::new();
        let open = parent.leftover("1-a", 0o755);
        remove_abandoned(&parent.0);
        assert!(open.exists());
    }

    #[test]
    fn fifo_for_a_lock_neither_blocks_nor_counts() {
        let parent = Parent::new();
        let path = parent.leftover("1-a", 0o700);
        fs::remove_file(path.join(LOCK)).unwrap();
        // The kernel would let an opener wait for a writer for ever.
        let made = std::process::Command::new("mkfifo")
            .arg(path.join(LOCK))
            .status();
        assert!(made.unwrap().success());
        remove_abandoned(&parent.0);
        assert!(path.exists());
    }

    #[test]
    fn links_are_not_followed() {
        let parent = Parent::new();
        let elsewhere = parent.0.join("elsewhere");
        private_directory(&elsewhere).unwrap();
        fs::write(elsewhere.join("kept"), "").unwrap();
        drop(File::create(elsewhere.join(LOCK)).unwrap());
        let link = parent.0.join(format!("{PREFIX}1-a"));
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        // And a lock that is a link to somebody's file.
        let linked = parent.leftover("1-b", 0o700);
        fs::remove_file(linked.join(LOCK)).unwrap();
        std::os::unix::fs::symlink(elsewhere.join("kept"), linked.join(LOCK)).unwrap();
        remove_abandoned(&parent.0);
        assert!(link.exists() && linked.exists() && elsewhere.join("kept").exists());
    }
}
