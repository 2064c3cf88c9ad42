//! The digest of what a journal says of borrowed things. It lies in a tag of the code bucket: the right to write objects does
//! not include the right to write tags of their bucket.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Journal;
use crate::spec::hex;

/// The tag of the code bucket that holds the digest of the journal in it.
pub const DIGEST_TAG: &str = "driftlab:journal";

/// What every write of the journal changes, or the lease of the lock. Nothing of it decides what is given back.
const UNCOVERED: [&str; 4] = ["version", "serial", "run", "lock"];

/// SHA-256, in hexadecimal digits, of what a journal says of borrowed things, members that this program does not know
/// included. Order and absence of empty members make no difference.
pub(super) fn digest(journal: &Value) -> String {
    let mut covered = journal.clone();
    if let Some(members) = covered.as_object_mut() {
        members.retain(|name, value| !UNCOVERED.contains(&name.as_str()) && !value.is_null());
    }
    covered.sort_all_objects();
    hex(&Sha256::digest(covered.to_string()))
}

impl Journal {
    /// The digest of what it says of borrowed things.
    pub fn digest(&self) -> String {
        // Strings as keys and no other maps: this cannot fail.
        digest(&serde_json::to_value(self).unwrap_or_default())
    }
}

/// The digests that the tag of the code bucket admits: one, or for the moment in which the journal changes two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark(Vec<String>);

impl Mark {
    /// A tag's value has room for three digests and the spaces between them: S3 allows 256 characters.
    const ROOM: usize = 3;

    /// Reads the tag's value.
    pub fn parse(value: &str) -> Self {
        Self(value.split_whitespace().map(str::to_owned).collect())
    }

    /// That of exactly one digest.
    pub fn of(digest: &str) -> Self {
        Self(vec![digest.to_owned()])
    }

    /// Whether a journal of this digest is one that driftlab wrote.
    pub fn admits(&self, digest: &str) -> bool {
        self.0.iter().any(|each| each == digest)
    }

    /// The same, and one digest more, which comes first. The last ones go where there is no room.
    #[must_use]
    pub fn and(&self, digest: &str) -> Self {
        let others = self.0.iter().filter(|each| *each != digest).cloned();
        let all = std::iter::once(digest.to_owned()).chain(others);
        Self(all.take(Self::ROOM).collect())
    }

    /// The tag's value.
    pub fn value(&self) -> String {
        self.0.join(" ")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::json;

    use super::*;

    fn check(change: impl FnOnce(&mut Value), same: bool) {
        let journal = json!({"version": 2, "stack": "lab", "serial": 7, "run": "a", "lock": null,
            "borrowed": {"since": "2026-03-04T12:00:00Z", "by": "arn:u", "recorder": {"recording": true}},
            "retention": 2557});
        let mut changed = journal.clone();
        change(&mut changed);
        assert_eq!(digest(&changed) == digest(&journal), same, "{changed}");
    }

    #[test]
    fn digest_covers_what_is_given_back_and_not_the_lease() {
        for (member, value) in [
            ("serial", json!(8)),
            ("run", json!("b")),
            ("version", json!(1)),
            (
                "lock",
                json!({"by": "arn:v", "until": "2026-03-04T12:00:00Z"}),
            ),
            ("channel", json!(null)),
        ] {
            check(|journal| journal[member] = value, true);
        }
        check(|journal| journal["stack"] = json!("other"), false);
        check(|journal| journal["retention"] = json!(365), false);
        check(|journal| journal["retention"] = json!(null), false);
        check(|journal| journal["later"] = json!(1), false);
        check(|journal| journal["borrowed"] = json!(null), false);
        check(
            |journal| journal["borrowed"]["recorder"]["recording"] = json!(false),
            false,
        );
    }

    #[test]
    fn digest_is_that_of_the_text_that_is_written() {
        let mut journal = Journal::new("lab");
        journal.retention = Some(2557);
        let written: Value = serde_json::from_slice(&journal.body()).unwrap();
        assert_eq!(digest(&written), journal.digest());
        // Held, as tags in accounts hold it: a change of the canonical form would disown every journal.
        assert_eq!(
            journal.digest(),
            hex(&Sha256::digest(r#"{"retention":2557,"stack":"lab"}"#))
        );
    }

    #[test]
    fn mark_admits_the_old_and_the_new_and_fits_into_a_tag() {
        let digests: Vec<_> = (0..5).map(|n| hex(&Sha256::digest([n]))).collect();
        let mut mark = Mark::default();
        for digest in &digests {
            mark = mark.and(digest);
            assert!(mark.value().len() <= 256);
            assert_eq!(Mark::parse(&mark.value()), mark);
            assert!(mark.admits(digest));
        }
        assert!(mark.admits(&digests[3]) && !mark.admits(&digests[0]));
        assert_eq!(mark.and(&digests[3]).value().split(' ').count(), 3);
        assert_eq!(Mark::of(&digests[0]).value(), digests[0]);
        assert!(!Mark::parse("").admits(""));
    }
}
