//! The journal: what was there before the lab borrowed it, and who is at work. An S3 object in the code bucket, so that
//! whoever cleans up finds it from any machine, and written before whatever it tells of is changed.

mod borrow;
mod digest;
mod lease;
mod lock;
mod seen;

pub use borrow::{Borrowed, BorrowedRecorder, GivingBack, giving_back, unknown_fields, widened};
pub use digest::{DIGEST_TAG, Mark};
pub(crate) use lease::nobody_else;
pub use lease::{Bid, Lease};
pub(crate) use lock::token;
pub use lock::{Claim, LEASE, Lock, Me, Purpose, claim};
pub use seen::{Doubt, Seen, Unverified};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The key in the code bucket.
pub const KEY: &str = "journal.json";
/// The version of the schema. A program refuses a newer one than its own: it would lose what it does not understand. Since
/// version 2 a journal has a digest outside of it, which a program that knows only version 1 would not keep up.
pub const VERSION: u32 = 2;

/// What the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The version of the schema.
    pub version: u32,
    /// The lab's stack.
    pub stack: String,
    /// Raised by every write, so that no two writes have the same content.
    pub serial: u64,
    /// The run of the program that wrote it.
    pub run: String,
    /// Who is at work on the lab.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// What was there before the lab, and is used by it.
    #[serde(default)]
    pub borrowed: Option<Borrowed>,
    /// For how many days this lab has Config keep history, where nothing was set before. Config's retention carries neither
    /// tags nor a name of its own, so there is no other way to know whose it is.
    #[serde(default)]
    pub retention: Option<i32>,
    /// What a later program of this version may have added.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Journal {
    /// A journal that says nothing yet.
    pub fn new(stack: &str) -> Self {
        Self {
            version: VERSION,
            stack: stack.to_owned(),
            serial: 0,
            run: String::new(),
            lock: None,
            borrowed: None,
            retention: None,
            more: Map::new(),
        }
    }

    /// Whether it says anything of what is not the lab's, or that nobody could tell from that.
    fn claims(&self) -> bool {
        self.borrowed.is_some() || self.retention.is_some() || !self.more.is_empty()
    }

    fn body(&self) -> Vec<u8> {
        // Strings as keys and no other maps: this cannot fail.
        let mut body = serde_json::to_vec_pretty(self).unwrap_or_default();
        body.push(b'\n');
        body
    }
}

#[cfg(test)]
mod tests;
