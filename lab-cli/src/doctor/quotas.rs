//! The quotas that a new lab counts against, as data.

/// A quota of Service Quotas and how many a new lab needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What it limits, in the plural.
    pub what: &'static str,
    /// The service's code.
    pub service: &'static str,
    /// The quota's code.
    pub code: &'static str,
    /// AWS's default, for when the account's own cannot be read.
    pub default: u64,
    /// How many the lab makes.
    pub needed: u64,
}

/// VPCs of a region.
pub const VPCS: Quota = Quota {
    what: "VPCs in the region",
    service: "vpc",
    code: "L-F678F1CE",
    default: 5,
    needed: 1,
};
/// Internet gateways of a region.
pub const GATEWAYS: Quota = Quota {
    what: "internet gateways in the region",
    service: "vpc",
    code: "L-A4707A72",
    default: 5,
    needed: 1,
};
/// Security groups of a region. A VPC comes with one.
pub const GROUPS: Quota = Quota {
    what: "security groups in the region",
    service: "vpc",
    code: "L-E79EC296",
    default: 2500,
    needed: 2,
};
/// Roles of an account. IAM tells its own quotas, so this code is only for the request to raise it.
pub const ROLES: Quota = Quota {
    what: "IAM roles in the account",
    service: "iam",
    code: "L-FE177D64",
    default: 1000,
    needed: 2,
};
/// Buckets of an account: the code bucket and the delivery bucket. The default is that of the S3 User Guide ("General purpose
/// bucket quotas, limitations, and restrictions", read in November 2026): 10,000. Only one region of each partition knows the
/// account's own quota ([`home_of_buckets`]).
pub const BUCKETS: Quota = Quota {
    what: "buckets in the account",
    service: "s3",
    code: "L-DC2B2D3D",
    default: 10_000,
    needed: 2,
};
/// Rules of AWS Config in a region: 1,000, says its API reference (`MaxNumberOfConfigRulesExceededException`, read in November
/// 2026). Service Quotas is not asked: no code for it is published.
pub const RULES: Quota = Quota {
    what: "AWS Config rules in the region",
    service: "config",
    code: "",
    default: 1000,
    needed: 1,
};

/// The region of a partition in which Service Quotas knows how many buckets an account may have, says the S3 User Guide.
pub fn home_of_buckets(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}
