//! S3: the code bucket, and emptying the delivery bucket.
//!
//! Every call names the expected owner, so that a bucket of the same name in another account is never touched.

mod document;

pub use document::{Document, Written};

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    PublicAccessBlockConfiguration, Tag, Tagging,
};

use time::OffsetDateTime;

use super::{CallError, CallResult, Reader, Tags, Writer, moment};

/// HEAD answers have no body, so the SDK makes its codes up from the status.
const MISSING: [&str; 4] = ["NoSuchBucket", "NotFound", "404", "NoSuchKey"];

impl Reader {
    /// The tags of a bucket; `None` when it does not exist or belongs to another account.
    ///
    /// # Errors
    /// The failed call.
    pub async fn bucket_tags(&self, bucket: &str, account: &str) -> CallResult<Option<Tags>> {
        let answer = self
            .s3
            .get_bucket_tagging()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(
                answer
                    .tag_set
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect(),
            )),
            Err(e) => {
                let error = CallError::from_sdk("s3:GetBucketTagging", &e);
                if error.is(&MISSING) {
                    Ok(None)
                } else if error.is(&["NoSuchTagSet"]) {
                    Ok(Some(Tags::new()))
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The names of the account's buckets in this region.
    ///
    /// # Errors
    /// The failed call.
    pub async fn buckets(&self) -> CallResult<Vec<String>> {
        let buckets = self.buckets_with_dates().await?;
        Ok(buckets.into_iter().map(|(name, _)| name).collect())
    }

    /// The same with the moments at which they were made.
    ///
    /// # Errors
    /// The failed call.
    pub async fn buckets_with_dates(&self) -> CallResult<Vec<(String, Option<OffsetDateTime>)>> {
        let buckets: Vec<_> = self
            .s3
            .list_buckets()
            .bucket_region(&self.region)
            .max_buckets(1000)
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .map_err(|e| CallError::from_sdk("s3:ListBuckets", &e))?;
        Ok(buckets
            .into_iter()
            .filter_map(|b| Some((b.name?, b.creation_date.as_ref().and_then(moment))))
            .collect())
    }

    /// Whether a bucket holds an object of that key.
    ///
    /// # Errors
    /// The failed call.
    pub async fn object_exists(&self, bucket: &str, account: &str, key: &str) -> CallResult<bool> {
        let answer = self
            .s3
            .head_object()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .key(key)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(e) => {
                let error = CallError::from_sdk("s3:HeadObject", &e);
                if error.is(&MISSING) || error.status() == Some(404) {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The buckets of this region that carry a tag, and those whose tags we may not read.
    ///
    /// # Errors
    /// When the buckets cannot be listed.
    pub async fn buckets_tagged(
        &self,
        account: &str,
        key: &str,
        value: &str,
    ) -> CallResult<BTreeMap<String, Result<(), CallError>>> {
        let names = self.buckets().await?;
        let mut found = BTreeMap::new();
        // A handful at a time: an account may have a thousand buckets, and nobody should be throttled for an audit.
        for some in names.chunks(16) {
            let mut looks = tokio::task::JoinSet::new();
            for name in some {
                let (aws, name, account) = (self.clone(), name.clone(), account.to_owned());
                looks.spawn(async move {
                    let tags = aws.bucket_tags(&name, &account).await;
                    (name, tags)
                });
            }
            for (name, tags) in looks.join_all().await {
                match tags {
                    Ok(tags)
                        if tags
                            .as_ref()
                            .and_then(|t| t.get(key))
                            .is_some_and(|v| v == value) =>
                    {
                        found.insert(name, Ok(()));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        found.insert(name, Err(error));
                    }
                }
            }
        }
        Ok(found)
    }
}

impl Writer {
    /// Makes a bucket in this region. One that is ours already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn create_bucket(&self, bucket: &str) -> CallResult<()> {
        // The oldest region is the one that must not be named.
        let place = (self.aws.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.aws.region.as_str()))
                .build()
        });
        let made = self
            .aws
            .s3
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(place)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("s3:CreateBucket", &e);
                if error.is(&["BucketAlreadyOwnedByYou"]) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Replaces the tags of a bucket.
    ///
    /// # Errors
    /// The failed call.
    pub async fn tag_bucket(&self, bucket: &str, account: &str, tags: &Tags) -> CallResult<()> {
        const OPERATION: &str = "s3:PutBucketTagging";
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        let tagging = Tagging::builder()
            .set_tag_set(Some(tags))
            .build()
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        self.aws
            .s3
            .put_bucket_tagging()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .tagging(tagging)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk(OPERATION, &e))
    }

    /// Blocks every kind of public access to a bucket.
    ///
    /// # Errors
    /// The failed call.
    pub async fn block_public_access(&self, bucket: &str, account: &str) -> CallResult<()> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        self.aws
            .s3
            .put_public_access_block()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .public_access_block_configuration(block)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("s3:PutPublicAccessBlock", &e))
    }

    /// Writes an object.
    ///
    /// # Errors
    /// The failed call.
    pub async fn put_object(
        &self,
        bucket: &str,
        account: &str,
        key: &str,
        body: Vec<u8>,
    ) -> CallResult<()> {
        self.aws
            .s3
            .put_object()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .key(key)
            .content_type("application/zip")
            .body(ByteStream::from(body))
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("s3:PutObject", &e))
    }

    /// Removes every object, version and delete marker of a bucket; tells how many. A bucket that is gone has none.
    ///
    /// # Errors
    /// The failed call, or the first object that S3 would not delete.
    pub async fn empty_bucket(&self, bucket: &str, account: &str) -> CallResult<usize> {
        let mut removed = 0;
        loop {
            // Always the first page: what it listed is gone by the time of the next look.
            let listed = self
                .aws
                .s3
                .list_object_versions()
                .bucket(bucket)
                .expected_bucket_owner(account)
                .max_keys(1000)
                .send()
                .await;
            let listed = match listed {
                Ok(listed) => listed,
                Err(e) => {
                    let error = CallError::from_sdk("s3:ListObjectVersions", &e);
                    return if error.is(&MISSING) {
                        Ok(removed)
                    } else {
                        Err(error)
                    };
                }
            };
            let versions = listed
                .versions
                .unwrap_or_default()
                .into_iter()
                .map(|v| (v.key, v.version_id));
            let markers = listed
                .delete_markers
                .unwrap_or_default()
                .into_iter()
                .map(|m| (m.key, m.version_id));
            let doomed: Vec<_> = versions
                .chain(markers)
                .filter_map(|(key, version)| Some((key?, version)))
                .collect();
            if doomed.is_empty() {
                return Ok(removed);
            }
            removed += doomed.len();
            self.delete_objects(bucket, account, doomed).await?;
            // What comes in meanwhile keeps the bucket from being deleted, and whoever does that looks again then.
            if listed.is_truncated != Some(true) {
                return Ok(removed);
            }
        }
    }

    async fn delete_objects(
        &self,
        bucket: &str,
        account: &str,
        objects: Vec<(String, Option<String>)>,
    ) -> CallResult<()> {
        const OPERATION: &str = "s3:DeleteObjects";
        let identifiers = objects
            .into_iter()
            .map(|(key, version)| {
                ObjectIdentifier::builder()
                    .key(key)
                    .set_version_id(version)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        let delete = Delete::builder()
            .set_objects(Some(identifiers))
            .quiet(true)
            .build()
            .map_err(|e| CallError::unusable(OPERATION, &e))?;
        let answer = self
            .aws
            .s3
            .delete_objects()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .delete(delete)
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        match answer.errors.unwrap_or_default().into_iter().next() {
            None => Ok(()),
            Some(error) => Err(CallError::malformed(
                OPERATION,
                format!(
                    "`{}` was not deleted: {} {}",
                    error.key.unwrap_or_default(),
                    error.code.unwrap_or_default(),
                    error.message.unwrap_or_default()
                ),
            )),
        }
    }

    /// Deletes an empty bucket. One that is gone already is fine.
    ///
    /// # Errors
    /// The failed call.
    pub async fn delete_bucket(&self, bucket: &str, account: &str) -> CallResult<()> {
        let deleted = self
            .aws
            .s3
            .delete_bucket()
            .bucket(bucket)
            .expected_bucket_owner(account)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = CallError::from_sdk("s3:DeleteBucket", &e);
                if error.is(&MISSING) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
        }
    }
}
