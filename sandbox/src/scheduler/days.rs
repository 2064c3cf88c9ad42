//! The days of cron expressions.

use std::collections::BTreeSet;

use time::{Date, Duration, Weekday};

use super::cron::numbers;

const WEEK: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Days chosen by their place in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MonthDays {
    /// These.
    These(BTreeSet<u32>),
    /// `L`: the last one.
    Last,
    /// `15W`: the weekday nearest to this one, in the same month.
    Nearest(u8),
}

/// Days chosen by their place in the week; Sunday is 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WeekDays {
    /// These.
    These(BTreeSet<u32>),
    /// `6L`: the last such day of the month.
    Last(u32),
    /// `2#1`: the first Monday of the month.
    Nth(u32, u8),
}

impl MonthDays {
    pub(super) fn parse(field: &str) -> Option<Self> {
        if field == "L" {
            return Some(Self::Last);
        }
        if let Some(day) = field.strip_suffix('W') {
            let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
            return Some(Self::Nearest(day));
        }
        numbers(field, (1, 31), &[]).map(Self::These)
    }

    pub(super) fn has(&self, day: Date) -> bool {
        match self {
            Self::These(days) => days.contains(&u32::from(day.day())),
            Self::Last => day.day() == day.month().length(day.year()),
            Self::Nearest(wanted) => nearest_weekday(day, *wanted) == Some(day),
        }
    }
}

/// The weekday nearest to the `wanted` day in the month of `day`; it does not leave the month.
fn nearest_weekday(day: Date, wanted: u8) -> Option<Date> {
    let wanted = day.replace_day(wanted).ok()?;
    let shift = match wanted.weekday() {
        Weekday::Saturday if wanted.day() == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if wanted.day() == day.month().length(day.year()) => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    wanted.checked_add(Duration::days(shift))
}

impl WeekDays {
    pub(super) fn parse(field: &str) -> Option<Self> {
        let one = |text: &str| {
            let days = numbers(text, (1, 7), WEEK)?;
            (days.len() == 1).then(|| days.first().copied())?
        };
        if field == "L" {
            return Some(Self::These(BTreeSet::from([7])));
        }
        if let Some(day) = field.strip_suffix('L') {
            return one(day).map(Self::Last);
        }
        if let Some((day, nth)) = field.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
            return Some(Self::Nth(one(day)?, nth));
        }
        numbers(field, (1, 7), WEEK).map(Self::These)
    }

    pub(super) fn has(&self, day: Date) -> bool {
        let of_week = u32::from(day.weekday().number_from_sunday());
        match self {
            Self::These(days) => days.contains(&of_week),
            Self::Last(wanted) => {
                *wanted == of_week && day.day() + 7 > day.month().length(day.year())
            }
            Self::Nth(wanted, nth) => *wanted == of_week && (day.day() - 1) / 7 + 1 == *nth,
        }
    }
}
