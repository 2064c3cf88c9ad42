//! S3.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete,
    ObjectIdentifier, PublicAccessBlockConfiguration, Tag, Tagging, VersioningConfiguration,
};
use serde_json::{Value, json};

use super::call;
use super::input::{FromInput, Members, bytes, enums, structure};
use crate::Reply;

structure!(CreateBucketConfiguration { "LocationConstraint" => set_location_constraint });
structure!(Delete { "Objects" => set_objects, "Quiet" => set_quiet });
structure!(ObjectIdentifier { "Key" => set_key, "VersionId" => set_version_id });
structure!(VersioningConfiguration { "Status" => set_status });
structure!(Tagging { "TagSet" => set_tag_set });
structure!(Tag { "Key" => set_key, "Value" => set_value });
structure!(PublicAccessBlockConfiguration {
    "BlockPublicAcls" => set_block_public_acls,
    "IgnorePublicAcls" => set_ignore_public_acls,
    "BlockPublicPolicy" => set_block_public_policy,
    "RestrictPublicBuckets" => set_restrict_public_buckets,
});
enums!(BucketLocationConstraint, BucketVersioningStatus);

impl FromInput for ByteStream {
    fn from_input(value: &Value) -> Self {
        bytes(value).into()
    }
}

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true);
    let client = Client::from_conf(config.build());
    match operation {
        "ListBuckets" => call!(client.list_buckets, input, {}),
        "CreateBucket" => call!(client.create_bucket, input, {
            "Bucket" => set_bucket, "CreateBucketConfiguration" => set_create_bucket_configuration,
        }),
        "DeleteBucket" => call!(client.delete_bucket, input, { "Bucket" => set_bucket }),
        "HeadBucket" => call!(client.head_bucket, input, { "Bucket" => set_bucket }),
        "GetBucketLocation" => call!(client.get_bucket_location, input, { "Bucket" => set_bucket }),
        "PutObject" => call!(client.put_object, input, {
            "Bucket" => set_bucket, "Key" => set_key, "Body" => set_body,
        }),
        "GetObject" => get_object(&client, input).await,
        "DeleteObject" => call!(client.delete_object, input, {
            "Bucket" => set_bucket, "Key" => set_key, "VersionId" => set_version_id,
        }),
        "DeleteObjects" => {
            call!(client.delete_objects, input, { "Bucket" => set_bucket, "Delete" => set_delete })
        }
        "ListObjectsV2" => call!(client.list_objects_v2, input, {
            "Bucket" => set_bucket, "Prefix" => set_prefix, "Delimiter" => set_delimiter,
            "MaxKeys" => set_max_keys, "ContinuationToken" => set_continuation_token,
        }),
        "ListObjectVersions" => call!(client.list_object_versions, input, {
            "Bucket" => set_bucket, "Prefix" => set_prefix,
        }),
        "GetBucketPolicy" => call!(client.get_bucket_policy, input, { "Bucket" => set_bucket }),
        "PutBucketPolicy" => {
            call!(client.put_bucket_policy, input, { "Bucket" => set_bucket, "Policy" => set_policy })
        }
        "DeleteBucketPolicy" => {
            call!(client.delete_bucket_policy, input, { "Bucket" => set_bucket })
        }
        "GetBucketVersioning" => {
            call!(client.get_bucket_versioning, input, { "Bucket" => set_bucket })
        }
        "PutBucketVersioning" => call!(client.put_bucket_versioning, input, {
            "Bucket" => set_bucket, "VersioningConfiguration" => set_versioning_configuration,
        }),
        "GetPublicAccessBlock" => {
            call!(client.get_public_access_block, input, { "Bucket" => set_bucket })
        }
        "PutPublicAccessBlock" => call!(client.put_public_access_block, input, {
            "Bucket" => set_bucket, "PublicAccessBlockConfiguration" => set_public_access_block_configuration,
        }),
        "GetBucketTagging" => call!(client.get_bucket_tagging, input, { "Bucket" => set_bucket }),
        "PutBucketTagging" => {
            call!(client.put_bucket_tagging, input, { "Bucket" => set_bucket, "Tagging" => set_tagging })
        }
        "GetBucketLifecycleConfiguration" => {
            call!(client.get_bucket_lifecycle_configuration, input, { "Bucket" => set_bucket })
        }
        "GetBucketEncryption" => {
            call!(client.get_bucket_encryption, input, { "Bucket" => set_bucket })
        }
        other => panic!("the table of S3 has no `{other}`"),
    }
}

/// The body is a stream, so that it has to be read before the output can be shown.
async fn get_object(client: &Client, input: &Members<'_>) -> Reply {
    input.only(&["Bucket", "Key", "VersionId"]);
    let request = client
        .get_object()
        .set_bucket(input.get("Bucket"))
        .set_key(input.get("Key"))
        .set_version_id(input.get("VersionId"));
    match request.send().await {
        Ok(output) => {
            let length = output.content_length();
            let etag = output.e_tag().map(str::to_owned);
            let body = output.body.collect().await.unwrap().into_bytes();
            Reply::Output(json!({
                "Body": crate::debug_form::shown(&body), "ContentLength": length, "ETag": etag,
            }))
        }
        Err(error) => super::reply::<(), _, _>(Err(error)),
    }
}
