//! What S3 holds.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use bytes::Bytes;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::budgets::{self, Charge, Held};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::ids::{AccountId, Region, hex_id};
use crate::sandbox::Call;

/// The buckets of one account, in every region.
#[derive(Debug, Default)]
pub struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    /// Bytes of all objects.
    pub(super) objects: Held,
}

impl State {
    /// Bytes of all objects.
    pub(crate) fn held(&self) -> u64 {
        self.objects.bytes()
    }

    /// What the buckets take without their objects, written as text.
    pub(crate) fn weight(&self) -> u64 {
        let buckets = self.buckets.values();
        let weights =
            buckets.map(|it| budgets::weight(&(&it.name, &it.policy, &it.settings, it.created)));
        weights.sum()
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) region: Region,
    pub(super) created: Timestamp,
    pub(super) versioning: Versioning,
    /// The text as it was put, with what it says.
    pub(super) policy: Option<(String, Value)>,
    /// Configurations under the operation's payload name, with the names of the API model.
    pub(super) settings: BTreeMap<&'static str, Value>,
    /// The versions of each key, oldest first; never an empty list.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    /// Whether the next look at what has expired is planned.
    pub(super) watched: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    /// `null` for versions made while versioning was not enabled.
    pub(super) id: String,
    pub(super) modified: Timestamp,
    /// `None` for a delete marker.
    pub(super) object: Option<Object>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) body: Bytes,
    /// With its quotes.
    pub(super) etag: String,
    /// Response headers that the object was stored with.
    pub(super) headers: BTreeMap<String, String>,
    /// By algorithm, as the client sent them.
    pub(super) checksums: BTreeMap<String, String>,
    /// Counts the object for as long as there is it.
    pub(super) charge: Charge,
}

pub(super) const PUBLIC_ACCESS: &str = "PublicAccessBlockConfiguration";
pub(super) const ENCRYPTION: &str = "ServerSideEncryptionConfiguration";
pub(super) const OWNERSHIP: &str = "OwnershipControls";
pub(super) const LIFECYCLE: &str = "LifecycleConfiguration";
pub(super) const TAGGING: &str = "Tagging";

impl Bucket {
    /// A bucket as AWS makes them since April 2023: private, without ACLs, encrypted.
    pub(super) fn new(name: &str, region: Region, created: Timestamp) -> Self {
        let mut bucket = Self {
            name: name.to_owned(),
            region,
            created,
            versioning: Versioning::Never,
            policy: None,
            settings: BTreeMap::new(),
            objects: BTreeMap::new(),
            watched: false,
        };
        bucket.settings.insert(
            PUBLIC_ACCESS,
            json!({
                "BlockPublicAcls": true, "IgnorePublicAcls": true,
                "BlockPublicPolicy": true, "RestrictPublicBuckets": true,
            }),
        );
        bucket.settings.insert(
            OWNERSHIP,
            json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
        );
        bucket.settings.insert(ENCRYPTION, default_encryption());
        bucket
    }

    /// Adds an object or, with `None`, what a deletion leaves. Answers the version's id.
    pub(super) fn write(&mut self, key: &str, object: Option<Object>, now: Timestamp) -> String {
        let versions = self.objects.entry(key.to_owned()).or_default();
        let id = match self.versioning {
            Versioning::Enabled => hex_id("", 32),
            // Without versioning there is one version, `null`, which every write replaces.
            Versioning::Never | Versioning::Suspended => {
                versions.retain(|version| version.id != "null");
                "null".to_owned()
            }
        };
        versions.push(Version {
            id: id.clone(),
            modified: now,
            object,
        });
        id
    }

    pub(super) fn version(&self, key: &str, id: Option<&str>) -> Option<&Version> {
        let versions = self.objects.get(key)?;
        match id {
            None => versions.last(),
            Some(id) => versions.iter().find(|version| version.id == id),
        }
    }

    /// Whether objects' owners are a matter of ACLs at all.
    pub(super) fn acls_are_disabled(&self) -> bool {
        self.settings.get(OWNERSHIP).is_some_and(|controls| {
            controls["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
        })
    }
}

pub(super) fn default_encryption() -> Value {
    json!({"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": false,
    }]})
}

/// The entity tag of a body, with its quotes.
pub(super) fn etag(body: &[u8]) -> String {
    let digest: [u8; 16] = Md5::digest(body).into();
    format!("\"{:032x}\"", u128::from_be_bytes(digest))
}

/// The bucket, for a request that may change it.
///
/// # Errors
/// `NoSuchBucket`; `AccessDenied` when it is another account's.
pub(super) fn bucket<'a>(call: &'a mut Call<'_>, name: &str) -> Result<&'a mut Bucket, ApiError> {
    let owner = call
        .sandbox
        .bucket_owners
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(name)
        .cloned();
    match owner {
        None => Err(ApiError::new(
            404,
            "NoSuchBucket",
            format!("The specified bucket does not exist: {name}"),
        )),
        Some(owner) if owner != call.account.id => Err(access_denied()),
        Some(_) => call.account.s3.buckets.get_mut(name).ok_or_else(|| {
            ApiError::new(404, "NoSuchBucket", "The specified bucket does not exist")
        }),
    }
}

pub(super) fn access_denied() -> ApiError {
    ApiError::new(403, "AccessDenied", "Access Denied")
}

/// The canonical user id of an account: 64 hexadecimal digits that say nothing.
pub(super) fn canonical_id(account: &AccountId) -> String {
    use std::fmt::Write as _;
    let mut id = String::with_capacity(64);
    for byte in sha2::Sha256::digest(account.as_str()) {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
