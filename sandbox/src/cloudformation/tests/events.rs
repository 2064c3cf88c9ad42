//! Looking at stacks and what happened to them.

use super::*;

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let world = World::new();
    let other = world.in_account("210987654321");
    world.create("s", &group(HTTP, "14")).await;
    assert!(
        other
            .call("DescribeStacks", json!({"StackName": "s"}))
            .await
            .is_err()
    );
    assert_eq!(
        other.create("s", &group(HTTPS, "14")).await,
        "CREATE_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [80]);
    assert_eq!(ports(&other, "s").await, [443]);
}

#[tokio::test]
async fn events_come_newest_first_in_pages_and_none_twice() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    for days in ["1", "3"].into_iter().cycle().take(30) {
        world.update("s", &group(HTTP, days)).await.unwrap();
    }
    let first = world
        .ok("DescribeStackEvents", json!({"StackName": "s"}))
        .await;
    assert_eq!(first["StackEvents"].as_array().unwrap().len(), 100);
    assert_eq!(first["StackEvents"][0]["ResourceStatus"], "UPDATE_COMPLETE");
    assert!(first["NextToken"].is_string());
    let all = world.events("s").await;
    assert_eq!(
        all[0],
        (
            "CREATE_IN_PROGRESS s".to_owned(),
            "User Initiated".to_owned()
        )
    );
    let mut ids = std::collections::BTreeSet::new();
    let mut input = json!({"StackName": "s"});
    loop {
        let page = world.ok("DescribeStackEvents", input.clone()).await;
        for event in page["StackEvents"].as_array().unwrap() {
            assert!(
                ids.insert(event["EventId"].as_str().unwrap().to_owned()),
                "{event}"
            );
        }
        match page["NextToken"].as_str() {
            Some(token) => input["NextToken"] = token.into(),
            None => break,
        }
    }
    assert_eq!(ids.len(), all.len());
}
