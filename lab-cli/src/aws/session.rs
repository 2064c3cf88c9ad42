//! Who calls and how patiently, where that is not left to the environment.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::retry::{RetryPartition, TokenBucket};

/// The SDK's quota of retries at the start.
const QUOTA: usize = 500;

/// What a program that runs many labs in one process decides about each of them. The default decides nothing: the key comes
/// from the SDK's chain, and what failed is tried again at the SDK's pace.
#[derive(Debug, Clone, Default)]
pub struct Session {
    credentials: Option<Credentials>,
    longest_pause: Option<Duration>,
}

impl Session {
    /// Calls are signed with this key; those of a session have a token.
    pub fn with_key(id: &str, secret: &str, token: Option<String>) -> Self {
        Self {
            credentials: Some(Credentials::new(id, secret, token, None, "driftlab")),
            longest_pause: None,
        }
    }

    /// No pause between two attempts of one call is longer than this: for an endpoint that needs no rest.
    #[must_use]
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = Some(pause);
        self
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.credentials.clone()
    }

    pub(super) fn retries(&self, attempts: u32) -> RetryConfig {
        let retries = RetryConfig::standard().with_max_attempts(attempts);
        match self.longest_pause {
            Some(pause) => retries.with_initial_backoff(pause).with_max_backoff(pause),
            None => retries,
        }
    }

    pub(super) fn retries_of_groups(&self, retry: aws_calls::Retry) -> aws_calls::Retry {
        match self.longest_pause {
            Some(pause) => aws_calls::Retry {
                base: retry.base.min(pause),
                cap: retry.cap.min(pause),
                ..retry
            },
            None => retry,
        }
    }

    /// The SDK counts retries per process. Labs that share a process but nothing else must not use up each other's.
    pub(super) fn quota(&self) -> Option<RetryPartition> {
        self.credentials.as_ref()?;
        let quota = RetryPartition::custom("driftlab")
            .token_bucket(TokenBucket::new(QUOTA))
            .build();
        Some(quota)
    }
}
