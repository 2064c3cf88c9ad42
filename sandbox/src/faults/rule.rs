//! What a rule says: which calls are struck, how often, and with what.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::past;
use crate::ids::AccountId;
use crate::journal;
use crate::service::Service;

/// The longest time that a connection is held: longer than any client waits.
const MAX_HOLD: Duration = Duration::from_secs(900);

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Too many requests, with the service's own code (`RequestLimitExceeded` for EC2).
    Throttling,
    /// The service's own access-denied error.
    AccessDenied,
    /// HTTP 500 with the service's own code.
    InternalError,
    /// HTTP 503 with the service's own code.
    ServiceUnavailable,
    /// The connection is held by the sandbox's clock, then closed without an answer.
    Timeout {
        /// Milliseconds; at most fifteen minutes.
        hold_ms: u64,
    },
    /// The connection is closed at once, without an answer.
    DroppedConnection,
    /// All is as it should be, but takes its time by the sandbox's clock: in phase `before` until it happens, in phase
    /// `after` until the answer comes. CloudFormation's own calls are the time that a stack takes.
    Slow {
        /// Milliseconds; at most fifteen minutes.
        hold_ms: u64,
    },
    /// The service's own word for something that went wrong: whatever AWS documents for an operation and
    /// none of the others is.
    Error {
        /// AWS's code, for example `InsufficientDeliveryPolicyException`.
        code: String,
        /// The HTTP status: 400 unless given.
        #[serde(default = "bad_request")]
        status: u16,
        /// For people.
        #[serde(default = "on_purpose")]
        message: String,
    },
    /// What only looks answers with what was true some time ago. Only what happens while such a rule
    /// exists is remembered.
    StaleReads {
        /// How old the answers are, in milliseconds; at most fifteen minutes.
        lag_ms: u64,
        /// Whose past is seen instead of the called service's own. Then operations that change
        /// something are struck too: a function is created while Lambda has not heard of its role yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<Seen>,
    },
}

/// The services in whose past others can work, because nobody else changes what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Roles, users and policies: whether a role can be assumed, and what callers may do.
    Iam,
    /// Functions and who may invoke them.
    Lambda,
}

impl Seen {
    pub(crate) fn service(self) -> Service {
        match self {
            Seen::Iam => Service::Iam,
            Seen::Lambda => Service::Lambda,
        }
    }
}

fn bad_request() -> u16 {
    400
}

fn on_purpose() -> String {
    "a fault of the sandbox, on purpose".to_owned()
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Instead of the effect.
    #[default]
    Before,
    /// The effect happens; its answer is replaced or lost.
    After,
}

/// Who must call for a rule to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerKind {
    /// Whoever uses the account id as access key.
    Operator,
    /// The account's root user.
    Root,
    /// An IAM user.
    User,
    /// A session of a role, for example a function at work.
    Role,
    /// A service, for example CloudFormation.
    Service,
}

/// Which calls are struck, how often, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A service's signing name (`ec2`), or `*`.
    #[serde(default = "any")]
    pub service: String,
    /// AWS's name of an operation, or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// Only calls to this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only calls of this kind of caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerKind>,
    /// So many matching calls go through first.
    #[serde(default)]
    pub skip: u64,
    /// So many calls are struck; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How likely a matching call is struck: above 0, at most 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Seeds the rule's own generator, so that the same calls are struck in every run.
    #[serde(default)]
    pub seed: u64,
    /// How long the rule lasts, in milliseconds of the sandbox's clock; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// When it strikes.
    #[serde(default)]
    pub phase: Phase,
    /// What goes wrong.
    pub fault: Fault,
}

impl Fault {
    /// How far back reads look, and at whose past; `None` for every fault that is no stale read.
    pub(super) fn looks_back(&self) -> Option<(Duration, Option<Seen>)> {
        match self {
            Fault::StaleReads { lag_ms, of } => Some((Duration::from_millis(*lag_ms), *of)),
            Fault::Throttling
            | Fault::AccessDenied
            | Fault::InternalError
            | Fault::ServiceUnavailable
            | Fault::Timeout { .. }
            | Fault::Slow { .. }
            | Fault::DroppedConnection
            | Fault::Error { .. } => None,
        }
    }
}

fn any() -> String {
    "*".to_owned()
}

fn certain() -> f64 {
    1.0
}

