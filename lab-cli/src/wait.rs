//! Waiting: with a deadline, at a pace that starts fast and slows down, saying what is awaited.

use std::fmt;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::output::Ui;

/// What one look at the world found.
#[derive(Debug)]
pub enum Look<T> {
    /// An end state.
    Done(T),
    /// Not there yet: what is still missing, for the reader of the screen.
    Missing(String),
}

/// How often to look: first soon, then ever later. A look that takes longer than that is followed by the next one at once:
/// what it saw is as old as its answer took.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From the beginning of the first look to that of the second.
    pub first: Duration,
    /// The longest time from one to the next.
    pub longest: Duration,
}

impl Pace {
    /// For what usually takes seconds to minutes on AWS. The first pause is short because nothing is known about the
    /// endpoint and some answer at once; the pauses grow with the time waited, so what is awaited is seen at most a quarter
    /// later than it happened, and the first minute costs about thirty looks.
    pub const EVIDENCE: Self = Self {
        first: Duration::from_millis(25),
        longest: Duration::from_secs(5),
    };

    /// For calls that fail only because something made a moment ago is not known everywhere yet.
    pub const CONSISTENCY: Self = Self {
        first: Duration::from_millis(50),
        longest: Duration::from_secs(3),
    };

    fn after(self, looks: u32) -> Duration {
        let factor = 1.25_f64.powi(i32::try_from(looks.min(40)).unwrap_or(40));
        self.first.mul_f64(factor).min(self.longest)
    }
}

/// One wait.
#[derive(Debug)]
pub struct Wait<'a> {
    /// The clock that the deadline is measured with.
    pub clock: &'a Clock,
    /// Where progress is told.
    pub ui: &'a Ui,
    /// What is awaited: "the stack `lab-environment`".
    pub what: String,
    /// How long that usually takes: "usually 1–15 minutes".
    pub usual: &'a str,
    /// After how long to give up.
    pub timeout: Duration,
    /// How often to look.
    pub pace: Pace,
}

impl Wait<'_> {
    /// Looks until an end state is seen. A failed look ends the wait.
    ///
    /// # Errors
    /// [`Kind::TimedOut`] at the deadline, naming what was still missing; otherwise what the look failed with.
    pub async fn until<T>(&self, mut look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
        let started = self.clock.now();
        // Announced only when there is something to wait for.
        let mut progress = None;
        for looks in 0.. {
            let began = self.clock.now();
            let missing = match look().await? {
                Look::Done(value) => return Ok(value),
                Look::Missing(missing) => missing,
            };
            let now = self.clock.now();
            let waited = (now - started).unsigned_abs();
            if waited >= self.timeout {
                return Err(Error::new(
                    Kind::TimedOut,
                    format!(
                        "gave up after {} waiting for {}: {missing}",
                        Seconds(self.timeout),
                        self.what
                    ),
                ));
            }
            progress
                .get_or_insert_with(|| self.ui.waiting(&self.what, self.usual))
                .missing(&missing, waited);
            let left = self.timeout - waited;
            let looked = (now - began).unsigned_abs();
            let pause = self.pace.after(looks).saturating_sub(looked);
            self.clock.sleep(pause.min(left)).await;
        }
        // A range without end never gets here; the compiler cannot know that.
        Err(Error::new(Kind::Failed, "the wait ended without an answer"))
    }
}

/// A duration as people write it: `20s`, `1m 30s`, `15m`.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.as_secs();
        match (whole / 60, whole % 60) {
            (0, 0) => write!(f, "{}ms", self.0.as_millis()),
            (0, seconds) => write!(f, "{seconds}s"),
            (minutes, 0) => write!(f, "{minutes}m"),
            (minutes, seconds) => write!(f, "{minutes}m {seconds}s"),
        }
    }
}

/// Reads a duration such as `20s`, `500ms`, `15m` or `1h`; a bare number means seconds.
///
/// # Errors
/// What is wrong with the text, for the command line to print.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a duration such as 20s, 15m or 1h"))?;
    let factor = match unit.trim() {
        "ms" => return Ok(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        other => {
            return Err(format!(
                "`{other}` is not a unit of time: use ms, s, m or h"
            ));
        }
    };
    number
        .checked_mul(factor)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is too long"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use time::macros::datetime;

    fn wait<'a>(clock: &'a Clock, ui: &'a Ui) -> Wait<'a> {
        Wait {
            clock,
            ui,
            what: "the moon".into(),
            usual: "usually a month",
            timeout: Duration::from_secs(20),
            pace: Pace::EVIDENCE,
        }
    }

    #[tokio::test]
    async fn ends_with_the_first_end_state() {
        let clock = Clock::manual(datetime!(2026-01-01 0:00 UTC));
        let ui = Ui::captured();
        let mut looks = 0;
        let seen = wait(&clock, &ui)
            .until(async || {
                looks += 1;
                Ok(if looks < 4 {
                    Look::Missing("it is new".into())
                } else {
                    Look::Done(looks)
                })
            })
            .await
            .unwrap();
        assert_eq!(seen, 4);
        assert!(ui.text().contains("waiting for the moon (usually a month)"));
    }

    #[tokio::test]
    async fn gives_up_exactly_at_the_deadline_and_says_what_is_missing() {
        let start = datetime!(2026-01-01 0:00 UTC);
        let clock = Clock::manual(start);
        let ui = Ui::captured();
        let error = wait(&clock, &ui)
            .until(async || Ok::<Look<()>, _>(Look::Missing("it is new".into())))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut);
        assert_eq!(
            error.to_string(),
            "gave up after 20s waiting for the moon: it is new"
        );
        assert_eq!(clock.now() - start, time::Duration::seconds(20));
    }

    #[tokio::test]
    async fn a_look_that_takes_its_time_is_part_of_the_pause() {
        let start = datetime!(2026-01-01 0:00 UTC);
        let clock = Clock::manual(start);
        let ui = Ui::captured();
        let mut began = Vec::new();
        wait(&clock, &ui)
            .until(async || {
                began.push((clock.now() - start).whole_milliseconds());
                clock.sleep(Duration::from_millis(30)).await;
                Ok(if began.len() < 4 {
                    Look::Missing("it is new".into())
                } else {
                    Look::Done(())
                })
            })
            .await
            .unwrap();
        // Pauses of 25, 31.25 and 39.0625 ms, of looks that take 30.
        assert_eq!(began, [0, 30, 61, 100]);
    }

    #[test]
    fn pauses_grow_to_the_longest() {
        assert_eq!(Pace::EVIDENCE.after(0), Duration::from_millis(25));
        assert_eq!(Pace::EVIDENCE.after(200), Duration::from_secs(5));
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds) in [("20s", 20), ("15m", 900), ("1h", 3600), ("7", 7)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "soon", "5 days", "-1s", "99999999999999999999h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(Seconds(Duration::from_secs(90)).to_string(), "1m 30s");
        assert_eq!(Seconds(Duration::from_millis(40)).to_string(), "40ms");
    }
}
