//! AWS, seen from the lab: one file per service. The SDK's types stay in here; what goes out is our own.
//!
//! There are three facades. A [`Reader`] only looks, and is all that a command starts with. A [`Writer`] changes things, and
//! comes only out of a [`Consent`]: a dry run, which asks for none, cannot have one. [`ChangeSets`] is what a plan needs
//! besides: it has CloudFormation work out what it would do, and takes that away again.

mod account;
mod call;
mod cloudformation;
mod configservice;
mod http;
mod iam;
mod lambda;
mod logs;
mod own_role;
mod profile;
mod raw;
mod s3;
mod scheduler;
mod security_groups;
mod session;
mod sns;
mod ssm;
mod sts;

pub use call::{CallError, CallResult, Class, Doing};
pub use cloudformation::{
    ChangeSetDescription, ChangeSetId, ChangeSetSummary, ChangeSets, PropertyChange,
    ResourceChange, StackDescription, StackEvent, StackRequest, StackResource,
};
pub use configservice::{
    CONTINUOUS, Channel, ConfigItem, EvaluationResult, Exclusion, ModeOverride, RECORDED_TYPE,
    Recorder, RecorderDescription, RecordingGroup, RecordingMode, RuleDescription, RuleRequest,
    Strategy, TRIGGERS,
};
pub use iam::{RoleCount, Simulated, Simulation};
pub use lambda::FunctionDescription;
pub use logs::{LogEvent, LogQuery};
pub use own_role::{ROLE_PATH, RoleRequest};
pub use profile::CredentialSource;
pub use s3::{Document, Written};
pub use scheduler::ScheduleRequest;
pub use session::Session;
pub use sts::Identity;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::consent::Consent;
use crate::error::{Error, Kind, Result};

/// Two more than the SDK's default: CloudFormation and Config throttle quickly, and what is under way is worth the patience.
const ATTEMPTS: u32 = 5;
/// A handshake over the slowest of lines.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Until the answer begins, and so including an upload of the package. An endpoint that says nothing must not hang us.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Which endpoint and whose account; what is absent comes from the environment and the profile, as in every AWS tool.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// One endpoint for all services.
    pub endpoint_url: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The profile of the shared configuration files.
    pub profile: Option<String>,
    /// Whose key is used, and how patiently.
    pub session: Session,
}

/// Clients for every service the lab needs, and the calls that only look. Making them is cheap; nothing is called before it
/// is asked for.
#[derive(Debug, Clone)]
pub struct Reader {
    region: String,
    endpoint: Option<String>,
    /// What the clients of all regions share.
    http: SharedHttpClient,
    /// What the clients were made from.
    target: Target,
    credentials: CredentialSource,
    cloudformation: aws_sdk_cloudformation::Client,
    config: aws_sdk_configservice::Client,
    groups: aws_calls::Client,
    iam: aws_sdk_iam::Client,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    s3: aws_sdk_s3::Client,
    scheduler: aws_sdk_scheduler::Client,
    sns: aws_sdk_sns::Client,
    sts: aws_sdk_sts::Client,
}

/// The calls that change something.
#[derive(Debug, Clone)]
pub struct Writer {
    aws: Reader,
}

impl Writer {
    /// The writer beside a reader, for somebody who agreed to what will be done with it.
    pub fn new(aws: &Reader, _agreed: &Consent) -> Self {
        Self { aws: aws.clone() }
    }
}

impl Reader {
    /// Reads the AWS configuration and makes the clients.
    ///
    /// # Errors
    /// [`Kind::Input`] when no region is configured, a profile is named that there is not, or the client for security groups
    /// cannot be made.
    pub async fn connect(target: &Target) -> Result<Self> {
        Self::connect_through(http::client(), target).await
    }

