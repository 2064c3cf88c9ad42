//! The work that resolving functions may still take.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::invalid;
use super::limits::{RESOLVE_WORK, VALUE_WORK};
use crate::error::ApiError;

/// What is left of [`RESOLVE_WORK`]. Work is paid for before it is done, so that nothing large is ever made.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicUsize::new(RESOLVE_WORK))
    }
}

impl Budget {
    /// Pays for a text of so many bytes.
    ///
    /// # Errors
    /// `ValidationError` when there is not enough left; from then on always.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), ApiError> {
        let paid = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            });
        if paid.is_ok() {
            return Ok(());
        }
        self.0.store(0, Ordering::Relaxed);
        Err(exhausted())
    }

    /// Pays for a value whose text has so many bytes.
    ///
    /// # Errors
    /// As [`Budget::spend`].
    pub(super) fn spend_value(&self, bytes: usize) -> Result<(), ApiError> {
        self.spend(bytes.saturating_add(VALUE_WORK))
    }

    /// Pays for a copy of a value with everything in it.
    ///
    /// # Errors
    /// As [`Budget::spend`].
    pub(super) fn spend_copy(&self, value: &Value) -> Result<(), ApiError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend_value(0),
            Value::String(text) => self.spend_value(text.len()),
            Value::Array(items) => {
                self.spend_value(0)?;
                items.iter().try_for_each(|item| self.spend_copy(item))
            }
            Value::Object(members) => {
                self.spend_value(0)?;
                members.iter().try_for_each(|(name, member)| {
                    self.spend(name.len())?;
                    self.spend_copy(member)
                })
            }
        }
    }

    /// Refuses what was left unfinished because the budget was used up.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Err(exhausted()),
            _ => Ok(()),
        }
    }

    /// What has been spent so far.
    #[cfg(test)]
    pub(super) fn spent(&self) -> usize {
        RESOLVE_WORK - self.0.load(Ordering::Relaxed)
    }
}

/// The sandbox's own words: AWS documents no limit.
fn exhausted() -> ApiError {
    invalid(format!(
        "Template error: the functions of this template make more than the {} MiB that the sandbox resolves for one operation; nest Fn::Sub, Fn::Join and Fn::FindInMap less, or split the template",
        RESOLVE_WORK >> 20
    ))
}
