//! What goes wrong with one call.

use std::fmt;

use sandbox::faults::{CallerKind, Fault, Phase, Rule};

/// A call as a command makes it: the nth of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The service's signing name.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Counts the calls of this operation in one command, from 1.
    pub occurrence: u64,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{} #{}",
            self.service, self.operation, self.occurrence
        )
    }
}

/// What goes wrong. Where a client tries again by itself, both is tried: that it has to (`…Once`), and that it does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too many requests, one answer only.
    ThrottledOnce,
    /// Too many requests, until the client gives up.
    Throttled,
    /// No permission. Nobody tries that again.
    Denied,
    /// HTTP 500, one answer only.
    BrokenOnce,
    /// HTTP 500, until the client gives up.
    Broken,
    /// The connection ends before anything has happened, once.
    LostBeforeOnce,
    /// The same until the client gives up.
    LostBefore,
    /// It has happened, and the connection ends without an answer, once.
    LostAfterOnce,
    /// The same until the client gives up: it happens again and again.
    LostAfter,
    /// It has happened, and whoever asked for it is dead.
    Killed,
}

impl Trouble {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::ThrottledOnce,
        Self::Throttled,
        Self::Denied,
        Self::BrokenOnce,
        Self::Broken,
        Self::LostBeforeOnce,
        Self::LostBefore,
        Self::LostAfterOnce,
        Self::LostAfter,
        Self::Killed,
    ];

    /// Whether trying again is enough, and is what every AWS client does; what an answer was lost to may have happened before.
    pub fn passes(self) -> bool {
        match self {
            Self::ThrottledOnce | Self::BrokenOnce | Self::LostBeforeOnce | Self::LostAfterOnce => {
                true
            }
            Self::Throttled
            | Self::Denied
            | Self::Broken
            | Self::LostBefore
            | Self::LostAfter
            | Self::Killed => false,
        }
    }

    /// The sandbox's rule that strikes this call of that kind of caller.
    pub fn at(self, spot: &Spot, caller: CallerKind) -> Rule {
        // `driftlab` asks EC2 through a client of its own, which tries less often than the SDK. One strike too many would
        // hit the next call, which is another case.
        let patience = if spot.service == "ec2" || caller == CallerKind::Role {
            4
        } else {
            5
        };
        let (fault, phase, count) = match self {
            Self::ThrottledOnce => (Fault::Throttling, Phase::Before, 1),
            Self::Throttled => (Fault::Throttling, Phase::Before, patience),
            Self::Denied => (Fault::AccessDenied, Phase::Before, 1),
            Self::BrokenOnce => (Fault::InternalError, Phase::Before, 1),
            Self::Broken => (Fault::InternalError, Phase::Before, patience),
            Self::LostBeforeOnce => (Fault::DroppedConnection, Phase::Before, 1),
            Self::LostBefore => (Fault::DroppedConnection, Phase::Before, patience),
            Self::LostAfterOnce => (Fault::DroppedConnection, Phase::After, 1),
            Self::LostAfter => (Fault::DroppedConnection, Phase::After, patience),
            // Nobody is there any more when the connection would end.
            Self::Killed => (Fault::Timeout { hold_ms: 900_000 }, Phase::After, 1),
        };
        Rule {
            caller: Some(caller),
            skip: spot.occurrence - 1,
            count: Some(count),
            phase,
            ..Rule::new(&spot.service, &spot.operation, fault)
        }
    }
}
