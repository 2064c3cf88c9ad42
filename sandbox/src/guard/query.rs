//! Credentials in the query: all that a link or a form of a web page can bring along.

use http::Method;
use http::request::Parts;

use super::Refused;

/// The parameters of presigned requests, of Signature Version 4 and 2, in lower case.
const CREDENTIALS: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "awsaccesskeyid",
    "signature",
    "signaturemethod",
    "signatureversion",
];

/// Lets credentials in the query through for an object in S3 alone.
pub(super) fn check(head: &Parts) -> Result<(), Refused> {
    let query = head.uri.query().unwrap_or_default();
    let mut credentials = false;
    let mut elsewhere = false;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let name = name.to_ascii_lowercase();
        if CREDENTIALS.contains(&name.as_str()) {
            credentials = true;
            // `AKIA…/20260101/us-east-1/s3/aws4_request`
            elsewhere |= name == "x-amz-credential" && value.split('/').nth(3) != Some("s3");
        }
    }
    if !credentials {
        return Ok(());
    }
    if head.method == Method::POST {
        return Err(Refused::PresignedPost);
    }
    if elsewhere || !is_object(head) {
        return Err(Refused::Presigned);
    }
    Ok(())
}

/// Whether the request is for an object: `/bucket/key`.
fn is_object(head: &Parts) -> bool {
    let known = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
    let path = head.uri.path();
    known.contains(&head.method)
        && !path.starts_with("/_sandbox/")
        && path
            .strip_prefix('/')
            .and_then(|path| path.split_once('/'))
            .is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}
