//! How much of this machine functions may use at once.
//!
//! AWS lets an account run a thousand invocations at once. A machine that tried would swap, and then
//! stand still for everybody. So invocations take a place before they start, as much memory as their
//! function is configured with, and give it back at their end.
//!
//! What finds no place waits, in the order in which it came, as an accepted event does on AWS. So
//! does a synchronous invocation, whose caller sees a slow answer rather than a throttling that AWS
//! would not have answered; but not for ever: functions that wait for each other would hold all
//! places. Then it is throttled with AWS's own error.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Invocations at work at once for each processor: most of them wait for an answer of the sandbox.
const PER_PROCESSOR: u32 = 16;

/// What functions may use where the machine does not say how much memory it has, in megabytes.
const MEMORY_UNKNOWN: u64 = 4096;

/// How much functions may use at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Invocations at work at once, of all accounts; `None` is sixteen for each processor.
    pub invocations: Option<u32>,
    /// Memory of all functions that are at work, in megabytes as they are configured; `None` is half of
    /// the machine's.
    pub memory_mb: Option<u64>,
}

/// The limits that hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) invocations: u32,
    pub(super) memory_mb: u64,
}

/// How long an invocation waits for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A caller waits for the answer.
    Caller,
    /// An accepted event, which waits as long as it takes.
    Event,
}

/// How long a caller waits.
const CALLER_WAITS: Duration = Duration::from_secs(30);

/// Places for invocations.
#[derive(Debug)]
pub(super) struct Room {
    limits: Chosen,
    caller_waits: Duration,
    invocations: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _invocation: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(limits: Limits) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, |it| it.get());
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        let limits = Chosen {
            invocations: limits
                .invocations
                .unwrap_or_else(|| processors.saturating_mul(PER_PROCESSOR))
                .max(1),
            memory_mb: limits
                .memory_mb
                .unwrap_or_else(|| machine_memory_mb().map_or(MEMORY_UNKNOWN, |all| all / 2))
                .max(1),
        };
        let permits = |count: u64| {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            limits,
            caller_waits: CALLER_WAITS,
            invocations: permits(u64::from(limits.invocations)),
            memory: permits(limits.memory_mb),
        }
    }

    pub(super) fn limits(&self) -> Chosen {
        self.limits
    }

    /// Waits for a place for an invocation with `memory` bytes. A function that has more than all
    /// functions together may use, runs alone.
    pub(super) async fn take(&self, memory: u64, wait: Wait) -> Result<Place, ApiError> {
        let megabytes = (memory >> 20).clamp(1, self.limits.memory_mb);
        let megabytes = u32::try_from(megabytes).unwrap_or(u32::MAX);
        let take = async {
            // One after the other, and always in this order: so nobody holds what another needs.
            let invocation = self.invocations.clone().acquire_owned().await.ok()?;
            let memory = self
                .memory
                .clone()
                .acquire_many_owned(megabytes)
                .await
                .ok()?;
            Some(Place {
                _invocation: invocation,
                _memory: memory,
            })
        };
        let taken = match wait {
            Wait::Event => take.await,
            Wait::Caller => tokio::time::timeout(self.caller_waits, take)
                .await
                .ok()
                .flatten(),
        };
        taken.ok_or_else(|| {
            let Chosen {
                invocations,
                memory_mb,
            } = self.limits;
            tracing::warn!(
                invocations,
                memory_mb,
                "an invocation found no place on this machine"
            );
            ApiError::new(429, "TooManyRequestsException", "Rate Exceeded.")
                .because("ConcurrentInvocationLimitExceeded")
        })
    }
}

/// All memory of this machine, in megabytes.
fn machine_memory_mb() -> Option<u64> {
    let figures = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    /// Callers are not kept waiting, so that no test is.
    fn room(invocations: u32, memory_mb: u64) -> Room {
        let limits = Limits {
            invocations: Some(invocations),
            memory_mb: Some(memory_mb),
        };
        Room {
            caller_waits: Duration::ZERO,
            ..Room::new(limits)
        }
    }

    const MEGABYTE: u64 = 1024 * 1024;

    #[tokio::test]
    async fn room_without_memory_left_throttles_callers_and_lets_events_wait() {
        let room = room(10, 256);
        let first = room.take(128 * MEGABYTE, Wait::Caller).await.unwrap();
        let second = room.take(128 * MEGABYTE, Wait::Caller).await.unwrap();
        let refused = room.take(128 * MEGABYTE, Wait::Caller).await.unwrap_err();
        assert_eq!(
            (refused.status, &*refused.code),
            (429, "TooManyRequestsException")
        );
        let event = room.take(128 * MEGABYTE, Wait::Event);
        tokio::pin!(event);
        let now = tokio::time::timeout(Duration::ZERO, &mut event);
        assert!(now.await.is_err());
        drop(first);
        event.await.unwrap();
        drop(second);
    }

    #[tokio::test]
    async fn room_without_invocations_left_throttles_callers() {
        let room = room(1, 256);
        let _first = room.take(MEGABYTE, Wait::Caller).await.unwrap();
        assert!(room.take(MEGABYTE, Wait::Caller).await.is_err());
    }

    #[tokio::test]
    async fn function_larger_than_the_machine_runs_alone() {
        let room = room(10, 256);
        let large = room.take(10_240 * MEGABYTE, Wait::Caller).await.unwrap();
        assert_eq!(room.memory.available_permits(), 0);
        drop(large);
        assert_eq!(room.memory.available_permits(), 256);
    }

    #[test]
    fn limits_unless_given_come_from_the_machine() {
        let limits = Room::new(Limits::default()).limits();
        assert!(limits.invocations >= PER_PROCESSOR);
        assert!(machine_memory_mb().is_none_or(|all| limits.memory_mb == all / 2));
    }
}
