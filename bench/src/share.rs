//! The processor time that Lambda gives a function of 128 MB: 1.44 ms in every 20 ms.
//!
//! Lambda's documentation says that 1,769 MB are worth one processor; 128 MB are 7.2 % of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

const PERIOD: &str = "20000"; // microseconds
const QUOTA: &str = "1440";
const ROOT: &str = "/sys/fs/cgroup";

/// A control group with that quota, of either version of the kernel's interface; gone when it is dropped after its process.
///
/// One for each process: in a common one, a process would wait for what the one before it has overdrawn.
#[derive(Debug)]
pub(crate) struct Share(PathBuf);

impl Share {
    pub(crate) fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("driftlab-bench-{}-{number}", process::id());
        let v2 = Path::new(ROOT).join("cgroup.controllers").exists();
        let directory = if v2 { "" } else { "cpu" };
        let share = Self(Path::new(ROOT).join(directory).join(name));
        fs::create_dir(&share.0)?;
        if v2 {
            share.write("cpu.max", &format!("{QUOTA} {PERIOD}"))?;
        } else {
            share.write("cpu.cfs_period_us", PERIOD)?;
            share.write("cpu.cfs_quota_us", QUOTA)?;
        }
        Ok(share)
    }

    /// From now on the process has no more than this.
    pub(crate) fn hold(&self, pid: u32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    fn write(&self, name: &str, value: &str) -> io::Result<()> {
        fs::write(self.0.join(name), value)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // An empty directory of the kernel's, which says nothing of what was measured.
        let _ = fs::remove_dir(&self.0);
    }
}
