//! Why a call failed.

use std::error::Error;
use std::fmt;

/// The calls that this crate makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// EC2 `DescribeSecurityGroups`.
    DescribeSecurityGroups,
    /// EC2 `AuthorizeSecurityGroupIngress`.
    AuthorizeSecurityGroupIngress,
    /// EC2 `RevokeSecurityGroupIngress`.
    RevokeSecurityGroupIngress,
    /// EC2 `AuthorizeSecurityGroupEgress`.
    AuthorizeSecurityGroupEgress,
    /// EC2 `RevokeSecurityGroupEgress`.
    RevokeSecurityGroupEgress,
    /// Config `PutEvaluations`.
    PutEvaluations,
    /// SSM `GetParameter`.
    GetParameter,
    /// EC2 `DescribeTags`.
    DescribeTags,
    /// EC2 `DescribeVpcs`.
    DescribeVpcs,
    /// EC2 `DescribeInternetGateways`.
    DescribeInternetGateways,
    /// EC2 `CreateVpc`, which is only rehearsed.
    CreateVpc,
    /// EC2 `CreateInternetGateway`, which is only rehearsed.
    CreateInternetGateway,
    /// Service Quotas `ListServiceQuotas`.
    ListServiceQuotas,
    /// Secrets Manager `GetSecretValue`.
    GetSecretValue,
    /// SNS `Publish`.
    Publish,
    /// EC2 `DescribeRegions`.
    DescribeRegions,
}

impl Operation {
    /// The name in snake case, as annotations and logs of the lab spell it.
    #[must_use]
    pub fn snake_case(self) -> &'static str {
        match self {
            Self::DescribeSecurityGroups => "describe_security_groups",
            Self::AuthorizeSecurityGroupIngress => "authorize_security_group_ingress",
            Self::RevokeSecurityGroupIngress => "revoke_security_group_ingress",
            Self::AuthorizeSecurityGroupEgress => "authorize_security_group_egress",
            Self::RevokeSecurityGroupEgress => "revoke_security_group_egress",
            Self::PutEvaluations => "put_evaluations",
            Self::GetParameter => "get_parameter",
            Self::DescribeTags => "describe_tags",
            Self::DescribeVpcs => "describe_vpcs",
            Self::DescribeInternetGateways => "describe_internet_gateways",
            Self::CreateVpc => "create_vpc",
            Self::CreateInternetGateway => "create_internet_gateway",
            Self::ListServiceQuotas => "list_service_quotas",
            Self::GetSecretValue => "get_secret_value",
            Self::Publish => "publish",
            Self::DescribeRegions => "describe_regions",
        }
    }
}

/// AWS's own name of the operation.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DescribeSecurityGroups => "DescribeSecurityGroups",
            Self::AuthorizeSecurityGroupIngress => "AuthorizeSecurityGroupIngress",
            Self::RevokeSecurityGroupIngress => "RevokeSecurityGroupIngress",
            Self::AuthorizeSecurityGroupEgress => "AuthorizeSecurityGroupEgress",
            Self::RevokeSecurityGroupEgress => "RevokeSecurityGroupEgress",
            Self::PutEvaluations => "PutEvaluations",
            Self::GetParameter => "GetParameter",
            Self::DescribeTags => "DescribeTags",
            Self::DescribeVpcs => "DescribeVpcs",
            Self::DescribeInternetGateways => "DescribeInternetGateways",
            Self::CreateVpc => "CreateVpc",
            Self::CreateInternetGateway => "CreateInternetGateway",
            Self::ListServiceQuotas => "ListServiceQuotas",
            Self::GetSecretValue => "GetSecretValue",
            Self::Publish => "Publish",
            Self::DescribeRegions => "DescribeRegions",
        })
    }
}

