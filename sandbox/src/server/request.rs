//! What a request may weigh, told from its head alone: which service it is for, how large its head
//! and its body may be, and how that service says no.

use http::Method;
use http::request::Parts;

use crate::error::ApiError;
use crate::protocol::{HttpResponse, Protocol, encode_error};
use crate::service::Service;

/// The largest head: S3's documented 8 KB for headers, and as much again for a presigned address.
pub(super) const MAX_HEAD: usize = 16 * 1024;

const MIB: usize = 1024 * 1024;

/// A package of 50 MB, Lambda's largest direct upload, as base64 in JSON; an object of that size.
const PACKAGE: usize = 72 * MIB;

/// What `Invoke` takes: 6 MB, and 1 MB asynchronously (Lambda's quotas, October 2025).
const EVENT: usize = 6 * MIB;
const ASYNCHRONOUS_EVENT: usize = MIB;

/// `PutLogEvents` takes 1 MiB of messages, of which JSON may make six bytes each.
const LOG_BATCH: usize = 8 * MIB;

/// All other services: the largest is CloudFormation's 200 parameters of 4,096 bytes and a template
/// of 51,200, in a form that may take three bytes for one.
const ORDINARY: usize = 4 * MIB;

/// What is posted to `/_sandbox/`: a webhook's message, a fault.
const OWN: usize = MIB;

/// Where a request says that it goes. Nothing is verified yet: whoever lies gains a larger limit and
/// is refused later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// `/_sandbox/`.
    Own,
    /// A service that the sandbox has.
    Service(Service),
    /// Unsigned, or a service that the sandbox does not have.
    Unknown,
}

impl Destination {
    /// Reads the head.
    pub(super) fn of(head: &Parts) -> Self {
        if head.uri.path().starts_with("/_sandbox/") {
            return Self::Own;
        }
        let query = head.uri.query().unwrap_or_default();
        let authorization = head.headers.get(http::header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        // Signature version 2 exists for S3 alone.
        if authorization.is_some_and(|it| it.starts_with("AWS "))
            || query.contains("AWSAccessKeyId=")
        {
            return Self::Service(Service::S3);
        }
        let credential = authorization
            .and_then(|it| {
                it.split_once("Credential=")
                    .map(|(_, rest)| rest.to_owned())
            })
            .or_else(|| {
                form_urlencoded::parse(query.as_bytes())
                    .find(|(name, _)| name == "X-Amz-Credential")
                    .map(|(_, value)| value.into_owned())
            });
        credential
            .as_deref()
            .and_then(|it| it.split('/').nth(3))
            .and_then(Service::from_signing_name)
            .map_or(Self::Unknown, Self::Service)
    }

    /// The largest body, in bytes.
    pub(super) fn max_body(self, head: &Parts) -> usize {
        match self {
            Self::Own => OWN,
            Self::Service(Service::S3) => PACKAGE,
            Self::Service(Service::Lambda) => lambda_body(head),
            Self::Service(Service::Logs) => LOG_BATCH,
            Self::Service(_) | Self::Unknown => ORDINARY,
        }
    }

    /// How many bytes of memory a byte of a body takes while it is worked on: an object is kept as it
    /// came; anything else is text, tree and value at once.
    pub(super) fn copies(self) -> usize {
        match self {
            Self::Service(Service::S3) => 1,
            Self::Own | Self::Service(_) | Self::Unknown => 3,
        }
    }

    /// A body of this operation that is larger than `max`.
    pub(super) fn too_large(self, size: Option<u64>, max: usize) -> ApiError {
        let size = size.map_or_else(|| format!("more than {max}"), |size| size.to_string());
        match self {
            // S3's list of error codes.
            Self::Service(Service::S3) => ApiError::bad(
                "EntityTooLarge",
                format!(
                    "Your proposed upload exceeds the maximum allowed size: it has {size} bytes, and the sandbox takes objects of at most {max}"
                ),
            ),
            Self::Service(Service::Lambda) => ApiError::new(
                413,
                "RequestEntityTooLargeException",
                format!(
                    "Request must be smaller than {max} bytes for this operation; it has {size}"
                ),
            ),
            Self::Own | Self::Service(_) | Self::Unknown => ApiError::new(
                413,
                "RequestEntityTooLarge",
                format!("the request body has {size} bytes; this service takes at most {max}"),
            ),
        }
    }

    /// The body came too slowly. Every SDK tries `RequestTimeout` again.
    pub(super) fn too_slow(self, waited: std::time::Duration) -> ApiError {
        ApiError::new(
            408,
            "RequestTimeout",
            format!(
                "the request body did not come within {} s: your socket connection to the server was not written to within the timeout period",
                waited.as_secs_f32()
            ),
        )
    }

    /// There is no room now. SDKs wait and try again, as they do for each 503.
    pub(super) fn busy(self, why: &str) -> ApiError {
        let code = match self {
            Self::Service(Service::S3) => "SlowDown",
            Self::Service(Service::Lambda) => "ServiceUnavailableException",
            Self::Own | Self::Service(_) | Self::Unknown => "ServiceUnavailable",
        };
        ApiError::new(503, code, format!("Please reduce your request rate: {why}"))
    }

    /// The error in the form that the service's clients read.
    pub(super) fn refuse(self, error: &ApiError) -> HttpResponse {
        let protocol = match self {
            Self::Own => Protocol::RestJson,
            Self::Service(service) => service.protocol(),
            Self::Unknown => Protocol::RestXml,
        };
        encode_error(protocol, error, &crate::ids::uuid())
    }
}

/// Packages come with `CreateFunction` and `UpdateFunctionCode`, events with `Invoke`.
fn lambda_body(head: &Parts) -> usize {
    let path = head.uri.path().trim_end_matches('/');
    if path.ends_with("/invocations") {
        let kind = head.headers.get("x-amz-invocation-type");
        return match kind.is_some_and(|kind| kind == "Event") {
            true => ASYNCHRONOUS_EVENT,
            false => EVENT,
        };
    }
    let creates = head.method == Method::POST && path.ends_with("/functions");
    let updates = head.method == Method::PUT && path.ends_with("/code");
    if creates || updates {
        PACKAGE
    } else {
        ORDINARY
    }
}

/// The head's own limit.
///
/// # Errors
/// `RequestHeaderSectionTooLarge`, S3's code for it.
pub(super) fn check_head(head: &Parts) -> Result<(), ApiError> {
    let target = head.uri.path_and_query().map_or(0, |it| it.as_str().len());
    let headers = head.headers.iter();
    let size = headers.fold(target, |size, (name, value)| {
        size + name.as_str().len() + value.len() + ": \r\n".len()
    });
    if size <= MAX_HEAD {
        return Ok(());
    }
    Err(ApiError::new(
        431,
        "RequestHeaderSectionTooLarge",
        format!(
            "the address and the headers have {size} bytes; the sandbox takes at most {MAX_HEAD}"
        ),
    ))
}
