//! STS through the front door.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::ids::Region;
use crate::sandbox::{Sandbox, Settings};
use crate::service::Service;

const ONE: &str = "123456789012";
const OTHER: &str = "210987654321";

fn target(account: &str, caller: Caller) -> Target {
    Target::new(
        AccountId::parse(account).unwrap(),
        Region::parse("us-east-1").unwrap(),
        caller,
    )
}

async fn role(sandbox: &Arc<Sandbox>, principal: Value) {
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
    let input = json!({"RoleName": "R", "AssumeRolePolicyDocument": trust.to_string()});
    let owner = target(ONE, Caller::Operator);
    sandbox
        .perform_value(&owner, Service::Iam, "CreateRole", input)
        .await
        .unwrap();
}

async fn assume(
    sandbox: &Arc<Sandbox>,
    from: &str,
    extra: (&str, Value),
) -> Result<Value, ApiError> {
    let mut input =
        json!({"RoleArn": format!("arn:aws:iam::{ONE}:role/R"), "RoleSessionName": "me"});
    input[extra.0] = extra.1;
    let caller = target(from, Caller::Operator);
    sandbox
        .perform_value(&caller, Service::Sts, "AssumeRole", input)
        .await
}

#[tokio::test]
async fn a_session_is_its_role_until_it_ends() {
    let sandbox = Sandbox::start(Settings::default());
    sandbox.clock.freeze();
    role(&sandbox, json!({"AWS": ONE})).await;
    let answer = assume(&sandbox, ONE, ("DurationSeconds", json!("900")))
        .await
        .unwrap();
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        format!("arn:aws:sts::{ONE}:assumed-role/R/me")
    );
    let key = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    let (account, caller) = sandbox.keys.lookup(key, sandbox.clock.now()).unwrap();
    let who = sandbox
        .perform_value(
            &target(account.as_str(), caller),
            Service::Sts,
            "GetCallerIdentity",
            json!({}),
        )
        .await
        .unwrap();
    assert_eq!(who["Account"], ONE);
    assert_eq!(who["UserId"], answer["AssumedRoleUser"]["AssumedRoleId"]);
    sandbox.clock.advance(Duration::from_secs(900));
    assert!(sandbox.keys.lookup(key, sandbox.clock.now()).is_none());
}

#[tokio::test]
async fn the_trust_policy_decides() {
    let sandbox = Sandbox::start(Settings::default());
    let denied = |result: Result<Value, ApiError>| result.unwrap_err().code == "AccessDenied";
    assert!(denied(
        assume(&sandbox, ONE, ("DurationSeconds", json!(900))).await
    ));
    role(
        &sandbox,
        json!({"AWS": format!("arn:aws:iam::{OTHER}:root")}),
    )
    .await;
    assert!(denied(
        assume(&sandbox, ONE, ("DurationSeconds", json!(900))).await
    ));
    assume(&sandbox, OTHER, ("DurationSeconds", json!(900)))
        .await
        .unwrap();
    let long = assume(&sandbox, OTHER, ("DurationSeconds", json!(7200))).await;
    assert_eq!(long.unwrap_err().code, "ValidationError");
    let unknown = assume(&sandbox, OTHER, ("Policy", json!("{}"))).await;
    assert_eq!(unknown.unwrap_err().status, 501);
}

#[tokio::test]
async fn the_operator_and_a_session_of_its_own() {
    let sandbox = Sandbox::start(Settings::default());
    let operator = target(ONE, Caller::Operator);
    let who = sandbox
        .perform_value(&operator, Service::Sts, "GetCallerIdentity", json!({}))
        .await
        .unwrap();
    assert_eq!(who["Arn"], format!("arn:aws:iam::{ONE}:user/operator"));
    assert_eq!(who["UserId"].as_str().unwrap().len(), 21);
    let session = sandbox
        .perform_value(&operator, Service::Sts, "GetSessionToken", json!({}))
        .await
        .unwrap();
    let key = session["Credentials"]["AccessKeyId"].as_str().unwrap();
    let (_, caller) = sandbox.keys.lookup(key, sandbox.clock.now()).unwrap();
    assert_eq!(caller, Caller::Operator);
}
