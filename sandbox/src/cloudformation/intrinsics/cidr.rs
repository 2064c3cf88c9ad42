//! `Fn::Cidr`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{Scope, arguments};
use crate::cloudformation::invalid;
use crate::cloudformation::limits::VALUE_WORK;
use crate::error::ApiError;

/// How many blocks `Fn::Cidr` gives at most (CloudFormation User Guide, "Fn::Cidr").
const MOST_BLOCKS: usize = 256;

impl Scope<'_> {
    /// The blocks of a network.
    ///
    /// # Errors
    /// `ValidationError` for arguments that do not fit, or a network that holds fewer.
    pub(super) fn cidr(&self, argument: &Value) -> Result<Value, ApiError> {
        let name = "Fn::Cidr";
        let (block, count, bits) = match argument.as_array().map(Vec::as_slice) {
            Some([block, count]) => (block, count, None),
            Some([block, count, bits]) => (block, count, Some(bits)),
            _ => return Err(arguments(name)),
        };
        let block: IpNet = self
            .text(block, name)?
            .parse()
            .map_err(|_| arguments(name))?;
        let count: usize = self
            .text(count, name)?
            .parse()
            .map_err(|_| arguments(name))?;
        let bits: u8 = match bits {
            Some(bits) => self
                .text(bits, name)?
                .parse()
                .map_err(|_| arguments(name))?,
            None => 8,
        };
        let width = if matches!(block.addr(), IpAddr::V4(_)) {
            32_u8
        } else {
            128
        };
        let prefix = width.checked_sub(bits).ok_or_else(|| arguments(name))?;
        let blocks: Vec<String> = block
            .subnets(prefix)
            .map_err(|_| arguments(name))?
            .take(count.min(MOST_BLOCKS))
            .map(|block| block.to_string())
            .collect();
        self.budget.spend(blocks.len() * VALUE_WORK)?;
        if !(1..=MOST_BLOCKS).contains(&count) || blocks.len() < count {
            return Err(invalid(format!(
                "Template error: Fn::Cidr: {block} does not hold {count} blocks of {bits} bits"
            )));
        }
        Ok(blocks.into())
    }
}
