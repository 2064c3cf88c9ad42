//! When: what the command line and the tags say.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::wait::parse_duration;

/// The shortest life: deploying takes minutes, and a schedule in the past never runs.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// The longest: a year. Whoever wants more wants no expiry.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// What `--ttl` and `--until` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Remove the lab this long from now.
    In(Duration),
    /// Remove the lab at this moment.
    At(OffsetDateTime),
    /// Do not remove it by itself any more.
    Off,
}

impl std::str::FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let life = match text.strip_suffix('d').map(str::parse::<u32>) {
            Some(Ok(days)) => Duration::from_secs(u64::from(days) * 24 * 3600),
            Some(Err(_)) | None => parse_duration(text)?,
        };
        if life < SHORTEST || life > LONGEST {
            return Err(format!("`{text}` is not between 15m and 366d"));
        }
        Ok(Self::In(life))
    }
}

/// The next whole minute: schedules know no finer moments.
pub fn whole_minute(at: OffsetDateTime) -> OffsetDateTime {
    let past = time::Duration::seconds(i64::from(at.second()))
        + time::Duration::nanoseconds(i64::from(at.nanosecond()));
    let down = at - past;
    if past.is_zero() {
        down
    } else {
        down + time::Duration::MINUTE
    }
}

impl Ttl {
    /// The moment at which the lab removes itself; `None` when it does not.
    ///
    /// # Errors
    /// What is wrong with a moment that is too near or too far.
    pub fn expiry(self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, String> {
        match self {
            Self::Off => Ok(None),
            Self::In(life) => Ok(Some(whole_minute(now + life))),
            Self::At(at) if at < now + SHORTEST || at > now + LONGEST => Err(format!(
                "{} is not between 15m and 366d from now",
                stamp_of(at)
            )),
            Self::At(at) => Ok(Some(whole_minute(at))),
        }
    }
}

/// Reads a moment: RFC 3339 with any offset, the seconds left out or not, such as `2026-11-25T18:30:00Z` or
/// `2026-11-26T02:30+08:00`.
///
/// # Errors
/// What is wrong, for the command line to print.
pub fn until(text: &str) -> Result<OffsetDateTime, String> {
    // Without seconds the time of day ends where the offset begins.
    const MINUTES: usize = "2026-11-25T18:30".len();
    let whole = match text.get(MINUTES..) {
        Some(offset) if !offset.starts_with(':') => {
            format!("{}:00{offset}", &text[..MINUTES])
        }
        Some(_) | None => text.to_owned(),
    };
    OffsetDateTime::parse(&whole, &Rfc3339)
        .map(|at| at.to_offset(time::UtcOffset::UTC))
        .map_err(|_| {
            format!(
                "`{text}` is not a moment with its offset, such as 2026-11-25T18:30Z or 2026-11-26T02:30+08:00"
            )
        })
}

/// The moment as the tag has it: `2026-11-25T18:30:00Z`.
pub fn stamp_of(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        // The components are those of a moment that exists; only a broken writer could refuse them.
        .unwrap_or_else(|_| at.to_string())
}

/// A span as people say it: `2 h 5 min`, `3 days`.
pub(super) struct Spoken(pub(super) time::Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.abs().whole_minutes();
        match (minutes / (24 * 60), minutes / 60, minutes % 60) {
            (days @ 2.., _, _) => write!(f, "{days} days"),
            (_, 0, minutes) => write!(f, "{minutes} min"),
            (_, hours, 0) => write!(f, "{hours} h"),
            (_, hours, minutes) => write!(f, "{hours} h {minutes} min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn lives_have_a_least_and_a_most() {
        let hours = |hours: u64| Ok(Ttl::In(Duration::from_secs(hours * 3600)));
        for (text, expected) in [
            ("3h", hours(3)),
            ("90m", Ok(Ttl::In(Duration::from_secs(5400)))),
            ("7d", hours(7 * 24)),
            ("off", Ok(Ttl::Off)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for text in ["", "soon", "0h", "14m", "367d", "-3h", "3 weeks"] {
            assert!(text.parse::<Ttl>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_read_in_any_zone_and_written_in_utc() {
        let at = datetime!(2026-11-25 18:30 UTC);
        for text in [
            "2026-11-25T18:30:00Z",
            "2026-11-25T18:30Z",
            "2026-11-25T19:30:00+01:00",
            "2026-11-26T02:30+08:00",
            "2026-11-26T02:30:00.000+08:00",
            "2026-11-25T13:00-05:30",
        ] {
            assert_eq!(until(text), Ok(at), "{text}");
        }
        for text in [
            "never",
            "",
            "2026-11-25",
            "2026-11-25T18:30",
            "2026-11-25T18:30:00",
            "2026-11-25T18:30+0800",
            "2026-11-25T18:30+25:00",
            "2026-13-25T18:30Z",
            "２026-11-25T18:30Z",
        ] {
            assert!(until(text).is_err(), "{text}");
        }
        assert_eq!(stamp_of(at), "2026-11-25T18:30:00Z");
    }

    #[test]
    fn a_moment_that_is_asked_for_has_a_least_and_a_most() {
        let now = datetime!(2026-11-25 18:30 UTC);
        let asked = |minutes| Ttl::At(now + time::Duration::minutes(minutes)).expiry(now);
        assert_eq!(asked(15), Ok(Some(now + SHORTEST)));
        for minutes in [-1, 0, 14, 366 * 24 * 60 + 1] {
            assert!(asked(minutes).is_err(), "{minutes}");
        }
        assert_eq!(Ttl::Off.expiry(now), Ok(None));
        assert_eq!(Ttl::In(SHORTEST).expiry(now), Ok(Some(now + SHORTEST)));
    }

    #[test]
    fn a_started_minute_counts_as_a_whole_one() {
        let whole = datetime!(2026-11-25 18:30 UTC);
        assert_eq!(whole_minute(whole), whole);
        let begun = datetime!(2026-11-25 18:29:00.001 UTC);
        assert_eq!(whole_minute(begun), whole);
        assert_eq!(
            whole_minute(datetime!(2026-11-25 23:59:59 UTC)),
            datetime!(2026-11-26 0:00 UTC)
        );
    }

    #[test]
    fn spans_are_spoken() {
        for (minutes, expected) in [
            (5, "5 min"),
            (60, "1 h"),
            (125, "2 h 5 min"),
            (4321, "3 days"),
        ] {
            assert_eq!(
                Spoken(time::Duration::minutes(minutes)).to_string(),
                expected
            );
        }
    }
}
