//! The account as a whole: how much there is of what, how much there may be, and what EC2 says to rehearsals.

use std::collections::BTreeMap;

use aws_calls::Rehearsal;

use super::security_groups::from_calls;
use super::{CallResult, Reader};

impl Reader {
    /// How many VPCs the region has.
    ///
    /// # Errors
    /// The failed call.
    pub async fn vpc_count(&self) -> CallResult<u64> {
        self.groups
            .vpcs()
            .await
            .map(|found| found.len() as u64)
            .map_err(|e| from_calls("ec2:DescribeVpcs", &e))
    }

    /// How many internet gateways the region has.
    ///
    /// # Errors
    /// The failed call.
    pub async fn gateway_count(&self) -> CallResult<u64> {
        self.groups
            .internet_gateways()
            .await
            .map(|found| found.len() as u64)
            .map_err(|e| from_calls("ec2:DescribeInternetGateways", &e))
    }

    /// The quotas of a service that apply here, by their codes.
    ///
    /// # Errors
    /// The failed call.
    pub async fn quotas(&self, service: &str) -> CallResult<BTreeMap<String, u64>> {
        let quotas = self
            .groups
            .service_quotas(service)
            .await
            .map_err(|e| from_calls("servicequotas:ListServiceQuotas", &e))?;
        Ok(quotas
            .into_iter()
            .map(|quota| (quota.quota_code, whole(quota.value)))
            .collect())
    }

    /// Whether EC2 would make a VPC, as a dry run says it.
    ///
    /// # Errors
    /// The failed call.
    pub async fn may_create_vpc(&self) -> CallResult<bool> {
        self.groups
            .rehearse_vpc()
            .await
            .map(|said| said == Rehearsal::Allowed)
            .map_err(|e| from_calls("ec2:CreateVpc", &e))
    }

    /// Whether EC2 would make an internet gateway, as a dry run says it.
    ///
    /// # Errors
    /// The failed call.
    pub async fn may_create_internet_gateway(&self) -> CallResult<bool> {
        self.groups
            .rehearse_internet_gateway()
            .await
            .map(|said| said == Rehearsal::Allowed)
            .map_err(|e| from_calls("ec2:CreateInternetGateway", &e))
    }
}

/// A quota is a double on the wire and a count here; what is below zero or too large is no count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is wanted"
)]
fn whole(value: f64) -> u64 {
    value.floor() as u64
}
