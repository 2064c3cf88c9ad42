//! Resources leave scopes, and types leave the recording group.

use super::*;

async fn listening() -> World {
    let world = World::listening().await;
    let scope = json!({"TagKey": "watch", "TagValue": "yes"});
    world.rule(&json!({"Scope": scope})).await.unwrap();
    world
}

async fn tagged(world: &World) -> String {
    let input = json!({"GroupName": "watched", "GroupDescription": "lab",
        "TagSpecification": [{"ResourceType": "security-group", "Tag": [{"Key": "watch", "Value": "yes"}]}]});
    let made = world
        .of(Service::Ec2)
        .ok("CreateSecurityGroup", input)
        .await;
    made["groupId"].as_str().unwrap().to_owned()
}

fn seen(events: &[Value]) -> Vec<(&str, bool)> {
    events
        .iter()
        .map(|event| {
            let item = &event["invokingEvent"]["configurationItem"];
            let status = item["configurationItemStatus"].as_str().unwrap();
            (status, event["eventLeftScope"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_resource_that_loses_its_tag_leaves_the_scope_once() {
    let world = listening().await;
    let id = tagged(&world).await;
    assert_eq!(seen(&world.events().await), [("ResourceDiscovered", false)]);
    let untag = json!({"ResourceId": [id], "Tag": [{"Key": "watch"}]});
    world.of(Service::Ec2).ok("DeleteTags", untag).await;
    let events = world.events().await;
    assert_eq!(seen(&events), [("ResourceDiscovered", false), ("OK", true)]);
    // From here on the rule hears nothing of it.
    let other = json!({"ResourceId": [id], "Tag": [{"Key": "other", "Value": "x"}]});
    world.of(Service::Ec2).ok("CreateTags", other).await;
    assert_eq!(world.events().await.len(), 2);
    let back = json!({"ResourceId": [id], "Tag": [{"Key": "watch", "Value": "yes"}]});
    world.of(Service::Ec2).ok("CreateTags", back).await;
    world
        .of(Service::Ec2)
        .ok("DeleteSecurityGroup", json!({"GroupId": id}))
        .await;
    let events = world.events().await;
    assert_eq!(
        seen(&events)[2..],
        [("OK", false), ("ResourceDeleted", false)]
    );
}

#[tokio::test]
async fn a_type_that_leaves_the_group_is_not_recorded_and_comes_back() {
    let world = listening().await;
    let id = tagged(&world).await;
    world.idle().await;
    let record = async |resource_type: &str| {
        let input = json!({"ConfigurationRecorder": {"name": "default",
            "roleARN": "arn:aws:iam::123456789012:role/AwsConfigRole",
            "recordingGroup": {"resourceTypes": [resource_type]}}});
        world.ok("PutConfigurationRecorder", input).await;
        world.idle().await;
    };
    let key = ResourceKey::new(GROUP, &id);
    let statuses = || -> Vec<&str> {
        world.state(|state| {
            state
                .history
                .of(&key)
                .iter()
                .map(|item| item.status.name())
                .collect()
        })
    };
    record("AWS::EC2::VPC").await;
    assert_eq!(statuses(), ["ResourceDiscovered", "ResourceNotRecorded"]);
    let events = world.events().await;
    assert_eq!(seen(&events)[1], ("ResourceNotRecorded", false));
    let listed = world.call(
        "ListDiscoveredResources",
        json!({"resourceType": GROUP, "includeDeletedResources": true}),
    );
    assert_eq!(listed.await.unwrap()["resourceIdentifiers"], json!([]));
    let query = json!({"Expression": format!("SELECT resourceId WHERE resourceType = '{GROUP}'")});
    let found = world.ok("SelectResourceConfig", query.clone()).await;
    assert_eq!(found["Results"], json!([]));
    // It comes back as something new, and leaves again.
    record(GROUP).await;
    assert_eq!(statuses()[2..], ["ResourceDiscovered"]);
    let found = world.ok("SelectResourceConfig", query).await;
    assert!(
        found["Results"]
            .as_array()
            .unwrap()
            .contains(&json!(format!(r#"{{"resourceId":"{id}"}}"#)))
    );
    record("AWS::EC2::VPC").await;
    world
        .of(Service::Ec2)
        .ok("DeleteSecurityGroup", json!({"GroupId": id}))
        .await;
    world.idle().await;
    assert_eq!(
        statuses()[3..],
        ["ResourceNotRecorded", "ResourceDeletedNotRecorded"]
    );
    assert_eq!(
        seen(&world.events().await).last(),
        Some(&("ResourceNotRecorded", false))
    );
}
