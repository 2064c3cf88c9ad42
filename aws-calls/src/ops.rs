//! The client and its four calls.

use crate::clock::Skew;
use crate::config::Config;
use crate::config_service;
use crate::credentials::Cache;
use crate::ec2_request;
use crate::ec2_response;
use crate::endpoint::{self, EndpointError, Service};
use crate::error::{CallError, Details, ErrorKind, Operation};
use crate::sign::{Unsigned, signed};
use crate::transport::{Answer, Transport};
use crate::wire_error::{WireError, blames_clock, classify, request_id};
use bytes::Bytes;
use http::Uri;
use remediator_core::{Evaluation, GroupId, ResultToken, Rule, SecurityGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

/// Calls AWS. Cheap to clone; clones share connections, credentials and what was learned about
/// the clock.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    ec2: Uri,
    config_service: Uri,
    credentials: Cache,
    transport: Transport,
    skew: Skew,
}

/// A configuration with which no client can work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An endpoint is malformed.
    #[error("the endpoint of a service cannot be used")]
    Endpoint(#[from] EndpointError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Which security groups to describe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupQuery {
    /// These groups; one that does not exist fails the call. Empty: all.
    pub ids: Vec<GroupId>,
    /// EC2's filters, like `vpc-id` → its values.
    pub filters: BTreeMap<String, Vec<String>>,
}

impl GroupQuery {
    /// One group.
    #[must_use]
    pub fn id(id: GroupId) -> Self {
        Self {
            ids: vec![id],
            filters: BTreeMap::new(),
        }
    }

    /// Groups that match one filter, like `GroupQuery::filter("vpc-id", ["vpc-…"])`.
    #[must_use]
    pub fn filter<V: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::default().and_filter(name, values)
    }

    /// The same query with one more filter that must match too.
    #[must_use]
    pub fn and_filter<V: Into<String>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.filters
            .insert(name.into(), values.into_iter().map(Into::into).collect());
        self
    }

    fn subject(&self) -> String {
        let ids = self.ids.iter().map(ToString::to_string);
        let filters = self
            .filters
            .iter()
            .map(|(name, values)| format!("{name}={}", values.join(",")));
        let parts: Vec<String> = ids.chain(filters).collect();
        if parts.is_empty() {
            "all groups".to_owned()
        } else {
            parts.join(" ")
        }
    }
}

/// EC2's answer to a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many of the rules EC2 did not know. In a default VPC it revokes the others and says so
    /// here; elsewhere one unknown rule fails the whole call with [`ErrorKind::RuleNotFound`].
    pub unknown: usize,
}

/// What a call sends and to whom.
struct Call {
    operation: Operation,
    subject: String,
    unsigned: Unsigned,
}

impl Client {
    /// Builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`ClientError`] where an endpoint is malformed or TLS cannot be set up.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        let inner = Inner {
            ec2: endpoint::resolve(&config, Service::Ec2)?,
            config_service: endpoint::resolve(&config, Service::ConfigService)?,
            credentials: Cache::new(config.credentials.clone()),
            transport: Transport::new(config.timeouts)?,
            skew: Skew::default(),
            config,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Opens the connections that the widest moment of a repair needs, all at once: two to EC2
    /// (revoke beside authorize) and one to Config.
    ///
    /// # Errors
    /// The first connection that could not be opened. The calls would open their own.
    pub async fn connect(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Inner {
            transport,
            ec2,
            config_service,
            ..
        } = &*self.inner;
        let (a, b, c) = tokio::join!(
            transport.open(ec2),
            transport.open(ec2),
            transport.open(config_service)
        );
        a.and(b).and(c)
    }

