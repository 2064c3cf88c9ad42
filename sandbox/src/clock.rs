//! The one clock of a sandbox. Tests and demonstrations can step it, so nothing ever has to sleep to see the future.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use time::parsing::Parsable;
use tokio::sync::Notify;

/// A moment, in UTC.
pub type Timestamp = OffsetDateTime;

/// Wall-clock time plus an offset that can be stepped forward; it can also stand still.
#[derive(Debug, Default)]
pub struct Clock {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    offset: time::Duration,
    /// When set, time stands still at this moment until it is advanced.
    frozen: Option<Timestamp>,
}

impl Clock {
    /// The present, truncated to milliseconds because that is the finest that AWS's APIs show.
    pub fn now(&self) -> Timestamp {
        let state = *self.lock();
        let now = state
            .frozen
            .unwrap_or_else(|| OffsetDateTime::now_utc() + state.offset);
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }

    /// Moves time forward by `by` and wakes whatever waits for a moment that has now come.
    pub fn advance(&self, by: Duration) {
        let by = time::Duration::try_from(by).unwrap_or(time::Duration::MAX);
        let mut state = self.lock();
        match &mut state.frozen {
            Some(at) => *at += by,
            None => state.offset += by,
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Stops time at the present moment; from here on only [`Clock::advance`] moves it.
    pub fn freeze(&self) {
        let now = self.now();
        self.lock().frozen = Some(now);
        self.changed.notify_waiters();
    }

    /// Waits until `due` has come, however time gets there.
    pub async fn wait_until(&self, due: Timestamp) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the time is read, so that a step in between is not missed.
            changed.as_mut().enable();
            let now = self.now();
            if now >= due {
                return;
            }
            if self.lock().frozen.is_some() {
                changed.await;
            } else {
                let left = Duration::try_from(due - now).unwrap_or_default();
                // A tie is fine either way: the loop looks at the clock again.
                let _ = tokio::time::timeout(left, changed).await;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a moment, and answers in UTC. `None` for what is none of `form`, and for a moment that is none of the calendar
/// once its offset is taken off (`9999-12-31T23:59:59-01:00`), which could not be written again.
pub(crate) fn parse(text: &str, form: &(impl Parsable + ?Sized)) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, form).ok()?;
    at.checked_to_offset(time::UtcOffset::UTC)
}

/// `2025-07-14T16:52:19.300Z`: the form of every timestamp in XML answers and in Config's events.
pub fn iso8601(at: Timestamp) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// `Sun, 22 Nov 2026 08:24:39 GMT`, as HTTP writes dates.
pub(crate) fn http_date(at: Timestamp) -> String {
    let weekday = at.weekday().to_string();
    let month = at.month().to_string();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        &weekday[..3],
        at.day(),
        &month[..3],
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Seconds since the epoch with a fraction: the form of timestamps in AWS's JSON protocols.
pub fn epoch_seconds(at: Timestamp) -> serde_json::Value {
    let millis = epoch_millis(at);
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit in 53 bits for 285,000 years"
    )]
    let seconds = millis as f64 / 1000.0;
    serde_json::json!(seconds)
}

/// Milliseconds since the epoch: the form of timestamps in CloudWatch Logs.
pub fn epoch_millis(at: Timestamp) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frozen_clock_moves_only_when_advanced() {
        let clock = std::sync::Arc::new(Clock::default());
        clock.freeze();
        let start = clock.now();
        let due = start + time::Duration::hours(1);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait_until(due).await }
        });
        clock.advance(Duration::from_secs(3599));
        assert!(!waiting.is_finished());
        assert_eq!(clock.now(), start + time::Duration::seconds(3599));
        clock.advance(Duration::from_secs(1));
        waiting
            .await
            .expect("the waiter ends when its moment has come");
    }

    #[test]
    fn timestamps_have_milliseconds() {
        let at = OffsetDateTime::from_unix_timestamp(1_752_511_939).expect("valid")
            + time::Duration::milliseconds(300);
        assert_eq!(iso8601(at), "2025-07-14T16:52:19.300Z");
        assert_eq!(epoch_millis(at), 1_752_511_939_300);
        assert_eq!(epoch_seconds(at), serde_json::json!(1_752_511_939.3));
    }

    #[test]
    fn moment_beyond_the_calendar_in_utc_is_none() {
        use time::format_description::well_known::{Rfc2822, Rfc3339};
        let read = |text| parse(text, &Rfc3339).map(iso8601);
        let shown = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("2025-07-14T18:52:19.3+02:00"),
            shown("2025-07-14T16:52:19.300Z")
        );
        assert_eq!(
            read("9999-12-31T23:59:59Z"),
            shown("9999-12-31T23:59:59.000Z")
        );
        assert_eq!(read("9999-12-31T23:59:59-00:01"), None);
        assert_eq!(
            parse("Fri, 31 Dec 9999 23:59:59 -0100", &Rfc2822).map(iso8601),
            None
        );
    }
}
