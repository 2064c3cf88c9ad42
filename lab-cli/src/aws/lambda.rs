//! Lambda: the function as it is, and its code.

use super::{CallError, CallResult, Reader, Tags, Writer, absent};

/// A function as Lambda describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionDescription {
    /// `provided.al2023`.
    pub runtime: Option<String>,
    /// Base64 of the SHA-256 of the package.
    pub code_sha256: Option<String>,
    /// Whether an update of the code is still under way.
    pub updating: bool,
    /// Tags.
    pub tags: Tags,
}

impl Reader {
    /// A function; `None` when there is none of that name.
    ///
    /// # Errors
    /// The failed call.
    pub async fn function(&self, name: &str) -> CallResult<Option<FunctionDescription>> {
        match self.lambda.get_function().function_name(name).send().await {
            Ok(answer) => {
                let configuration = answer.configuration;
                let field = configuration.as_ref();
                Ok(Some(FunctionDescription {
                    runtime: field
                        .and_then(|c| c.runtime.as_ref())
                        .map(|runtime| runtime.as_str().to_owned()),
                    code_sha256: field.and_then(|c| c.code_sha256.clone()),
                    updating: field
                        .and_then(|c| c.last_update_status.as_ref())
                        .is_some_and(|status| status.as_str() == "InProgress"),
                    tags: answer.tags.unwrap_or_default().into_iter().collect(),
                }))
            }
            Err(e) => {
                let error = CallError::from_sdk("lambda:GetFunction", &e);
                if error.is(&["ResourceNotFoundException"]) {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }
}

impl Reader {
    /// How many invocations may run at once in the region, and how many of them are unreserved.
    ///
    /// # Errors
    /// The failed call.
    pub async fn concurrency(&self) -> CallResult<(u64, u64)> {
        const OPERATION: &str = "lambda:GetAccountSettings";
        let answer = self
            .lambda
            .get_account_settings()
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        let limit = answer
            .account_limit
            .ok_or_else(|| absent(OPERATION, "AccountLimit"))?;
        let number = |number: i32| u64::try_from(number).unwrap_or_default();
        Ok((
            number(limit.concurrent_executions),
            limit.unreserved_concurrent_executions.map_or(0, number),
        ))
    }
}

impl Writer {
    /// Gives a function the package that lies in a bucket.
    ///
    /// # Errors
    /// The failed call.
    pub async fn update_function_code(
        &self,
        name: &str,
        bucket: &str,
        key: &str,
    ) -> CallResult<()> {
        self.aws
            .lambda
            .update_function_code()
            .function_name(name)
            .s3_bucket(bucket)
            .s3_key(key)
            .send()
            .await
            .map(drop)
            .map_err(|e| CallError::from_sdk("lambda:UpdateFunctionCode", &e))
    }
}
