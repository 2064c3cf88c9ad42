//! What was seen in an account. Not everybody may see everything: each fact is known or is not, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::Caller;
use super::quotas::Quota;
use crate::aws::{CallError, Class};
use crate::plan::Conflict;
use crate::state::Place;

/// A fact, or why it is not known.
pub type Known<T> = Result<T, Unseen>;

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The failed call.
    pub why: String,
    /// Whether AWS refused to tell.
    pub denied: bool,
}

/// A task that ended without an answer.
impl From<tokio::task::JoinError> for Unseen {
    fn from(error: tokio::task::JoinError) -> Self {
        Self {
            why: error.to_string(),
            denied: false,
        }
    }
}

impl From<CallError> for Unseen {
    fn from(error: CallError) -> Self {
        Self {
            denied: error.class() == Class::Refused
                && error.is(&[
                    "AccessDenied",
                    "AccessDeniedException",
                    "UnauthorizedOperation",
                    "AuthorizationError",
                ]),
            why: error.to_string(),
        }
    }
}

/// Everything that findings are made from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Where and who.
    pub place: Place,
    /// The endpoint that stands in for AWS.
    pub endpoint: Option<String>,
    /// What kind of principal.
    pub caller: Caller,
    /// Whether the permissions are there.
    pub permissions: Permissions,
    /// The stack's status, if there is one.
    pub stack: Known<Option<String>>,
    /// What is in the way; absent where nobody asked.
    pub conflicts: Option<Known<Vec<Conflict>>>,
    /// How long AWS Config keeps history, in days, if somebody set it.
    pub retention: Option<Known<Option<i32>>>,
    /// Quotas, with what is used of them.
    pub quotas: Vec<Measured>,
    /// What Lambda may run at once.
    pub concurrency: Known<Concurrency>,
    /// The permissions boundary that the roles would get.
    pub boundary: Option<Boundary>,
    /// Addresses that have not confirmed the topic's subscription; absent where there is no topic yet.
    pub unconfirmed: Option<Known<Vec<String>>>,
}

impl Facts {
    /// Whether a lab would be made anew, so that quotas count.
    pub fn is_new(&self) -> bool {
        matches!(self.stack, Ok(None))
    }
}

/// A quota and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The quota.
    pub quota: Quota,
    /// How many there may be; where it is not known, AWS's default is assumed and said so.
    pub limit: Known<u64>,
    /// How many there are.
    pub used: Known<u64>,
}

/// What Lambda may run at once in the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// All functions together.
    pub limit: u64,
    /// What functions without a reservation share.
    pub unreserved: u64,
}

/// What was found out about permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permissions {
    /// Nobody denies the root user anything, but an organization.
    Root,
    /// IAM simulated them.
    Simulated {
        /// How many.
        checked: usize,
        /// Those that are not there, by action, each with the reason.
        missing: BTreeMap<String, Reason>,
    },
    /// IAM could not be asked. What EC2 says to dry runs is all there is.
    Rehearsed {
        /// Why IAM could not be asked.
        why: Unseen,
        /// Actions that would succeed.
        allowed: Vec<&'static str>,
        /// Actions that are denied.
        denied: Vec<&'static str>,
    },
}

/// Why an action is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No policy allows it.
    NotAllowed,
    /// A policy denies it.
    Denied,
    /// The caller's permissions boundary does not let it through.
    Boundary,
    /// A policy of the organization does not let it through.
    Organization,
}

/// A permissions boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Its ARN.
    pub arn: String,
    /// What it does not let through of what the roles do; `None` when there is no such policy.
    pub withholds: Known<Option<BTreeSet<Withheld>>>,
}

/// Something that a permissions boundary does not let through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withheld {
    /// The action.
    pub action: String,
    /// On what, where the action is needed on several things.
    pub on: Option<String>,
}
