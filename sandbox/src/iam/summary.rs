//! `GetAccountSummary`: how much there is, and how much there may be.

use serde_json::{Value, json};

use super::params::accept;
use super::sizes;
use crate::error::ApiError;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// AWS's default quotas, by the names of the summary. Those that the sandbox enforces are the same numbers there.
const QUOTAS: &[(&str, usize)] = &[
    ("AccessKeysPerUserQuota", 2),
    ("AssumeRolePolicySizeQuota", sizes::TRUST),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("PoliciesQuota", 1500),
    ("PolicySizeQuota", sizes::MANAGED),
    ("RolePolicySizeQuota", sizes::ROLE_INLINE),
    ("RolesQuota", super::roles::MAX_ROLES),
    ("UserPolicySizeQuota", sizes::USER_INLINE),
    ("UsersQuota", 5000),
    ("VersionsPerPolicyQuota", 5),
];

pub(super) fn summary(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &[])?;
    let state = &call.account.iam;
    let counts = [
        ("Policies", state.policies.len()),
        ("Roles", state.roles.len()),
        ("Users", state.users.len()),
    ];
    let entries: Vec<Value> = QUOTAS
        .iter()
        .chain(&counts)
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    Ok(json!({"SummaryMap": {"entry|": entries}}))
}
