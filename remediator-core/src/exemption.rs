//! Groups that are left alone for a while, because a tag says so.

use crate::observation::SecurityGroup;
use crate::timestamp::Timestamp;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The tag that exempts a group until a day or a moment.
pub const TAG: &str = "driftlab:exempt-until";

/// Whether the tag counts. Whoever may tag a group can exempt it where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exemptions {
    /// It does.
    #[default]
    Honour,
    /// It does not.
    Ignore,
}

impl fmt::Display for Exemptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Honour => "honour",
            Self::Ignore => "ignore",
        })
    }
}

/// A text that is neither `honour` nor `ignore`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `honour` or `ignore`")]
pub struct ExemptionsError(String);

impl FromStr for Exemptions {
    type Err = ExemptionsError;

    fn from_str(text: &str) -> Result<Self, ExemptionsError> {
        match text {
            "honour" => Ok(Self::Honour),
            "ignore" => Ok(Self::Ignore),
            other => Err(ExemptionsError(
                other.chars().filter(|c| !c.is_control()).take(64).collect(),
            )),
        }
    }
}

/// What the tag of a group means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exemption {
    /// There is no tag, or it does not count.
    None,
    /// The group is exempt; the value of the tag.
    Until(String),
    /// It was.
    Expired(String),
    /// The tag says neither a day nor a moment: the group is not exempt.
    Malformed(String),
}

/// Reads the tag: `2026-12-31` exempts through that day (UTC), `2026-12-31T12:00:00Z` until then.
#[must_use]
pub fn exemption(group: &SecurityGroup, exemptions: Exemptions, now: Timestamp) -> Exemption {
    let value = match exemptions {
        Exemptions::Honour => group.tags.get(TAG),
        Exemptions::Ignore => None,
    };
    let Some(value) = value else {
        return Exemption::None;
    };
    let shown: String = value.chars().filter(|c| !c.is_control()).take(40).collect();
    match end(value.trim()) {
        Some(end) if now < end => Exemption::Until(shown),
        Some(_) => Exemption::Expired(shown),
        None => Exemption::Malformed(shown),
    }
}

/// The first moment at which the group is no longer exempt.
fn end(value: &str) -> Option<Timestamp> {
    const DAY: i64 = 86_400_000;
    if value.len() == 10 {
        let midnight: Timestamp = format!("{value}T00:00:00Z").parse().ok()?;
        return Some(midnight.plus_millis(DAY));
    }
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::observation::tests::group;

    fn check(value: &str, expect: fn(String) -> Exemption) {
        let mut group = group(&[]);
        group.tags.insert(TAG.to_owned(), value.to_owned());
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let found = exemption(&group, Exemptions::Honour, now);
        assert_eq!(found, expect(value.to_owned()), "{value}");
        assert_eq!(exemption(&group, Exemptions::Ignore, now), Exemption::None);
    }

    /// X1: a day counts to its end, a moment to itself; what is neither exempts nothing.
    #[test]
    fn the_tag() {
        check("2026-11-22", Exemption::Until);
        check("2027-01-01", Exemption::Until);
        check("2026-11-21", Exemption::Expired);
        check("2026-11-22T12:00:00.001Z", Exemption::Until);
        check("2026-11-22T12:00:00Z", Exemption::Expired);
        check("2026-11-22T14:00:00+01:00", Exemption::Until);
        for value in ["", "soon", "2026-02-30", "22.11.2026", "2026-11-2é"] {
            check(value, Exemption::Malformed);
        }
        let now = Timestamp::from_millis(0);
        assert_eq!(
            exemption(&group(&[]), Exemptions::Honour, now),
            Exemption::None
        );
    }
}
