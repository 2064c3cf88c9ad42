//! STS: who we are.

use super::{Aws, CallError, CallResult, absent};

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The twelve digits of the account.
    pub account: String,
    /// The ARN of the user or role.
    pub arn: String,
}

impl Aws {
    /// Who the credentials belong to.
    ///
    /// # Errors
    /// The failed call.
    pub async fn identity(&self) -> CallResult<Identity> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let answer = self
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        Ok(Identity {
            account: answer.account.ok_or_else(|| absent(OPERATION, "Account"))?,
            arn: answer.arn.ok_or_else(|| absent(OPERATION, "Arn"))?,
        })
    }
}
