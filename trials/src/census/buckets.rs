//! Buckets: their settings, and every version of every object.

use std::collections::BTreeMap;

use sandbox::protocol::Operation;
use serde_json::{Value, json};

use crate::World;

/// What is asked about each bucket.
const SETTINGS: [&str; 8] = [
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetPublicAccessBlock",
    "ListObjectVersions",
];

pub(super) async fn count(world: &World, things: &mut BTreeMap<String, Value>) {
    let listed = world
        .text(&Operation::new("ListBuckets", json!({})))
        .await
        .unwrap();
    for bucket in names(&listed) {
        for operation in SETTINGS {
            // One page: a trial with a thousand objects would have to count further.
            let asked = Operation::new(operation, json!({"Bucket": bucket}));
            let seen = world.text(&asked).await.unwrap_or_else(|code| code);
            assert!(
                !seen.contains("<IsTruncated>true"),
                "`{bucket}` holds more than a census counts"
            );
            things.insert(format!("s3 {bucket} {operation}"), seen.into());
        }
    }
}

fn names(listed: &str) -> Vec<String> {
    let after = listed.split("<Name>").skip(1);
    after
        .filter_map(|rest| rest.split("</Name>").next())
        .map(str::to_owned)
        .collect()
}
