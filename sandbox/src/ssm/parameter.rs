//! A parameter with its versions.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::keys;
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::kms::Key;

/// How many versions are kept; the oldest goes when one more comes.
const MAX_VERSIONS: usize = 100;

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    StringList,
    SecureString,
}

impl Kind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "String" => Kind::String,
            "StringList" => Kind::StringList,
            "SecureString" => Kind::SecureString,
            _ => return None,
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::String => "String",
            Kind::StringList => "StringList",
            Kind::SecureString => "SecureString",
        }
    }
}

/// How large a value may be, and whether it costs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Standard,
    Advanced,
}

impl Tier {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Tier::Standard => "Standard",
            Tier::Advanced => "Advanced",
        }
    }

    /// Bytes of a value.
    pub(super) fn limit(self) -> usize {
        match self {
            Tier::Standard => 4_096,
            Tier::Advanced => 8_192,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) value: String,
    /// What a secure string is encrypted with.
    pub(super) key: Option<Key>,
    pub(super) at: Timestamp,
    /// The ARN of who wrote it.
    pub(super) by: String,
}

#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) arn: String,
    pub(super) kind: Kind,
    pub(super) tier: Tier,
    pub(super) description: Option<String>,
    pub(super) allowed_pattern: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Oldest first; never empty.
    versions: Vec<Version>,
}

impl Parameter {
    pub(super) fn new(arn: String, kind: Kind, tier: Tier, first: Version) -> Self {
        Self {
            arn,
            kind,
            tier,
            description: None,
            allowed_pattern: None,
            tags: BTreeMap::new(),
            versions: vec![first],
        }
    }

    pub(super) fn add(&mut self, version: Version) {
        self.versions.push(version);
        if self.versions.len() > MAX_VERSIONS {
            self.versions.remove(0);
        }
    }

    pub(super) fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// What the newest version is encrypted with.
    pub(super) fn key(&self) -> Option<&Key> {
        self.newest().and_then(|version| version.key.as_ref())
    }

    pub(super) fn next_number(&self) -> u64 {
        self.newest().map_or(1, |version| version.number + 1)
    }

    /// The version that a reader asks for; the newest, unless it says which.
    pub(super) fn version(&self, name: &str, selector: Option<&str>) -> Result<&Version, ApiError> {
        let found = match selector {
            None => self.newest(),
            // A label is never a number, and the sandbox has none.
            Some(selector) => selector.parse().ok().and_then(|number: u64| {
                self.versions
                    .iter()
                    .find(|version| version.number == number)
            }),
        };
        found.ok_or_else(|| {
            ApiError::bad(
                "ParameterVersionNotFound",
                format!(
                    "Systems Manager could not find version {} of {name}. Verify the version and try again.",
                    selector.unwrap_or_default()
                ),
            )
        })
    }

    /// As a reader sees it. What is not decrypted is a text that says nothing about the secret.
    pub(super) fn read(
        &self,
        name: &str,
        version: &Version,
        selector: Option<&str>,
        decrypt: bool,
    ) -> Value {
        let value = match self.kind {
            Kind::SecureString if !decrypt => sealed(&self.arn, version.number),
            Kind::SecureString | Kind::String | Kind::StringList => version.value.clone(),
        };
        let mut shown = json!({
            "Name": name,
            "Type": self.kind.as_str(),
            "Value": value,
            "Version": version.number,
            "LastModifiedDate": epoch_seconds(version.at),
            "ARN": self.arn,
            "DataType": "text",
        });
        if let Some(selector) = selector {
            shown["Selector"] = json!(format!(":{selector}"));
        }
        shown
    }

    /// As `DescribeParameters` lists it: everything but the value.
    pub(super) fn describe(&self, name: &str) -> Value {
        let mut shown = json!({
            "Name": name,
            "ARN": self.arn,
            "Type": self.kind.as_str(),
            "Tier": self.tier.as_str(),
            "DataType": "text",
            "Policies": [],
        });
        if let Some(newest) = self.newest() {
            shown["Version"] = json!(newest.number);
            shown["LastModifiedDate"] = epoch_seconds(newest.at);
            shown["LastModifiedUser"] = json!(newest.by);
        }
        if let Some(description) = &self.description {
            shown["Description"] = json!(description);
        }
        if let Some(pattern) = &self.allowed_pattern {
            shown["AllowedPattern"] = json!(pattern);
        }
        if let Some(key) = self.key() {
            shown["KeyId"] = json!(keys::shown(key));
        }
        shown
    }
}

/// What stands for an encrypted value: the same for every reader, different for every version.
fn sealed(arn: &str, number: u64) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{arn}:{number}"));
    BASE64_STANDARD.encode([&b"\x01\x02\x02\x00"[..], &digest].concat())
}
