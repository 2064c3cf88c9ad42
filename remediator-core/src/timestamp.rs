//! A point in time, in milliseconds, without a clock and without a date library.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Config's events carry RFC 3339 with milliseconds, its requests epoch seconds with a fraction:
/// milliseconds lose nothing in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time like `2026-01-31T12:00:00.000Z`")]
pub struct TimestampError(String);

const DAY: i64 = 86_400_000;

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The same instant, `millis` later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// From a date and a time of day in UTC; `None` where such a moment does not exist.
    #[must_use]
    pub fn from_civil(date: (i64, i64, i64), time: (i64, i64, i64), millis: i64) -> Option<Self> {
        let (year, month, day) = date;
        let (hour, minute, second) = time;
        let in_range = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            // A leap second is told as :60 and counts as the first second of the next minute.
            && (0..=60).contains(&second)
            && (0..1000).contains(&millis);
        in_range.then(|| {
            let seconds = (hour * 60 + minute) * 60 + second;
            Self(days_from_civil(year, month, day) * DAY + seconds * 1000 + millis)
        })
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, counting years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, millis) = (rest / 1000 % 60, rest % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text).ok_or_else(|| {
            TimestampError(text.chars().filter(|c| !c.is_control()).take(64).collect())
        })
    }
}

/// Reads exactly `len` digits at the front of `text`.
fn digits(text: &str, len: usize) -> Option<(i64, &str)> {
    let (head, rest) = text.split_at_checked(len)?;
    let all_digits = head.bytes().all(|b| b.is_ascii_digit());
    Some((all_digits.then(|| head.parse().ok())??, rest))
}

fn parse(text: &str) -> Option<Timestamp> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (hour, rest) = digits(rest.strip_prefix(['T', 't', ' '])?, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (millis, rest) = fraction(rest)?;
    let local = Timestamp::from_civil((year, month, day), (hour, minute, second), millis)?;
    let moment = local.plus_millis(-offset_minutes(rest)? * 60_000);
    // An offset leads out of the four digits of a year, and so does a leap second. That could not be written again.
    let (year, _, _) = civil_from_days(moment.0.div_euclid(DAY));
    (1..=9999).contains(&year).then_some(moment)
}

/// An optional fraction of a second; digits past the third are cut.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (head, rest) = rest.split_at_checked(len)?;
    if head.is_empty() {
        return None;
    }
    let millis = head
        .bytes()
        .chain(*b"00")
        .take(3)
        .fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some((millis, rest))
}

fn offset_minutes(text: &str) -> Option<i64> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(&text[1..], 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2016-10-13T21:55:21.339Z", 1_476_395_721_339),
            ("2026-11-22T09:00:00.5+01:00", 1_795_334_400_500),
            ("2026-11-22T08:00:00.123456Z", 1_795_334_400_123),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap().as_millis(),
                millis,
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00é",
            "+026-01-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "9999-12-31T23:59:60Z",
            "0001-01-01T00:00:00+01:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
            let there = Timestamp::from_millis(millis);
            prop_assert_eq!(there.to_string().parse::<Timestamp>().unwrap(), there);
        }
    }
}
