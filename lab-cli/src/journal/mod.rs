//! The journal: what was there before the lab borrowed it, and who is at work. An S3 object in the code bucket, so that
//! whoever cleans up finds it from any machine, and written before whatever it tells of is changed.

mod borrow;
mod lease;
mod lock;

pub use borrow::{Borrowed, BorrowedRecorder, GivingBack, giving_back, unknown_fields, widened};
pub(crate) use lease::nobody_else;
pub use lease::{Bid, Lease};
pub(crate) use lock::token;
pub use lock::{Claim, LEASE, Lock, Me, Purpose, claim};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::aws::Document;
use crate::error::{Error, Result};

/// The key in the code bucket.
pub const KEY: &str = "journal.json";
/// The version of the schema. A program refuses a newer one than its own: it would lose what it does not understand.
pub const VERSION: u32 = 1;

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

    fn body(&self) -> Vec<u8> {
        // Strings as keys and no other maps: this cannot fail.
        let mut body = serde_json::to_vec_pretty(self).unwrap_or_default();
        body.push(b'\n');
        body
    }
}

/// The journal as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seen {
    /// There is none.
    #[default]
    Absent,
    /// It was read; the tag is that of exactly this content.
    Read(Box<Journal>, String),
    /// It is there and cannot be used: why.
    Unusable(String),
}

impl Seen {
    /// Reads the object.
    pub fn of(document: Option<&Document>, stack: &str) -> Self {
        let Some(Document { body, etag }) = document else {
            return Self::Absent;
        };
        let read = serde_json::from_slice::<Value>(body).and_then(|value| {
            let version = value.get("version").and_then(Value::as_u64).unwrap_or(0);
            if version > u64::from(VERSION) {
                return Ok(Err(version));
            }
            Journal::deserialize(value).map(Ok)
        });
        match read {
            Ok(Ok(journal)) if journal.stack == stack => {
                Self::Read(Box::new(journal), etag.clone())
            }
            Ok(Ok(journal)) => Self::Unusable(format!("it is that of the lab `{}`", journal.stack)),
            Ok(Err(version)) => Self::Unusable(format!(
                "a newer driftlab wrote it (version {version}, this one knows {VERSION})"
            )),
            Err(error) => Self::Unusable(error.to_string()),
        }
    }

    /// What it says, if it could be read.
    pub fn journal(&self) -> Option<&Journal> {
        match self {
            Self::Read(journal, _) => Some(journal),
            Self::Absent | Self::Unusable(_) => None,
        }
    }

    /// What was borrowed.
    pub fn borrowed(&self) -> Option<&Borrowed> {
        self.journal()?.borrowed.as_ref()
    }

    /// The refusal that an unusable journal leads to.
    ///
    /// # Errors
    /// When it is there and cannot be used.
    pub fn usable(&self, bucket: &str) -> Result<()> {
        match self {
            Self::Absent | Self::Read(..) => Ok(()),
            Self::Unusable(why) => Err(Error::refused(format!(
                "nothing was changed, because the journal `{KEY}` in the bucket `{bucket}` cannot be used: {why}"
            ))
            .hint("use the newest driftlab")
            .hint(format!(
                "or delete the object `{KEY}`, if you know that nothing was borrowed from this account; clean-up works without it"
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
