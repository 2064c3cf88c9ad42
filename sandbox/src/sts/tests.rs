//! STS through the front door.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use super::*;
use crate::service::Service;
use crate::testing::World;

const ONE: &str = crate::testing::ACCOUNT;
const OTHER: &str = "210987654321";

fn world() -> World {
    World::start(Service::Sts)
}

async fn assume(world: &World, from: &str, extra: (&str, Value)) -> Result<Value, ApiError> {
    let mut input =
        json!({"RoleArn": format!("arn:aws:iam::{ONE}:role/R"), "RoleSessionName": "me"});
    input[extra.0] = extra.1;
    world.in_account(from).call("AssumeRole", input).await
}

#[tokio::test]
async fn a_session_is_its_role_until_it_ends() {
    let world = world().frozen();
    let keys = &world.sandbox.keys;
    world.role("R", json!({"AWS": ONE})).await;
    let answer = assume(&world, ONE, ("DurationSeconds", json!("900")))
        .await
        .unwrap();
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        format!("arn:aws:sts::{ONE}:assumed-role/R/me")
    );
    let key = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    let (account, caller) = keys.lookup(key, world.sandbox.clock.now()).unwrap();
    let session = world.in_account(account.as_str()).by(caller);
    let who = session.ok("GetCallerIdentity", json!({})).await;
    assert_eq!(who["Account"], ONE);
    assert_eq!(who["UserId"], answer["AssumedRoleUser"]["AssumedRoleId"]);
    world.sandbox.clock.advance(Duration::from_secs(900));
    assert!(keys.lookup(key, world.sandbox.clock.now()).is_none());
}

#[tokio::test]
async fn the_trust_policy_decides() {
    let world = world();
    let denied = |result: Result<Value, ApiError>| result.unwrap_err().code == "AccessDenied";
    assert!(denied(
        assume(&world, ONE, ("DurationSeconds", json!(900))).await
    ));
    world
        .role("R", json!({"AWS": format!("arn:aws:iam::{OTHER}:root")}))
        .await;
    assert!(denied(
        assume(&world, ONE, ("DurationSeconds", json!(900))).await
    ));
    assume(&world, OTHER, ("DurationSeconds", json!(900)))
        .await
        .unwrap();
    let long = assume(&world, OTHER, ("DurationSeconds", json!(7200))).await;
    assert_eq!(long.unwrap_err().code, "ValidationError");
    let unknown = assume(&world, OTHER, ("Policy", json!("{}"))).await;
    assert_eq!(unknown.unwrap_err().status, 501);
}

#[tokio::test]
async fn the_operator_and_a_session_of_its_own() {
    let world = world();
    let keys = &world.sandbox.keys;
    let who = world.ok("GetCallerIdentity", json!({})).await;
    assert_eq!(who["Arn"], format!("arn:aws:iam::{ONE}:user/operator"));
    assert_eq!(who["UserId"].as_str().unwrap().len(), 21);
    let session = world.ok("GetSessionToken", json!({})).await;
    let key = session["Credentials"]["AccessKeyId"].as_str().unwrap();
    let (_, caller) = keys.lookup(key, world.sandbox.clock.now()).unwrap();
    assert_eq!(caller, Caller::Operator);
}

#[tokio::test]
async fn the_root_user_is_its_account_and_assumes_no_role() {
    let world = world();
    let now = world.sandbox.clock.now();
    let keys = &world.sandbox.keys;
    let (account, root) = keys.lookup(&format!("{ONE}-root"), now).unwrap();
    assert_eq!((account.as_str(), &root), (ONE, &Caller::Root));
    for other in ["root", "-root", "12345678901-root", "123456789012-roots"] {
        assert_eq!(keys.lookup(other, now), None, "{other}");
    }
    world.role("R", json!({"AWS": ONE})).await;
    let world = world.by(root);
    let who = world.ok("GetCallerIdentity", json!({})).await;
    assert_eq!(who["Arn"], format!("arn:aws:iam::{ONE}:root"));
    assert_eq!(who["UserId"], ONE);
    let input = json!({"RoleArn": format!("arn:aws:iam::{ONE}:role/R"), "RoleSessionName": "me"});
    let refused = world.call("AssumeRole", input).await.unwrap_err();
    assert_eq!(refused.code, "AccessDenied");
}
