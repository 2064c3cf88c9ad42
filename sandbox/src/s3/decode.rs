//! From an S3 request to a named operation.

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::checksum;
use super::payload;
use crate::error::ApiError;
use crate::protocol::{HttpRequest, Operation, aws_chunked};

/// Sub-resources of a bucket: (query parameter, method, operation, XML payload that the input carries).
const SUBRESOURCES: &[(&str, Method, &str, Option<&str>)] = &[
    ("location", Method::GET, "GetBucketLocation", None),
    ("policy", Method::GET, "GetBucketPolicy", None),
    ("policy", Method::PUT, "PutBucketPolicy", None),
    ("policy", Method::DELETE, "DeleteBucketPolicy", None),
    (
        "publicAccessBlock",
        Method::GET,
        "GetPublicAccessBlock",
        None,
    ),
    (
        "publicAccessBlock",
        Method::PUT,
        "PutPublicAccessBlock",
        Some("PublicAccessBlockConfiguration"),
    ),
    (
        "publicAccessBlock",
        Method::DELETE,
        "DeletePublicAccessBlock",
        None,
    ),
    ("versioning", Method::GET, "GetBucketVersioning", None),
    (
        "versioning",
        Method::PUT,
        "PutBucketVersioning",
        Some("VersioningConfiguration"),
    ),
    (
        "lifecycle",
        Method::GET,
        "GetBucketLifecycleConfiguration",
        None,
    ),
    (
        "lifecycle",
        Method::PUT,
        "PutBucketLifecycleConfiguration",
        Some("LifecycleConfiguration"),
    ),
    ("lifecycle", Method::DELETE, "DeleteBucketLifecycle", None),
    ("tagging", Method::GET, "GetBucketTagging", None),
    ("tagging", Method::PUT, "PutBucketTagging", Some("Tagging")),
    ("tagging", Method::DELETE, "DeleteBucketTagging", None),
    ("encryption", Method::GET, "GetBucketEncryption", None),
    (
        "encryption",
        Method::PUT,
        "PutBucketEncryption",
        Some("ServerSideEncryptionConfiguration"),
    ),
    ("encryption", Method::DELETE, "DeleteBucketEncryption", None),
    (
        "ownershipControls",
        Method::GET,
        "GetBucketOwnershipControls",
        None,
    ),
    (
        "ownershipControls",
        Method::PUT,
        "PutBucketOwnershipControls",
        Some("OwnershipControls"),
    ),
    (
        "ownershipControls",
        Method::DELETE,
        "DeleteBucketOwnershipControls",
        None,
    ),
    ("acl", Method::GET, "GetBucketAcl", None),
    ("versions", Method::GET, "ListObjectVersions", None),
    ("delete", Method::POST, "DeleteObjects", Some("Delete")),
];

/// Query parameters that are members of inputs.
const PARAMETERS: &[(&str, &str)] = &[
    ("prefix", "Prefix"),
    ("delimiter", "Delimiter"),
    ("max-keys", "MaxKeys"),
    ("marker", "Marker"),
    ("encoding-type", "EncodingType"),
    ("continuation-token", "ContinuationToken"),
    ("fetch-owner", "FetchOwner"),
    ("start-after", "StartAfter"),
    ("key-marker", "KeyMarker"),
    ("version-id-marker", "VersionIdMarker"),
    ("versionId", "VersionId"),
    ("max-buckets", "MaxBuckets"),
    ("bucket-region", "BucketRegion"),
];

/// Headers that are members of inputs.
const HEADERS: &[(&str, &str)] = &[
    ("range", "Range"),
    ("if-match", "IfMatch"),
    ("if-none-match", "IfNoneMatch"),
    ("content-md5", "ContentMD5"),
    ("content-type", "ContentType"),
    ("content-encoding", "ContentEncoding"),
    ("content-language", "ContentLanguage"),
    ("content-disposition", "ContentDisposition"),
    ("cache-control", "CacheControl"),
    ("x-amz-acl", "ACL"),
    ("x-amz-server-side-encryption", "ServerSideEncryption"),
    ("x-amz-storage-class", "StorageClass"),
    ("x-amz-checksum-mode", "ChecksumMode"),
    ("x-amz-expected-bucket-owner", "ExpectedBucketOwner"),
    ("x-amz-object-ownership", "ObjectOwnership"),
];

