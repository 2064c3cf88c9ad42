//! Calls that only look around in an account before anything is made there: how much there is, how much there may be, and
//! whether one would be allowed to make more.

use crate::ec2_request;
use crate::ec2_response;
use crate::endpoint::Service;
use crate::error::{CallError, ErrorKind, Operation};
use crate::exchange::Call;
use crate::ops::Client;
use crate::service_quotas::{self, Quota};
use crate::sign::Unsigned;

/// What EC2 says to a call that it shall not carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehearsal {
    /// It would have succeeded.
    Allowed,
    /// The caller may not do it.
    Denied,
}

impl Client {
    /// `DescribeVpcs`: the ids of all VPCs of the region.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn vpcs(&self) -> Result<Vec<String>, CallError> {
        let operation = Operation::DescribeVpcs;
        self.ids(operation, "vpcSet", "vpcId").await
    }

    /// `DescribeInternetGateways`: the ids of all internet gateways of the region.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn internet_gateways(&self) -> Result<Vec<String>, CallError> {
        let operation = Operation::DescribeInternetGateways;
        self.ids(operation, "internetGatewaySet", "internetGatewayId")
            .await
    }

    async fn ids(
        &self,
        operation: Operation,
        set: &'static str,
        id: &'static str,
    ) -> Result<Vec<String>, CallError> {
        let action = operation.to_string();
        let request = |token: Option<&str>| {
            let body = ec2_request::describe_all(&action, token);
            self.ec2(operation, "the region".to_owned(), body)
        };
        self.all_pages(request, |body| ec2_response::ids(body, set, id))
            .await
    }

    /// `CreateVpc` as a dry run: EC2 checks the permission and makes nothing.
    ///
    /// # Errors
    /// [`CallError`] where the answer is neither that it would succeed nor that it is denied.
    pub async fn rehearse_vpc(&self) -> Result<Rehearsal, CallError> {
        let parameters = [("CidrBlock", "10.0.0.0/16")];
        self.rehearse(Operation::CreateVpc, &parameters).await
    }

    /// `CreateInternetGateway` as a dry run.
    ///
    /// # Errors
    /// [`CallError`] where the answer is neither that it would succeed nor that it is denied.
    pub async fn rehearse_internet_gateway(&self) -> Result<Rehearsal, CallError> {
        self.rehearse(Operation::CreateInternetGateway, &[]).await
    }

    async fn rehearse(
        &self,
        operation: Operation,
        parameters: &[(&str, &str)],
    ) -> Result<Rehearsal, CallError> {
        let body = ec2_request::dry_run(&operation.to_string(), parameters);
        let call = self.ec2(operation, "a dry run".to_owned(), body);
        let sent = self.inner.exchange.send(&call, self.deadline, |_| {
            // A dry run is always answered with an error.
            Err::<Rehearsal, _>("it was answered as if it had been carried out".into())
        });
        match sent.await {
            Err(error) if error.code() == Some("DryRunOperation") => Ok(Rehearsal::Allowed),
            Err(error) if error.kind() == ErrorKind::Denied => Ok(Rehearsal::Denied),
            other => other,
        }
    }

    /// `ListServiceQuotas`: all quotas of a service that apply to the account in the region.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn service_quotas(&self, service: &str) -> Result<Vec<Quota>, CallError> {
        let mut quotas = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut call = Call {
                operation: Operation::ListServiceQuotas,
                subject: service.to_owned(),
                unsigned: Unsigned {
                    uri: self.inner.service_quotas.clone(),
                    service: Service::Quotas.name(),
                    content_type: service_quotas::CONTENT_TYPE,
                    target: Some(service_quotas::TARGET),
                    body: bytes::Bytes::new(),
                },
            };
            call.unsigned.body = service_quotas::request(service, token.as_deref())
                .map_err(|e| call.failure(ErrorKind::Refused, 0, Some(e.into())))?;
            let page = self.inner.exchange.send(&call, self.deadline, |body| {
                let page = service_quotas::page(body)?;
                // The same token again would mean the same page for ever.
                if page.next_token.is_some() && page.next_token == token {
                    return Err("the same `NextToken` came twice".into());
                }
                Ok(page)
            });
            let page = page.await?;
            quotas.extend(page.quotas);
            match page.next_token {
                None => return Ok(quotas),
                Some(next) => token = Some(next),
            }
        }
    }
}