/// What a caller can do about a failure. Decided by AWS's error code, never by its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too many requests; still so after all attempts.
    Throttled,
    /// The service failed (5xx); still so after all attempts.
    Server,
    /// No connection, no answer in time, or a connection that broke; still so after all attempts.
    /// Whether a write took effect is unknown.
    Connection,
    /// A rule to revoke is not there (`InvalidPermission.NotFound`).
    RuleNotFound,
    /// A rule to authorize is already there (`InvalidPermission.Duplicate`).
    RuleDuplicate,
    /// The group is full (`RulesPerSecurityGroupLimitExceeded`).
    RuleLimit,
    /// The group does not exist (`InvalidGroup.NotFound`).
    GroupNotFound,
    /// The caller is known but may not do this.
    Denied,
    /// There are no credentials, or AWS does not accept them.
    Credentials,
    /// Config took the request, but not every evaluation in it.
    EvaluationsFailed,
    /// An answer that is not understood. Whether a write took effect is unknown.
    Answer,
    /// The time that the caller gave had run out before the request could be sent.
    OutOfTime,
    /// Any other refusal.
    Refused,
}

/// A call that failed, after as many attempts as the client's [`Retry`](crate::Retry) allows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CallError(Box<Details>);

#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) operation: Operation,
    pub(crate) subject: String,
    pub(crate) kind: ErrorKind,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl CallError {
    pub(crate) fn new(details: Details) -> Self {
        Self(Box::new(details))
    }

    /// The call.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What the call was about, like a group id.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// AWS's error code, like `UnauthorizedOperation`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// AWS's message, for people only.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// AWS's request id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How many times the request was sent (or tried to be).
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The cause below, where the failure did not come as an AWS error.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Everything on one line, causes included: for logs.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.0.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }
}

/// `` `RevokeSecurityGroupIngress` of `sg-…` failed: UnauthorizedOperation: … (status 403, request id …) ``
impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            subject,
            kind,
            code,
            message,
            request_id,
            status,
            attempts,
            source: _,
        } = self;
        write!(f, "`{operation}` of `{subject}` failed: ")?;
        match code {
            Some(code) => f.write_str(code)?,
            None => f.write_str(kind.words())?,
        }
        if let Some(message) = message {
            write!(f, ": {message}")?;
        }
        let mut notes = Vec::new();
        if let Some(status) = status {
            notes.push(format!("status {status}"));
        }
        if let Some(id) = request_id {
            notes.push(format!("request id {id}"));
        }
        if *attempts > 1 {
            notes.push(format!("{attempts} attempts"));
        }
        if notes.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", notes.join(", "))
        }
    }
}

impl ErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::Throttled => "too many requests",
            Self::Server => "the service failed",
            Self::Connection => "no answer",
            Self::RuleNotFound => "a rule is not there",
            Self::RuleDuplicate => "a rule is already there",
            Self::RuleLimit => "the group is full",
            Self::GroupNotFound => "there is no such group",
            Self::Denied => "not allowed",
            Self::Credentials => "no usable credentials",
            Self::EvaluationsFailed => "evaluations were not accepted",
            Self::Answer => "the answer is not understood",
            Self::OutOfTime => "no time was left for it",
            Self::Refused => "refused",
        }
    }

    /// Whether the same request may succeed a moment later.
    ///
    /// That is safe for all calls even when the first attempt took effect and only its
    /// answer was lost: reading and reporting are idempotent, and a repeated write is answered
    /// with [`ErrorKind::RuleDuplicate`] or [`ErrorKind::RuleNotFound`], upon which the caller
    /// reads the group again.
    pub(crate) fn is_transient(self) -> bool {
        match self {
            Self::Throttled | Self::Server | Self::Connection => true,
            Self::RuleNotFound
            | Self::RuleDuplicate
            | Self::RuleLimit
            | Self::GroupNotFound
            | Self::Denied
            | Self::Credentials
            | Self::EvaluationsFailed
            | Self::Answer
            | Self::OutOfTime
            | Self::Refused => false,
        }
    }
}
