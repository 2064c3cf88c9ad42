//! STS.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use serde_json::json;

use super::input::Members;
use super::{call, reply};
use crate::Reply;
use crate::debug_form::tree;

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "GetCallerIdentity" => call!(client.get_caller_identity, input, {}),
        "GetSessionToken" => {
            call!(client.get_session_token, input, { "DurationSeconds" => set_duration_seconds })
        }
        "AssumeRole" => assume_role(&client, input).await,
        other => panic!("the table of STS has no `{other}`"),
    }
}

/// The SDK shows nothing of credentials, which later steps call with.
async fn assume_role(client: &Client, input: &Members<'_>) -> Reply {
    input.only(&["RoleArn", "RoleSessionName", "DurationSeconds"]);
    let request = client
        .assume_role()
        .set_role_arn(input.get("RoleArn"))
        .set_role_session_name(input.get("RoleSessionName"))
        .set_duration_seconds(input.get("DurationSeconds"));
    match request.send().await {
        Ok(output) => {
            let mut shown = tree(&output);
            if let Some(issued) = output.credentials() {
                shown["credentials"] = json!({
                    "access_key_id": issued.access_key_id(),
                    "secret_access_key": issued.secret_access_key(),
                    "session_token": issued.session_token(),
                    "expiration": issued.expiration().secs(),
                });
            }
            Reply::Output(shown)
        }
        Err(error) => reply::<(), _, _>(Err(error)),
    }
}