impl Rule {
    /// A rule that strikes every call of `operation` before its effect.
    pub fn new(service: &str, operation: &str, fault: Fault) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            account: None,
            caller: None,
            skip: 0,
            count: None,
            probability: certain(),
            seed: 0,
            for_ms: None,
            phase: Phase::Before,
            fault,
        }
    }

    pub(super) fn check(&self) -> Result<(), RuleError> {
        if self.service != "*" && Service::from_signing_name(&self.service).is_none() {
            return Err(RuleError::Service(self.service.clone()));
        }
        if self.operation.is_empty() {
            return Err(RuleError::Operation);
        }
        if !(self.probability > 0.0 && self.probability <= 1.0) {
            return Err(RuleError::Probability(self.probability));
        }
        match &self.fault {
            Fault::Timeout { hold_ms: ms }
            | Fault::Slow { hold_ms: ms }
            | Fault::StaleReads { lag_ms: ms, .. }
                if Duration::from_millis(*ms) > MAX_HOLD =>
            {
                Err(RuleError::TooLong(*ms))
            }
            Fault::Error { code, status, .. } => {
                let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                let good = (1..=128).contains(&code.len()) && code.bytes().all(is_code);
                if good && (400..=599).contains(status) {
                    Ok(())
                } else {
                    Err(RuleError::NoError(code.clone(), *status))
                }
            }
            Fault::StaleReads { .. } if self.phase == Phase::After => Err(RuleError::StaleAfter),
            Fault::StaleReads { of: Some(_), .. } => Ok(()),
            Fault::StaleReads { of: None, .. } => self.check_stale(),
            Fault::Throttling
            | Fault::AccessDenied
            | Fault::InternalError
            | Fault::ServiceUnavailable
            | Fault::Timeout { .. }
            | Fault::Slow { .. }
            | Fault::DroppedConnection => Ok(()),
        }
    }

    fn check_stale(&self) -> Result<(), RuleError> {
        let service = Service::from_signing_name(&self.service);
        if service.is_some_and(|service| past::looks_at(service).is_none()) {
            return Err(RuleError::StronglyConsistent);
        }
        if self.operation != "*" && !journal::reads(&self.operation) {
            return Err(RuleError::Stale(self.operation.clone()));
        }
        Ok(())
    }

    pub(super) fn matches(
        &self,
        (account, caller): Who<'_>,
        service: Service,
        operation: &str,
    ) -> bool {
        let strikes = match self.fault.looks_back() {
            Some((_, None)) => journal::reads(operation) && past::looks_at(service).is_some(),
            // What changes the very service whose past is seen would change the past.
            Some((_, Some(of))) => journal::reads(operation) || of.service() != service,
            None => true,
        };
        let kind = |wanted: CallerKind| match wanted {
            CallerKind::Operator => "operator",
            CallerKind::Root => "root",
            CallerKind::User => "user",
            CallerKind::Role => "role",
            CallerKind::Service => "service",
        };
        (self.service == "*" || self.service == service.signing_name())
            && (self.operation == "*" || self.operation == operation)
            && (self.account.as_deref()).is_none_or(|id| id == account.as_str())
            && (self.caller).is_none_or(|wanted| kind(wanted) == caller)
            && strikes
    }
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// The sandbox does not have it.
    #[error("`{0}` is not the signing name of a service that the sandbox has")]
    Service(String),
    /// Neither a name nor `*`.
    #[error("`operation` is empty")]
    Operation,
    /// Zero, above one, or no number.
    #[error("`probability` must be above 0 and at most 1, not {0}")]
    Probability(f64),
    /// Nobody waits that long.
    #[error("{0} ms is longer than 15 minutes")]
    TooLong(u64),
    /// What changes something works on the present.
    #[error(
        "`{0}` does not only look; name `of` (`iam` or `lambda`) if it shall work in the past of another service"
    )]
    Stale(String),
    /// Nothing of S3's is late.
    #[error("S3 is strongly consistent: what was written is read at once")]
    StronglyConsistent,
    /// Not what an error of AWS's can look like.
    #[error(
        "an error needs a code of letters, digits, `.`, `_` and `-`, and a status from 400 to 599; not `{0}` and {1}"
    )]
    NoError(String, u16),
    /// A read has no effect to come after.
    #[error("stale reads have no phase `after`")]
    StaleAfter,
}

/// Whose account is called, and by what kind of caller.
pub(super) type Who<'w> = (&'w AccountId, &'w str);
