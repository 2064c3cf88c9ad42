//! Budgets: how much the sandbox holds at most, so that a long run ends in a clear error or in the
//! oldest forgotten, and never in a machine without memory.
//!
//! Each default fits a laptop with 8 GB. AWS's own quotas are larger where they exist at all: 75 GB
//! of code, 10,000 parameters, objects and logs without end.

mod admission;
mod ledger;

#[cfg(test)]
mod ceiling;

use std::fmt;
use std::str::FromStr;

use clap::Args;

pub(crate) use self::admission::{admit, check, exceeded, room, size, throttled};
pub(crate) use self::ledger::{Charge, Held, weight};
pub use self::ledger::{Holdings, Kind, Ledger};

/// A number of bytes; `FromStr` reads `4096`, `64KiB`, `256MiB`, `2GiB` (and the same without `iB`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A text that is no number of bytes.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no size; write a whole number with KiB, MiB or GiB, for example 256MiB")]
pub struct NoSize(String);

impl FromStr for Bytes {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Self, NoSize> {
        let wrong = || NoSize(text.to_owned());
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let shift = match &text[digits.len()..] {
            "" | "B" => 0,
            "K" | "KiB" => 10,
            "M" | "MiB" => 20,
            "G" | "GiB" => 30,
            _ => return Err(wrong()),
        };
        let bytes = number.checked_mul(1 << shift).ok_or_else(wrong)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if bytes >= 1 << shift && bytes.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", bytes >> shift);
            }
        }
        write!(f, "{bytes}")
    }
}

/// One MiB.
const MIB: u64 = 1 << 20;

/// How much a sandbox holds at most. Budgets "of an account" hold for each account by itself, and
/// [`Budgets::total_bytes`] for all of them together.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Budgets")]
pub struct Budgets {
    /// Accounts that exist at once; a class with room to spare
    #[arg(long, value_name = "N", default_value_t = Self::default().max_accounts)]
    pub max_accounts: usize,
    /// Bytes that all accounts hold together: logs, mails, objects, code, items and everything else
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().total_bytes)]
    pub total_bytes: Bytes,
    /// Bytes that an account's stacks, roles, groups, parameters and so on take, written as text
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().state_bytes)]
    pub state_bytes: Bytes,
    /// Bytes of the objects in an account's buckets
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().object_bytes)]
    pub object_bytes: Bytes,
    /// Bytes of the packages of an account's functions and their versions
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().code_bytes)]
    pub code_bytes: Bytes,
    /// Bytes of an account's log events; the oldest are forgotten
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().log_bytes)]
    pub log_bytes: Bytes,
    /// Bytes of the mails to an account's subscribers; the oldest are forgotten
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().mail_bytes)]
    pub mail_bytes: Bytes,
    /// Bytes of an account's configuration items; the oldest are forgotten
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().item_bytes)]
    pub item_bytes: Bytes,
    /// Calls of an account that are kept; the oldest are forgotten
    #[arg(long, value_name = "N", default_value_t = Self::default().max_calls)]
    pub max_calls: usize,
    /// Bytes of the calls of all accounts; the oldest of the account with the most are forgotten
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().call_bytes)]
    pub call_bytes: Bytes,
    /// Bytes of what was posted to webhooks; the oldest are forgotten
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().webhook_bytes)]
    pub webhook_bytes: Bytes,
    /// Pieces of work that wait: events on their way, invocations, items; what is over is throttled
    #[arg(long, value_name = "N", default_value_t = Self::default().max_tasks)]
    pub max_tasks: usize,
    /// Bytes of events on their way to functions; what is over is throttled, or not sent at all
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().event_bytes)]
    pub event_bytes: Bytes,
    /// Connections at once; the one that is idle for longest gives way
    #[arg(long, value_name = "N", default_value_t = Self::default().max_connections)]
    pub max_connections: usize,
    /// Bytes of all request bodies that are being read or worked on
    #[arg(long, value_name = "SIZE", default_value_t = Self::default().body_bytes)]
    pub body_bytes: Bytes,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            max_accounts: 1_000,
            total_bytes: Bytes(2_048 * MIB),
            state_bytes: Bytes(32 * MIB),
            object_bytes: Bytes(1_024 * MIB),
            code_bytes: Bytes(512 * MIB),
            log_bytes: Bytes(64 * MIB),
            mail_bytes: Bytes(32 * MIB),
            item_bytes: Bytes(64 * MIB),
            // Several lessons of a whole class.
            max_calls: 10_000,
            call_bytes: Bytes(256 * MIB),
            webhook_bytes: Bytes(64 * MIB),
            max_tasks: 100_000,
            event_bytes: Bytes(256 * MIB),
            // Half of the 1,024 descriptors that a process usually has: functions need theirs.
            max_connections: 512,
            // One package of 50 MB, which Lambda takes as base64 in JSON, or many small ones.
            body_bytes: Bytes(256 * MIB),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn size_written_and_read_again_is_the_same() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1_000),
            ("64KiB", 65_536),
            ("256M", 256 * MIB),
            ("2GiB", 2_048 * MIB),
        ] {
            let size: Bytes = text.parse().unwrap();
            assert_eq!(size, Bytes(bytes), "{text}");
            assert_eq!(size.to_string().parse::<Bytes>().unwrap(), size, "{text}");
        }
        for text in ["", "MiB", "1.5GiB", "-1", "10MB", "99999999999GiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }
}
