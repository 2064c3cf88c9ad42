//! Where a policy comes from: the event, the environment, or Parameter Store.

use crate::effects::Effects;
use crate::error::HandleError;
use remediator_core::{Policy, PolicySource, Timestamp};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How long a stored policy is believed: a minute. A change of the policy is no emergency, and a
/// group that drifts a hundred times a minute needs no hundred reads of the same text.
const FRESH_MILLIS: i64 = 60_000;

/// The stored policies that this instance has read.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    read: RefCell<BTreeMap<String, (Timestamp, Policy)>>,
}

impl Policies {
    /// The policy that `source` means. A policy that cannot be read or followed is an error: an old
    /// one is not better than none, since nobody knows what was wrong with it.
    pub(crate) async fn resolve<E: Effects>(
        &self,
        effects: &E,
        source: &PolicySource,
    ) -> Result<Policy, HandleError> {
        let (name, debug) = match source {
            PolicySource::Here(policy) => return Ok(policy.clone()),
            PolicySource::Stored { name, debug } => (name, debug),
        };
        let mut policy = match self.known(name, effects.now()) {
            Some(policy) => policy,
            None => self.read(effects, name).await?,
        };
        policy.debug = debug.unwrap_or(policy.debug);
        Ok(policy)
    }

    fn known(&self, name: &str, now: Timestamp) -> Option<Policy> {
        let read = self.read.borrow();
        let (at, policy) = read.get(name)?;
        (now < at.plus_millis(FRESH_MILLIS)).then(|| policy.clone())
    }

    async fn read<E: Effects>(&self, effects: &E, name: &str) -> Result<Policy, HandleError> {
        // Dated by the moment before the read, as everything is.
        let at = effects.now();
        let text = effects.parameter(name).await;
        let text = text.map_err(|error| HandleError::calls([&error]))?;
        let policy = Policy::from_document(&text).map_err(|source| HandleError::Policy {
            place: format!("SSM parameter `{name}`"),
            source,
        })?;
        let entry = (at, policy.clone());
        self.read.borrow_mut().insert(name.to_owned(), entry);
        Ok(policy)
    }
}
