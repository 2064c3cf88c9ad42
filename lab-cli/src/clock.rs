//! The clock that waits and timelines are measured with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

/// A clock: the system's, or one that only moves when somebody sleeps on it.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    /// What has to be added to the source's time.
    offset: time::Duration,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<OffsetDateTime>>),
}

/// Up to here a clock counts as right: the time of an answer has whole seconds only, and the answer takes its time.
const TOLERANCE: time::Duration = time::Duration::seconds(3);

impl Clock {
    fn of(source: Source) -> Self {
        Self {
            source,
            offset: time::Duration::ZERO,
        }
    }

    /// The same clock, set to the time at the endpoint if it is wrong by more than a few seconds; and by how much it was
    /// wrong. Evidence carries the endpoint's time, so an incident has to be dated by it too.
    #[must_use]
    pub fn set_to(mut self, there: Option<OffsetDateTime>) -> (Self, Option<time::Duration>) {
        let wrong = there.map(|there| there - self.now());
        match wrong.filter(|wrong| wrong.abs() > TOLERANCE) {
            Some(wrong) => {
                self.offset += wrong;
                (self, Some(wrong))
            }
            None => (self, None),
        }
    }

    /// The clock of this machine.
    pub fn system() -> Self {
        Self::of(Source::System)
    }

    /// A clock that starts at the given moment and jumps ahead whenever it is slept on, for tests.
    pub fn manual(start: OffsetDateTime) -> Self {
        Self::of(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// The moment, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        let here = match &self.source {
            Source::System => OffsetDateTime::now_utc(),
            Source::Manual(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        };
        here + self.offset
    }

    /// Waits for the given time.
    pub async fn sleep(&self, duration: Duration) {
        match &self.source {
            Source::System => tokio::time::sleep(duration).await,
            Source::Manual(now) => {
                *now.lock().unwrap_or_else(PoisonError::into_inner) += duration;
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_clock_that_is_wrong_is_set_and_a_right_one_is_left_alone() {
        let here = datetime!(2026-01-01 0:00 UTC);
        let there = here + time::Duration::minutes(5);
        let (clock, wrong) = Clock::manual(here).set_to(Some(there));
        assert_eq!(wrong, Some(time::Duration::minutes(5)));
        assert_eq!(clock.now(), there);
        for right in [None, Some(here + time::Duration::seconds(2))] {
            let (clock, wrong) = Clock::manual(here).set_to(right);
            assert_eq!(wrong, None);
            assert_eq!(clock.now(), here);
        }
    }
}
