//! This machine's clock against AWS's.

use remediator_core::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What has to be added to this machine's clock to get AWS's, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Skew(AtomicI64);

/// A signature is good for five minutes; AWS's SDKs take a difference of four for a wrong clock.
const SUSPICIOUS: i64 = 4 * 60 * 1000;

impl Skew {
    /// The time to sign with.
    pub(crate) fn now(&self) -> Timestamp {
        here().plus_millis(self.0.load(Ordering::Relaxed))
    }

    /// Learns from the `Date` of an answer to a request signed at `signed`.
    ///
    /// Returns whether the clock was corrected, so that another attempt makes sense. `certain`
    /// says that AWS named the clock as the reason; otherwise a difference that could not have
    /// been the reason changes nothing.
    pub(crate) fn learn(&self, signed: Timestamp, date: Option<&str>, certain: bool) -> bool {
        let Some(server) = date.and_then(parse_http_date) else {
            return false;
        };
        let difference = server.as_millis() - signed.as_millis();
        if !certain && difference.abs() < SUSPICIOUS {
            return false;
        }
        self.0
            .store(server.as_millis() - here().as_millis(), Ordering::Relaxed);
        true
    }
}

fn here() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that HTTP allows to be sent.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':');
    let mut number = || clock.next()?.parse().ok();
    let time = (number()?, number()?, number()?);
    let month = i64::try_from(month).ok()? + 1;
    (parts.next() == Some("GMT")).then(|| Timestamp::from_civil((year, month, day), time, 0))?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn http_dates() {
        let parsed = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(parsed.to_string(), "1994-11-06T08:49:37.000Z");
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "06 Nov",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_small_difference_is_no_reason() {
        let (skew, signed) = (Skew::default(), Timestamp::from_millis(60_000));
        assert!(!skew.learn(signed, Some("Thu, 01 Jan 1970 00:02:00 GMT"), false));
        assert!(!skew.learn(signed, None, true));
        assert!(!skew.learn(signed, Some("now"), true));
        assert!(skew.learn(signed, Some("Thu, 01 Jan 1970 00:02:00 GMT"), true));
    }

    #[test]
    fn a_wrong_clock_is_corrected() {
        let skew = Skew::default();
        assert!(skew.learn(here(), Some("Fri, 01 Jan 2100 00:00:00 GMT"), false));
        let ahead = parse_http_date("Fri, 01 Jan 2100 00:00:00 GMT")
            .unwrap()
            .as_millis();
        assert!((skew.now().as_millis() - ahead).abs() < 60_000);
    }
}
