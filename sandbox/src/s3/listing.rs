//! Listings of a bucket: pages, prefixes, delimiters.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::answer::xml;
use super::beyond::beyond;
use super::state::{Bucket, Object, Version, bucket, canonical_id};
use crate::clock::iso8601;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::protocol::{HttpResponse, Operation};
use crate::sandbox::Call;

/// What a listing asks for.
struct Query {
    prefix: String,
    delimiter: Option<String>,
    max: usize,
    encoded: bool,
}

/// One entry of a listing.
enum Entry<'a> {
    Key(&'a str, &'a [Version]),
    /// Everything that shares this prefix up to the delimiter.
    Common(String),
}

impl Query {
    fn read(input: &Value) -> Result<Self, ApiError> {
        let max = input.int("MaxKeys").ok().flatten().or_else(|| {
            // Absent means the maximum; unreadable is caught below.
            input.field("MaxKeys").is_none().then_some(1000)
        });
        let max = max
            .and_then(|max| usize::try_from(max).ok())
            .ok_or_else(|| {
                ApiError::bad(
                    "InvalidArgument",
                    "Argument maxKeys must be an integer between 0 and 2147483647",
                )
            })?;
        let encoded = match input.text("EncodingType") {
            None | Some("") => false,
            Some("url") => true,
            Some(_) => {
                return Err(ApiError::bad(
                    "InvalidArgument",
                    "Invalid Encoding Method specified in Request",
                ));
            }
        };
        Ok(Self {
            prefix: input.text("Prefix").unwrap_or_default().to_owned(),
            delimiter: input
                .text("Delimiter")
                .filter(|delimiter| !delimiter.is_empty())
                .map(str::to_owned),
            max: max.min(1000),
            encoded,
        })
    }

    /// The entries after `after` (a key or a common prefix). The keys behind a common prefix are passed over at once, not
    /// one after the other: there may be very many, and a page shows one entry for them.
    fn entries<'a>(
        &'a self,
        bucket: &'a Bucket,
        after: &'a str,
    ) -> impl Iterator<Item = Entry<'a>> {
        let start = if after < self.prefix.as_str() {
            Bound::Included(self.prefix.clone())
        } else if after.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(after.to_owned())
        };
        let mut keys = bucket.objects.range((start, Bound::Unbounded));
        std::iter::from_fn(move || {
            loop {
                let (key, versions) = keys.next()?;
                let rest = key.strip_prefix(self.prefix.as_str())?;
                let Some(common) = self.common(rest) else {
                    return Some(Entry::Key(key, versions));
                };
                keys = bucket.objects.range(beyond(&common));
                // A page that ended with this prefix has shown it.
                if common != after {
                    return Some(Entry::Common(common));
                }
            }
        })
    }

    /// What a key shares with others, up to the delimiter; `rest` is what follows the prefix that was asked for.
    fn common(&self, rest: &str) -> Option<String> {
        let delimiter = self.delimiter.as_deref()?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{}{}", self.prefix, &rest[..end]))
    }

    fn text(&self, text: &str) -> String {
        if self.encoded {
            utf8_percent_encode(text, RESERVED).to_string()
        } else {
            text.to_owned()
        }
    }
}

/// What stays readable in `encoding-type=url`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

fn is_current_object(version: &Version) -> bool {
    version.object.is_some()
}

pub(super) fn objects(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let second = operation.name == "ListObjectsV2";
    let query = Query::read(input)?;
    let owner = json!({"ID": canonical_id(&call.account.id)});
    let with_owner = !second || input.flag("FetchOwner")?.unwrap_or(false);
    let token = input
        .text("ContinuationToken")
        .map(read_token)
        .transpose()?;
    let after = match (&token, second) {
        (Some(token), _) => token.as_str(),
        (None, true) => input.text("StartAfter").unwrap_or_default(),
        (None, false) => input.text("Marker").unwrap_or_default(),
    };
    let bucket = bucket(call, input.require("Bucket")?)?;
    let (mut contents, mut commons) = (Vec::new(), Vec::new());
    let mut last = String::new();
    let mut entries = query
        .entries(bucket, after)
        .filter_map(|entry| match entry {
            // Only the newest version counts, and a delete marker hides the key.
            Entry::Key(key, versions) => {
                let newest = versions.last()?;
                Some((
                    Entry::Key(key, versions),
                    newest.object.as_ref().map(|object| (newest, object)),
                ))
                .filter(|(_, object)| object.is_some())
            }
            Entry::Common(common) => {
                has_objects(bucket, &common).then_some((Entry::Common(common), None))
            }
        });
    for (entry, found) in entries.by_ref().take(query.max) {
        match (entry, found) {
            (Entry::Key(key, _), Some((version, object))) => {
                last = key.to_owned();
                contents.push(shown_object(
                    &query,
                    key,
                    version,
                    object,
                    with_owner.then_some(&owner),
                ));
            }
            (Entry::Common(common), _) => {
                commons.push(json!({"Prefix": query.text(&common)}));
                last = common;
            }
            (Entry::Key(..), None) => {}
        }
    }
    let truncated = query.max > 0 && entries.next().is_some();
    drop(entries);
    let mut answer = json!({
        "Name": bucket.name,
        "Prefix": query.text(&query.prefix),
        "Delimiter": query.delimiter.as_deref().map(|delimiter| query.text(delimiter)),
        "MaxKeys": query.max,
        "EncodingType": query.encoded.then_some("url"),
        "IsTruncated": truncated,
        "Contents|": contents,
        "CommonPrefixes|": commons,
    });
    if second {
        answer["KeyCount"] = json!(contents.len() + commons.len());
        answer["ContinuationToken"] = json!(input.field("ContinuationToken"));
        answer["StartAfter"] = json!(input.text("StartAfter").map(|text| query.text(text)));
        if truncated {
            answer["NextContinuationToken"] = json!(URL_SAFE_NO_PAD.encode(&last));
        }
    } else {
        answer["Marker"] = json!(query.text(input.text("Marker").unwrap_or_default()));
        // The first version names the next page only where the last key does not.
        if truncated && query.delimiter.is_some() {
            answer["NextMarker"] = json!(query.text(&last));
        }
    }
    Ok(xml("ListBucketResult", &answer))
}

