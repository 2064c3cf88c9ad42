//! Why a request is refused, and how that is said.

use http::HeaderValue;
use serde_json::json;

use crate::error::ApiError;
use crate::protocol::{HttpResponse, Protocol, encode_error, respond};

/// The code of the error. It is none of AWS's, so that no client takes it for a policy's denial.
const CODE: &str = "RefusedBySandbox";

/// Why a request is not read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The target is a whole address, or that of a tunnel.
    #[error("the sandbox is no proxy; unset HTTP_PROXY, or add 127.0.0.1 to NO_PROXY")]
    Proxy,
    #[error("the request names no host; send the header `Host`")]
    NoHost,
    #[error("the request names several hosts; send the header `Host` once")]
    ManyHosts,
    #[error(
        "`{0}` is no host name; send the header `Host` as a client that is given AWS_ENDPOINT_URL does"
    )]
    BadHost(String),
    #[error(
        "`{0}` is no name of the loopback interface; use AWS_ENDPOINT_URL as `sandbox env` prints it (buckets stand in the path), or start the sandbox with `--allow-host NAME`"
    )]
    ForeignHost(String),
    #[error("the sandbox grants no preflight: web pages of other origins may not call it")]
    Preflight,
    #[error("the sandbox speaks no WebSocket")]
    WebSocket,
    /// The value of `Sec-Fetch-Site`.
    #[error(
        "a web page of another origin sent this (`Sec-Fetch-Site: {0}`); only programs on this machine may call the sandbox"
    )]
    Site(String),
    /// The value of `Origin`.
    #[error(
        "a web page of another origin sent this (`Origin: {0}`); only programs on this machine may call the sandbox"
    )]
    Origin(String),
    /// The value of `Referer`.
    #[error(
        "a web page of another origin led here (`Referer: {0}`); only programs on this machine may call the sandbox; to follow a link of a mail, paste it into the address bar"
    )]
    Referer(String),
    #[error(
        "credentials may stand in the query for an object in S3 alone; sign in the header `Authorization`"
    )]
    Presigned,
    #[error(
        "a POST may not have its credentials in the query; sign in the header `Authorization`, or presign a PUT"
    )]
    PresignedPost,
}

impl Refused {
    /// RFC 9112, 3.2 wants 400 where `Host` is missing, repeated or malformed.
    fn status(&self) -> u16 {
        match self {
            Self::NoHost | Self::ManyHosts | Self::BadHost(_) => 400,
            Self::Proxy
            | Self::ForeignHost(_)
            | Self::Preflight
            | Self::WebSocket
            | Self::Site(_)
            | Self::Origin(_)
            | Self::Referer(_)
            | Self::Presigned
            | Self::PresignedPost => 403,
        }
    }

    /// The answer to a request for `path`.
    ///
    /// Which service is asked for is not known yet, so AWS clients get the one document that most of them
    /// read: the query protocol's XML with the reason in `Message`. boto3 takes it apart for query, EC2 and
    /// S3 and shows it as it stands for JSON, whose clients find the code in a header. People can read it too.
    pub(crate) fn answer(&self, path: &str) -> HttpResponse {
        if path.starts_with("/_sandbox/") {
            let body = json!({"error": self.to_string()});
            return respond(self.status(), "application/json", body.to_string());
        }
        let error = ApiError::new(self.status(), CODE, self.to_string());
        let mut response = encode_error(Protocol::Query(""), &error, "-");
        let code = HeaderValue::from_static(CODE);
        response.headers_mut().insert("x-amzn-errortype", code);
        response
    }
}
