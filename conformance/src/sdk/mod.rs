//! The Rust SDK: one typed table per service, from an operation's name to the SDK's call.

mod cloudformation;
mod config;
mod iam;
mod input;
mod json;
mod lambda;
mod logs;
mod quotas;
mod s3;
mod scheduler;
mod sns;
mod sts;

use std::fmt::Debug;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::signing::Keys;
use crate::world::World;
use crate::{REGION, Reply, Request, debug_form, ec2};

/// Clients for one endpoint after the other.
#[derive(Debug, Default)]
pub struct Clients {
    /// Endpoint and keys with what was made for them.
    current: Option<((String, Keys), SdkConfig, aws_calls::Client)>,
}

impl Clients {
    pub(crate) async fn call(&mut self, world: &World, request: &Request) -> Reply {
        let wanted = (world.endpoint().to_owned(), request.keys.clone());
        if self.current.as_ref().is_none_or(|(at, ..)| *at != wanted) {
            self.current = Some(connect(wanted));
        }
        let Some((_, sdk, calls)) = &self.current else {
            unreachable!("clients have just been made");
        };
        let name = request.operation.as_str();
        let input = input::Members::of(&request.input);
        match request.service.as_str() {
            "cloudformation" => cloudformation::call(sdk, name, &input).await,
            "cloudtrail" | "events" | "secretsmanager" | "ssm" => json::call(world, request).await,
            "config" => config::call(sdk, name, &input).await,
            "ec2" => ec2::call(calls, world, request).await,
            "iam" => iam::call(sdk, name, &input).await,
            "lambda" => lambda::call(sdk, name, &input).await,
            "logs" => logs::call(sdk, name, &input).await,
            "s3" => s3::call(sdk, name, &input).await,
            "scheduler" => scheduler::call(sdk, name, &input).await,
            "service-quotas" => quotas::call(calls, world, request).await,
            "sns" => sns::call(sdk, name, &input).await,
            "sts" => sts::call(sdk, name, &input).await,
            other => panic!("there is no service `{other}`"),
        }
    }
}

fn connect(at: (String, Keys)) -> ((String, Keys), SdkConfig, aws_calls::Client) {
    let (endpoint, keys) = &at;
    let credentials = SharedCredentialsProvider::new(keys.for_sdk());
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(HttpClient::new().build_http())
        .retry_config(RetryConfig::disabled())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials.clone())
        .build();
    let mut config = aws_calls::Config::new(REGION, credentials);
    config.endpoint_url = Some(endpoint.clone());
    // Scenarios are about answers, not about how a client copes with them.
    config.retry.max_attempts = 1;
    let calls = aws_calls::Client::new(config).unwrap();
    (at, sdk, calls)
}

/// What the SDK made of an answer.
fn reply<O: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(
    result: Result<O, SdkError<E, R>>,
) -> Reply {
    match result {
        Ok(output) => Reply::Output(debug_form::tree(&output)),
        Err(error) => match error.as_service_error() {
            Some(told) => Reply::Error {
                code: told.code().unwrap_or("no code").to_owned(),
                message: told.message().unwrap_or_default().to_owned(),
            },
            None => match error {
                SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                    Reply::no_answer(format!("{error:?}"))
                }
                _ => Reply::Error {
                    code: "not a service's error".to_owned(),
                    message: format!("{error:?}"),
                },
            },
        },
    }
}

/// One operation of the SDK with the members of its input that scenarios use.
macro_rules! call {
    ($client:ident.$operation:ident, $input:ident, { $($member:literal => $setter:ident),* $(,)? }) => {{
        $input.only(&[$($member),*]);
        $crate::sdk::reply($client.$operation()$(.$setter($input.get($member)))*.send().await)
    }};
}
use call;
