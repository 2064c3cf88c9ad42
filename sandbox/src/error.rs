//! Errors as AWS sends them: a code that programs match, a message that people read.

use std::borrow::Cow;

/// A refusal in AWS's own words. `Display` is `Code: message`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// HTTP status; 4xx is the caller's fault, 5xx the service's.
    pub status: u16,
    /// For example `InvalidGroup.NotFound`.
    pub code: Cow<'static, str>,
    /// For people; clients must not match it.
    pub message: String,
    /// What else a throttled caller is told: which limit it was.
    pub reason: Option<&'static str>,
}

impl ApiError {
    /// An error with an explicit HTTP status.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            reason: None,
        }
    }

    /// The same refusal with the limit that was reached.
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The caller's fault, HTTP 400: what most services answer for most mistakes.
    pub fn bad(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// The sandbox does not know the operation. Never answered with an empty success: a client must
    /// not believe that something happened.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("`{service}:{operation}` is not implemented by the sandbox"),
        )
    }
}
