//! The services: how each is addressed and who answers for it.

use crate::error::ApiError;
use crate::protocol::{HttpRequest, Operation, Protocol, json, query};
use crate::sandbox::{Call, Outcome};
use crate::{
    cloudformation, cloudtrail, config, ec2, events, iam, lambda, logs, quotas, s3, scheduler,
    secretsmanager, sns, ssm, sts,
};

/// A service that the sandbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Stacks.
    CloudFormation,
    /// The history of calls.
    CloudTrail,
    /// Recorder, channel, rules, evaluations.
    Config,
    /// Networks and security groups.
    Ec2,
    /// EventBridge: rules and their targets.
    Events,
    /// Roles and policies.
    Iam,
    /// Functions.
    Lambda,
    /// CloudWatch Logs.
    Logs,
    /// Service Quotas.
    Quotas,
    /// Buckets.
    S3,
    /// EventBridge Scheduler: schedules that call APIs.
    Scheduler,
    /// Secrets Manager.
    SecretsManager,
    /// Topics.
    Sns,
    /// Systems Manager's Parameter Store.
    Ssm,
    /// Identities and sessions.
    Sts,
}

impl Service {
    /// Every service that the sandbox has.
    pub const ALL: &[Self] = &[
        Service::CloudFormation,
        Service::CloudTrail,
        Service::Config,
        Service::Ec2,
        Service::Events,
        Service::Iam,
        Service::Lambda,
        Service::Logs,
        Service::Quotas,
        Service::S3,
        Service::Scheduler,
        Service::SecretsManager,
        Service::Sns,
        Service::Ssm,
        Service::Sts,
    ];

    /// From the service name in a request's credential scope.
    pub fn from_signing_name(name: &str) -> Option<Self> {
        Some(match name {
            "cloudformation" => Service::CloudFormation,
            "cloudtrail" => Service::CloudTrail,
            "config" => Service::Config,
            "ec2" => Service::Ec2,
            "events" => Service::Events,
            "iam" => Service::Iam,
            "lambda" => Service::Lambda,
            "logs" => Service::Logs,
            "servicequotas" => Service::Quotas,
            "s3" => Service::S3,
            "scheduler" => Service::Scheduler,
            "secretsmanager" => Service::SecretsManager,
            "sns" => Service::Sns,
            "ssm" => Service::Ssm,
            "sts" => Service::Sts,
            _ => return None,
        })
    }

