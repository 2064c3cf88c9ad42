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

/// A key of the customer's own.
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-4567-89ab-0123456789ab";

#[tokio::test]
async fn a_customers_own_key_needs_permission_of_its_own() {
    let world = world();
    let input = json!({"Name": "lab/hook", "SecretString": "hunter2", "KmsKeyId": KEY});
    let made = world.ok("CreateSecret", input).await;
    let arn = made["ARN"].as_str().unwrap();
    let shown = world.ok("DescribeSecret", json!({"SecretId": arn})).await;
    assert_eq!(shown["KmsKeyId"], KEY);
    create(&world, "plain").await;
    let shown = world.ok("DescribeSecret", json!({"SecretId": "plain"}));
    assert_eq!(shown.await.get("KmsKeyId"), None);

    let actions = json!("secretsmanager:*");
    let diana = world.with_user("diana", actions, json!("*")).await;
    let read = json!({"SecretId": arn});
    // AWS's own key asks for nothing.
    diana
        .ok("GetSecretValue", json!({"SecretId": "plain"}))
        .await;
    let refused = diana.refusal("GetSecretValue", read.clone()).await;
    assert_eq!(
        (refused.status, &*refused.code, &*refused.message),
        (400, "AccessDeniedException", "Access to KMS is not allowed")
    );
    for (context, allowed) in [
        (
            json!({"kms:ViaService": "ssm.us-east-1.amazonaws.com"}),
            false,
        ),
        (
            json!({"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}),
            true,
        ),
        (
            json!({"kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-AAAAAA"}),
            false,
        ),
        (
            json!({"kms:EncryptionContext:SecretARN": arn, "kms:EncryptionContext:SecretVersionId": made["VersionId"]}),
            true,
        ),
        (json!({"kms:CallerAccount": "123456789012"}), true),
    ] {
        diana.let_use("kms:Decrypt", KEY, &context).await;
        let read = diana.call("GetSecretValue", read.clone()).await;
        assert_eq!(read.is_ok(), allowed, "{context}");
    }
    // Writing is another right, and making a secret needs both.
    let written = json!({"SecretId": arn, "SecretString": "hunter3"});
    let made = json!({"Name": "more", "SecretString": "hunter2", "KmsKeyId": KEY});
    diana.refused("PutSecretValue", written.clone()).await;
    diana.let_use("kms:GenerateDataKey", KEY, &json!({})).await;
    diana.ok("PutSecretValue", written).await;
    diana.refused("CreateSecret", made.clone()).await;
    diana.let_use("kms:*", KEY, &json!({})).await;
    diana.ok("CreateSecret", made).await;
}

#[tokio::test]
async fn a_key_that_does_not_exist_encrypts_nothing() {
    let world = world();
    let input = json!({"Name": "s", "SecretString": "hunter2", "KmsKeyId": "alias/absent"});
    assert_eq!(
        world.refused("CreateSecret", input).await,
        "EncryptionFailure"
    );
}

/// API reference of `PutSecretValue` (stages of the first version); botocore 1.44.8 and moto (0af643a5) of the tags.
#[tokio::test]
async fn first_version_is_current_and_no_tags_are_no_member() {
    let world = world();
    world.ok("CreateSecret", json!({"Name": "s"})).await;
    let shown = world.ok("DescribeSecret", json!({"SecretId": "s"})).await;
    assert!(shown.get("Tags").is_none(), "{shown}");
    let first = json!({"SecretId": "s", "SecretString": "v", "VersionStages": ["AWSPENDING"]});
    let made = world.ok("PutSecretValue", first.clone()).await;
    assert_eq!(made["VersionStages"], json!(["AWSCURRENT", "AWSPENDING"]));
    let second = world.ok("PutSecretValue", first).await;
    assert_eq!(second["VersionStages"], json!(["AWSPENDING"]));
}
