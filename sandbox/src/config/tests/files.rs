//! What lands in the bucket, by the clock.

use super::deployed::{FUNCTION, code};
use super::*;

const SNAPSHOT: &str = "ConfigurationSnapshotDeliveryCompleted";
const HOUR: Duration = Duration::from_secs(3600);

impl World {
    async fn status(&self, what: &str) -> Value {
        let status = self.ok("DescribeDeliveryChannelStatus", json!({})).await;
        status["DeliveryChannelsStatus"][0][what].clone()
    }

    /// Lets what is due happen first.
    async fn step(&self, by: Duration) {
        self.idle().await;
        self.sandbox.clock.advance(by);
        self.idle().await;
    }
}

#[tokio::test]
async fn a_snapshot_on_demand_holds_everything_and_is_announced() {
    let world = World::deployed().await;
    let deliver = json!({"deliveryChannelName": "default"});
    let refused = world
        .refused("DeliverConfigSnapshot", deliver.clone())
        .await;
    assert_eq!(refused, "NoRunningConfigurationRecorderException");
    world.start_recorder().await;
    world.topic().await;
    let unknown = json!({"deliveryChannelName": "none"});
    let refused = world.refused("DeliverConfigSnapshot", unknown).await;
    assert_eq!(refused, "NoSuchDeliveryChannelException");

    let answer = world.ok("DeliverConfigSnapshot", deliver).await;
    let id = answer["configSnapshotId"].as_str().unwrap();
    let started = world.messages("ConfigurationSnapshotDeliveryStarted").await;
    assert_eq!(started[0].1["configSnapshotId"], id);
    let completed = world.messages(SNAPSHOT).await;
    let (subject, completed) = &completed[0];
    assert_eq!(
        subject,
        "[AWS Config:us-east-1] Configuration Snapshot Delivery Completed for Account 123456789012"
    );
    let key = completed["s3ObjectKey"].as_str().unwrap();
    assert_eq!(world.keys("/ConfigSnapshot/").await, [key]);
    assert!(key.ends_with(&format!("_{id}.json.gz")), "{key}");
    let document = world.document(key);
    assert_eq!(
        (&document["fileVersion"], &document["configSnapshotId"]),
        (&json!("1.0"), &json!(id))
    );
    // The default group of the default VPC.
    let items = document["configurationItems"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["resourceType"], GROUP);
    assert!(items[0]["configuration"]["groupId"].is_string());
    let status = world.status("configSnapshotDeliveryInfo").await;
    assert_eq!(status["lastStatus"], "SUCCESS");
    assert!(status.get("nextDeliveryTime").is_none());
}

#[tokio::test]
async fn snapshots_come_as_often_as_the_channel_says() {
    let world = World::deployed().await;
    world.start_recorder().await;
    let often =
        |name: &str| json!({"configSnapshotDeliveryProperties": {"deliveryFrequency": name}});
    assert_eq!(
        code(world.channel(&often("Hourly")).await),
        "ValidationException"
    );
    world.channel(&often("Three_Hours")).await.unwrap();
    let channels = world.ok("DescribeDeliveryChannels", json!({})).await;
    let described = &channels["DeliveryChannels"][0]["configSnapshotDeliveryProperties"];
    assert_eq!(described["deliveryFrequency"], "Three_Hours");
    let count = async || world.keys("/ConfigSnapshot/").await.len();
    world.step(HOUR * 3 - Duration::from_millis(1)).await;
    assert_eq!(count().await, 0);
    world.step(Duration::from_millis(1)).await;
    assert_eq!(count().await, 1);
    // The same again is no new plan; another frequency is.
    world.channel(&often("Three_Hours")).await.unwrap();
    world.step(HOUR * 3).await;
    assert_eq!(count().await, 2);
    world.channel(&often("One_Hour")).await.unwrap();
    let next = world.status("configSnapshotDeliveryInfo").await["nextDeliveryTime"].clone();
    assert_eq!(next, epoch_seconds(world.sandbox.clock.now() + HOUR));
    world.step(HOUR).await;
    assert_eq!(count().await, 3);
    world.channel(&json!({})).await.unwrap();
    world.step(HOUR * 24).await;
    assert_eq!(count().await, 3);
}

#[tokio::test]
async fn history_files_hold_what_is_new_every_six_hours() {
    let world = World::deployed().await;
    world.start_recorder().await;
    world.topic().await;
    world.enter(|call| {
        observe(call, Change::Created, group(SG, &[80]));
        observe(call, Change::Modified, group(SG, &[80, 465]));
    });
    world.step(HOUR * 6).await;
    let first = world.keys("/ConfigHistory/").await;
    assert_eq!(first.len(), 1);
    assert!(
        first[0].contains("_ConfigHistory_AWS::EC2::SecurityGroup_"),
        "{}",
        first[0]
    );
    let items = world.document(&first[0])["configurationItems"].clone();
    // The default group, and both of ours.
    assert_eq!(items.as_array().unwrap().len(), 3);
    assert_eq!(items[2]["configuration"]["ipPermissions"], json!([80, 465]));
    assert_eq!(items[2]["configurationItemStatus"], "OK");
    // Where nothing is new there is no file.
    world.step(HOUR * 6).await;
    assert_eq!(world.keys("/ConfigHistory/").await, first);
    world.enter(|call| observe(call, Change::Deleted, group(SG, &[80])));
    world.step(HOUR * 6).await;
    let files = world.keys("/ConfigHistory/").await;
    let second = files.iter().find(|key| **key != first[0]).unwrap();
    let items = world.document(second)["configurationItems"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["configurationItemStatus"], "ResourceDeleted");
    let told = world
        .messages("ConfigurationHistoryDeliveryCompleted")
        .await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].1["s3ObjectKey"], json!(second));
    assert_eq!(
        world.status("configHistoryDeliveryInfo").await["lastStatus"],
        "SUCCESS"
    );
}

