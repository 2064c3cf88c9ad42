//! Signing keys, each derived once a day, region and service.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::hmac;

use super::scope::Scope;

/// How many signing keys are kept: a class of a hundred that calls ten services.
const CAPACITY: usize = 1024;

/// The signing keys of proven scopes.
#[derive(Debug, Default)]
pub(crate) struct DerivedKeys {
    /// By `key/date/region/service/aws4_request`.
    keys: Mutex<HashMap<String, hmac::Key>>,
}

impl DerivedKeys {
    /// Returns the key of a scope, if it is kept.
    pub(super) fn get(&self, scope: &Scope) -> Option<hmac::Key> {
        self.lock().get(&scope.credential).cloned()
    }

    /// Keeps the key of a scope. Only where a signature has held: otherwise anybody could drive the others out.
    pub(super) fn keep(&self, scope: &Scope, key: hmac::Key) {
        let mut keys = self.lock();
        // Keys of other days and ended sessions go with the rest; all are quick to derive again.
        if keys.len() >= CAPACITY {
            keys.clear();
        }
        keys.insert(scope.credential.clone(), key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, hmac::Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// Derives the key of a scope from the secret half of its access key.
pub(super) fn derive(secret: &str, scope: &Scope) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [
        &scope.date,
        &scope.region,
        &scope.service,
        &scope.terminator,
    ] {
        key = hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&key, part.as_bytes()).as_ref(),
        );
    }
    key
}