/// The parameters of a presigned request of signature version 2.
const LEGACY_SIGNATURE: &[&str] = &["AWSAccessKeyId", "Expires", "Signature"];

/// Headers that say nothing about what is to be done.
const TRANSPORT: &[&str] = &[
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-request-payer",
    "x-amz-te",
];

/// Reads the operation out of a request.
pub(super) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    let (bucket, key) = address(&request.path)?;
    let query = request.query_pairs();
    let mut input = Map::new();
    if let Some(bucket) = &bucket {
        input.insert("Bucket".to_owned(), json!(bucket));
    }
    if let Some(key) = &key {
        input.insert("Key".to_owned(), json!(key));
    }
    let (name, payload) = operation(request, &query, bucket.is_some(), key.is_some())?;
    parameters(&name, &query, &mut input)?;
    headers(&name, request, &query, &mut input)?;
    let body = body(request, &mut input)?;
    if let Some(root) = payload {
        input.insert(root.to_owned(), payload::read(&body, root)?);
    }
    match name.as_str() {
        "CreateBucket" if !body.is_empty() => {
            let root = "CreateBucketConfiguration";
            input.insert(root.to_owned(), payload::read(&body, root)?);
        }
        "PutBucketPolicy" => {
            let text = String::from_utf8(body.to_vec()).map_err(|_| {
                ApiError::bad("MalformedPolicy", "This policy contains invalid Json")
            })?;
            input.insert("Policy".to_owned(), json!(text));
        }
        _ => {}
    }
    let mut operation = Operation::new(name, Value::Object(input));
    operation.body = body;
    Ok(operation)
}

/// Bucket and key of `/bucket/key`, decoded. A key may hold anything, slashes at either end too.
pub(super) fn address(path: &str) -> Result<(Option<String>, Option<String>), ApiError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let decoded = |text: &str| -> Result<Option<String>, ApiError> {
        if text.is_empty() {
            return Ok(None);
        }
        match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(Some(text.into_owned())),
            Err(_) => Err(ApiError::bad(
                "InvalidURI",
                "Couldn't parse the specified URI.",
            )),
        }
    };
    Ok((decoded(bucket)?, decoded(key)?))
}

