//! What every answer says to browsers: that it is no page of the sandbox's origin.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::protocol::HttpResponse;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Marks an answer whose caching is the service's own business: S3 shows clients the `Cache-Control` that
/// an object was stored with, and none where it was stored with none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnCaching;

/// The headers that every answer has, whatever a service has set.
///
/// `sandbox` gives a document an origin of its own, so a stored page reads nothing of the sandbox's;
/// `default-src 'none'` lets it load and run nothing; `nosniff` keeps text from being taken for a script;
/// the resource policy keeps other origins from embedding what a presigned address shows.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Keeps an answer from being a page of the sandbox's origin.
pub(crate) fn protect(response: &mut HttpResponse) {
    let own_caching = response.extensions().get::<OwnCaching>().is_some();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if !own_caching {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