fn has_objects(bucket: &Bucket, prefix: &str) -> bool {
    bucket
        .objects
        .range(prefix.to_owned()..)
        .take_while(|(key, _)| key.starts_with(prefix))
        .any(|(_, versions)| versions.last().is_some_and(is_current_object))
}

fn shown_object(
    query: &Query,
    key: &str,
    version: &Version,
    object: &Object,
    owner: Option<&Value>,
) -> Value {
    json!({
        "Key": query.text(key),
        "LastModified": iso8601(version.modified),
        "ETag": object.etag,
        "Size": object.body.len(),
        "StorageClass": "STANDARD",
        "Owner": owner,
    })
}

/// Every version of every key, newest first within a key.
pub(super) fn versions(
    call: &mut Call<'_>,
    operation: &Operation,
) -> Result<HttpResponse, ApiError> {
    let input = &operation.input;
    let query = Query::read(input)?;
    let owner = json!({"ID": canonical_id(&call.account.id)});
    let key_marker = input.text("KeyMarker").unwrap_or_default();
    let id_marker = input.text("VersionIdMarker").filter(|id| !id.is_empty());
    if id_marker.is_some() && key_marker.is_empty() {
        return Err(ApiError::bad(
            "InvalidArgument",
            "A version-id marker cannot be specified without a key marker.",
        ));
    }
    let bucket = bucket(call, input.require("Bucket")?)?;
    let mut page = Page::default();
    if let Some(id) = id_marker
        && let Some(versions) = bucket.objects.get(key_marker)
    {
        let older = versions
            .iter()
            .rev()
            .skip_while(|version| version.id != id)
            .skip(1);
        page.fill(&query, key_marker, older, versions, &owner);
    }
    for entry in query.entries(bucket, key_marker) {
        match entry {
            Entry::Key(key, versions) => {
                page.fill(&query, key, versions.iter().rev(), versions, &owner)
            }
            Entry::Common(common) => page.fill_common(&query, common),
        }
        if page.truncated {
            break;
        }
    }
    let next_key = page.truncated.then(|| query.text(&page.last_key));
    Ok(xml(
        "ListVersionsResult",
        &json!({
            "Name": bucket.name,
            "Prefix": query.text(&query.prefix),
            "KeyMarker": query.text(key_marker),
            "VersionIdMarker": id_marker.unwrap_or_default(),
            "Delimiter": query.delimiter.as_deref().map(|delimiter| query.text(delimiter)),
            "MaxKeys": query.max,
            "EncodingType": query.encoded.then_some("url"),
            "IsTruncated": page.truncated,
            "NextKeyMarker": next_key,
            "NextVersionIdMarker": page.last_id.filter(|_| page.truncated),
            "Version|": page.versions,
            "DeleteMarker|": page.markers,
            "CommonPrefixes|": page.commons,
        }),
    ))
}

#[derive(Default)]
struct Page {
    versions: Vec<Value>,
    markers: Vec<Value>,
    commons: Vec<Value>,
    last_key: String,
    last_id: Option<String>,
    truncated: bool,
}

impl Page {
    fn is_full(&mut self, query: &Query) -> bool {
        let full = self.versions.len() + self.markers.len() + self.commons.len() >= query.max;
        self.truncated = full && query.max > 0;
        full
    }

    fn fill<'a>(
        &mut self,
        query: &Query,
        key: &str,
        shown: impl Iterator<Item = &'a Version>,
        all: &[Version],
        owner: &Value,
    ) {
        for version in shown {
            if self.is_full(query) {
                return;
            }
            let mut entry = json!({
                "Key": query.text(key),
                "VersionId": version.id,
                "IsLatest": all.last().is_some_and(|last| last.id == version.id),
                "LastModified": iso8601(version.modified),
                "Owner": owner,
            });
            match &version.object {
                None => self.markers.push(entry),
                Some(object) => {
                    entry["ETag"] = json!(object.etag);
                    entry["Size"] = json!(object.body.len());
                    entry["StorageClass"] = json!("STANDARD");
                    self.versions.push(entry);
                }
            }
            key.clone_into(&mut self.last_key);
            self.last_id = Some(version.id.clone());
        }
    }

    fn fill_common(&mut self, query: &Query, common: String) {
        if !self.is_full(query) {
            self.commons.push(json!({"Prefix": query.text(&common)}));
            self.last_key = common;
            self.last_id = None;
        }
    }
}

fn read_token(token: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            ApiError::bad(
                "InvalidArgument",
                "The continuation token provided is incorrect",
            )
        })
}
