//! A secret with its versions.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::invalid;
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::kms::Key;
use crate::tags;

/// The label of the version that is handed out unless another is asked for.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the one before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
/// Bytes of a value, from the API model.
const MAX_VALUE: usize = 65_536;

/// What is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    /// As base64, which it is on the wire.
    Binary(String),
}

impl Content {
    /// `None` where the request holds neither.
    pub(super) fn read(input: &Value) -> Result<Option<Self>, ApiError> {
        let (text, binary) = (input.text("SecretString"), input.text("SecretBinary"));
        let (content, length) = match (text, binary) {
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (None, None) => return Ok(None),
            (Some(text), None) => (Self::Text(text.to_owned()), text.len()),
            (None, Some(binary)) => {
                let bytes = BASE64_STANDARD
                    .decode(binary)
                    .map_err(|_| invalid("SecretBinary is not base64"))?;
                (Self::Binary(binary.to_owned()), bytes.len())
            }
        };
        if !(1..=MAX_VALUE).contains(&length) {
            return Err(invalid(format!(
                "a secret value must have 1 to {MAX_VALUE} bytes"
            )));
        }
        Ok(Some(content))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) content: Content,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// What every version is encrypted with.
    pub(super) key: Key,
    /// By version id.
    pub(super) versions: BTreeMap<String, Version>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    /// When it goes for good, once it was deleted, and when that was asked for.
    pub(super) deletion: Option<Timestamp>,
    pub(super) deleted: Option<Timestamp>,
}

impl Secret {
    /// The ARN as it would be known before the secret was made.
    pub(super) fn arn_without_suffix(&self) -> &str {
        self.arn.rsplit_once('-').map_or(&self.arn, |(arn, _)| arn)
    }

    /// Adds a version, which takes its labels from others. A version of the same id must be the same.
    pub(super) fn add(
        &mut self,
        id: &str,
        content: Content,
        stages: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if let Some(version) = self.versions.get(id) {
            if version.content == content {
                return Ok(());
            }
            return Err(ApiError::bad(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                    self.arn
                ),
            ));
        }
        let displaced = self.staged(CURRENT).map(str::to_owned);
        for version in self.versions.values_mut() {
            version.stages.retain(|stage| !stages.contains(stage));
        }
        if stages.contains(CURRENT)
            && let Some(displaced) = displaced
        {
            for (other, version) in &mut self.versions {
                if *other == displaced {
                    version.stages.insert(PREVIOUS.to_owned());
                } else {
                    version.stages.remove(PREVIOUS);
                }
            }
        }
        let version = Version {
            content,
            stages: stages.clone(),
            created: now,
        };
        self.versions.insert(id.to_owned(), version);
        // A version without a label is deprecated and forgotten.
        self.versions
            .retain(|_, version| !version.stages.is_empty());
        self.changed = now;
        Ok(())
    }

    /// The id of the version with that label.
    pub(super) fn staged(&self, stage: &str) -> Option<&str> {
        let mut found = self
            .versions
            .iter()
            .filter(|(_, version)| version.stages.contains(stage));
        found.next().map(|(id, _)| id.as_str())
    }

    /// As `DescribeSecret` and `ListSecrets` show it, which spell the versions differently.
    pub(super) fn describe(&self, versions_member: &str) -> Value {
        let stages: BTreeMap<&str, &BTreeSet<String>> = self
            .versions
            .iter()
            .map(|(id, version)| (id.as_str(), &version.stages))
            .collect();
        let mut shown = json!({
            "ARN": self.arn,
            "Name": self.name,
            "CreatedDate": epoch_seconds(self.created),
            "LastChangedDate": epoch_seconds(self.changed),
        });
        if !self.tags.is_empty() {
            shown["Tags"] = tags::list(&self.tags).into();
        }
        if !stages.is_empty() {
            shown[versions_member] = json!(stages);
        }
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        // AWS's own key is not told.
        if let Key::Customer(arn) = &self.key {
            shown["KmsKeyId"] = json!(arn);
        }
        if let Some(deleted) = self.deleted {
            shown["DeletedDate"] = epoch_seconds(deleted);
        }
        shown
    }
}
