//! Parameter Store, through the client that the function reads its policy with.

use super::security_groups::from_calls;
use super::{CallResult, Reader};

impl Reader {
    /// The value of a parameter, decrypted where it is secret.
    ///
    /// # Errors
    /// The failed call; one about a parameter that is not there, too.
    pub async fn parameter(&self, name: &str) -> CallResult<String> {
        self.groups
            .get_parameter(name)
            .await
            .map_err(|e| from_calls("ssm:GetParameter", &e))
    }
}
