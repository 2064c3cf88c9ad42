//! STS: who we are, and what time it is over there.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use time::OffsetDateTime;

use super::{CallError, CallResult, Reader, absent, moment};

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The twelve digits of the account.
    pub account: String,
    /// The ARN of the user or role.
    pub arn: String,
}

impl Reader {
    /// Who the credentials belong to, and the time at the endpoint in whole seconds, if it told.
    ///
    /// # Errors
    /// The failed call.
    pub async fn identity(&self) -> CallResult<(Identity, Option<OffsetDateTime>)> {
        const OPERATION: &str = "sts:GetCallerIdentity";
        let date = ServerDate::default();
        let answer = self
            .sts
            .get_caller_identity()
            .customize()
            .interceptor(date.clone())
            .send()
            .await
            .map_err(|e| CallError::from_sdk(OPERATION, &e))?;
        let identity = Identity {
            account: answer.account.ok_or_else(|| absent(OPERATION, "Account"))?,
            arn: answer.arn.ok_or_else(|| absent(OPERATION, "Arn"))?,
        };
        Ok((identity, date.take()))
    }
}

/// Remembers the `Date` of an answer.
#[derive(Debug, Clone, Default)]
struct ServerDate(Arc<Mutex<Option<OffsetDateTime>>>);

impl ServerDate {
    fn take(&self) -> Option<OffsetDateTime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context
            .response()
            .headers()
            .get("date")
            .and_then(|text| aws_smithy_types::DateTime::from_str(text, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.as_ref().and_then(moment);
        Ok(())
    }
}
