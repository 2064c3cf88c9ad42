#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::protocol::{Answer, Operation};
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing;
use crate::testing::{allowing, zipped};

mod asynchronous;
mod concurrency;
mod control;
mod function;
mod isolation;
mod limits;
mod memory;
mod ordinary_user;
mod phases;
mod python;
mod running;
mod runtime_api;
#[cfg(target_os = "linux")]
mod system_calls;
mod versions;

const ROLE: &str = "arn:aws:iam::123456789012:role/R";
const GROUP: &str = "lab";

#[derive(Clone, Default)]
struct Functions;

/// A sandbox with a role that functions can assume and that may write to the group `lab`.
type Lab = testing::World<Functions>;

impl Lab {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(mut settings: Settings) -> Self {
        // The functions of these tests are this test program.
        settings
            .function_paths
            .push(std::env::current_exe().unwrap());
        let lab = Self::start_with(Service::Lambda, settings);
        lab.role("R", json!({"Service": "lambda.amazonaws.com"}))
            .await;
        let policy = allowing(
            json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
            json!(format!(
                "arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*"
            )),
        );
        let input = json!({"RoleName": "R", "PolicyName": "logs", "PolicyDocument": policy});
        lab.of(Service::Iam).ok("PutRolePolicy", input).await;
        lab.of(Service::Logs)
            .ok("CreateLogGroup", json!({"logGroupName": GROUP}))
            .await;
        lab
    }

    /// The function `f` made of `code`, with `more` settings.
    async fn create(&self, code: &[u8], more: Value) -> Value {
        self.ok("CreateFunction", creation(code, more)).await
    }

    /// Invokes `f`: whether it failed, its answer, the end of its log.
    async fn invoke(&self, event: Value) -> (bool, Value, String) {
        self.invoke_as("f", event).await
    }

    /// Accepts `event` for `name`, for later.
    async fn invoke_later(&self, name: &str, event: Value) {
        let mut operation = Operation::new(
            "Invoke",
            json!({"FunctionName": name, "InvocationType": "Event"}),
        );
        operation.body = Bytes::from(event.to_string());
        self.perform(&operation).await.unwrap();
    }

    /// Waits until the log has `count` lines that match.
    async fn logged(&self, pattern: &str, count: usize) {
        while self.log(pattern).await.len() < count {
            tokio::task::yield_now().await;
        }
    }

    async fn invoke_as(&self, name: &str, event: Value) -> (bool, Value, String) {
        let mut operation =
            Operation::new("Invoke", json!({"FunctionName": name, "LogType": "Tail"}));
        operation.body = Bytes::from(event.to_string());
        let answer = self.perform(&operation).await.unwrap();
        let Answer::Http(response) = answer else {
            panic!("an invocation answers with a payload of its own");
        };
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let failed = header("x-amz-function-error").is_some();
        let tail = BASE64_STANDARD
            .decode(header("x-amz-log-result").unwrap())
            .unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (
            failed,
            serde_json::from_slice(&body).unwrap(),
            String::from_utf8(tail).unwrap(),
        )
    }

    /// All messages in the group, in order.
    async fn log(&self, pattern: &str) -> Vec<String> {
        let input = json!({"logGroupName": GROUP, "filterPattern": pattern});
        let found = self.of(Service::Logs).ok("FilterLogEvents", input).await;
        let events = found["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn creation(code: &[u8], more: Value) -> Value {
    let mut input = json!({
        "FunctionName": "f",
        "Runtime": "provided.al2023",
        "Role": ROLE,
        "Handler": "bootstrap",
        "Architectures": [if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }],
        "LoggingConfig": {"LogGroup": GROUP},
        "Code": {"ZipFile": BASE64_STANDARD.encode(code)},
    });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// A package whose `bootstrap` is `content`.
fn package(content: &[u8], mode: u32) -> Vec<u8> {
    zipped("bootstrap", content, mode)
}

/// A package that runs [`function::runtime_client`] in a process of this very test program.
fn client_package() -> Vec<u8> {
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\nexec '{}' --exact lambda::tests::function::runtime_client --nocapture\n",
        program.display()
    );
    package(script.as_bytes(), 0o755)
}
