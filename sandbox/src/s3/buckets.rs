//! Buckets themselves: making, finding, removing.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::answer::{empty, with_header, xml};
use super::state::{Bucket, OWNERSHIP, bucket, canonical_id};
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::Region;
use crate::protocol::{HttpResponse, Operation, respond};
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let name = input.require("Bucket")?;
    check_name(name)?;
    let configuration = &input["CreateBucketConfiguration"];
    check_location(&call.region, configuration.text("LocationConstraint"))?;
    if configuration.field("Location").is_some() || configuration.field("Bucket").is_some() {
        return Err(ApiError::not_implemented(
            "s3",
            "CreateBucket of a directory bucket",
        ));
    }
    if !matches!(input.text("ACL"), None | Some("private")) {
        return Err(ApiError::bad(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    {
        let mut owners = call
            .sandbox
            .bucket_owners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match owners.get(name) {
            // For the sake of old programs us-east-1 answers success when the bucket is one's own.
            Some(owner) if *owner == call.account.id && call.region.as_str() == "us-east-1" => {
                return Ok(with_header(empty(200), "location", &format!("/{name}")));
            }
            Some(owner) if *owner == call.account.id => {
                return Err(ApiError::new(
                    409,
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it.",
                ));
            }
            Some(_) => {
                return Err(ApiError::new(
                    409,
                    "BucketAlreadyExists",
                    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
                ));
            }
            None => owners.insert(name.to_owned(), call.account.id.clone()),
        };
    }
    let mut made = Bucket::new(name, call.region.clone(), call.now);
    if let Some(ownership) = input.text("ObjectOwnership") {
        let controls = json!({"Rules": [{"ObjectOwnership": ownership}]});
        made.settings.insert(OWNERSHIP, controls);
    }
    if let Some(tags) = configuration.field("Tags") {
        made.settings.insert("Tagging", json!({"TagSet": tags}));
    }
    call.account.s3.buckets.insert(name.to_owned(), made);
    Ok(with_header(empty(200), "location", &format!("/{name}")))
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let name = operation.input.require("Bucket")?;
    let found = bucket(call, name)?;
    if !found.objects.is_empty() {
        let only_old = found
            .objects
            .values()
            .all(|versions| versions.last().is_some_and(|last| last.object.is_none()));
        let message = if only_old {
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        } else {
            "The bucket you tried to delete is not empty"
        };
        return Err(ApiError::new(409, "BucketNotEmpty", message));
    }
    call.account.s3.buckets.remove(name);
    call.sandbox
        .bucket_owners
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(name);
    Ok(empty(204))
}

pub(super) fn head(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let found = bucket(call, operation.input.require("Bucket")?)?;
    let region = found.region.as_str();
    Ok(with_header(empty(200), "x-amz-bucket-region", region))
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let prefix = input.text("Prefix").unwrap_or_default();
    let region = input.text("BucketRegion");
    let max = match input.int("MaxBuckets")? {
        None => 10_000,
        Some(max) => usize::try_from(max)
            .ok()
            .filter(|max| (1..=10_000).contains(max))
            .ok_or_else(|| {
                ApiError::bad("InvalidArgument", "max-buckets must be between 1 and 10000")
            })?,
    };
    let after = input.text("ContinuationToken");
    let mut matching = call.account.s3.buckets.values().filter(|bucket| {
        bucket.name.starts_with(prefix)
            && region.is_none_or(|region| bucket.region.as_str() == region)
            && after.is_none_or(|after| bucket.name.as_str() > after)
    });
    let shown: Vec<&Bucket> = matching.by_ref().take(max).collect();
    let more = matching.next().is_some();
    let buckets: Vec<Value> = shown
        .iter()
        .map(|bucket| {
            json!({
                "Name": bucket.name,
                "CreationDate": iso8601(bucket.created),
                "BucketRegion": bucket.region.as_str(),
            })
        })
        .collect();
    let token = shown.last().filter(|_| more).map(|bucket| &bucket.name);
    Ok(xml(
        "ListAllMyBucketsResult",
        &json!({
            "Owner": {"ID": canonical_id(&call.account.id)},
            "Buckets|Bucket": buckets,
            "ContinuationToken": token,
            "Prefix": input.field("Prefix"),
        }),
    ))
}

pub(super) fn location(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<HttpResponse, ApiError> {
    let found = bucket(call, operation.input.require("Bucket")?)?;
    // The first region has no constraint: its answer is an empty element.
    let constraint = match found.region.as_str() {
        "us-east-1" => Value::Null,
        other => json!(other),
    };
    Ok(xml("LocationConstraint", &constraint))
}

pub(super) fn acl(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    bucket(call, operation.input.require("Bucket")?)?;
    let id = canonical_id(&call.account.id);
    // Written by hand for the attribute that says what kind of grantee it is.
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AccessControlPolicy xmlns=\"{}\"><Owner><ID>{id}</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>{id}</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
        super::answer::NAMESPACE
    );
    Ok(respond(200, "application/xml", body))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let valid = (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
    if valid {
        Ok(())
    } else {
        Err(ApiError::bad(
            "InvalidBucketName",
            format!("The specified bucket is not valid: {name}"),
        ))
    }
}

/// A bucket is made in the region that is called, which has to be named, except for the first one.
fn check_location(region: &Region, constraint: Option<&str>) -> Result<(), ApiError> {
    let incompatible = |what: &str| {
        ApiError::bad(
            "IllegalLocationConstraintException",
            format!(
                "The {what} location constraint is incompatible for the region specific endpoint this request was sent to."
            ),
        )
    };
    match (region.as_str(), constraint) {
        ("us-east-1", None) => Ok(()),
        (_, None) => Err(incompatible("unspecified")),
        ("eu-west-1", Some("EU")) => Ok(()),
        (_, Some("us-east-1")) => Err(invalid_constraint()),
        (own, Some(named)) if own == named => Ok(()),
        (_, Some(named)) if Region::parse(named).is_none() && named != "EU" => {
            Err(invalid_constraint())
        }
        (_, Some(named)) => Err(incompatible(named)),
    }
}

fn invalid_constraint() -> ApiError {
    ApiError::bad(
        "InvalidLocationConstraint",
        "The specified location-constraint is not valid",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["abc", "a.b-c", "0ab"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "10.0.0.1", "xn--abc", "a/b", "äbc",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name(&"a".repeat(64)).is_err());
    }
}