    /// The service's name in credential scopes and in front of IAM actions.
    pub fn signing_name(self) -> &'static str {
        match self {
            Service::CloudFormation => "cloudformation",
            Service::CloudTrail => "cloudtrail",
            Service::Config => "config",
            Service::Ec2 => "ec2",
            Service::Events => "events",
            Service::Iam => "iam",
            Service::Lambda => "lambda",
            Service::Logs => "logs",
            Service::Quotas => "servicequotas",
            Service::S3 => "s3",
            Service::Scheduler => "scheduler",
            Service::SecretsManager => "secretsmanager",
            Service::Sns => "sns",
            Service::Ssm => "ssm",
            Service::Sts => "sts",
        }
    }

    /// How the service speaks.
    pub fn protocol(self) -> Protocol {
        match self {
            Service::CloudFormation => {
                Protocol::Query("http://cloudformation.amazonaws.com/doc/2010-05-15/")
            }
            Service::Ec2 => Protocol::Ec2("http://ec2.amazonaws.com/doc/2016-11-15/"),
            Service::Iam => Protocol::Query("https://iam.amazonaws.com/doc/2010-05-08/"),
            Service::Sns => Protocol::Query("http://sns.amazonaws.com/doc/2010-03-31/"),
            Service::Sts => Protocol::Query("https://sts.amazonaws.com/doc/2011-06-15/"),
            Service::CloudTrail
            | Service::Config
            | Service::Events
            | Service::Logs
            | Service::Quotas
            | Service::SecretsManager
            | Service::Ssm => Protocol::Json,
            Service::Lambda | Service::Scheduler => Protocol::RestJson,
            Service::S3 => Protocol::RestXml,
        }
    }

    /// Reads the operation out of a request.
    ///
    /// # Errors
    /// When the request is not of the service's protocol.
    pub fn decode(self, request: &HttpRequest) -> Result<Operation, ApiError> {
        match self.protocol() {
            Protocol::Query(_) | Protocol::Ec2(_) => {
                let body = form_urlencoded::parse(&request.body).into_owned();
                let input = query::decode(request.query_pairs().into_iter().chain(body));
                let Some(action) = input.get("Action").and_then(|action| action.as_str()) else {
                    return Err(ApiError::bad(
                        "MissingAction",
                        "the request has no parameter Action",
                    ));
                };
                Ok(Operation::new(action.to_owned(), input.clone()))
            }
            Protocol::Json => {
                let Some((_, action)) = request
                    .header("x-amz-target")
                    .and_then(|target| target.rsplit_once('.'))
                else {
                    return Err(ApiError::bad(
                        "UnknownOperationException",
                        "the request has no header X-Amz-Target",
                    ));
                };
                Ok(Operation::new(action, json::decode(&request.body)?))
            }
            Protocol::RestJson if self == Service::Scheduler => scheduler::decode(request),
            Protocol::RestJson => lambda::decode(request),
            Protocol::RestXml => s3::decode(request),
        }
    }

    /// The HTTP status with which an operation of a REST service with JSON bodies succeeds.
    pub(crate) fn success(self, operation: &str) -> u16 {
        match self {
            Service::Lambda => lambda::success(operation),
            _ => 200,
        }
    }

    /// Hands an operation to the service.
    ///
    /// # Errors
    /// What AWS would answer.
    pub fn dispatch(self, call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
        match self {
            Service::CloudFormation => cloudformation::dispatch(call, operation),
            Service::CloudTrail => cloudtrail::dispatch(call, operation),
            Service::Config => config::dispatch(call, operation),
            Service::Ec2 => ec2::dispatch(call, operation),
            Service::Events => events::dispatch(call, operation),
            Service::Iam => iam::dispatch(call, operation),
            Service::Lambda => lambda::dispatch(call, operation),
            Service::Logs => logs::dispatch(call, operation),
            Service::Quotas => quotas::dispatch(call, operation),
            Service::S3 => s3::dispatch(call, operation),
            Service::Scheduler => scheduler::dispatch(call, operation),
            Service::SecretsManager => secretsmanager::dispatch(call, operation),
            Service::Sns => sns::dispatch(call, operation),
            Service::Ssm => ssm::dispatch(call, operation),
            Service::Sts => sts::dispatch(call, operation),
        }
    }

    /// What the caller must be allowed to do for `operation`. The default is the operation's own
    /// name on every resource; services narrow that where AWS supports resources and condition keys.
    pub fn required_access(self, call: &mut Call<'_>, operation: &Operation) -> Vec<iam::Access> {
        match self {
            Service::CloudFormation => cloudformation::required_access(call, operation),
            Service::CloudTrail => cloudtrail::required_access(call, operation),
            Service::Config => config::required_access(call, operation),
            Service::Ec2 => ec2::required_access(call, operation),
            Service::Events => events::required_access(call, operation),
            Service::Iam => iam::required_access(call, operation),
            Service::Lambda => lambda::required_access(call, operation),
            Service::Logs => logs::required_access(call, operation),
            Service::Quotas => quotas::required_access(call, operation),
            Service::S3 => s3::required_access(call, operation),
            Service::Scheduler => scheduler::required_access(call, operation),
            Service::SecretsManager => secretsmanager::required_access(call, operation),
            Service::Sns => sns::required_access(call, operation),
            Service::Ssm => ssm::required_access(call, operation),
            Service::Sts => sts::required_access(call, operation),
        }
    }

    /// The code and HTTP status with which the service says that something is not allowed.
    pub fn denial(self) -> (u16, &'static str) {
        match self {
            Service::Ec2 => (403, "UnauthorizedOperation"),
            Service::CloudTrail
            | Service::Config
            | Service::Events
            | Service::Logs
            | Service::Quotas
            | Service::SecretsManager
            | Service::Ssm => (400, "AccessDeniedException"),
            Service::Lambda | Service::Scheduler => (403, "AccessDeniedException"),
            Service::Sns => (403, "AuthorizationError"),
            Service::CloudFormation | Service::Iam | Service::S3 | Service::Sts => {
                (403, "AccessDenied")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Service;

    /// Faults for all services would pass by one that is missing.
    #[test]
    fn every_service_is_among_all() {
        // A new service does not compile here until somebody has looked at the list.
        let place = |service: &Service| match service {
            Service::CloudFormation => 0,
            Service::CloudTrail => 1,
            Service::Config => 2,
            Service::Ec2 => 3,
            Service::Events => 4,
            Service::Iam => 5,
            Service::Lambda => 6,
            Service::Logs => 7,
            Service::Quotas => 8,
            Service::S3 => 9,
            Service::Scheduler => 10,
            Service::SecretsManager => 11,
            Service::Sns => 12,
            Service::Ssm => 13,
            Service::Sts => 14,
        };
        let places: Vec<usize> = Service::ALL.iter().map(place).collect();
        assert_eq!(places, (0..15).collect::<Vec<_>>());
    }
}
