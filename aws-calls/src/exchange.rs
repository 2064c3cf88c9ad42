//! One call from the first attempt to the last: signing, sending, retrying.

use crate::clock::Skew;
use crate::config::Config;
use crate::credentials::Cache;
use crate::error::{CallError, Details, ErrorKind, Operation};
use crate::ops::ClientError;
use crate::sign::{Signer, Unsigned};
use crate::transport::{Answer, Transport};
use crate::webhook::{self, WebhookError, WebhookUrl};
use crate::wire_error::{WireError, blames_clock, classify, request_id};
use bytes::Bytes;
use http::Uri;
use remediator_core::Timestamp;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

type Cause = Box<dyn Error + Send + Sync>;

/// What a call sends and to whom.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) subject: String,
    pub(crate) unsigned: Unsigned,
}

impl Call {
    pub(crate) fn failure(
        &self,
        kind: ErrorKind,
        attempts: u32,
        source: Option<Cause>,
    ) -> CallError {
        CallError::new(self.details(kind, attempts, source))
    }

    fn details(&self, kind: ErrorKind, attempts: u32, source: Option<Cause>) -> Details {
        Details {
            operation: self.operation,
            subject: self.subject.clone(),
            kind,
            code: None,
            message: None,
            request_id: None,
            status: None,
            attempts,
            source,
        }
    }
}

/// Why an answer with a status of success is none.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) kind: ErrorKind,
    pub(crate) cause: Cause,
}

impl<E: Into<Cause>> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self {
            kind: ErrorKind::Answer,
            cause: error.into(),
        }
    }
}

/// How one attempt ended.
enum Outcome {
    Success(Answer),
    Refused {
        error: CallError,
        date: Option<String>,
    },
    Lost(CallError),
}

/// Shares of what is left smaller than this are not worth an attempt; then all of it goes into one.
const LEAST: Duration = Duration::from_millis(250);

/// Everything that calls share: credentials, connections, patience, and the clock's error.
#[derive(Debug)]
pub(crate) struct Exchange {
    config: Config,
    credentials: Cache,
    transport: Transport,
    skew: Skew,
    signer: Signer,
}

impl Exchange {
    pub(crate) fn new(config: Config) -> Result<Self, ClientError> {
        Ok(Self {
            credentials: Cache::new(config.credentials.clone()),
            transport: Transport::new(config.timeouts, config.ca_bundle.as_deref())?,
            skew: Skew::default(),
            signer: Signer::new(config.region.clone()),
            config,
        })
    }

    /// Opens a connection and keeps it for the calls to come.
    pub(crate) async fn open(&self, uri: &Uri) -> Result<(), Cause> {
        self.transport.open(uri).await
    }

    /// One unsigned request to somebody who is not AWS.
    pub(crate) async fn post(
        &self,
        url: &WebhookUrl,
        body: Bytes,
        patience: Duration,
    ) -> Result<(), WebhookError> {
        let request = url.request(body).ok_or(WebhookError::Url)?;
        match self.transport.send(request, patience).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(WebhookError::Refused(answer.status.as_u16())),
            Err(cause) => Err(WebhookError::Lost(webhook::reason(&*cause))),
        }
    }

    /// Sends until there is an answer, a final refusal, or no patience or no time left.
    ///
    /// Nothing is waited for beyond `deadline`. An attempt may take half of what is left, so that a
    /// service which loses one request is asked once more.
    pub(crate) async fn send<T>(
        &self,
        call: &Call,
        deadline: Option<Instant>,
        read: impl Fn(&[u8]) -> Result<T, ReadError>,
    ) -> Result<T, CallError> {
        let retry = self.config.retry;
        let mut clock_corrected = false;
        let mut attempt = 1;
        loop {
            let Some(patience) = self.patience(deadline) else {
                return Err(call.failure(ErrorKind::OutOfTime, attempt - 1, None));
            };
            let signed_at = self.skew.now();
            let error = match self.attempt(call, signed_at, attempt, patience).await? {
                Outcome::Success(answer) => {
                    return read(&answer.body).map_err(|ReadError { kind, cause }| {
                        CallError::new(Details {
                            status: Some(answer.status.as_u16()),
                            request_id: request_id(&answer),
                            ..call.details(kind, attempt, Some(cause))
                        })
                    });
                }
                Outcome::Refused { error, date } => {
                    let blamed = blames_clock(error.code()).filter(|_| !clock_corrected);
                    if let Some(certain) = blamed
                        && self.skew.learn(signed_at, date.as_deref(), certain)
                    {
                        // Once, and not counted: nothing was tried yet that could have worked.
                        clock_corrected = true;
                        continue;
                    }
                    error
                }
                Outcome::Lost(error) => error,
            };
            if !error.kind().is_transient() || attempt >= retry.max_attempts {
                return Err(error);
            }
            let delay = retry.delay(attempt, fastrand::f64());
            // An attempt that could not even begin in time would only hide why this one failed.
            if deadline.is_some_and(|deadline| Instant::now() + delay >= deadline) {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    /// How long the next attempt may take; `None` where there is no time left.
    fn patience(&self, deadline: Option<Instant>) -> Option<Duration> {
        let most = self.config.timeouts.attempt;
        let Some(deadline) = deadline else {
            return Some(most);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let share = (left / 2).max(LEAST).min(left);
        (!left.is_zero()).then(|| share.min(most))
    }

    async fn attempt(
        &self,
        call: &Call,
        signed_at: Timestamp,
        attempt: u32,
        patience: Duration,
    ) -> Result<Outcome, CallError> {
        let fail = |kind, cause| call.failure(kind, attempt, Some(cause));
        let credentials = self.credentials.get().await;
        let credentials = credentials.map_err(|e| fail(ErrorKind::Credentials, e.into()))?;
        let request = self
            .signer
            .sign(&call.unsigned, &credentials, signed_at)
            .map_err(|e| fail(ErrorKind::Refused, e.into()))?;
        let answer = match self.transport.send(request, patience).await {
            Ok(answer) => answer,
            Err(cause) => {
                self.transport.forget();
                return Ok(Outcome::Lost(fail(ErrorKind::Connection, cause)));
            }
        };
        if answer.status.is_success() {
            return Ok(Outcome::Success(answer));
        }
        let WireError {
            code,
            message,
            request_id,
        } = WireError::read(&answer);
        let status = answer.status.as_u16();
        let error = CallError::new(Details {
            kind: classify(code.as_deref(), status),
            code,
            message,
            request_id,
            status: Some(status),
            ..call.details(ErrorKind::Refused, attempt, None)
        });
        Ok(Outcome::Refused {
            error,
            date: answer.header("date").map(str::to_owned),
        })
    }
}