    async fn connect_through(http: SharedHttpClient, target: &Target) -> Result<Self> {
        let credentials = CredentialSource::of(target, variable);
        credentials.check().await?;
        let sdk = load(target, &credentials, &http).await;
        let region = sdk.region().map(ToString::to_string).ok_or_else(|| {
            Error::input("no AWS region is configured").hint(
                "name one with `--region`, `AWS_REGION`, the settings file or your AWS profile",
            )
        })?;
        crate::spec::validate::region(&region)?;
        let endpoint = sdk.endpoint_url().map(str::to_owned);
        // The clients are alike and share no trait.
        macro_rules! builder {
            ($service:ident) => {{
                let builder = $service::config::Builder::from(&sdk);
                match target.session.quota() {
                    Some(quota) => builder.retry_partition(quota),
                    None => builder,
                }
            }};
        }
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(builder!($service).build())
            };
        }
        let s3 = builder!(aws_sdk_s3)
            // Virtual-hosted names need DNS for every bucket; only AWS itself has that for sure.
            .force_path_style(
                endpoint.is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some(),
            )
            .build();
        Ok(Self {
            region: region.clone(),
            cloudformation: client!(aws_sdk_cloudformation),
            config: client!(aws_sdk_configservice),
            groups: security_groups::client(&sdk, &region, target)?,
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            logs: client!(aws_sdk_cloudwatchlogs),
            s3: aws_sdk_s3::Client::from_conf(s3),
            scheduler: client!(aws_sdk_scheduler),
            sns: client!(aws_sdk_sns),
            sts: client!(aws_sdk_sts),
            endpoint,
            http,
            target: target.clone(),
            credentials,
        })
    }

    /// The same clients for another region.
    ///
    /// # Errors
    /// As for [`Reader::connect`].
    pub async fn in_region(&self, region: &str) -> Result<Self> {
        if region == self.region {
            return Ok(self.clone());
        }
        let target = Target {
            region: Some(region.to_owned()),
            ..self.target.clone()
        };
        Self::connect_through(self.http.clone(), &target).await
    }

    /// The region that the clients talk to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where the credentials come from.
    pub fn credentials(&self) -> &CredentialSource {
        &self.credentials
    }

    /// The endpoint that stands in for AWS, if one is configured.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

/// A variable of the environment; an empty one says nothing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value: &String| !value.is_empty())
}

async fn load(
    target: &Target,
    credentials: &CredentialSource,
    http: &SharedHttpClient,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .build(),
        );
    if std::env::var_os("AWS_MAX_ATTEMPTS").is_none() {
        loader = loader.retry_config(target.session.retries(ATTEMPTS));
    }
    if let Some(key) = target.session.credentials() {
        loader = loader.credentials_provider(key);
    }
    if let Ok(name) = AppName::new("driftlab") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &target.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &target.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &target.region {
        loader = loader.region(Region::new(region.clone()));
    }
    credentials.apply(loader.load().await, http)
}

/// Turns a moment of the SDK into ours, to the nearest millisecond. Config sends seconds as a binary fraction, so that what
/// was .126 arrives as .125999…: cutting that off would put a record before the change that it records.
fn moment(at: &aws_smithy_types::DateTime) -> Option<time::OffsetDateTime> {
    const MILLI: i128 = 1_000_000;
    let nanos = (at.as_nanos() + MILLI / 2).div_euclid(MILLI) * MILLI;
    time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

/// A required member of an answer that is not there.
fn absent(operation: &'static str, member: &str) -> CallError {
    CallError::malformed(operation, format!("the answer has no `{member}`"))
}

impl From<Class> for Kind {
    fn from(class: Class) -> Self {
        match class {
            Class::Refused | Class::Malformed => Self::Failed,
            Class::Unusable => Self::Input,
            Class::TimedOut | Class::Unreachable | Class::NoCredentials => Self::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    #[test]
    fn moments_survive_their_way_as_a_fraction() {
        for millis in 0..1000 {
            let secs = 1_795_339_859.0 + f64::from(millis) / 1000.0;
            let seen = moment(&DateTime::from_secs_f64(secs)).map(|at| at.millisecond());
            assert_eq!(seen, u16::try_from(millis).ok());
        }
    }
}
