//! The Rust SDK: one typed table per service, from an operation's name to the SDK's call.

mod cloudformation;
mod config;
mod iam;
mod input;
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
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use serde_json::Value;

use crate::raw::Http;
use crate::{ACCOUNT, REGION, Reply, Request, debug_form, ec2};

/// Clients for one endpoint after the other.
#[derive(Debug, Default)]
pub struct Clients {
    current: Option<(String, SdkConfig, aws_calls::Client)>,
}

impl Clients {
    pub(crate) async fn call(&mut self, endpoint: &str, request: &Request) -> Reply {
        if self.current.as_ref().is_none_or(|(at, ..)| at != endpoint) {
            self.current = Some(connect(endpoint));
        }
        let Some((_, sdk, calls)) = &self.current else {
            unreachable!("clients have just been made");
        };
        let name = request.operation.as_str();
        let input = input::Members::of(&request.input);
        match request.service.as_str() {
            "cloudformation" => cloudformation::call(sdk, name, &input).await,
            "config" => config::call(sdk, name, &input).await,
            "ec2" => ec2::call(calls, endpoint, request).await,
            "iam" => iam::call(sdk, name, &input).await,
            "lambda" => lambda::call(sdk, name, &input).await,
            "logs" => logs::call(sdk, name, &input).await,
            "s3" => s3::call(sdk, name, &input).await,
            "scheduler" => scheduler::call(sdk, name, &input).await,
            // No SDK of these is in the tree, so their JSON is spoken by hand.
            "secretsmanager" => by_hand(endpoint, "secretsmanager", request).await,
            "ssm" => by_hand(endpoint, "AmazonSSM", request).await,
            "service-quotas" => quotas::call(calls, endpoint, request).await,
            "sns" => sns::call(sdk, name, &input).await,
            "sts" => sts::call(sdk, name, &input).await,
            other => panic!("there is no service `{other}`"),
        }
    }
}

fn connect(endpoint: &str) -> (String, SdkConfig, aws_calls::Client) {
    let credentials = Credentials::new(ACCOUNT, "secret", None, None, "conformance");
    let credentials = SharedCredentialsProvider::new(credentials);
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(HttpClient::new().build_http())
        .retry_config(RetryConfig::disabled())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials.clone())
        .build();
    let mut config = aws_calls::Config::new(REGION, credentials);
    config.endpoint_url = Some(endpoint.to_owned());
    let calls = aws_calls::Client::new(config).unwrap();
    (endpoint.to_owned(), sdk, calls)
}

/// A call of a service that speaks JSON 1.1, without an SDK.
async fn by_hand(endpoint: &str, target: &str, request: &Request) -> Reply {
    let target = format!("{target}.{}", request.operation);
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    let body = request.input.to_string();
    let (status, body) = Http::new(endpoint)
        .send("POST", "/", ACCOUNT, &request.service, &headers, body)
        .await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let text = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
    if status == 200 {
        Reply::Output(answer)
    } else {
        Reply::Error {
            code: text("__type"),
            message: text("message"),
        }
    }
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
            None => Reply::Error {
                code: "not a service's error".to_owned(),
                message: format!("{error:?}"),
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
