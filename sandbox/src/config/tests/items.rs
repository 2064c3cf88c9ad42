//! Mutations become items.

use super::*;

#[tokio::test]
async fn every_mutation_is_one_item_in_order() {
    let world = World::new(&[GROUP]);
    world.enter(|call| {
        observe(call, Change::Created, group(SG, &[80]));
        // Back and forth: a comparison of states would see nothing.
        for _ in 0..50 {
            observe(call, Change::Modified, group(SG, &[80, 465]));
            observe(call, Change::Modified, group(SG, &[80]));
        }
        observe(call, Change::Deleted, group(SG, &[80]));
    });
    world.idle().await;
    let statuses = world.statuses();
    assert_eq!(statuses.len(), 102);
    assert_eq!(
        (statuses[0], statuses[50], statuses[101]),
        ("ResourceDiscovered", "OK", "ResourceDeleted")
    );
    world.state(|state| {
        let items = state.history.of(&ResourceKey::new(GROUP, SG));
        assert!(items.is_sorted_by(|a, b| a.state_id < b.state_id));
        assert_eq!(items[1].configuration["ipPermissions"], json!([80, 465]));
        assert_eq!(items[101].configuration, Value::Null);
    });
}

#[tokio::test]
async fn what_is_not_recorded_leaves_nothing() {
    let world = World::new(&["AWS::EC2::VPC"]);
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.state(|state| {
        state.recorder.as_mut().unwrap().group = RecordingGroup::All { global: false }
    });
    world
        .ok(
            "StopConfigurationRecorder",
            json!({"ConfigurationRecorderName": "default"}),
        )
        .await;
    world.enter(|call| observe(call, Change::Modified, group(SG, &[80])));
    world.idle().await;
    assert!(world.statuses().is_empty());
    let unknown = world
        .refused(
            "GetResourceConfigHistory",
            json!({"resourceType": GROUP, "resourceId": SG}),
        )
        .await;
    assert_eq!(unknown, "ResourceNotDiscoveredException");
}

#[tokio::test]
async fn items_wait_for_their_time_and_show_the_state_of_the_change() {
    let settings = Settings {
        config_latency: Latency::Fixed(Duration::from_secs(30)),
        ..Settings::default()
    };
    let world = World::with(&[GROUP], settings);
    world.enter(|call| {
        observe(call, Change::Created, group(SG, &[80]));
        observe(call, Change::Modified, group(SG, &[80, 465]));
    });
    world.sandbox.clock.advance(Duration::from_secs(29));
    assert!(world.statuses().is_empty());
    world.sandbox.clock.advance(Duration::from_secs(1));
    world.idle().await;
    let answer = world
        .ok(
            "GetResourceConfigHistory",
            json!({"resourceType": GROUP, "resourceId": SG, "chronologicalOrder": "Forward"}),
        )
        .await;
    let items = answer["configurationItems"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let first: Value = serde_json::from_str(items[0]["configuration"].as_str().unwrap()).unwrap();
    assert_eq!(first["ipPermissions"], json!([80]));
    assert_eq!(items[0]["version"], "1.3");
    assert_eq!(
        items[0]["configurationItemCaptureTime"],
        epoch_seconds(world.sandbox.clock.now())
    );
}
