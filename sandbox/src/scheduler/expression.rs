//! Schedule expressions: `at(…)`, `rate(…)`, `cron(…)`, evaluated in UTC.

use time::macros::format_description;
use time::{Duration, PrimitiveDateTime};

use super::cron::Cron;
use crate::clock::Timestamp;

/// When a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Once.
    At(Timestamp),
    /// Again and again, this long apart, from its start on.
    Rate(Duration),
    /// Whenever the calendar says so.
    Cron(Box<Cron>),
}

impl Expression {
    /// `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('(')?;
        let inside = rest.strip_suffix(')')?;
        match kind {
            "at" => at(inside).map(Self::At),
            "rate" => rate(inside).map(Self::Rate),
            "cron" => Cron::parse(inside).map(|cron| Self::Cron(Box::new(cron))),
            _ => None,
        }
    }

    /// The first moment at or after `from`. A rate counts from `start`.
    pub(super) fn next(&self, from: Timestamp, start: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(moment) => (*moment >= from).then_some(*moment),
            Self::Rate(every) => {
                let since = (from - start).whole_milliseconds();
                let every_ms = every.whole_milliseconds().max(1);
                let steps = (since.max(0) + every_ms - 1) / every_ms;
                let steps = i32::try_from(steps).ok()?;
                start.checked_add(every.checked_mul(steps)?)
            }
            Self::Cron(cron) => cron.next(from.max(start)),
        }
    }
}

/// `2022-11-20T13:00:00`, without a zone.
fn at(text: &str) -> Option<Timestamp> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let moment = PrimitiveDateTime::parse(text, format).ok()?;
    Some(moment.assume_utc())
}

/// `5 minutes`. The unit need not agree in number with the value.
fn rate(text: &str) -> Option<Duration> {
    let mut words = text.split_ascii_whitespace();
    let value: i64 = words.next()?.parse().ok().filter(|value| *value > 0)?;
    let minutes = match words.next()? {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return None,
    };
    if words.next().is_some() {
        return None;
    }
    Some(Duration::seconds(value.checked_mul(minutes * 60)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::clock::iso8601;
    use time::macros::datetime;

    /// The first moments of `text` at or after noon of a day in November; a rate starts then too.
    fn check(text: &str, expect: &[&str]) {
        let start = datetime!(2026-11-25 12:00 UTC);
        let expression = Expression::parse(text).unwrap();
        let mut from = start;
        let mut found = Vec::new();
        while found.len() < expect.len() {
            let Some(next) = expression.next(from, start) else {
                break;
            };
            found.push(iso8601(next).replace(":00.000Z", ""));
            from = next + Duration::SECOND;
        }
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn moments_are_those_of_the_expression() {
        check("at(2026-11-25T15:00:00)", &["2026-11-25T15:00"]);
        check(
            "rate(5 minutes)",
            &["2026-11-25T12:00", "2026-11-25T12:05", "2026-11-25T12:10"],
        );
        check("rate(1 days)", &["2026-11-25T12:00", "2026-11-26T12:00"]);
        check(
            "cron(0/20 15 ? * MON-FRI *)",
            &[
                "2026-11-25T15:00",
                "2026-11-25T15:20",
                "2026-11-25T15:40",
                "2026-11-26T15:00",
            ],
        );
        check(
            "cron(30 8 L * ? *)",
            &[
                "2026-11-30T08:30",
                "2026-12-31T08:30",
                "2027-01-31T08:30",
                "2027-02-28T08:30",
            ],
        );
        // The weekday nearest to a Saturday is the Friday before; to the 1st it stays in the month.
        check(
            "cron(0 0 1W 5,8 ? 2027)",
            &["2027-05-03T00:00", "2027-08-02T00:00"],
        );
        check("cron(0 9 15W 5 ? 2027)", &["2027-05-14T09:00"]);
        check(
            "cron(0 0 ? * 6L *)",
            &["2026-11-27T00:00", "2026-12-25T00:00"],
        );
        check(
            "cron(0 0 ? * 2#1 *)",
            &["2026-12-07T00:00", "2027-01-04T00:00"],
        );
        check(
            "cron(15 10 29 2 ? *)",
            &["2028-02-29T10:15", "2032-02-29T10:15"],
        );
    }

    #[test]
    fn what_has_passed_does_not_come_again() {
        let start = datetime!(2026-11-25 12:00 UTC);
        for text in ["at(2026-11-25T11:59:59)", "cron(0 0 1 1 ? 2026)"] {
            assert_eq!(
                Expression::parse(text).unwrap().next(start, start),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "at()",
            "at(2026-11-25)",
            "at(2026-11-25T15:00:00Z)",
            "at(2026-02-30T00:00:00)",
            "rate(0 minutes)",
            "rate(-1 hours)",
            "rate(5)",
            "rate(5 seconds)",
            "rate(5 minutes please)",
            "cron(* * * * * *)",
            "cron(0 0 ? * ? *)",
            "cron(60 0 * * ? *)",
            "cron(0 0 * 13 ? *)",
            "cron(0 0 * * ?)",
            "cron(0 0 ? * 8 *)",
            "cron(0 5-1 * * ? *)",
            "cron(0 0 ? * 2#6 *)",
            "every(5 minutes)",
            "rate(99999999999999999 days)",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
    }
}
