//! One account's one region: where a task of Config works.

use crate::caller::Caller;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Call, Target};

/// Account and region, kept by tasks that outlive the call which left them.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account: AccountId,
    pub(super) region: Region,
}

impl Place {
    pub(super) fn of(call: &Call<'_>) -> Self {
        Self {
            account: call.account.id.clone(),
            region: call.region.clone(),
        }
    }

    /// The place as Config itself enters it.
    pub(super) fn target(&self) -> Target {
        Target::new(
            self.account.clone(),
            self.region.clone(),
            Caller::Service(super::PRINCIPAL),
        )
    }

    /// The name of a lane that belongs to this place alone.
    pub(super) fn lane(&self, what: &str) -> String {
        format!("config/{}/{}/{what}", self.account, self.region)
    }
}
