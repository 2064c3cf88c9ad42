//! The journal as it was found, and whether it can be believed.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::digest::{Mark, digest};
use super::{Borrowed, DIGEST_TAG, Journal, KEY, Lock, VERSION};
use crate::aws::{Document, Tags};
use crate::error::{Error, Result};

/// The first version whose journals have a digest.
const DIGESTED: u32 = 2;

/// The journal as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seen {
    /// There is none.
    #[default]
    Absent,
    /// It was read, and is what driftlab wrote; the tag is that of exactly this content.
    Read(Box<Journal>, String),
    /// It is there, and nothing vouches for it.
    Unverified(Box<Unverified>),
    /// A newer program wrote it, so it cannot be used: what is known of that.
    Unusable(String),
}

/// A journal that nothing vouches for: whoever may write objects into the code bucket may have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// What it says, if that can be understood.
    pub claim: Option<Journal>,
    /// The digest of what it says.
    pub digest: String,
    /// S3's tag of exactly this content.
    pub etag: String,
    /// Why it is not believed.
    pub doubt: Doubt,
}

/// Why a journal is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its version had no digests, and its bucket has none.
    NoDigest,
    /// Its version has digests, and its bucket has none.
    DigestGone,
    /// Its bucket has the digest of another one.
    OtherDigest,
    /// It is no journal, or another lab's.
    Strange,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDigest => f.write_str("an older driftlab wrote it, which kept no digest of it"),
            Self::DigestGone => write!(
                f,
                "the tag `{DIGEST_TAG}` of its bucket, which held its digest, is gone"
            ),
            Self::Strange => f.write_str("what is there is not this lab's journal"),
            Self::OtherDigest => write!(
                f,
                "it is not what driftlab wrote last, whose digest is in the tag `{DIGEST_TAG}` of its bucket"
            ),
        }
    }
}

impl Seen {
    /// Reads the object. `tags` are those of its bucket, where the digest lies.
    pub fn of(document: Option<&Document>, tags: Option<&Tags>, stack: &str) -> Self {
        let Some(Document { body, etag }) = document else {
            return Self::Absent;
        };
        let mark = tags
            .and_then(|tags| tags.get(DIGEST_TAG))
            .map(|value| Mark::parse(value));
        let unverified = |claim, digest, doubt| {
            Self::Unverified(Box::new(Unverified {
                claim,
                digest,
                etag: etag.clone(),
                doubt,
            }))
        };
        let strange = || unverified(None, String::new(), Doubt::Strange);
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return strange();
        };
        let version = value.get("version").and_then(Value::as_u64).unwrap_or(0);
        if version > u64::from(VERSION) {
            return Self::Unusable(format!(
                "a newer driftlab wrote it (version {version}, this one knows {VERSION})"
            ));
        }
        let digest = digest(&value);
        let journal = match Journal::deserialize(value) {
            Ok(journal) if journal.stack == stack => journal,
            Ok(_) | Err(_) => return strange(),
        };
        let doubt = match mark {
            Some(mark) if mark.admits(&digest) => None,
            Some(_) => Some(Doubt::OtherDigest),
            None if journal.version >= DIGESTED => Some(Doubt::DigestGone),
            // One that says nothing of borrowed things need not be believed.
            None => journal.claims().then_some(Doubt::NoDigest),
        };
        match doubt {
            None => Self::Read(Box::new(journal), etag.clone()),
            Some(doubt) => unverified(Some(journal), digest, doubt),
        }
    }

    /// What it says, if it is what driftlab wrote.
    pub fn journal(&self) -> Option<&Journal> {
        match self {
            Self::Read(journal, _) => Some(journal),
            Self::Absent | Self::Unverified(_) | Self::Unusable(_) => None,
        }
    }

    /// One that nothing vouches for.
    pub fn unverified(&self) -> Option<&Unverified> {
        match self {
            Self::Unverified(unverified) => Some(unverified),
            Self::Absent | Self::Read(..) | Self::Unusable(_) => None,
        }
    }

    /// The lock. That of an unverified journal counts too: to wait for nobody harms less than to disturb somebody.
    pub fn lock(&self) -> Option<&Lock> {
        let claim = self.unverified().and_then(|it| it.claim.as_ref());
        self.journal().or(claim)?.lock.as_ref()
    }

    /// What the lab works with that is not its own. An older driftlab's journal is enough for that: it is not enough to give
    /// anything back.
    pub fn borrowed(&self) -> Option<&Borrowed> {
        let older = self
            .unverified()
            .filter(|it| it.doubt == Doubt::NoDigest)
            .and_then(|it| it.claim.as_ref());
        self.journal().or(older)?.borrowed.as_ref()
    }

    /// The journal that goes on from here, S3's tag of what it replaces, and whether it is vouched for from now on. What an
    /// unverified one says stays as it is, and stays unverified; with `anew`, what is known to be wrong is left behind.
    pub(super) fn goes_on(&self, stack: &str, anew: bool) -> (Journal, Option<String>, bool) {
        match self {
            Self::Read(journal, etag) => ((**journal).clone(), Some(etag.clone()), true),
            Self::Absent | Self::Unusable(_) => (Journal::new(stack), None, true),
            Self::Unverified(it) => {
                let etag = Some(it.etag.clone());
                match &it.claim {
                    Some(claim) if !anew || it.doubt == Doubt::NoDigest => {
                        (claim.clone(), etag, false)
                    }
                    Some(_) | None => (Journal::new(stack), etag, anew),
                }
            }
        }
    }

    /// The refusal that an unusable journal leads to.
    ///
    /// # Errors
    /// When it is there and cannot be used.
    pub fn usable(&self, bucket: &str) -> Result<()> {
        match self {
            Self::Absent | Self::Read(..) | Self::Unverified(_) => Ok(()),
            Self::Unusable(why) => Err(Error::refused(format!(
                "nothing was changed, because the journal `{KEY}` in the bucket `{bucket}` cannot be used: {why}"
            ))
            .hint("use the newest driftlab")),
        }
    }
}
