//! The words of an answer, beside what the SDK understands of them.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

/// Remembers the JSON body of the last answer. The SDK drops what it has no member for; what has to be put back as it was
/// must be known whole.
#[derive(Debug, Clone, Default)]
pub(super) struct RawAnswer(Arc<Mutex<Option<Value>>>);

impl RawAnswer {
    /// The objects in a list of the answer; none when the body was not JSON.
    pub(super) fn list(&self, member: &str) -> Vec<Value> {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match answer.and_then(|mut answer| answer.get_mut(member).map(Value::take)) {
            Some(Value::Array(list)) => list,
            Some(_) | None => Vec::new(),
        }
    }
}

impl Intercept for RawAnswer {
    fn name(&self) -> &'static str {
        "RawAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context
            .response()
            .body()
            .bytes()
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}
