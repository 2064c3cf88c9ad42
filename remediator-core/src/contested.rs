//! Groups over which somebody else fights: broken, repaired, broken again.

use crate::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What is done about a contested group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// Repair it again, and say that it is contested.
    #[default]
    Report,
    /// Write nothing more until fewer repairs than that lie within the minutes that are counted over.
    Leave,
    /// Take away every inbound rule, the approved ones too, once; then leave it.
    Quarantine,
}

/// When a group is contested, and what is done then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contested {
    /// What is done.
    pub action: Action,
    /// So many repairs …
    pub times: u32,
    /// … within so many minutes.
    pub minutes: u32,
}

impl Default for Contested {
    /// Six repairs in an hour: more than a class makes by hand on one group, and what a controller makes that opens its
    /// port again every ten minutes or faster. Five minutes are usual: kubernetes/kubernetes#64259,
    /// orzarchi/terraform-aws-cloudflare-security-group#9.
    fn default() -> Self {
        Self {
            action: Action::Report,
            times: 6,
            minutes: 60,
        }
    }
}

impl Contested {
    /// From when on repairs count at `now`.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(-60_000 * i64::from(self.minutes))
    }

    /// Whether a group with these `repairs` that is broken again at `now` is contested; how often it
    /// was repaired.
    #[must_use]
    pub fn count(&self, repairs: &[Timestamp], now: Timestamp) -> Option<usize> {
        let since = self.since(now);
        let count = repairs.iter().filter(|at| **at >= since).count();
        (count >= usize::try_from(self.times).unwrap_or(usize::MAX)).then_some(count)
    }
}

/// `report`, or with the numbers `leave:3/10` (three repairs in ten minutes).
impl fmt::Display for Contested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            times,
            minutes,
        } = self;
        f.write_str(match action {
            Action::Report => "report",
            Action::Leave => "leave",
            Action::Quarantine => "quarantine",
        })?;
        let default = Self::default();
        if (*times, *minutes) == (default.times, default.minutes) {
            return Ok(());
        }
        write!(f, ":{times}/{minutes}")
    }
}

impl Serialize for Contested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that does not say what to do about a contested group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not `report`, `leave` or `quarantine`, alone or with repairs and minutes like `leave:6/60` (1 to 100 in 1 to 1440)"
)]
pub struct ContestedError(String);

impl FromStr for Contested {
    type Err = ContestedError;

    fn from_str(text: &str) -> Result<Self, ContestedError> {
        let error = || ContestedError(text.chars().filter(|c| !c.is_control()).take(64).collect());
        let (action, numbers) = match text.split_once(':') {
            Some((action, numbers)) => (action, Some(numbers)),
            None => (text, None),
        };
        let action = match action {
            "report" => Action::Report,
            "leave" => Action::Leave,
            "quarantine" => Action::Quarantine,
            _ => return Err(error()),
        };
        let mut contested = Self {
            action,
            ..Self::default()
        };
        if let Some(numbers) = numbers {
            let (times, minutes) = numbers.split_once('/').ok_or_else(error)?;
            let number = |text: &str, most: u32| {
                let plain = text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse().ok().filter(|_| plain);
                number.filter(|n| (1..=most).contains(n)).ok_or_else(error)
            };
            contested.times = number(times, 100)?;
            contested.minutes = number(minutes, 1440)?;
        }
        Ok(contested)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn the_notation() {
        for text in [
            "report",
            "leave",
            "quarantine",
            "leave:3/60",
            "leave:5/10",
            "report:100/1440",
        ] {
            assert_eq!(text.parse::<Contested>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "fight",
            "leave:",
            "leave:5",
            "leave:0/10",
            "leave:5/0",
            "leave:101/1",
            "leave:+5/10",
            "leave:5/10/1",
        ] {
            assert!(text.parse::<Contested>().is_err(), "{text}");
        }
    }

    /// K1: as many repairs as the policy says, within the time that it says.
    #[test]
    fn repairs_are_counted_over_a_time() {
        let contested: Contested = "leave:3/10".parse().unwrap();
        let minute = |n: i64| Timestamp::from_millis(n * 60_000);
        let repairs = [1, 5, 9].map(minute);
        assert_eq!(contested.count(&repairs, minute(10)), Some(3));
        assert_eq!(contested.count(&repairs, minute(11)), Some(3));
        assert_eq!(contested.count(&repairs, minute(12)), None);
        assert_eq!(contested.count(&repairs[1..], minute(10)), None);
    }

    /// K1, P1: a controller that opens a port again every five or ten minutes is seen without any setting; five
    /// incidents by hand within an hour are none.
    #[test]
    fn slow_contest_is_seen_by_default() {
        let contested = Contested::default();
        let every = |minutes: i64, times: i64| -> (Vec<Timestamp>, Timestamp) {
            let at = |n: i64| Timestamp::from_millis(n * minutes * 60_000);
            ((0..times).map(at).collect(), at(times))
        };
        for (minutes, times, expect) in [
            (5, 5, None),
            (5, 6, Some(6)),
            (10, 6, Some(6)),
            (11, 9, None),
        ] {
            let (repairs, now) = every(minutes, times);
            assert_eq!(contested.count(&repairs, now), expect, "{minutes} {times}");
        }
    }
}
