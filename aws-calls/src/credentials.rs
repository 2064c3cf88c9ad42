//! Credentials, asked for once and again when they are about to expire.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A provider with a memory. Providers read files or call services; a call must not.
#[derive(Debug)]
pub(crate) struct Cache {
    provider: SharedCredentialsProvider,
    current: Mutex<Option<Credentials>>,
}

/// Credentials that expire this soon are not used for a request that may be repeated.
const MARGIN: Duration = Duration::from_secs(60);

impl Cache {
    pub(crate) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            current: Mutex::new(None),
        }
    }

    pub(crate) async fn get(&self) -> Result<Credentials, CredentialsError> {
        let known = self
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(credentials) = known
            && is_fresh(&credentials)
        {
            return Ok(credentials);
        }
        let fresh = self.provider.provide_credentials().await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials
        .expiry()
        .is_none_or(|expiry| expiry > SystemTime::now() + MARGIN)
}
