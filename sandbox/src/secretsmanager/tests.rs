//! What a scenario cannot say: time that passes, who may, what the journal keeps.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::journal::Query;
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

const DAY: u64 = 24 * 60 * 60;

struct World {
    sandbox: Arc<Sandbox>,
}

impl World {
    fn new() -> Self {
        let settings = Settings {
            enforce_iam: true,
            ..Settings::default()
        };
        Self {
            sandbox: Sandbox::start(settings),
        }
    }

    async fn call(
        &self,
        caller: Caller,
        service: Service,
        name: &str,
        input: Value,
    ) -> Result<Value, ApiError> {
        let target = Target::new(
            AccountId::parse("123456789012").unwrap(),
            Region::parse("us-east-1").unwrap(),
            caller,
        );
        self.sandbox
            .perform_value(&target, service, name, input)
            .await
    }

    async fn ask(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        self.call(Caller::Operator, Service::SecretsManager, name, input)
            .await
    }

    async fn create(&self, name: &str) -> String {
        let input = json!({"Name": name, "SecretString": "hunter2"});
        let made = self.ask("CreateSecret", input).await.unwrap();
        made["ARN"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_deleted_secret_can_come_back_for_a_while() {
    let world = World::new();
    world.create("s").await;
    let delete = json!({"SecretId": "s", "RecoveryWindowInDays": 7});
    world.ask("DeleteSecret", delete.clone()).await.unwrap();
    let read = world.ask("GetSecretValue", json!({"SecretId": "s"})).await;
    assert_eq!(read.unwrap_err().code, "InvalidRequestException");
    let taken = world.ask("CreateSecret", json!({"Name": "s"})).await;
    assert_eq!(taken.unwrap_err().code, "InvalidRequestException");
    world.sandbox.clock.advance(Duration::from_secs(6 * DAY));
    world
        .ask("RestoreSecret", json!({"SecretId": "s"}))
        .await
        .unwrap();
    world
        .ask("GetSecretValue", json!({"SecretId": "s"}))
        .await
        .unwrap();
    world.ask("DeleteSecret", delete).await.unwrap();
    world.sandbox.clock.advance(Duration::from_secs(7 * DAY));
    let read = world.ask("GetSecretValue", json!({"SecretId": "s"})).await;
    assert_eq!(read.unwrap_err().code, "ResourceNotFoundException");
    world.create("s").await;
}

#[tokio::test]
async fn reading_needs_permission_for_that_secret() {
    let world = World::new();
    let arn = world.create("lab/hook").await;
    world.create("other").await;
    let iam = |name: &'static str, input| world.call(Caller::Operator, Service::Iam, name, input);
    iam("CreateUser", json!({"UserName": "diana"}))
        .await
        .unwrap();
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue", "Resource": arn}]});
    let policy =
        json!({"UserName": "diana", "PolicyName": "p", "PolicyDocument": document.to_string()});
    iam("PutUserPolicy", policy).await.unwrap();
    for (id, allowed) in [
        (arn.as_str(), true),
        ("lab/hook", true),
        // The ARN as it would be without the six characters.
        (&arn[..arn.len() - 7], true),
        ("other", false),
        ("absent", false),
    ] {
        let diana = Caller::User {
            name: "diana".to_owned(),
        };
        let input = json!({"SecretId": id});
        let answer = world
            .call(diana, Service::SecretsManager, "GetSecretValue", input)
            .await;
        match answer {
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
    let world = World::new();
    let arn = world.create("s").await;
    let more = json!({"SecretId": arn, "SecretString": "hunter2, too"});
    world.ask("PutSecretValue", more).await.unwrap();
    world
        .ask("GetSecretValue", json!({"SecretId": "s"}))
        .await
        .unwrap();
    for (operation, input) in [
        ("DescribeSecret", json!({"SecretId": "s"})),
        ("ListSecrets", json!({})),
    ] {
        let shown = world.ask(operation, input).await.unwrap();
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
    }
    let told = format!("{:?}", world.sandbox.journal.list(&Query::default()));
    assert!(told.contains("HIDDEN_DUE_TO_SECURITY_REASONS"));
    assert!(!told.contains("hunter2"), "{told}");
}
