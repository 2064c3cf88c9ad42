//! How long Config takes from a change to the configuration item.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What `like-aws` draws from: a share of the changes (in thousandths), and the delay within which Config has
/// recorded them. AWS promises no figure ("best effort"). What is known: in a recorded run of this lab the
/// function started 26.6 s after the change was noted, which is taken as the quick end; Cloud Custodian's
/// documentation of its `config-rule` mode warns of 1 to 15 minutes, which are the middle and the slow end.
/// The shape between these points is an assumption.
const LIKE_AWS: [(u64, Duration); 4] = [
    (0, Duration::from_secs(25)),
    (500, Duration::from_secs(60)),
    (900, Duration::from_secs(300)),
    (1000, Duration::from_secs(900)),
];

/// How long Config takes to record a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Always the same time; zero records at once.
    Fixed(Duration),
    /// Any time from the first to the second, all equally likely.
    Uniform(Duration, Duration),
    /// Half within a minute, most within five, a few up to fifteen: see the source.
    LikeAws,
}

impl Default for Latency {
    fn default() -> Self {
        Self::Fixed(Duration::ZERO)
    }
}

/// A latency that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// The text is of no known form.
    #[error("`{0}` is no latency: use 0, a duration like 90s, uniform:5s-60s or like-aws")]
    Form(String),
    /// A duration in it is not one.
    #[error("`{0}` is no duration: use a whole number and a unit, as in 300ms, 90s or 2m")]
    Duration(String),
    /// The range runs backwards.
    #[error("in `{0}` the second duration must not be shorter than the first")]
    Backwards(String),
}

impl Latency {
    /// One delay. Orders between changes are not its business: see `record`.
    pub(super) fn sample(self) -> Duration {
        match self {
            Self::Fixed(delay) => delay,
            Self::Uniform(from, to) => between(from, to, fastrand::f64()),
            Self::LikeAws => like_aws(fastrand::u64(..1000)),
        }
    }
}

fn between(from: Duration, to: Duration, share: f64) -> Duration {
    from + to.saturating_sub(from).mul_f64(share)
}

/// The delay within which this many thousandths of the changes are recorded.
fn like_aws(thousandths: u64) -> Duration {
    let after = LIKE_AWS.iter().position(|(share, _)| thousandths < *share);
    let upper = after.unwrap_or(LIKE_AWS.len() - 1).max(1);
    let ((low, from), (high, to)) = (LIKE_AWS[upper - 1], LIKE_AWS[upper]);
    #[expect(clippy::cast_precision_loss, reason = "both are at most a thousand")]
    let share = (thousandths - low) as f64 / (high - low) as f64;
    between(from, to, share)
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "like-aws" {
            return Ok(Self::LikeAws);
        }
        if let Some(range) = text.strip_prefix("uniform:") {
            let (from, to) = range
                .split_once('-')
                .ok_or_else(|| LatencyError::Form(text.to_owned()))?;
            let (from, to) = (duration(from)?, duration(to)?);
            if to < from {
                return Err(LatencyError::Backwards(text.to_owned()));
            }
            return Ok(Self::Uniform(from, to));
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(LatencyError::Form(text.to_owned()));
        }
        duration(text).map(Self::Fixed)
    }
}

/// In the form that [`Latency::from_str`] reads.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(delay) => f.write_str(&shown(*delay)),
            Self::Uniform(from, to) => write!(f, "uniform:{}-{}", shown(*from), shown(*to)),
            Self::LikeAws => f.write_str("like-aws"),
        }
    }
}

fn shown(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// Reads `300ms`, `90s`, `2m`; a number alone is seconds.
///
/// # Errors
/// When the text is no whole number with one of these units, or far too large.
pub fn duration(text: &str) -> Result<Duration, LatencyError> {
    let wrong = || LatencyError::Duration(text.to_owned());
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let number = u64::from(number);
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn the_grammar_has_four_forms() {
        for (text, expected) in [
            ("0", Latency::Fixed(Duration::ZERO)),
            ("0s", Latency::Fixed(Duration::ZERO)),
            ("300ms", Latency::Fixed(Duration::from_millis(300))),
            ("90s", Latency::Fixed(seconds(90))),
            ("2m", Latency::Fixed(seconds(120))),
            ("uniform:5s-60s", Latency::Uniform(seconds(5), seconds(60))),
            ("like-aws", Latency::LikeAws),
        ] {
            let latency: Latency = text.parse().unwrap();
            assert_eq!(latency, expected, "{text}");
            assert_eq!(latency.to_string().parse(), Ok(expected), "{text}");
        }
        for wrong in [
            "",
            "-1",
            "1h",
            "soon",
            "uniform:5s",
            "uniform:60s-5s",
            "uniform:a-b",
            "like-azure",
            "99999999999s",
            "1.5s",
        ] {
            assert!(wrong.parse::<Latency>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn delays_stay_within_their_bounds() {
        let uniform = Latency::Uniform(seconds(5), seconds(60));
        for _ in 0..1000 {
            assert!((seconds(5)..=seconds(60)).contains(&uniform.sample()));
            assert!((seconds(25)..=seconds(900)).contains(&Latency::LikeAws.sample()));
        }
        assert_eq!(like_aws(0), seconds(25));
        assert_eq!(like_aws(500), seconds(60));
        assert_eq!(like_aws(900), seconds(300));
        assert!(like_aws(999) > seconds(890));
    }
}