type Named = (String, Option<&'static str>);

fn operation(
    request: &HttpRequest,
    query: &[(String, String)],
    bucket: bool,
    key: bool,
) -> Result<Named, ApiError> {
    let has = |name: &str| query.iter().any(|(known, _)| known == name);
    let unknown = || {
        let what = format!("{} {}?{}", request.method, request.path, request.query);
        ApiError::not_implemented("s3", &what)
    };
    let plain = |name: &str| Ok((name.to_owned(), None));
    if !bucket {
        return match request.method {
            Method::GET => plain("ListBuckets"),
            _ => Err(unknown()),
        };
    }
    if key {
        return match request.method {
            Method::PUT if request.header("x-amz-copy-source").is_some() => {
                Err(ApiError::not_implemented("s3", "CopyObject"))
            }
            Method::PUT => plain("PutObject"),
            Method::GET => plain("GetObject"),
            Method::HEAD => plain("HeadObject"),
            Method::DELETE => plain("DeleteObject"),
            _ => Err(unknown()),
        };
    }
    let found = SUBRESOURCES
        .iter()
        .find(|(parameter, method, _, _)| has(parameter) && *method == request.method);
    if let Some((_, _, name, payload)) = found {
        return Ok(((*name).to_owned(), *payload));
    }
    match request.method {
        Method::PUT => plain("CreateBucket"),
        Method::DELETE => plain("DeleteBucket"),
        Method::HEAD => plain("HeadBucket"),
        Method::GET
            if query
                .iter()
                .any(|(name, value)| name == "list-type" && value == "2") =>
        {
            plain("ListObjectsV2")
        }
        Method::GET => plain("ListObjects"),
        _ => Err(unknown()),
    }
}

/// Takes over the query's parameters. One that is neither known nor the operation's own name asks
/// for something that the sandbox cannot do.
fn parameters(
    operation: &str,
    query: &[(String, String)],
    input: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    for (name, value) in query {
        if let Some((_, member)) = PARAMETERS.iter().find(|(known, _)| known == name) {
            input.insert((*member).to_owned(), json!(value));
            continue;
        }
        let own = SUBRESOURCES
            .iter()
            .any(|(parameter, _, own, _)| parameter == name && *own == operation);
        let harmless = name == "x-id"
            || name == "list-type"
            || name.starts_with("X-Amz-")
            || LEGACY_SIGNATURE.contains(&name.as_str())
            || is_header(name);
        if !own && !harmless {
            return Err(ApiError::not_implemented(
                "s3",
                &format!("{operation} with parameter {name}"),
            ));
        }
    }
    Ok(())
}

/// Whether a parameter stands for a header: presigned requests may carry them like that.
fn is_header(parameter: &str) -> bool {
    parameter.starts_with("x-amz-") || matches!(parameter, "content-type" | "content-md5")
}

fn headers(
    operation: &str,
    request: &HttpRequest,
    query: &[(String, String)],
    input: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let mut metadata = Map::new();
    let mut checksums = Map::new();
    let in_query = query.iter().filter(|(name, _)| is_header(name));
    let in_query = in_query.map(|(name, value)| (name.as_str(), value.as_str()));
    let sent = request.headers.iter();
    let sent = sent.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    // Those that were sent come last and win.
    for (name, value) in in_query.chain(sent) {
        if let Some(key) = name.strip_prefix("x-amz-meta-") {
            metadata.insert(key.to_owned(), json!(value));
        } else if let Some((_, member)) = HEADERS.iter().find(|(known, _)| *known == name) {
            input.insert((*member).to_owned(), json!(value));
        } else if let Some(algorithm) = name.strip_prefix("x-amz-checksum-") {
            checksums.insert(algorithm.to_owned(), json!(value));
        } else if name.starts_with("x-amz-") && !TRANSPORT.contains(&name) {
            return Err(ApiError::not_implemented(
                "s3",
                &format!("{operation} with header {name}"),
            ));
        }
    }
    if !metadata.is_empty() {
        input.insert("Metadata".to_owned(), Value::Object(metadata));
    }
    if !checksums.is_empty() {
        input.insert("Checksums".to_owned(), Value::Object(checksums));
    }
    Ok(())
}

/// The body without its transfer encoding. Checksums in its trailers join those of the headers, and all must be right.
fn body(request: &HttpRequest, input: &mut Map<String, Value>) -> Result<bytes::Bytes, ApiError> {
    let mut plain = request.body.clone();
    if aws_chunked::is_chunked(request) {
        let encoding = request.header("content-encoding").unwrap_or_default();
        let stored: Vec<&str> = encoding
            .split(',')
            .map(str::trim)
            .filter(|name| *name != "aws-chunked" && !name.is_empty())
            .collect();
        if stored.is_empty() {
            input.remove("ContentEncoding");
        } else {
            input.insert("ContentEncoding".to_owned(), json!(stored.join(",")));
        }
        let decoded = aws_chunked::decode_request(request)?;
        for (name, value) in decoded.trailers {
            if let Some(algorithm) = name.strip_prefix("x-amz-checksum-")
                && let Some(checksums) = input
                    .entry("Checksums")
                    .or_insert_with(|| json!({}))
                    .as_object_mut()
            {
                checksums.insert(algorithm.to_owned(), json!(value));
            }
        }
        plain = decoded.body;
    }
    let checksums = input.get("Checksums").and_then(Value::as_object);
    for (algorithm, value) in checksums.into_iter().flatten() {
        checksum::check(algorithm, value.as_str().unwrap_or_default(), &plain)?;
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn get(query: &str) -> Result<Operation, ApiError> {
        decode(&HttpRequest {
            method: Method::GET,
            path: "/bucket/key".to_owned(),
            query: query.to_owned(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        })
    }

    /// As `@aws-sdk/s3-request-presigner` 3.1162 signs them: `getSignedUrl` moves headers into the query.
    #[test]
    fn header_in_a_presigned_url_is_understood_like_the_header() {
        let url = "X-Amz-Algorithm=AWS4-HMAC-SHA256&x-amz-checksum-mode=ENABLED&x-id=GetObject";
        assert_eq!(get(url).unwrap().input["ChecksumMode"], "ENABLED");
        let url = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
        assert_eq!(get(url).unwrap().input["Checksums"]["crc32"], "AAAAAA==");
        let error = get("x-amz-copy-source=a").unwrap_err();
        assert_eq!(error.code, "NotImplemented");
    }
}
