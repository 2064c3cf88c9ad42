//! Drift: what has become of a stack's resources behind the stack's back.
//!
//! Security groups and their rules are looked at. Everything else stays `NOT_CHECKED`, as on AWS the types that do not
//! support it do.

mod compare;
mod describe;
mod detect;
mod groups;

use serde_json::{Value, json};

pub(super) use self::describe::{describe_detection_status, describe_resource_drifts};
pub(super) use self::detect::{detect_resource_drift, detect_stack_drift};
use crate::clock::{Timestamp, iso8601};

/// What was found out about a resource.
#[derive(Debug, Clone)]
pub(super) struct ResourceDrift {
    pub(super) status: DriftStatus,
    pub(super) at: Timestamp,
    pub(super) expected: Value,
    pub(super) actual: Value,
    pub(super) differences: Vec<Difference>,
}

/// Whether a resource is what its template says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DriftStatus {
    InSync,
    Modified,
    Deleted,
}

impl DriftStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            DriftStatus::InSync => "IN_SYNC",
            DriftStatus::Modified => "MODIFIED",
            DriftStatus::Deleted => "DELETED",
        }
    }
}

/// One property that is not what the template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// As in `/SecurityGroupIngress/1`.
    pub(super) path: String,
    pub(super) expected: Option<Value>,
    pub(super) actual: Option<Value>,
}

/// What was found out about a whole stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct StackDrift {
    pub(super) drifted: bool,
    pub(super) at: Timestamp,
}

/// One look at a whole stack.
#[derive(Debug, Clone)]
pub(super) struct Detection {
    pub(super) id: String,
    pub(super) started: Timestamp,
    /// Absent while it is at work.
    pub(super) end: Option<End>,
}

/// How a look at a stack ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// With so many resources that have drifted.
    Complete { drifted: usize },
    /// Something could not be looked at.
    Failed { reason: String },
}

impl StackDrift {
    pub(super) fn name(self) -> &'static str {
        if self.drifted { "DRIFTED" } else { "IN_SYNC" }
    }
}

/// `DriftInformation` of a stack.
pub(super) fn of_stack(drift: Option<StackDrift>) -> Value {
    match drift {
        None => json!({"StackDriftStatus": "NOT_CHECKED"}),
        Some(drift) => json!({
            "StackDriftStatus": drift.name(),
            "LastCheckTimestamp": iso8601(drift.at),
        }),
    }
}

/// `DriftInformation` of a resource.
pub(super) fn of_resource(drift: Option<&ResourceDrift>) -> Value {
    match drift {
        None => json!({"StackResourceDriftStatus": "NOT_CHECKED"}),
        Some(drift) => json!({
            "StackResourceDriftStatus": drift.status.name(),
            "LastCheckTimestamp": iso8601(drift.at),
        }),
    }
}
