//! What a scenario cannot say: time that passes, who may, what the journal keeps.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Duration;

use serde_json::json;

use crate::journal::Query;
use crate::service::Service;
use crate::testing::World;

const DAY: u64 = 24 * 60 * 60;

fn world() -> World {
    World::enforcing(Service::SecretsManager)
}

async fn create(world: &World, name: &str) -> String {
    let input = json!({"Name": name, "SecretString": "hunter2"});
    let made = world.ok("CreateSecret", input).await;
    made["ARN"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deleted_secret_can_come_back_for_a_while() {
    let world = world();
    create(&world, "s").await;
    let delete = json!({"SecretId": "s", "RecoveryWindowInDays": 7});
    world.ok("DeleteSecret", delete.clone()).await;
    let read = world
        .refused("GetSecretValue", json!({"SecretId": "s"}))
        .await;
    assert_eq!(read, "InvalidRequestException");
    let taken = world.refused("CreateSecret", json!({"Name": "s"})).await;
    assert_eq!(taken, "InvalidRequestException");
    world.sandbox.clock.advance(Duration::from_secs(6 * DAY));
    world.ok("RestoreSecret", json!({"SecretId": "s"})).await;
    world.ok("GetSecretValue", json!({"SecretId": "s"})).await;
    world.ok("DeleteSecret", delete).await;
    world.sandbox.clock.advance(Duration::from_secs(7 * DAY));
    let read = world
        .refused("GetSecretValue", json!({"SecretId": "s"}))
        .await;
    assert_eq!(read, "ResourceNotFoundException");
    create(&world, "s").await;
}

#[tokio::test]
async fn reading_needs_permission_for_that_secret() {
    let world = world();
    let arn = create(&world, "lab/hook").await;
    create(&world, "other").await;
    let read = json!("secretsmanager:GetSecretValue");
    let diana = world.with_user("diana", read, json!(arn)).await;
    for (id, allowed) in [
        (arn.as_str(), true),
        ("lab/hook", true),
        // The ARN as it would be without the six characters.
        (&arn[..arn.len() - 7], true),
        ("other", false),
        ("absent", false),
    ] {
        let input = json!({"SecretId": id});
        match diana.call("GetSecretValue", input).await {
            Ok(answer) => {
                assert!(allowed, "{id}");
                assert_eq!(answer["SecretString"], "hunter2");
            }
            Err(error) => {
                assert!(!allowed, "{id}: {error}");
                assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"));
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_written_down() {
    let world = world();
    let arn = create(&world, "s").await;
    let more = json!({"SecretId": arn, "SecretString": "hunter2, too"});
    world.ok("PutSecretValue", more).await;
    world.ok("GetSecretValue", json!({"SecretId": "s"})).await;
    for (operation, input) in [
        ("DescribeSecret", json!({"SecretId": "s"})),
        ("ListSecrets", json!({})),
    ] {
        let shown = world.ok(operation, input).await;
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
    }
    let told = format!("{:?}", world.sandbox.journal.list(&Query::default()));
    assert!(told.contains("HIDDEN_DUE_TO_SECURITY_REASONS"));
    assert!(!told.contains("hunter2"), "{told}");
}
