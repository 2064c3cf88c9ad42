//! Everything that the user sees: data on stdout, narration on stderr.
//!
//! This module and `main` are the only places that write to the terminal.

mod failure;
mod table;
mod ui;

pub use failure::failure;
pub use table::table;
pub use ui::{Format, Ui, Waiting, print};

use time::OffsetDateTime;
use time::macros::format_description;

/// A moment as RFC 3339 in UTC with milliseconds, the precision that AWS Config and CloudWatch Logs have.
pub fn moment(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
        // The components are those of a date and time that exists; only a broken writer could refuse them.
        .unwrap_or_else(|_| at.to_string())
}

/// Moments in JSON, for `#[serde(with = …)]`.
pub mod moments {
    use serde::Serializer;
    use time::OffsetDateTime;

    /// One moment.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::moment(*at))
    }

    /// A moment that may be unknown: null.
    pub mod option {
        use super::{OffsetDateTime, Serializer};

        /// One moment or null.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(
            at: &Option<OffsetDateTime>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => to.serialize_str(&super::super::moment(*at)),
                None => to.serialize_none(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn moments_have_milliseconds_and_are_utc() {
        assert_eq!(
            moment(datetime!(2026-03-04 05:06:07.089_9 +1)),
            "2026-03-04T04:06:07.089Z"
        );
    }
}
