//! IAM: the roles, looked at by name.

use super::{CallError, CallResult, Reader, Tags};

impl Reader {
    /// The tags of a role; `None` when there is no such role.
    ///
    /// # Errors
    /// The failed call.
    pub async fn role_tags(&self, name: &str) -> CallResult<Option<Tags>> {
        match self.iam.get_role().role_name(name).send().await {
            Ok(answer) => Ok(answer.role.map(|role| {
                role.tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect()
            })),
            Err(e) => {
                let error = CallError::from_sdk("iam:GetRole", &e);
                if error.is(&["NoSuchEntity"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }
}
