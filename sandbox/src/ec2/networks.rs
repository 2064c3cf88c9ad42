//! What accounts can see of each other's networks: which VPCs and groups exist, whose they are, and
//! which peering connections join them.
//!
//! Accounts are behind locks of their own and an operation holds only its own account's, so whatever
//! crosses accounts is kept here, once for the whole sandbox. This lock is taken under an account's
//! and never the other way round; nobody holds it while calling anything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;

use crate::clock::Timestamp;
use crate::ids::{AccountId, Region};

/// The registry, shared by every account's state.
#[derive(Debug, Clone, Default)]
pub struct Networks(Arc<Mutex<Registry>>);

/// What [`Networks`] guards.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    vpcs: BTreeMap<String, KnownVpc>,
    groups: BTreeMap<String, KnownGroup>,
    /// In the order of their creation.
    pub(super) peerings: Vec<Peering>,
}

/// A VPC as a peer sees it.
#[derive(Debug, Clone)]
pub(super) struct KnownVpc {
    pub(super) owner: AccountId,
    pub(super) region: Region,
    pub(super) range: Ipv4Net,
}

/// A security group as a peer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownGroup {
    pub(super) owner: AccountId,
    pub(super) vpc_id: String,
}

/// One end of a peering connection. What was known of the VPC when the connection was asked for: it
/// may not exist, or not any more.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) owner: AccountId,
    pub(super) vpc_id: String,
    pub(super) range: Option<Ipv4Net>,
}

/// A peering connection.
#[derive(Debug, Clone)]
pub(super) struct Peering {
    /// `pcx-…`
    pub(super) id: String,
    pub(super) region: Region,
    pub(super) requester: End,
    pub(super) accepter: End,
    pub(super) status: Status,
    /// Until when a request can be accepted.
    pub(super) expires: Timestamp,
}

/// Where a peering connection is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Active,
    Rejected,
    Expired,
    Failed,
    /// With the account that deleted it.
    Deleted(AccountId),
}

impl Status {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Status::Pending => "pending-acceptance",
            Status::Active => "active",
            Status::Rejected => "rejected",
            Status::Expired => "expired",
            Status::Failed => "failed",
            Status::Deleted(_) => "deleted",
        }
    }
}

impl Peering {
    /// Whether it joins these two VPCs, in either direction.
    fn joins(&self, one: &str, other: &str) -> bool {
        let ends = (
            self.requester.vpc_id.as_str(),
            self.accepter.vpc_id.as_str(),
        );
        ends == (one, other) || ends == (other, one)
    }

    /// Whether `account` sees it in `region`. A request that failed never reached the accepter.
    pub(super) fn concerns(&self, account: &AccountId, region: &Region) -> bool {
        let accepter = self.accepter.owner == *account && self.status != Status::Failed;
        self.region == *region && (self.requester.owner == *account || accepter)
    }
}

impl Networks {
    pub(super) fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether both are the same registry.
    pub(super) fn is(&self, other: &Networks) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A registry of its own with the same content, for trying something out.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }
}

impl Registry {
    pub(super) fn add_vpc(&mut self, id: &str, vpc: KnownVpc) {
        self.vpcs.insert(id.to_owned(), vpc);
    }

    pub(super) fn add_group(&mut self, id: &str, group: KnownGroup) {
        self.groups.insert(id.to_owned(), group);
    }

    pub(super) fn remove_group(&mut self, id: &str) {
        self.groups.remove(id);
    }

    /// Forgets a VPC; the connections that it had, or had asked for, end with it.
    pub(super) fn remove_vpc(&mut self, id: &str) {
        let Some(vpc) = self.vpcs.remove(id) else {
            return;
        };
        for peering in &mut self.peerings {
            let concerned = peering.requester.vpc_id == id || peering.accepter.vpc_id == id;
            if concerned && matches!(peering.status, Status::Pending | Status::Active) {
                peering.status = Status::Deleted(vpc.owner.clone());
            }
        }
    }

    pub(super) fn vpc(&self, id: &str) -> Option<&KnownVpc> {
        self.vpcs.get(id)
    }

    pub(super) fn group(&self, id: &str) -> Option<&KnownGroup> {
        self.groups.get(id)
    }

    pub(super) fn peering(&self, id: &str) -> Option<&Peering> {
        self.peerings.iter().find(|peering| peering.id == id)
    }

    pub(super) fn peering_mut(&mut self, id: &str) -> Option<&mut Peering> {
        self.peerings.iter_mut().find(|peering| peering.id == id)
    }

    /// The connection that counts between two VPCs: the active one, otherwise the last that was.
    pub(super) fn between(&self, one: &str, other: &str) -> Option<&Peering> {
        let all = || {
            self.peerings
                .iter()
                .rev()
                .filter(|each| each.joins(one, other))
        };
        all()
            .find(|peering| peering.status == Status::Active)
            .or_else(|| all().find(|peering| matches!(peering.status, Status::Deleted(_))))
    }

    /// The connection, pending or active, that keeps these VPCs from being joined once more.
    pub(super) fn alive_between(&self, one: &str, other: &str) -> Option<&Peering> {
        self.peerings.iter().find(|peering| {
            peering.joins(one, other) && matches!(peering.status, Status::Pending | Status::Active)
        })
    }

    /// Whether a group of `vpc_id` may refer to the group `id` of another VPC.
    pub(super) fn reaches(&self, vpc_id: &str, id: &str) -> bool {
        self.group(id).is_some_and(|group| {
            self.between(vpc_id, &group.vpc_id)
                .is_some_and(|peering| peering.status == Status::Active)
        })
    }

    /// Ends the requests that nobody has accepted in time.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for peering in &mut self.peerings {
            if peering.status == Status::Pending && peering.expires <= now {
                peering.status = Status::Expired;
            }
        }
    }
}
