//! How an invocation divides the time that Lambda gives it.

use std::time::Duration;
use tokio::time::Instant;

/// Until when what may go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Reading and repairing.
    pub(crate) work: Instant,
    /// Reporting.
    pub(crate) report: Instant,
}

/// A function that Lambda ends says nothing. So the last part of the time is not worked in: a
/// report needs some of it, and the answer to Lambda the rest.
const FOR_REPORT: Duration = Duration::from_secs(10);
const FOR_ANSWER: Duration = Duration::from_secs(1);

impl Budget {
    pub(crate) fn new(left: Duration) -> Self {
        let (work, report) = divide(left);
        let now = Instant::now();
        Self {
            work: now + work,
            report: now + report,
        }
    }
}

/// What of `left` may be used for work, and until the last report; where it is little, by shares.
fn divide(left: Duration) -> (Duration, Duration) {
    let report = left.saturating_sub(FOR_ANSWER.min(left / 10));
    let work = report.saturating_sub(FOR_REPORT.min(left / 4));
    (work, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R11: eleven seconds are kept, ten for the report and one for the answer; of little time, a share.
    #[test]
    fn the_end_is_kept_for_reports() {
        for (left, work, report) in [(60_000, 49_000, 59_000), (3_000, 1_950, 2_700), (0, 0, 0)] {
            let divided = divide(Duration::from_millis(left));
            let expected = (Duration::from_millis(work), Duration::from_millis(report));
            assert_eq!(divided, expected, "{left}");
        }
    }
}
