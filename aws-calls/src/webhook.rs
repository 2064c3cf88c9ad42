//! Posting to Slack, Teams and their like: one request, unsigned, and a URL that nobody may see.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use std::error::Error;
use std::fmt;

/// Where a webhook listens. The URL is a secret, so it is never shown: not by `Debug`, not in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Uri);

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(not shown)")
    }
}

/// Why a post did not arrive, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// What is configured is not an `https` URL.
    #[error("the webhook's address is not an https URL")]
    Url,
    /// The webhook answered with this HTTP status.
    #[error("the webhook answered {0}")]
    Refused(u16),
    /// No connection, or no answer in time.
    #[error("the webhook did not answer ({0})")]
    Lost(&'static str),
}

impl WebhookError {
    /// Whether another attempt may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url => false,
            Self::Refused(status) => *status == 429 || *status >= 500,
            Self::Lost(_) => true,
        }
    }
}

impl WebhookUrl {
    /// Reads a URL. Only `https` is taken, and `http` to this machine itself: what goes there is
    /// seen by nobody else.
    ///
    /// # Errors
    /// [`WebhookError::Url`].
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let uri: Uri = text.trim().parse().map_err(|_| WebhookError::Url)?;
        let host = uri.host().unwrap_or_default();
        let safe = match uri.scheme_str() {
            Some("https") => !host.is_empty(),
            Some("http") => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
            _ => false,
        };
        if safe {
            Ok(Self(uri))
        } else {
            Err(WebhookError::Url)
        }
    }

    pub(crate) fn request(&self, body: Bytes) -> Option<Request<Full<Bytes>>> {
        Request::post(self.0.clone())
            .header("content-type", "application/json")
            .header(
                "user-agent",
                concat!("drift-lab/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(body))
            .ok()
    }
}

/// What went wrong, in words that cannot hold the URL: a library's own message might.
pub(crate) fn reason(cause: &(dyn Error + 'static)) -> &'static str {
    let mut next = Some(cause);
    while let Some(error) = next {
        if error.is::<crate::transport::AttemptTimeout>() {
            return "in time";
        }
        next = error.source();
    }
    "no connection"
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn only_what_nobody_else_can_read_is_taken() {
        for url in [
            "https://hooks.slack.example/services/T0/B0/x",
            "https://example.org:443/workflows/a?sig=b\n",
            "http://127.0.0.1:4566/_sandbox/webhooks/w",
            "http://localhost/",
        ] {
            assert!(WebhookUrl::parse(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "http://example.org/",
            "http://127.0.0.1.example.org/",
            "ftp://localhost/",
            "hooks.slack.example",
            "/services",
        ] {
            assert_eq!(WebhookUrl::parse(url), Err(WebhookError::Url), "{url}");
        }
    }

    #[test]
    fn a_url_is_not_shown() {
        let url = WebhookUrl::parse("https://hooks.slack.example/secret").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }
}
