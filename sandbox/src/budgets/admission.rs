//! Whether there is still room for what an operation adds: asked by the door, once the caller is known
//! to be allowed.

use serde_json::Value;

use super::ledger::Kind;
use crate::error::ApiError;
use crate::journal;
use crate::protocol::{Operation, Protocol};
use crate::sandbox::Call;
use crate::service::Service;

/// What a byte of input may become at most, in an account's state, before that is measured again: a
/// stack has its template twice, its parameters, properties and events.
const GROWTH: u64 = 8;

/// The state is not measured again before the input since may have made this part of the budget.
const STEP: u64 = 16;

/// What of an account an operation adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adds {
    /// Nothing, or it takes away.
    Nothing,
    /// Something whose oldest are forgotten.
    Ring,
    /// Something that is refused where there is no room.
    Kept,
}

fn adds(operation: &Operation) -> Adds {
    const TAKES_AWAY: &[&str] = &[
        "Delete",
        "Deactivate",
        "Detach",
        "Disable",
        "Disassociate",
        "Reject",
        "Remove",
        "Revoke",
        "Stop",
        "Unsubscribe",
        "Untag",
    ];
    let name = operation.name.as_str();
    if journal::reads(name) || TAKES_AWAY.iter().any(|verb| name.starts_with(verb)) {
        return Adds::Nothing;
    }
    match name {
        "PutLogEvents" | "Publish" | "Invoke" => Adds::Ring,
        _ => Adds::Kept,
    }
}

/// Counts what an operation adds.
///
/// # Errors
/// The service's own error for a quota, with the budget, its flag and what to do. Nothing has changed.
pub(crate) fn admit(
    call: &mut Call<'_>,
    service: Service,
    operation: &Operation,
    from_client: bool,
) -> Result<(), ApiError> {
    let adds = adds(operation);
    if adds == Adds::Nothing {
        call.account.measure.shrunk |= !journal::reads(&operation.name);
        return Ok(());
    }
    let sandbox = call.sandbox.clone();
    let budgets = &sandbox.settings.budgets;
    if from_client && sandbox.engine.tasks() >= budgets.max_tasks {
        return Err(throttled(
            service,
            &format!(
                "{} pieces of work wait already, which is all that --max-tasks allows; look for a function or a rule that calls itself, and wait until they are done",
                budgets.max_tasks
            ),
        ));
    }
    if adds == Adds::Ring {
        return Ok(());
    }
    let size = size(&operation.input);
    let body = u64::try_from(operation.body.len()).unwrap_or(u64::MAX);
    let total = sandbox.ledger.held().total();
    if total + size + body > budgets.total_bytes.0 {
        return Err(exceeded(
            service,
            &format!(
                "all accounts together hold {total} bytes, and --total-bytes is {}",
                budgets.total_bytes
            ),
        ));
    }
    let limit = budgets.state_bytes.0;
    let measure = &call.account.measure;
    let grown = measure.input * GROWTH;
    if measure.bytes + grown + size > limit && (measure.shrunk || grown >= limit / STEP) {
        call.account.measure_state(limit, &sandbox.ledger);
    }
    let measure = &mut call.account.measure;
    if measure.bytes + measure.input + size > limit {
        return Err(exceeded(
            service,
            &format!(
                "account {} holds {} bytes of stacks, roles, groups, parameters and the like, and --state-bytes is {}",
                call.account.id, measure.bytes, budgets.state_bytes
            ),
        ));
    }
    measure.input += size;
    Ok(())
}

/// Whether there is room for `bytes` more of a kind that is refused where there is none.
///
/// # Errors
/// The service's own error for a quota.
pub(crate) fn check(
    call: &Call<'_>,
    service: Service,
    kind: Kind,
    bytes: usize,
) -> Result<(), ApiError> {
    let budgets = &call.sandbox.settings.budgets;
    let (limit, flag, what) = match kind {
        Kind::Objects => (budgets.object_bytes, "--object-bytes", "objects"),
        Kind::Code => (budgets.code_bytes, "--code-bytes", "packages of functions"),
        Kind::State | Kind::Logs | Kind::Mails | Kind::Items => return Ok(()),
    };
    let held = call.account.holdings().of(kind);
    if held + u64::try_from(bytes).unwrap_or(u64::MAX) <= limit.0 {
        return Ok(());
    }
    Err(exceeded(
        service,
        &format!(
            "account {} holds {held} bytes of {what}, {bytes} more do not fit, and {flag} is {limit}",
            call.account.id
        ),
    ))
}

/// How many bytes of a kind whose oldest are forgotten the called region may hold now: what the
/// account's budget leaves beside its other regions, or no more than it holds where all accounts
/// together are at the end of theirs.
pub(crate) fn room(call: &mut Call<'_>, kind: Kind) -> u64 {
    let sandbox = call.sandbox.clone();
    let budgets = &sandbox.settings.budgets;
    let all = call.account.holdings().of(kind);
    let region = call.here();
    let (own, here) = match kind {
        Kind::Logs => (budgets.log_bytes, region.logs.held()),
        Kind::Mails => (budgets.mail_bytes, region.sns.held()),
        Kind::Items => (budgets.item_bytes, region.config.held()),
        Kind::State | Kind::Objects | Kind::Code => return u64::MAX,
    };
    let left = own.0.saturating_sub(all.saturating_sub(here));
    if sandbox.ledger.held().total() < budgets.total_bytes.0 {
        left
    } else {
        // What comes takes the place of what is there.
        left.min(here)
    }
}

/// A budget is used up. The codes are those of the services' API models for a quota; S3 has none and
/// gets HTTP's own, which no SDK takes for a passing failure.
pub(crate) fn exceeded(service: Service, why: &str) -> ApiError {
    let (status, code) = match service {
        Service::Iam => (409, "LimitExceeded"),
        Service::Ec2 => (400, "ResourceCountExceeded"),
        Service::Lambda => (400, "CodeStorageExceededException"),
        Service::Scheduler => (402, "ServiceQuotaExceededException"),
        Service::Sns => (403, "TopicLimitExceeded"),
        Service::Ssm => (400, "ParameterLimitExceeded"),
        Service::S3 => (507, "InsufficientStorage"),
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Events
        | Service::Logs
        | Service::Quotas
        | Service::SecretsManager
        | Service::Sts => (400, "LimitExceededException"),
    };
    ApiError::new(
        status,
        code,
        format!(
            "a budget of the sandbox is used up: {why}; delete what is not needed, or start the sandbox with more"
        ),
    )
}

/// Too much at once, in the code that the service's clients wait after.
pub(crate) fn throttled(service: Service, why: &str) -> ApiError {
    let message = format!("Rate exceeded: {why}");
    match service.protocol() {
        _ if service == Service::Lambda => ApiError::new(429, "TooManyRequestsException", message)
            .because("CallerRateLimitExceeded"),
        Protocol::Ec2(_) => ApiError::new(503, "RequestLimitExceeded", message),
        Protocol::RestXml => ApiError::new(503, "SlowDown", message),
        Protocol::Query(_) => ApiError::bad("Throttling", message),
        Protocol::RestJson => ApiError::new(429, "ThrottlingException", message),
        Protocol::Json => ApiError::bad("ThrottlingException", message),
    }
}

/// Bytes of an input, or of another structure. A package counts as code, and an object as one.
pub(crate) fn size(input: &Value) -> u64 {
    match input {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "ZipFile")
            .map(|(name, member)| name.len() as u64 + size(member))
            .sum(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::String(text) => text.len() as u64,
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}
