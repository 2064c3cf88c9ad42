//! Objects: writing, reading, deleting.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::answer::{empty, with_header, xml};
use super::payload::malformed;
use super::state::{Bucket, Object, Version, Versioning, bucket, etag};
use crate::budgets::{self, Kind};
use crate::clock::{Timestamp, http_date};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::{HttpResponse, Operation, respond};
use crate::sandbox::Call;
use crate::service::Service;

/// Response headers that are stored with an object, by their member name.
const STORED: &[(&str, &str)] = &[
    ("ContentType", "content-type"),
    ("ContentEncoding", "content-encoding"),
    ("ContentLanguage", "content-language"),
    ("ContentDisposition", "content-disposition"),
    ("CacheControl", "cache-control"),
];

pub(super) fn put(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let key = input.require("Key")?;
    let now = call.now;
    let bucket_name = input.require("Bucket")?;
    check_put(bucket(call, bucket_name)?, input, key, &operation.body)?;
    let mut object = object_from(input, &operation.body);
    let size = size(key, &object);
    budgets::check(call, Service::S3, Kind::Objects, size)?;
    object.charge = call.account.s3.objects.charge(size);
    let bucket = bucket(call, bucket_name)?;
    let mut response = with_header(empty(200), "etag", &object.etag);
    response = with_header(response, "x-amz-server-side-encryption", "AES256");
    for (algorithm, value) in &object.checksums {
        response = with_header(response, &format!("x-amz-checksum-{algorithm}"), value);
    }
    let id = bucket.write(key, Some(object), now);
    if bucket.versioning != Versioning::Never {
        response = with_header(response, "x-amz-version-id", &id);
    }
    Ok(response)
}

