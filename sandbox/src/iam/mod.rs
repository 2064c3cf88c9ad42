//! IAM: roles, policies, and whether something is allowed.

use crate::error::ApiError;
use crate::service::Service;

pub use self::access::{Access, Decision};

mod access;
use crate::caller::Caller;
use crate::protocol::Operation;
use crate::sandbox::{Account, Call, Outcome};

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {}

pub(crate) fn dispatch(_call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        name => Err(ApiError::not_implemented("iam", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    vec![Access::anywhere("iam", &operation.name)]
}

/// Refuses `operation` unless the caller's policies allow it. The policies of role sessions (functions
/// at work) are always evaluated; the operator of an account may do everything.
///
/// # Errors
/// The service's own access-denied error, naming caller, action and resource.
pub(crate) fn authorize(
    call: &mut Call<'_>,
    service: Service,
    operation: &Operation,
) -> Result<(), ApiError> {
    if !matches!(call.caller, Caller::Role { .. }) {
        return Ok(());
    }
    for access in service.required_access(call, operation) {
        if let Decision::Denied(why) = decide(call.account, &call.caller, &access) {
            let (status, code) = service.denial();
            let caller = call.caller.arn(&call.account.id, &call.region);
            return Err(ApiError::new(
                status,
                code,
                format!(
                    "User: {caller} is not authorized to perform: {} on resource: {} because {why}",
                    access.action, access.resource
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the identity policies of `caller` allow `access`.
pub(crate) fn decide(_account: &Account, _caller: &Caller, _access: &Access) -> Decision {
    Decision::Denied("the policy evaluation is not written yet".to_owned())
}

/// Whether the role exists, by its ARN, and lets `principal` (a service) assume it.
///
/// # Errors
/// Says which of the two is missing, as the end of a sentence.
pub(crate) fn assumable(
    _account: &Account,
    role_arn: &str,
    _principal: &str,
) -> Result<(), String> {
    Err(format!("{role_arn} cannot be looked up yet"))
}

/// Whether a resource-based policy lets `principal` (a service name or an ARN) do `access`.
pub(crate) fn resource_policy_decides(
    _policy: &serde_json::Value,
    _principal: &str,
    _access: &Access,
) -> Decision {
    Decision::Denied("the policy evaluation is not written yet".to_owned())
}
