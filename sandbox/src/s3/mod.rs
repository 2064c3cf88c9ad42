//! S3: buckets and objects. Path style only.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{AccountId, Region};
use crate::protocol::{Answer, HttpRequest, Operation};
use crate::sandbox::{Call, Outcome, Sandbox, Target};

pub use self::state::State;

mod access;
mod answer;
mod beyond;
mod buckets;
mod checksum;
mod decode;
mod lifecycle;
mod listing;
mod objects;
mod payload;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use self::state::{ENCRYPTION, LIFECYCLE, OWNERSHIP, PUBLIC_ACCESS, TAGGING};

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    if let Some(response) = elsewhere(call, operation)? {
        return Ok(Answer::Http(response).into());
    }
    let response = match operation.name.as_str() {
        "ListBuckets" => buckets::list(call, operation),
        "CreateBucket" => buckets::create(call, operation),
        "DeleteBucket" => buckets::delete(call, operation),
        "HeadBucket" => buckets::head(call, operation),
        "GetBucketLocation" => buckets::location(call, operation),
        "GetBucketAcl" => buckets::acl(call, operation),
        "PutObject" => objects::put(call, operation),
        "GetObject" | "HeadObject" => objects::get(call, operation),
        "DeleteObject" => objects::delete(call, operation),
        "DeleteObjects" => objects::delete_many(call, operation),
        "ListObjects" | "ListObjectsV2" => listing::objects(call, operation),
        "ListObjectVersions" => listing::versions(call, operation),
        "GetBucketPolicy" => settings::get_policy(call, input),
        "PutBucketPolicy" => settings::put_policy(call, input),
        "DeleteBucketPolicy" => settings::delete_policy(call, input),
        "GetBucketVersioning" => settings::get_versioning(call, input),
        "PutBucketVersioning" => settings::put_versioning(call, input),
        "GetPublicAccessBlock" => settings::get(call, input, PUBLIC_ACCESS),
        "PutPublicAccessBlock" => settings::put(call, input, PUBLIC_ACCESS),
        "DeletePublicAccessBlock" => settings::delete(call, input, PUBLIC_ACCESS),
        "GetBucketLifecycleConfiguration" => settings::get(call, input, LIFECYCLE),
        "PutBucketLifecycleConfiguration" => settings::put(call, input, LIFECYCLE),
        "DeleteBucketLifecycle" => settings::delete(call, input, LIFECYCLE),
        "GetBucketTagging" => settings::get(call, input, TAGGING),
        "PutBucketTagging" => settings::put(call, input, TAGGING),
        "DeleteBucketTagging" => settings::delete(call, input, TAGGING),
        "GetBucketEncryption" => settings::get(call, input, ENCRYPTION),
        "PutBucketEncryption" => settings::put(call, input, ENCRYPTION),
        "DeleteBucketEncryption" => settings::delete(call, input, ENCRYPTION),
        "GetBucketOwnershipControls" => settings::get(call, input, OWNERSHIP),
        "PutBucketOwnershipControls" => settings::put(call, input, OWNERSHIP),
        "DeleteBucketOwnershipControls" => settings::delete(call, input, OWNERSHIP),
        name => Err(ApiError::not_implemented("s3", name)),
    }?;
    Ok(Answer::Http(response).into())
}

pub(crate) use self::access::required_access;

/// Reads the operation out of a REST request.
pub(crate) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    decode::decode(request)
}

/// The region of the bucket that a path names, for requests that name no region themselves; S3's first region where there
/// is no such bucket.
pub(crate) fn region_of(sandbox: &Arc<Sandbox>, account: &AccountId, path: &str) -> Region {
    let first = Region::first();
    let Ok((Some(bucket), _)) = decode::address(path) else {
        return first;
    };
    let target = Target::new(
        account.clone(),
        first.clone(),
        Caller::Service("s3.amazonaws.com"),
    );
    let found = sandbox.enter_to(true, &target, |call| {
        let bucket = call.account.s3.buckets.get(&bucket);
        bucket.map(|bucket| bucket.region.clone())
    });
    found.unwrap_or(first)
}

/// A bucket is served by its own region; the others name it in a redirection.
fn elsewhere(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<Option<crate::protocol::HttpResponse>, ApiError> {
    let input = &operation.input;
    let Some(name) = input.text("Bucket") else {
        return Ok(None);
    };
    if let Some(owner) = input.text("ExpectedBucketOwner")
        && owner != call.account.id.as_str()
        && operation.name != "CreateBucket"
    {
        return Err(state::access_denied());
    }
    if matches!(
        operation.name.as_str(),
        "CreateBucket" | "GetBucketLocation"
    ) {
        return Ok(None);
    }
    let here = call.region.clone();
    match call.account.s3.buckets.get(name) {
        Some(bucket) if bucket.region != here => {
            let region = bucket.region.as_str();
            let error = redirection(region);
            let response = crate::protocol::encode_error(
                crate::protocol::Protocol::RestXml,
                &error,
                &call.request_id,
            );
            Ok(Some(answer::with_header(
                response,
                "x-amz-bucket-region",
                region,
            )))
        }
        Some(_) | None => Ok(None),
    }
}

fn redirection(region: &str) -> ApiError {
    ApiError::new(
        301,
        "PermanentRedirect",
        format!(
            "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint: the bucket is in {region}."
        ),
    )
}

/// An object's newest version, for services that read one (Lambda, CloudFormation). The bucket must
/// be in the called region.
pub(crate) fn object(call: &mut Call<'_>, bucket: &str, key: &str) -> Result<Bytes, ApiError> {
    let here = call.region.clone();
    let bucket = state::bucket(call, bucket)?;
    if bucket.region != here {
        return Err(redirection(bucket.region.as_str()));
    }
    bucket
        .version(key, None)
        .and_then(|version| version.object.as_ref())
        .map(|object| object.body.clone())
        .ok_or_else(|| objects::no_key(key))
}

/// Writes an object on behalf of a service, without asking any policy: the service asks for itself.
pub(crate) fn put(
    call: &mut Call<'_>,
    bucket: &str,
    key: &str,
    body: Bytes,
) -> Result<(), ApiError> {
    let mut operation = Operation::new("PutObject", json!({"Bucket": bucket, "Key": key}));
    operation.body = body;
    objects::put(call, &operation).map(drop)
}

/// The bucket's policy document; an error when the bucket does not exist.
pub(crate) fn policy(call: &mut Call<'_>, bucket: &str) -> Result<Option<Value>, ApiError> {
    state::bucket(call, bucket).map(|bucket| settings::policy(bucket))
}