fn check_put(bucket: &Bucket, input: &Value, key: &str, body: &Bytes) -> Result<(), ApiError> {
    if key.len() > 1024 {
        return Err(ApiError::bad("KeyTooLongError", "Your key is too long"));
    }
    match input.text("ACL") {
        None | Some("bucket-owner-full-control") => {}
        Some(_) if bucket.acls_are_disabled() => {
            return Err(ApiError::bad(
                "AccessControlListNotSupported",
                "The bucket does not allow ACLs",
            ));
        }
        Some("private") => {}
        Some(acl) => {
            return Err(ApiError::not_implemented(
                "s3",
                &format!("PutObject with ACL {acl}"),
            ));
        }
    }
    for (name, only) in [
        ("StorageClass", "STANDARD"),
        ("ServerSideEncryption", "AES256"),
    ] {
        if let Some(other) = input.text(name).filter(|value| *value != only) {
            let what = format!("PutObject with {name} {other}");
            return Err(ApiError::not_implemented("s3", &what));
        }
    }
    if let Some(md5) = input.text("ContentMD5") {
        let Some(wanted) = STANDARD.decode(md5).ok().filter(|bytes| bytes.len() == 16) else {
            return Err(ApiError::bad(
                "InvalidDigest",
                "The Content-MD5 you specified was invalid.",
            ));
        };
        if Md5::digest(body)[..] != wanted[..] {
            return Err(ApiError::bad(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
    }
    let current = bucket
        .version(key, None)
        .and_then(|version| version.object.as_ref());
    if let Some(wanted) = input.text("IfMatch") {
        match current {
            None => return Err(no_key(key)),
            Some(object) if !etag_matches(wanted, &object.etag) => return Err(precondition()),
            Some(_) => {}
        }
    }
    match input.text("IfNoneMatch") {
        Some("*") if current.is_some() => Err(precondition()),
        Some("*") | None => Ok(()),
        Some(_) => Err(ApiError::not_implemented(
            "s3",
            "PutObject with If-None-Match of an ETag",
        )),
    }
}

/// Bytes of memory that an object takes, itself and its entry among the others.
fn size(key: &str, object: &Object) -> usize {
    let texts = object.headers.iter().chain(&object.checksums);
    let texts: usize = texts.map(|(name, value)| name.len() + value.len()).sum();
    size_of::<Version>() + size_of::<String>() + key.len() + texts + object.body.len()
}

/// A body up to here is copied: it may be a piece of what was read, and would keep all of that.
const COPIED: usize = 64 * 1024;

fn object_from(input: &Value, body: &Bytes) -> Object {
    let mut object = Object {
        etag: etag(body),
        body: match body.len() {
            ..=COPIED => Bytes::copy_from_slice(body),
            _ => body.clone(),
        },
        ..Object::default()
    };
    for (member, header) in STORED {
        if let Some(value) = input.text(member) {
            object
                .headers
                .insert((*header).to_owned(), value.to_owned());
        }
    }
    let texts = |member: &str| {
        let entries = input.get(member).and_then(Value::as_object);
        entries.into_iter().flatten().filter_map(|(name, value)| {
            let value = value.as_str()?;
            Some((name.clone(), value.to_owned()))
        })
    };
    object
        .headers
        .extend(texts("Metadata").map(|(name, value)| (format!("x-amz-meta-{name}"), value)));
    object.checksums.extend(texts("Checksums"));
    object
}

/// `GetObject` and `HeadObject`: the server leaves out the body of the latter.
pub(super) fn get(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let key = input.require("Key")?;
    let bucket = bucket(call, input.require("Bucket")?)?;
    let wanted = input.text("VersionId");
    let version = bucket.version(key, wanted).ok_or_else(|| match wanted {
        None => no_key(key),
        Some(_) => ApiError::new(
            404,
            "NoSuchVersion",
            "The specified version does not exist.",
        ),
    })?;
    let Some(object) = &version.object else {
        return Err(match wanted {
            None => no_key(key),
            Some(_) => ApiError::new(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            ),
        });
    };
    if let Some(wanted) = input.text("IfMatch")
        && !etag_matches(wanted, &object.etag)
    {
        return Err(precondition());
    }
    if let Some(known) = input.text("IfNoneMatch")
        && etag_matches(known, &object.etag)
    {
        return Ok(with_header(empty(304), "etag", &object.etag));
    }
    let mut response = match input.text("Range") {
        None => respond(200, "binary/octet-stream", object.body.clone()),
        Some(range) => partial(object, range)?,
    };
    response = describe(response, version, object, bucket.versioning);
    if input.text("ChecksumMode") == Some("ENABLED") && input.text("Range").is_none() {
        for (algorithm, value) in &object.checksums {
            response = with_header(response, &format!("x-amz-checksum-{algorithm}"), value);
        }
    }
    Ok(response)
}

fn describe(
    mut response: HttpResponse,
    version: &Version,
    object: &Object,
    versioning: Versioning,
) -> HttpResponse {
    response = with_header(response, "etag", &object.etag);
    response = with_header(response, "last-modified", &http_date(version.modified));
    response = with_header(response, "accept-ranges", "bytes");
    response = with_header(response, "x-amz-server-side-encryption", "AES256");
    for (name, value) in &object.headers {
        response = with_header(response, name, value);
    }
    if versioning != Versioning::Never {
        response = with_header(response, "x-amz-version-id", &version.id);
    }
    response
}

/// One range of bytes. S3 knows no lists of ranges, and ignores what it cannot read.
fn partial(object: &Object, range: &str) -> Result<HttpResponse, ApiError> {
    let size = object.body.len();
    let whole = || respond(200, "binary/octet-stream", object.body.clone());
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(whole());
    };
    let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(start), Ok(end)) if start <= end => (start, end.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.is_empty() => (start, size),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => (size.saturating_sub(count), size),
        _ => return Ok(whole()),
    };
    if start >= size {
        return Err(ApiError::new(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
        ));
    }
    let response = respond(206, "binary/octet-stream", object.body.slice(start..end));
    let shown = format!("bytes {start}-{}/{size}", end - 1);
    Ok(with_header(response, "content-range", &shown))
}

/// What deleting did: the version that went or the marker that came.
struct Deleted {
    version: Option<String>,
    marker: bool,
}

fn delete_one(bucket: &mut Bucket, key: &str, version: Option<&str>, now: Timestamp) -> Deleted {
    let Some(id) = version else {
        if bucket.versioning == Versioning::Never {
            bucket.objects.remove(key);
            return Deleted {
                version: None,
                marker: false,
            };
        }
        return Deleted {
            version: Some(bucket.write(key, None, now)),
            marker: true,
        };
    };
    let mut marker = false;
    if let Some(versions) = bucket.objects.get_mut(key) {
        versions.retain(|version| {
            let goes = version.id == id;
            marker |= goes && version.object.is_none();
            !goes
        });
        if versions.is_empty() {
            bucket.objects.remove(key);
        }
    }
    Deleted {
        version: Some(id.to_owned()),
        marker,
    }
}

/// Deleting what is not there succeeds, as on S3.
pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    if input.field("IfMatch").is_some() {
        return Err(ApiError::not_implemented(
            "s3",
            "DeleteObject with If-Match",
        ));
    }
    let key = input.require("Key")?;
    let now = call.now;
    let bucket = bucket(call, input.require("Bucket")?)?;
    let deleted = delete_one(bucket, key, input.text("VersionId"), now);
    let mut response = empty(204);
    if let Some(version) = &deleted.version {
        response = with_header(response, "x-amz-version-id", version);
    }
    if deleted.marker {
        response = with_header(response, "x-amz-delete-marker", "true");
    }
    Ok(response)
}

pub(super) fn delete_many(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let list = &input["Delete"];
    let objects = list.list("Objects");
    if objects.is_empty() || objects.len() > 1000 {
        return Err(malformed());
    }
    if objects
        .iter()
        .any(|object| object.text("Key").is_none_or(str::is_empty))
    {
        return Err(malformed());
    }
    let quiet = list.flag("Quiet")?.unwrap_or(false);
    let now = call.now;
    let bucket = bucket(call, input.require("Bucket")?)?;
    let mut shown = Vec::new();
    for object in objects {
        let key = object.text("Key").unwrap_or_default();
        let version = object.text("VersionId").filter(|id| !id.is_empty());
        let deleted = delete_one(bucket, key, version, now);
        shown.push(json!({
            "Key": key,
            "VersionId": version,
            "DeleteMarker": deleted.marker.then_some(true),
            "DeleteMarkerVersionId": deleted.version.filter(|_| deleted.marker),
        }));
    }
    if quiet {
        shown.clear();
    }
    Ok(xml("DeleteResult", &json!({"Deleted|": shown})))
}

fn etag_matches(wanted: &str, etag: &str) -> bool {
    wanted.split(',').any(|one| {
        let one = one.trim().trim_start_matches("W/");
        one == "*" || one == etag || one == etag.trim_matches('"')
    })
}

pub(super) fn no_key(key: &str) -> ApiError {
    ApiError::new(
        404,
        "NoSuchKey",
        format!("The specified key does not exist: {key}"),
    )
}

fn precondition() -> ApiError {
    ApiError::new(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
}
