//! A long run has a ceiling: after twice what fits, the sandbox holds what its budgets say and says so
//! itself. Bytes are counted, so nothing here depends on an allocator or on time.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};

use super::{Budgets, Bytes, Kind};
use crate::clock::epoch_millis;
use crate::protocol::Operation;
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing::{ACCOUNT, World, zipped};

mod refused;

const KIB: u64 = 1 << 10;

fn world(service: Service, budgets: Budgets) -> World {
    let settings = Settings {
        budgets,
        ..Settings::default()
    };
    World::start_with(service, settings).frozen()
}

fn held(world: &World, kind: Kind) -> u64 {
    world.sandbox.ledger.held().of(kind)
}

fn forgotten(world: &World, kind: Kind) -> u64 {
    world.sandbox.ledger.forgotten(kind)
}

/// A refusal for want of room, which names the budget and its flag.
async fn full(world: &World, name: &str, input: Value, code: &str, flag: &str) {
    let error = world.refusal(name, input).await;
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(flag), "{error}");
    assert!(
        error.message.contains("delete what is not needed"),
        "{error}"
    );
}

#[tokio::test]
async fn calls_200_000_of_three_accounts_stay_within_their_bytes() {
    let budgets = Budgets {
        max_calls: 1_000_000,
        call_bytes: Bytes(4_096 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Sts, budgets);
    let journal = &world.sandbox.journal;
    for account in [ACCOUNT, "210987654321", "333333333333"] {
        let world = world.in_account(account);
        world.ok("GetCallerIdentity", json!({})).await;
    }
    // The journal's own way in: a call costs more than what it leaves.
    let entry = journal.list(&crate::journal::Query::default()).calls[0].clone();
    for _ in 0..200_000 {
        journal.write((*entry).clone());
    }
    let size = journal.size();
    assert!(size.bytes <= 4_096 * KIB, "{size:?}");
    assert!(size.bytes > 4_000 * KIB, "{size:?}");
    assert_eq!(size.calls as u64 + size.forgotten, 200_003);
}

#[tokio::test]
async fn log_events_over_the_budget_are_forgotten_oldest_first_over_all_groups() {
    let budgets = Budgets {
        log_bytes: Bytes(256 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Logs, budgets);
    for group in ["a", "b"] {
        world
            .ok("CreateLogGroup", json!({"logGroupName": group}))
            .await;
        let stream = json!({"logGroupName": group, "logStreamName": "s"});
        world.ok("CreateLogStream", stream).await;
    }
    let now = epoch_millis(world.sandbox.clock.now());
    for round in 0..200 {
        let events: Vec<Value> = (0..100)
            .map(|number| json!({"timestamp": now + round, "message": format!("{round} {number} {}", "x".repeat(20))}))
            .collect();
        let group = ["a", "b"][usize::from(round % 2 == 1)];
        let input = json!({"logGroupName": group, "logStreamName": "s", "logEvents": events});
        world.ok("PutLogEvents", input).await;
        assert!(held(&world, Kind::Logs) <= 256 * KIB);
    }
    assert!(held(&world, Kind::Logs) > 200 * KIB);
    let mut kept = Vec::new();
    for group in ["a", "b"] {
        let mut input = json!({"logGroupName": group});
        loop {
            let page = world.ok("FilterLogEvents", input.clone()).await;
            let events = page["events"].as_array().unwrap();
            kept.extend(
                events
                    .iter()
                    .map(|event| event["timestamp"].as_i64().unwrap() - now),
            );
            match page["nextToken"].as_str() {
                Some(token) => input["nextToken"] = json!(token),
                None => break,
            }
        }
    }
    assert_eq!(kept.len() as u64 + forgotten(&world, Kind::Logs), 20_000);
    // Only the first round that is left may be there in part.
    let first = *kept.iter().min().unwrap();
    let whole = kept.iter().filter(|round| **round > first).count();
    assert_eq!(whole as i64, (199 - first) * 100);
    world
        .ok("DeleteLogGroup", json!({"logGroupName": "a"}))
        .await;
    world
        .ok("DeleteLogGroup", json!({"logGroupName": "b"}))
        .await;
    assert_eq!(held(&world, Kind::Logs), 0);
}

#[tokio::test]
async fn mails_over_the_budget_are_forgotten_oldest_first() {
    let budgets = Budgets {
        mail_bytes: Bytes(64 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Sns, budgets);
    let topic = world.ok("CreateTopic", json!({"Name": "t"})).await["TopicArn"].clone();
    let input = json!({"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com"});
    // Each request sends the mail again.
    for _ in 0..500 {
        world.ok("Subscribe", input.clone()).await;
        assert!(held(&world, Kind::Mails) <= 64 * KIB);
    }
    let kept = world.enter(|call| call.here().sns.inbox.len());
    assert!(kept > 20, "{kept}");
    assert_eq!(kept as u64 + forgotten(&world, Kind::Mails), 500);
}

#[tokio::test]
async fn objects_over_the_budget_are_refused_and_deletion_makes_room() {
    let budgets = Budgets {
        object_bytes: Bytes(256 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::S3, budgets);
    world
        .perform(&Operation::new("CreateBucket", json!({"Bucket": "bucket"})))
        .await
        .unwrap();
    let put = async |key: u32| {
        let mut operation = Operation::new(
            "PutObject",
            json!({"Bucket": "bucket", "Key": key.to_string()}),
        );
        operation.body = vec![0; 10_000].into();
        world.perform(&operation).await
    };
    let mut stored = 0;
    let error = loop {
        match put(stored).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "nothing is refused");
    };
    assert_eq!((error.status, &*error.code), (507, "InsufficientStorage"));
    assert!(
        error.message.contains("--object-bytes is 256KiB"),
        "{error}"
    );
    assert_eq!(stored, 25);
    assert!(held(&world, Kind::Objects) <= 256 * KIB);
    let delete = Operation::new("DeleteObject", json!({"Bucket": "bucket", "Key": "0"}));
    world.perform(&delete).await.unwrap();
    put(0).await.unwrap();
    // An object in the place of another one counts once.
    let before = held(&world, Kind::Objects);
    world.perform(&delete).await.unwrap();
    put(0).await.unwrap();
    assert_eq!(held(&world, Kind::Objects), before);
}

/// A package that cannot be made smaller.
fn code(size: usize) -> Value {
    use base64::Engine as _;
    let noise: Vec<u8> = (0..size).map(|_| fastrand::u8(..)).collect();
    let zip = zipped("bootstrap", &noise, 0o755);
    json!({"ZipFile": base64::prelude::BASE64_STANDARD.encode(zip)})
}

#[tokio::test]
async fn packages_over_the_budget_are_refused_and_versions_share_theirs() {
    let budgets = Budgets {
        code_bytes: Bytes(4 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Lambda, budgets);
    world
        .role("r", json!({"Service": "lambda.amazonaws.com"}))
        .await;
    let create = |name: &str, size: usize| {
        json!({"FunctionName": name, "Runtime": "provided.al2023", "Handler": "h",
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/r"), "Code": code(size)})
    };
    world.ok("CreateFunction", create("f", 2_000)).await;
    let one = held(&world, Kind::Code);
    world
        .ok("PublishVersion", json!({"FunctionName": "f"}))
        .await;
    assert_eq!(held(&world, Kind::Code), one);
    full(
        &world,
        "CreateFunction",
        create("g", 3_000),
        "CodeStorageExceededException",
        "--code-bytes",
    )
    .await;
    let mut update = code(1_000);
    update["FunctionName"] = json!("f");
    world.ok("UpdateFunctionCode", update).await;
    assert!(
        held(&world, Kind::Code) > one,
        "the version still has its package"
    );
    world
        .ok("DeleteFunction", json!({"FunctionName": "f"}))
        .await;
    assert_eq!(held(&world, Kind::Code), 0);
    world.ok("CreateFunction", create("g", 3_000)).await;
}

#[tokio::test]
async fn items_over_the_budget_are_forgotten_but_the_newest_of_what_exists() {
    let budgets = Budgets {
        item_bytes: Bytes(48 * KIB),
        ..Budgets::default()
    };
    let world = world(Service::Ec2, budgets);
    let config = world.of(Service::Config);
    world
        .role("config", json!({"Service": "config.amazonaws.com"}))
        .await;
    let recorder = json!({"ConfigurationRecorder": {"name": "default",
        "roleARN": format!("arn:aws:iam::{ACCOUNT}:role/config"),
        "recordingGroup": {"resourceTypes": ["AWS::EC2::SecurityGroup"]}}});
    config.ok("PutConfigurationRecorder", recorder).await;
    let s3 = world.of(Service::S3);
    s3.perform(&Operation::new(
        "CreateBucket",
        json!({"Bucket": "config-bucket"}),
    ))
    .await
    .unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "config.amazonaws.com"}, "Action": "s3:*",
        "Resource": ["arn:aws:s3:::config-bucket", "arn:aws:s3:::config-bucket/*"]}]});
    let policy = json!({"Bucket": "config-bucket", "Policy": policy.to_string()});
    s3.perform(&Operation::new("PutBucketPolicy", policy))
        .await
        .unwrap();
    let channel = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "config-bucket"}});
    let allowed = json!(["s3:*"]);
    world.allow("config", allowed, json!("*")).await;
    config.ok("PutDeliveryChannel", channel).await;
    let start = json!({"ConfigurationRecorderName": "default"});
    config.ok("StartConfigurationRecorder", start).await;
    let group = json!({"GroupName": "g", "GroupDescription": "g"});
    let group = world.ok("CreateSecurityGroup", group).await["groupId"].clone();
    for number in 0..200 {
        let tags =
            json!({"ResourceId": [group], "Tag": [{"Key": "n", "Value": number.to_string()}]});
        world.ok("CreateTags", tags).await;
        world.calm().await;
        assert!(held(&world, Kind::Items) <= 48 * KIB, "{number}");
    }
    let gone = forgotten(&world, Kind::Items);
    assert!(gone > 100, "{gone}");
    let history = json!({"resourceType": "AWS::EC2::SecurityGroup", "resourceId": group});
    let history = config.ok("GetResourceConfigHistory", history).await;
    assert_eq!(history["configurationItems"][0]["tags"]["n"], "199");
    let listed = config
        .ok(
            "ListDiscoveredResources",
            json!({"resourceType": "AWS::EC2::SecurityGroup"}),
        )
        .await;
    // The default VPC's own group has one item, which is the oldest of all and stays.
    assert_eq!(listed["resourceIdentifiers"].as_array().unwrap().len(), 2);
}
