//! A fault that has found its call.

use std::time::Duration;

use super::past::looks_at;
use super::{Fault, Phase, Seen};
use crate::clock::Clock;
use crate::error::ApiError;
use crate::protocol::Protocol;
use crate::service::Service;

/// A fault that strikes one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) phase: Phase,
}

/// Why there is no answer as it should be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error that the client reads.
    Error(ApiError),
    /// The connection is closed; the client reads nothing.
    Hangup,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Refusal::Error(error)
    }
}

impl From<Refusal> for ApiError {
    /// Services call each other without a connection that could break: they see what a client library
    /// would tell them.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Error(error) => error,
            Refusal::Hangup => ApiError::new(
                503,
                "ServiceUnavailable",
                "the connection was closed before an answer was received",
            ),
        }
    }
}

impl Strike {
    /// For the journal: `throttling before the effect`.
    pub(crate) fn describe(&self) -> String {
        let fault = match &self.fault {
            Fault::Throttling => "throttling".to_owned(),
            Fault::AccessDenied => "access denied".to_owned(),
            Fault::InternalError => "internal error".to_owned(),
            Fault::ServiceUnavailable => "service unavailable".to_owned(),
            Fault::Timeout { hold_ms } => format!("timeout of {hold_ms} ms"),
            Fault::Slow { hold_ms } => format!("{hold_ms} ms more"),
            Fault::DroppedConnection => "dropped connection".to_owned(),
            Fault::Error { code, .. } => format!("error {code}"),
            Fault::StaleReads { lag_ms, of: None } => return format!("read of {lag_ms} ms ago"),
            Fault::StaleReads {
                lag_ms,
                of: Some(of),
            } => {
                let of = of.service().signing_name();
                return format!("{of} of {lag_ms} ms ago");
            }
        };
        match self.phase {
            Phase::Before => format!("{fault} before the effect"),
            Phase::After => format!("{fault} after the effect"),
        }
    }

    /// Whose past a call of `service` is to see, and how far back; `None` for every fault that is no
    /// stale read.
    pub(crate) fn lag(&self, service: Service) -> Option<(Service, Duration)> {
        let (lag, of) = self.fault.looks_back()?;
        let seen = of.map(Seen::service).or_else(|| looks_at(service))?;
        Some((seen, lag))
    }

    /// What the client gets instead of an answer; `None` when it gets one (a stale read, or one that takes its time).
    pub(crate) fn refusal(
        &self,
        service: Service,
        operation: &str,
        caller: &str,
    ) -> Option<Refusal> {
        Some(match &self.fault {
            Fault::Throttling => Refusal::Error(throttling(service)),
            Fault::AccessDenied => Refusal::Error(denied(service, operation, caller)),
            Fault::InternalError => Refusal::Error(internal(service)),
            Fault::ServiceUnavailable => Refusal::Error(unavailable(service)),
            Fault::Timeout { .. } | Fault::DroppedConnection => Refusal::Hangup,
            Fault::Error {
                code,
                status,
                message,
            } => Refusal::Error(ApiError::new(*status, code.clone(), message.clone())),
            Fault::Slow { .. } | Fault::StaleReads { .. } => return None,
        })
    }

    /// Holds the call where the fault asks for it.
    pub(crate) async fn hold(&self, clock: &Clock) {
        if let Fault::Timeout { hold_ms } | Fault::Slow { hold_ms } = self.fault {
            let hold = time::Duration::milliseconds(hold_ms.try_into().unwrap_or(i64::MAX));
            clock.wait_until(clock.now() + hold).await;
        }
    }
}

/// EC2, S3 and Lambda have codes of their own; of the rest the query services say `Throttling`.
fn throttling(service: Service) -> ApiError {
    match service.protocol() {
        Protocol::Ec2(_) => ApiError::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Protocol::RestXml => ApiError::new(503, "SlowDown", "Please reduce your request rate."),
        Protocol::RestJson if service == Service::Scheduler => {
            ApiError::new(429, "ThrottlingException", "Rate exceeded")
        }
        Protocol::RestJson => ApiError::new(429, "TooManyRequestsException", "Rate exceeded"),
        Protocol::Query(_) => ApiError::bad("Throttling", "Rate exceeded"),
        Protocol::Json => ApiError::bad("ThrottlingException", "Rate exceeded"),
    }
}

fn denied(service: Service, operation: &str, caller: &str) -> ApiError {
    let (status, code) = service.denial();
    let action = format!("{}:{operation}", service.signing_name());
    ApiError::new(
        status,
        code,
        format!(
            "User: {caller} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
        ),
    )
}

fn internal(service: Service) -> ApiError {
    let code = match service.protocol() {
        Protocol::Ec2(_) | Protocol::RestXml => "InternalError",
        Protocol::RestJson if service == Service::Scheduler => "InternalServerException",
        Protocol::RestJson => "ServiceException",
        Protocol::Query(_) if service == Service::Iam => "ServiceFailure",
        Protocol::Query(_) if service == Service::Sns => "InternalError",
        Protocol::Json if service == Service::Ssm => "InternalServerError",
        Protocol::Json if service == Service::SecretsManager => "InternalServiceError",
        Protocol::Query(_) | Protocol::Json => "InternalFailure",
    };
    ApiError::new(500, code, "An internal error has occurred")
}

fn unavailable(service: Service) -> ApiError {
    let code = match service.protocol() {
        Protocol::Ec2(_) => "Unavailable",
        Protocol::Query(_) | Protocol::Json | Protocol::RestJson | Protocol::RestXml => {
            "ServiceUnavailable"
        }
    };
    ApiError::new(
        503,
        code,
        "The service is unavailable. Please try again shortly.",
    )
}
