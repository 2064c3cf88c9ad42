//! What an S3 operation asks of a caller's policies. IAM's action names are not those of the API.

use serde_json::Value;

use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::Call;

pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let partition = call.region.partition();
    let Some(bucket) = input.text("Bucket") else {
        return vec![Access::anywhere("s3", "ListAllMyBuckets")];
    };
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    if operation.name == "DeleteObjects" {
        return input["Delete"]
            .list("Objects")
            .iter()
            .map(|object| object_access("DeleteObject", &bucket, object))
            .collect();
    }
    let action = match operation.name.as_str() {
        name @ ("PutObject" | "DeleteObject") => {
            return vec![object_access(name, &bucket, input)];
        }
        "GetObject" | "HeadObject" => {
            let mut needed = vec![object_access("GetObject", &bucket, input)];
            // That there is no such object is for those to know who may list the bucket.
            if is_missing(call, input) {
                needed.push(Access::on("s3", "ListBucket", bucket));
            }
            return needed;
        }
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        name => name,
    };
    let mut access = Access::on("s3", action, bucket);
    for (member, key) in [
        ("Prefix", "s3:prefix"),
        ("Delimiter", "s3:delimiter"),
        ("MaxKeys", "s3:max-keys"),
        ("ACL", "s3:x-amz-acl"),
    ] {
        if let Some(value) = input.text(member) {
            access = access.with(key, value);
        }
    }
    vec![access]
}

fn is_missing(call: &mut Call<'_>, input: &Value) -> bool {
    let (Some(bucket), Some(key)) = (input.text("Bucket"), input.text("Key")) else {
        return false;
    };
    super::object(call, bucket, key).is_err_and(|error| error.code == "NoSuchKey")
}

fn object_access(action: &str, bucket: &str, object: &Value) -> Access {
    let key = object.text("Key").unwrap_or_default();
    let resource = format!("{bucket}/{key}");
    let mut access = match object.text("VersionId") {
        Some(version) if action != "PutObject" => {
            Access::on("s3", &format!("{action}Version"), resource).with("s3:VersionId", version)
        }
        _ => Access::on("s3", action, resource),
    };
    for (member, key) in [
        ("ACL", "s3:x-amz-acl"),
        ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
    ] {
        if let Some(value) = object.text(member) {
            access = access.with(key, value);
        }
    }
    access
}
