//! Cron expressions of six fields: minutes, hours, day of month, month, day of week, year.

use std::collections::BTreeSet;

use time::{Date, Month, Time};

use super::days::{MonthDays, WeekDays};
use crate::clock::Timestamp;

const YEARS: (u32, u32) = (1970, 2199);

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// When the calendar says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    days: Days,
    months: BTreeSet<u32>,
    years: BTreeSet<u32>,
}

/// Days are chosen by the month or by the week, never by both.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(MonthDays),
    OfWeek(WeekDays),
}

impl Cron {
    /// `None` unless every field is well-formed and exactly one of the two fields for days is `?`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields[..] else {
            return None;
        };
        let days = match (of_month, of_week) {
            ("?", "?") => return None,
            (of_month, "?") => Days::OfMonth(MonthDays::parse(of_month)?),
            ("?", of_week) => Days::OfWeek(WeekDays::parse(of_week)?),
            _ => return None,
        };
        Some(Self {
            minutes: numbers(minutes, (0, 59), &[])?,
            hours: numbers(hours, (0, 23), &[])?,
            days,
            months: numbers(months, (1, 12), MONTHS)?,
            years: numbers(years, YEARS, &[])?,
        })
    }

    /// The first moment at or after `from`.
    pub(super) fn next(&self, from: Timestamp) -> Option<Timestamp> {
        let from_year = u32::try_from(from.year()).ok()?;
        for year in self.years.range(from_year..) {
            for month in &self.months {
                let first = Date::from_calendar_date(
                    i32::try_from(*year).ok()?,
                    Month::try_from(u8::try_from(*month).ok()?).ok()?,
                    1,
                )
                .ok()?;
                if let Some(found) = self.in_month(first, from) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn in_month(&self, first: Date, from: Timestamp) -> Option<Timestamp> {
        let length = first.month().length(first.year());
        if first.replace_day(length).ok()? < from.date() {
            return None;
        }
        let days = (1..=length).filter_map(|day| first.replace_day(day).ok());
        let mut chosen = days.filter(|day| *day >= from.date() && self.has(*day));
        chosen.find_map(|day| self.on_day(day, from))
    }

    fn has(&self, day: Date) -> bool {
        match &self.days {
            Days::OfMonth(days) => days.has(day),
            Days::OfWeek(days) => days.has(day),
        }
    }

    fn on_day(&self, day: Date, from: Timestamp) -> Option<Timestamp> {
        let hours = self.hours.iter();
        let mut moments = hours.flat_map(|hour| {
            self.minutes.iter().filter_map(|minute| {
                let (hour, minute) = (u8::try_from(*hour).ok()?, u8::try_from(*minute).ok()?);
                let time = Time::from_hms(hour, minute, 0).ok()?;
                Some(day.with_time(time).assume_utc())
            })
        });
        moments.find(|moment| *moment >= from)
    }
}

/// The numbers that a field stands for: `*`, `a`, `a-b`, each also with `/step`, and lists of them. `names`
/// may stand for the numbers from the least on.
pub(super) fn numbers(
    field: &str,
    (least, most): (u32, u32),
    names: &[&str],
) -> Option<BTreeSet<u32>> {
    let number = |text: &str| -> Option<u32> {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(at) => least + u32::try_from(at).ok()?,
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut found = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            None => (part, None),
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|n| *n > 0)?)),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if range == "*" => (least, most),
            // `5/15` goes on from 5 to the end.
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return None;
        }
        found.extend((first..=last).step_by(step.unwrap_or(1)));
    }
    Some(found)
}
