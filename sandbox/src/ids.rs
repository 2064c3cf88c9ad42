//! Identifiers: what names an account and a region, and how AWS's random ids look.

use std::fmt;

use crate::error::ApiError;

/// A 12-digit AWS account id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// `None` unless `text` is exactly twelve digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Self(text.to_owned()))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An AWS region that exists, in any partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(&'static str);

/// The regions of the commercial, China and GovCloud partitions, from the AWS general reference.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

impl Region {
    /// `None` for a name that is no AWS region.
    pub fn parse(text: &str) -> Option<Self> {
        REGIONS
            .iter()
            .find(|known| **known == text)
            .map(|known| Self(known))
    }

    /// AWS's first region, which stands for none: `us-east-1`.
    pub fn first() -> Self {
        Self("us-east-1")
    }

    /// The region's name, for example `us-east-1`.
    pub fn as_str(&self) -> &'static str {
        self.0
    }

    /// The partition that the region belongs to: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        if self.0.starts_with("cn-") {
            "aws-cn"
        } else if self.0.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }

    /// The domain of the partition's endpoints.
    pub fn url_suffix(&self) -> &'static str {
        if self.partition() == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        }
    }

    /// Every region that the sandbox knows.
    pub fn all() -> impl Iterator<Item = Region> {
        REGIONS.iter().map(|name| Region(name))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An ARN taken apart: `arn:<partition>:<service>:<region>:<account>:<resource>`.
///
/// Whoever reads a name out of an ARN asks [`Arn::check_is_of`] first: a name means nothing without
/// its account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'a str,
    /// For example `lambda`.
    pub service: &'a str,
    /// Empty for what is global.
    pub region: &'a str,
    /// Empty for what names no account.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

/// Where an ARN leads that does not lead here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// Into another account.
    Account,
    /// Into another region (or partition) of this account.
    Region,
}

impl<'a> Arn<'a> {
    /// `None` for a text that is no ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        Some(Self {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }

    /// Whether the ARN leads into this account and region.
    ///
    /// # Errors
    /// Where it leads instead; how a service says that is its own.
    pub fn check_is_of(&self, account: &AccountId, region: &Region) -> Result<(), Elsewhere> {
        if self.account != account.as_str() {
            return Err(Elsewhere::Account);
        }
        if self.region != region.as_str() || self.partition != region.partition() {
            return Err(Elsewhere::Region);
        }
        Ok(())
    }
}

/// `arn:<partition>:<service>:<region>:<account>:<resource>`. IAM and S3 leave region and/or account
/// empty: they build theirs with [`global_arn`].
pub fn arn(region: &Region, account: &AccountId, service: &str, resource: &str) -> String {
    format!(
        "arn:{}:{service}:{region}:{account}:{resource}",
        region.partition()
    )
}

/// An ARN without a region, as IAM has it.
pub fn global_arn(partition: &str, account: &AccountId, service: &str, resource: &str) -> String {
    format!("arn:{partition}:{service}::{account}:{resource}")
}

/// `<prefix>` followed by `digits` random lower-case hexadecimal digits, as in `sg-0a1b…` (17 digits).
pub fn hex_id(prefix: &str, digits: usize) -> String {
    let mut id = String::with_capacity(prefix.len() + digits);
    id.push_str(prefix);
    id.extend((0..digits).map(|_| char::from(b"0123456789abcdef"[fastrand::usize(..16)])));
    id
}

/// `len` random characters of `A-Z0-9`, as in the names that CloudFormation makes up and in access keys.
pub fn upper_id(prefix: &str, len: usize) -> String {
    let mut id = prefix.to_owned();
    id.extend(
        (0..len)
            .map(|_| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[fastrand::usize(..36)])),
    );
    id
}

/// A random UUID in its usual form: request ids, event ids, tokens.
pub fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// The error for a region name that does not exist, in the words of the sandbox (AWS itself has no
/// endpoint to answer from).
pub fn unknown_region(name: &str) -> ApiError {
    ApiError::bad(
        "InvalidRegion",
        format!(
            "`{name}` is not an AWS region; set AWS_REGION to one that exists, for example us-east-1"
        ),
    )
}

#[cfg(test)]
mod elsewhere;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn arn_leads_here_only_with_this_account_region_and_partition() {
        let account = AccountId::parse("123456789012").unwrap();
        let region = Region::parse("us-east-1").unwrap();
        for (text, expected) in [
            ("arn:aws:ssm:us-east-1:123456789012:parameter/a:1", Ok(())),
            (
                "arn:aws:ssm:us-east-1:210987654321:parameter/a",
                Err(Elsewhere::Account),
            ),
            (
                "arn:aws:ssm:us-east-1::parameter/a",
                Err(Elsewhere::Account),
            ),
            (
                "arn:aws:ssm:eu-west-1:123456789012:parameter/a",
                Err(Elsewhere::Region),
            ),
            (
                "arn:aws-cn:ssm:us-east-1:123456789012:parameter/a",
                Err(Elsewhere::Region),
            ),
        ] {
            let arn = Arn::parse(text).unwrap();
            assert_eq!(arn.check_is_of(&account, &region), expected, "{text}");
        }
        let arn = Arn::parse("arn:aws:ssm:us-east-1:123456789012:parameter/a:1").unwrap();
        assert_eq!(arn.resource, "parameter/a:1");
        for text in [
            "",
            "parameter",
            "arn:aws:ssm:us-east-1:123456789012",
            "x:aws:a:b:c:d",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_have_the_shape_of_aws() {
        assert_eq!(hex_id("sg-", 17).len(), 20);
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(AccountId::parse("12345678901").is_none());
        assert!(AccountId::parse("12345678901a").is_none());
        assert!(Region::parse("us-east-9").is_none());
    }
}
