//! How often to try, and how long to wait in between.

use std::time::Duration;

/// Bounded retries with exponential backoff and full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first included; at least one is made.
    pub max_attempts: u32,
    /// The longest wait before the second attempt; doubles with every further one.
    pub base: Duration,
    /// No wait is longer than this.
    pub cap: Duration,
}

impl Default for Retry {
    /// Four attempts, waiting up to 0.1, 0.2 and 0.4 s: EC2 refills its request buckets every
    /// second, and a group that stays open costs more than a request.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(2),
        }
    }
}

impl Retry {
    /// The wait after attempt number `attempt` (from 1) failed; `random` is in `0.0..1.0`.
    ///
    /// Full jitter: many functions that were throttled together do not come back together.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(1_u32 << attempt.saturating_sub(1).min(20));
        doubled.min(self.cap).mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let retry = Retry::default();
        let longest: Vec<u128> = (1..=7).map(|n| retry.delay(n, 1.0).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(retry.delay(u32::MAX, 1.0), retry.cap);
        assert_eq!(retry.delay(3, 0.0), Duration::ZERO);
        assert_eq!(retry.delay(3, 0.5), Duration::from_millis(200));
    }
}
