//! STS.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;

use super::call;
use super::input::Members;
use crate::Reply;

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "GetCallerIdentity" => call!(client.get_caller_identity, input, {}),
        "GetSessionToken" => {
            call!(client.get_session_token, input, { "DurationSeconds" => set_duration_seconds })
        }
        "AssumeRole" => call!(client.assume_role, input, {
            "RoleArn" => set_role_arn,
            "RoleSessionName" => set_role_session_name,
            "DurationSeconds" => set_duration_seconds,
        }),
        other => panic!("the table of STS has no `{other}`"),
    }
}
