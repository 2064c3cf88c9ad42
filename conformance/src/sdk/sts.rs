//! STS.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::types::Credentials;
use serde_json::{Value, json};

use super::input::Members;
use super::{call, reply};
use crate::Reply;
use crate::debug_form::tree;

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "GetCallerIdentity" => call!(client.get_caller_identity, input, {}),
        "GetSessionToken" => session_token(&client, input).await,
        "AssumeRole" => assume_role(&client, input).await,
        other => panic!("the table of STS has no `{other}`"),
    }
}

async fn session_token(client: &Client, input: &Members<'_>) -> Reply {
    input.only(&["DurationSeconds"]);
    let request = client
        .get_session_token()
        .set_duration_seconds(input.get("DurationSeconds"));
    match request.send().await {
        Ok(output) => with_credentials(tree(&output), output.credentials()),
        Err(error) => reply::<(), _, _>(Err(error)),
    }
}

async fn assume_role(client: &Client, input: &Members<'_>) -> Reply {
    input.only(&["RoleArn", "RoleSessionName", "DurationSeconds"]);
    let request = client
        .assume_role()
        .set_role_arn(input.get("RoleArn"))
        .set_role_session_name(input.get("RoleSessionName"))
        .set_duration_seconds(input.get("DurationSeconds"));
    match request.send().await {
        Ok(output) => with_credentials(tree(&output), output.credentials()),
        Err(error) => reply::<(), _, _>(Err(error)),
    }
}

/// The SDK shows nothing of credentials, which later steps call with.
fn with_credentials(mut shown: Value, issued: Option<&Credentials>) -> Reply {
    if let Some(issued) = issued {
        shown["credentials"] = json!({
            "access_key_id": issued.access_key_id(),
            "secret_access_key": issued.secret_access_key(),
            "session_token": issued.session_token(),
            "expiration": issued.expiration().secs(),
        });
    }
    Reply::Output(shown)
}