#[tokio::test]
async fn what_cannot_be_delivered_says_so_and_comes_later() {
    let world = World::deployed().await;
    world.start_recorder().await;
    world.topic().await;
    world.allow_recorder(&["s3:GetBucketAcl"]).await;
    world.step(HOUR * 6).await;
    let status = world.status("configHistoryDeliveryInfo").await;
    assert_eq!(
        (&status["lastStatus"], &status["lastErrorCode"]),
        (&json!("FAILURE"), &json!("AccessDenied"))
    );
    world
        .ok(
            "DeliverConfigSnapshot",
            json!({"deliveryChannelName": "default"}),
        )
        .await;
    let failed = world.messages("ConfigurationSnapshotDeliveryFailed").await;
    assert_eq!(failed[0].1["errorCode"], "AccessDenied");
    assert!(world.messages(SNAPSHOT).await.is_empty());
    world.allow_recorder(&["s3:*"]).await;
    world.step(HOUR * 6).await;
    assert_eq!(world.keys("/ConfigHistory/").await.len(), 1);
    let status = world.status("configHistoryDeliveryInfo").await;
    assert_eq!(status["lastStatus"], "SUCCESS");
    assert!(status.get("lastErrorCode").is_none());
}

#[tokio::test]
async fn a_channel_that_is_gone_delivers_nothing() {
    let world = World::deployed().await;
    world
        .channel(&json!({"configSnapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}}))
        .await
        .unwrap();
    world
        .ok(
            "DeleteDeliveryChannel",
            json!({"DeliveryChannelName": "default"}),
        )
        .await;
    world.channel(&json!({})).await.unwrap();
    world.start_recorder().await;
    world.step(HOUR * 5).await;
    assert!(world.keys("/Config/us-east-1/").await.is_empty());
    // The new one has its own history.
    world.step(HOUR).await;
    assert_eq!(world.keys("/Config/us-east-1/").await.len(), 1);
}

fn huge() -> Resource {
    let mut group = group(SG, &[80]);
    group.configuration["description"] = json!("x".repeat(256 * 1024));
    group
}

#[tokio::test]
async fn a_huge_item_is_a_summary_and_the_whole_is_in_the_bucket() {
    let world = World::listening().await;
    world.topic().await;
    let details: Vec<Value> = [
        "ConfigurationItemChangeNotification",
        "OversizedConfigurationItemChangeNotification",
    ]
    .map(|name| json!({"EventSource": "aws.config", "MessageType": name}))
    .into();
    let source =
        json!({"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION, "SourceDetails": details});
    let scope = json!({"ComplianceResourceTypes": [GROUP], "ComplianceResourceId": SG});
    world
        .rule(&json!({"Source": source, "Scope": scope}))
        .await
        .unwrap();
    world.enter(|call| observe(call, Change::Created, huge()));
    let events = world.events().await;
    assert_eq!(events.len(), 1);
    let event = &events[0]["invokingEvent"];
    assert_eq!(
        event["messageType"],
        "OversizedConfigurationItemChangeNotification"
    );
    assert!(event.get("configurationItem").is_none());
    let summary = &event["configurationItemSummary"];
    assert_eq!(
        (&summary["resourceId"], &summary["changeType"]),
        (&json!(SG), &json!("CREATE"))
    );
    let location = event["s3DeliverySummary"]["s3BucketLocation"]
        .as_str()
        .unwrap();
    let key = location.strip_prefix("lab-delivery/").unwrap();
    let whole = world.document(key);
    assert_eq!(whole["messageType"], "ConfigurationItemChangeNotification");
    assert_eq!(
        whole["configurationItem"]["configuration"],
        huge().configuration
    );
    let told = world
        .messages("OversizedConfigurationItemChangeNotification")
        .await;
    assert_eq!(told[0].1, *event);

    world.allow_recorder(&["s3:GetBucketAcl"]).await;
    world.enter(|call| observe(call, Change::Modified, huge()));
    let failed = world
        .messages("OversizedConfigurationItemChangeDeliveryFailed")
        .await;
    assert_eq!(
        failed[0].1["s3DeliverySummary"]["s3BucketLocation"],
        Value::Null
    );
    assert_eq!(
        failed[0].1["s3DeliverySummary"]["errorCode"],
        "AccessDenied"
    );
}