    /// `DescribeSecurityGroups`: every group that matches, all pages.
    ///
    /// # Errors
    /// [`CallError`]; [`ErrorKind::GroupNotFound`] where one of the ids does not exist.
    pub async fn describe_security_groups(
        &self,
        query: &GroupQuery,
    ) -> Result<Vec<SecurityGroup>, CallError> {
        let mut groups = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let body = ec2_request::describe(&query.ids, &query.filters, token.as_deref());
            let call = self.ec2(Operation::DescribeSecurityGroups, query.subject(), body);
            let page = self.call(&call, ec2_response::describe).await?;
            groups.extend(page.groups);
            match page.next_token {
                None => return Ok(groups),
                // The same token again would mean the same page for ever.
                Some(next) if token.as_ref() == Some(&next) => {
                    let error = "the same `nextToken` came twice".into();
                    return Err(failure(&call, ErrorKind::Answer, 1, Some(error)));
                }
                Some(next) => token = Some(next),
            }
        }
    }

    /// `AuthorizeSecurityGroupIngress`: all of `rules` or none.
    ///
    /// # Errors
    /// [`CallError`]; [`ErrorKind::RuleDuplicate`] where one of them is there already.
    pub async fn authorize_security_group_ingress(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), CallError> {
        let operation = Operation::AuthorizeSecurityGroupIngress;
        let body = ec2_request::ingress("AuthorizeSecurityGroupIngress", group, rules);
        let call = self.ec2(operation, group.to_string(), body);
        self.call(&call, ec2_response::write)
            .await
            .map(|_unknown| ())
    }

    /// `RevokeSecurityGroupIngress`. Descriptions take no part in it.
    ///
    /// # Errors
    /// [`CallError`]; [`ErrorKind::RuleNotFound`] where one of the rules is not there (outside a
    /// default VPC; see [`Revoked`]).
    pub async fn revoke_security_group_ingress(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, CallError> {
        let operation = Operation::RevokeSecurityGroupIngress;
        let body = ec2_request::ingress("RevokeSecurityGroupIngress", group, rules);
        let call = self.ec2(operation, group.to_string(), body);
        self.call(&call, ec2_response::write)
            .await
            .map(|unknown| Revoked { unknown })
    }

    /// `PutEvaluations`, in portions of a hundred.
    ///
    /// # Errors
    /// [`CallError`]; [`ErrorKind::EvaluationsFailed`] where Config did not take every one.
    pub async fn put_evaluations(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<(), CallError> {
        for portion in evaluations.chunks(config_service::MAX_EVALUATIONS) {
            let subjects: Vec<&str> = portion.iter().map(|e| e.resource_id.as_str()).collect();
            let mut call = Call {
                operation: Operation::PutEvaluations,
                subject: subjects.join(" "),
                unsigned: Unsigned {
                    uri: self.inner.config_service.clone(),
                    service: Service::ConfigService.name(),
                    content_type: config_service::CONTENT_TYPE,
                    target: Some(config_service::TARGET),
                    body: Bytes::new(),
                },
            };
            call.unsigned.body = config_service::request(token, portion)
                .map_err(|e| failure(&call, ErrorKind::Refused, 0, Some(e.into())))?;
            let failed = self.call(&call, config_service::failed).await?;
            if !failed.is_empty() {
                let list = format!("not accepted: {}", failed.join(", ")).into();
                return Err(failure(&call, ErrorKind::EvaluationsFailed, 1, Some(list)));
            }
        }
        Ok(())
    }

    fn ec2(&self, operation: Operation, subject: String, body: Bytes) -> Call {
        Call {
            operation,
            subject,
            unsigned: Unsigned {
                uri: self.inner.ec2.clone(),
                service: Service::Ec2.name(),
                content_type: "application/x-www-form-urlencoded; charset=utf-8",
                target: None,
                body,
            },
        }
    }

    /// Sends until there is an answer, a final refusal, or no patience left.
    async fn call<T, E>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, E>,
    ) -> Result<T, CallError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let retry = self.inner.config.retry;
        let mut clock_corrected = false;
        let mut attempt = 1;
        loop {
            let signed_at = self.inner.skew.now();
            let error = match self.attempt(call, signed_at, attempt).await? {
                Outcome::Success(answer) => {
                    return read(&answer.body).map_err(|e| {
                        let mut error = details(call, ErrorKind::Answer, attempt, Some(e.into()));
                        error.status = Some(answer.status.as_u16());
                        error.request_id = request_id(&answer);
                        CallError::new(error)
                    });
                }
                Outcome::Refused { error, date } => {
                    let blamed = blames_clock(error.code()).filter(|_| !clock_corrected);
                    if let Some(certain) = blamed
                        && self.inner.skew.learn(signed_at, date.as_deref(), certain)
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
            tokio::time::sleep(retry.delay(attempt, fastrand::f64())).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        signed_at: SystemTime,
        attempt: u32,
    ) -> Result<Outcome, CallError> {
        let fail = |kind, cause| failure(call, kind, attempt, Some(cause));
        let credentials = self.inner.credentials.get().await;
        let credentials = credentials.map_err(|e| fail(ErrorKind::Credentials, e.into()))?;
        let request = signed(
            &call.unsigned,
            &credentials,
            &self.inner.config.region,
            signed_at,
        )
        .map_err(|e| fail(ErrorKind::Refused, e))?;
        let answer = match self.inner.transport.send(request).await {
            Ok(answer) => answer,
            Err(cause) => return Ok(Outcome::Lost(fail(ErrorKind::Connection, cause))),
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
            ..details(call, ErrorKind::Refused, attempt, None)
        });
        Ok(Outcome::Refused {
            error,
            date: answer.header("date").map(str::to_owned),
        })
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

type Cause = Option<Box<dyn Error + Send + Sync>>;

fn details(call: &Call, kind: ErrorKind, attempts: u32, source: Cause) -> Details {
    Details {
        operation: call.operation,
        subject: call.subject.clone(),
        kind,
        code: None,
        message: None,
        request_id: None,
        status: None,
        attempts,
        source,
    }
}

fn failure(call: &Call, kind: ErrorKind, attempts: u32, source: Cause) -> CallError {
    CallError::new(details(call, kind, attempts, source))
}
