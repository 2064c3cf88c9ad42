//! The AWS API calls of the remediation: describe security groups, authorize and revoke their rules
//! (EC2), report evaluations (Config), read a policy (SSM) or a secret (Secrets Manager), publish (SNS);
//! and posting to a webhook.
//!
//! Only the requests and the reading of the answers are written here, because the generated EC2
//! client alone costs ten minutes of building and megabytes of binary; and the signatures, because
//! the SDK's were half of the instructions of a repair. Nothing here reads the environment except [`Config::from_env`].

mod account;
mod ahead;
mod clock;
mod config;
mod config_service;
mod credentials;
mod ec2_request;
mod ec2_response;
mod endpoint;
mod error;
mod exchange;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod hostile;
mod ops;
#[cfg(test)]
mod properties;
mod retry;
mod secrets;
mod service_quotas;
mod sign;
mod sns;
mod ssm;
mod transport;
mod trust;
mod webhook;
mod wire_error;

pub use account::Rehearsal;
pub use config::{Config, ConfigError, Timeouts};
pub use config_service::{MAX_EVALUATIONS, Rejected};
pub use ec2_response::{GroupPage, TaggedResource, UnreadableGroup};
pub use endpoint::EndpointError;
pub use error::{CallError, ErrorKind, Operation};
pub use ops::{Client, ClientError, GroupQuery, Revoked};
pub use retry::Retry;
pub use service_quotas::Quota;
pub use sns::Announcement;
pub use trust::BundleError;
pub use webhook::{WebhookError, WebhookUrl};
