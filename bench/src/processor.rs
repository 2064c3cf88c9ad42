//! Everything on one processor.
//!
//! Whoever sends something to a process that sleeps on another processor pays for waking that one, and in a virtual machine
//! that means a call into the hypervisor. A function that needs little is then measured with a good deal of the machine's own
//! cost, and the more so the less it needs.

use anyhow::{Context, Result, anyhow};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::thread;

/// Runs `measure`, and all that it starts, on the first of the processors that are allowed.
pub(crate) fn on_one<T: Send>(measure: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    // Of a thread that ends with it, so that what comes later has all of them again.
    let confined = || {
        let allowed = sched_getaffinity(None)?;
        let first = (0..CpuSet::MAX_CPU).find(|&number| allowed.is_set(number));
        let mut one = CpuSet::new();
        one.set(first.context("no processor is allowed")?);
        sched_setaffinity(None, &one)?;
        measure()
    };
    thread::scope(|scope| scope.spawn(confined).join())
        .map_err(|_panic| anyhow!("a measurement panicked"))?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use std::process::Command;

    #[test]
    fn what_is_started_inherits_it_and_nobody_else_does() {
        let before = sched_getaffinity(None).unwrap().count();
        let told = on_one(|| Ok(Command::new("nproc").output()?)).unwrap();
        assert_eq!(told.stdout, b"1\n");
        assert_eq!(sched_getaffinity(None).unwrap().count(), before);
    }
}
