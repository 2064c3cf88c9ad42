//! The client and its calls.

use crate::config::Config;
use crate::config_service::{self, MAX_EVALUATIONS, Rejected};
use crate::ec2_request;
use crate::ec2_response::{self, AnswerError, GroupPage, Page, TaggedResource};
use crate::endpoint::{self, EndpointError, Service};
use crate::error::{CallError, ErrorKind, Operation};
use crate::exchange::{Call, Exchange, ReadError};
use crate::secrets;
use crate::sign::Unsigned;
use crate::sns::{self, Announcement};
use crate::ssm;
use crate::trust::BundleError;
use crate::webhook::{WebhookError, WebhookUrl};
use bytes::Bytes;
use http::Uri;
use remediator_core::{Evaluation, GroupId, ResultToken, Rule, SecurityGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Calls AWS. Cheap to clone; clones share connections, credentials and what was learned about
/// the clock.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    ec2: Uri,
    config_service: Uri,
    secrets_manager: Uri,
    sns: Uri,
    ssm: Uri,
    pub(crate) service_quotas: Uri,
    pub(crate) exchange: Exchange,
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
    /// The certificates of the authorities to trust are not usable.
    #[error("the authorities to trust cannot be read")]
    Bundle(#[from] BundleError),
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

impl Client {
    /// Builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`ClientError`] where an endpoint is malformed or TLS cannot be set up.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        let inner = Inner {
            ec2: endpoint::resolve(&config, Service::Ec2)?,
            config_service: endpoint::resolve(&config, Service::Config)?,
            secrets_manager: endpoint::resolve(&config, Service::SecretsManager)?,
            sns: endpoint::resolve(&config, Service::Sns)?,
            ssm: endpoint::resolve(&config, Service::Ssm)?,
            service_quotas: endpoint::resolve(&config, Service::Quotas)?,
            exchange: Exchange::new(config)?,
        };
        Ok(Self {
            inner: Arc::new(inner),
            deadline: None,
        })
    }

    /// The same client, whose calls wait for nothing beyond `deadline`: neither for an answer nor to
    /// try again. A call for which no time is left fails with [`ErrorKind::OutOfTime`].
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            deadline: Some(deadline),
        }
    }

    /// Opens the connections that the widest moment of a repair needs, all at once: two to EC2
    /// (revoke beside authorize) and one to Config.
    ///
    /// # Errors
    /// The first connection that could not be opened. The calls would open their own.
    pub async fn connect(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Inner {
            ec2,
            config_service,
            secrets_manager: _,
            sns: _,
            ssm: _,
            service_quotas: _,
            exchange,
        } = &*self.inner;
        let (a, b, c) = tokio::join!(
            exchange.open(ec2),
            exchange.open(ec2),
            exchange.open(config_service)
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
        let subject = query.subject();
        let request = |token: Option<&str>| {
            let body = ec2_request::describe(&query.ids, &query.filters, token);
            self.ec2(Operation::DescribeSecurityGroups, subject.clone(), body)
        };
        self.all_pages(request, ec2_response::describe).await
    }

    /// `DescribeTags`: everything in EC2 that bears a tag, all pages. What was deleted a moment ago
    /// may still be among it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn describe_tags(
        &self,
        key: &str,
        value: &str,
    ) -> Result<Vec<TaggedResource>, CallError> {
        let request = |token: Option<&str>| {
            let body = ec2_request::describe_tags(key, value, token);
            self.ec2(Operation::DescribeTags, format!("{key}={value}"), body)
        };
        self.all_pages(request, ec2_response::describe_tags).await
    }

    /// `DescribeRegions`: the names of the regions that are enabled in the account.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn describe_regions(&self) -> Result<Vec<String>, CallError> {
        let body = ec2_request::describe_regions();
        let call = self.ec2(Operation::DescribeRegions, String::new(), body);
        self.inner
            .exchange
            .send(&call, self.deadline, |body| {
                Ok(ec2_response::describe_regions(body)?)
            })
            .await
    }

    /// Follows `nextToken` to the last page.
    pub(crate) async fn all_pages<T>(
        &self,
        request: impl Fn(Option<&str>) -> Call,
        read: impl Fn(&[u8]) -> Result<Page<T>, AnswerError>,
    ) -> Result<Vec<T>, CallError> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = request(token.as_deref());
            let page = self.send(&call, |body| {
                let page = read(body)?;
                // The same token again would mean the same page for ever.
                if page.next_token.is_some() && page.next_token == token {
                    return Err("the same `nextToken` came twice".into());
                }
                Ok(page)
            });
            let page = page.await?;
            items.extend(page.items);
            match page.next_token {
                None => return Ok(items),
                Some(next) => token = Some(next),
            }
        }
    }

    /// `DescribeSecurityGroups`: one page of what matches, and the token of the next. A group that is not understood is
    /// told beside the others.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn describe_security_groups_page(
        &self,
        query: &GroupQuery,
        token: Option<&str>,
    ) -> Result<GroupPage, CallError> {
        let body = ec2_request::describe(&query.ids, &query.filters, token);
        let call = self.ec2(Operation::DescribeSecurityGroups, query.subject(), body);
        let read = |body: &[u8]| {
            let page = ec2_response::describe_page(body)?;
            if page.next_token.is_some() && page.next_token.as_deref() == token {
                return Err("the same `nextToken` came twice".into());
            }
            Ok(page)
        };
        self.send(&call, read).await
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
        self.write(operation, group, rules).await.map(drop)
    }

    /// `AuthorizeSecurityGroupEgress`, likewise for outbound rules.
    ///
    /// # Errors
    /// As for inbound rules.
    pub async fn authorize_security_group_egress(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), CallError> {
        let operation = Operation::AuthorizeSecurityGroupEgress;
        self.write(operation, group, rules).await.map(drop)
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
        self.write(operation, group, rules).await
    }

    /// `RevokeSecurityGroupEgress`, likewise for outbound rules.
    ///
    /// # Errors
    /// As for inbound rules.
    pub async fn revoke_security_group_egress(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, CallError> {
        let operation = Operation::RevokeSecurityGroupEgress;
        self.write(operation, group, rules).await
    }

    async fn write(
        &self,
        operation: Operation,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, CallError> {
        let body = ec2_request::rules(&operation.to_string(), group, rules);
        let call = self.ec2(operation, group.to_string(), body);
        let unknown = self
            .send(&call, |body| Ok(ec2_response::write(body)?))
            .await?;
        Ok(Revoked { unknown })
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
        for portion in evaluations.chunks(MAX_EVALUATIONS) {
            let call = self.report(token, portion)?;
            let read = |body: &[u8]| {
                let failed = config_service::failed(body)?;
                if failed.is_empty() {
                    return Ok(());
                }
                let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
                let cause = format!("not accepted: {}", failed.join(", ")).into();
                Err(ReadError {
                    kind: ErrorKind::EvaluationsFailed,
                    cause,
                })
            };
            self.send(&call, read).await?;
        }
        Ok(())
    }

    /// `PutEvaluations` of at most [`MAX_EVALUATIONS`]; those that Config did not take.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn put_evaluations_once(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Rejected>, CallError> {
        let call = self.report(token, evaluations)?;
        self.send(&call, |body| Ok(config_service::failed(body)?))
            .await
    }

    /// The request with `evaluations`; it is named after the first, and by the number of the others.
    fn report(&self, token: &ResultToken, evaluations: &[Evaluation]) -> Result<Call, CallError> {
        let mut subject = String::new();
        if let Some(first) = evaluations.first() {
            subject.push_str(&first.resource_id);
        }
        if evaluations.len() > 1 {
            subject.push_str(&format!(" and {} more", evaluations.len() - 1));
        }
        let mut call = Call {
            operation: Operation::PutEvaluations,
            subject,
            unsigned: Unsigned {
                uri: self.inner.config_service.clone(),
                service: Service::Config.name(),
                content_type: config_service::CONTENT_TYPE,
                target: Some(config_service::TARGET),
                body: Bytes::new(),
            },
        };
        call.unsigned.body = config_service::request(token, evaluations)
            .map_err(|e| call.failure(ErrorKind::Refused, 0, Some(e.into())))?;
        Ok(call)
    }

    /// SSM's `GetParameter`, decrypted where it is secret: its value.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_parameter(&self, name: &str) -> Result<String, CallError> {
        let call = Call {
            operation: Operation::GetParameter,
            subject: name.to_owned(),
            unsigned: Unsigned {
                uri: self.inner.ssm.clone(),
                service: Service::Ssm.name(),
                content_type: ssm::CONTENT_TYPE,
                target: Some(ssm::TARGET),
                body: ssm::request(name),
            },
        };
        self.send(&call, |body| Ok(ssm::value(body)?)).await
    }

    /// `GetSecretValue`: the current text of a secret, by its name or ARN.
    ///
    /// # Errors
    /// [`CallError`]; [`ErrorKind::Answer`] where the secret is not a text.
    pub async fn get_secret_value(&self, id: &str) -> Result<String, CallError> {
        let call = Call {
            operation: Operation::GetSecretValue,
            subject: id.to_owned(),
            unsigned: Unsigned {
                uri: self.inner.secrets_manager.clone(),
                service: Service::SecretsManager.name(),
                content_type: ssm::CONTENT_TYPE,
                target: Some(secrets::TARGET),
                body: secrets::request(id),
            },
        };
        self.send(&call, |body| Ok(secrets::value(body)?)).await
    }

    /// SNS `Publish`, with one text for people and one for machines.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn publish(&self, topic: &str, announcement: &Announcement) -> Result<(), CallError> {
        let call = Call {
            operation: Operation::Publish,
            subject: topic.to_owned(),
            unsigned: Unsigned {
                uri: self.inner.sns.clone(),
                service: Service::Sns.name(),
                content_type: "application/x-www-form-urlencoded; charset=utf-8",
                target: None,
                body: sns::publish(topic, announcement),
            },
        };
        // The answer holds the id of the message, which nobody needs.
        self.send(&call, |_| Ok(())).await
    }

    /// Posts JSON to a webhook: one attempt within `patience`, unsigned.
    ///
    /// # Errors
    /// [`WebhookError`], which never holds the URL: whoever knows it can post there.
    pub async fn post(
        &self,
        url: &WebhookUrl,
        body: Bytes,
        patience: Duration,
    ) -> Result<(), WebhookError> {
        self.inner.exchange.post(url, body, patience).await
    }

    async fn send<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, ReadError>,
    ) -> Result<T, CallError> {
        self.inner.exchange.send(call, self.deadline, read).await
    }

    pub(crate) fn ec2(&self, operation: Operation, subject: String, body: Bytes) -> Call {
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
}
