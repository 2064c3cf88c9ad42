use serde_json::{Value, json};

use super::{World, tcp, text};

async fn list(world: &World, size: usize, entries: &[&str]) -> String {
    let entries: Vec<Value> = entries.iter().map(|cidr| json!({"Cidr": cidr})).collect();
    let input = json!({"PrefixListName": "lab", "AddressFamily": "IPv4", "MaxEntries": size, "Entry": entries});
    let made = world.ok("CreateManagedPrefixList", input).await;
    assert_eq!(made["prefixList"]["state"], "create-in-progress");
    text(&made, "/prefixList/prefixListId")
}

async fn shown(world: &World, id: &str) -> Value {
    let found = world.ok("DescribeManagedPrefixLists", json!({"PrefixListId": [id]}));
    found.await["prefixListSet"][0].clone()
}

async fn cidrs(world: &World, input: Value) -> Vec<Value> {
    let found = world.ok("GetManagedPrefixListEntries", input).await;
    let rows = found["entrySet"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["cidr"].clone()).collect()
}

fn rule(group: &str, list: &str) -> Value {
    let lists = json!([{"PrefixListId": list}]);
    json!({"GroupId": group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": lists}
    ]})
}

const MODIFY: &str = "ModifyManagedPrefixList";
const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

#[tokio::test]
async fn every_change_of_the_entries_is_a_version_that_writers_must_know() {
    let world = World::new().await;
    let id = list(&world, 2, &["10.0.0.1/8"]).await;
    let found = shown(&world, &id).await;
    assert_eq!(found["state"], "create-complete");
    assert_eq!(
        json!([found["version"], found["maxEntries"], found["ownerId"]]),
        json!([1, 2, "111122223333"])
    );
    let change = json!({"PrefixListId": id, "CurrentVersion": 1,
        "AddEntry": [{"Cidr": "10.1.0.0/16"}], "RemoveEntry": [{"Cidr": "10.0.0.0/8"}]});
    world.ok(MODIFY, change.clone()).await;
    assert_eq!(
        world.refused(MODIFY, change).await,
        "PrefixListVersionMismatch"
    );
    assert_eq!(
        cidrs(&world, json!({"PrefixListId": id})).await,
        ["10.1.0.0/16"]
    );
    let first = json!({"PrefixListId": id, "TargetVersion": 1});
    assert_eq!(cidrs(&world, first).await, ["10.0.0.0/8"]);
    let none = json!({"PrefixListId": id, "TargetVersion": 3});
    assert_eq!(
        world.refused("GetManagedPrefixListEntries", none).await,
        "InvalidParameterValue"
    );
    let renamed = json!({"PrefixListId": id, "PrefixListName": "other"});
    world.ok(MODIFY, renamed).await;
    let found = shown(&world, &id).await;
    assert_eq!(
        json!([found["version"], found["prefixListName"], found["state"]]),
        json!([2, "other", "modify-complete"])
    );
}

#[tokio::test]
async fn changes_that_do_not_fit_are_refused() {
    let world = World::new().await;
    let id = list(&world, 1, &["10.0.0.0/8"]).await;
    let add = |cidr: &str| json!({"PrefixListId": id, "AddEntry": [{"Cidr": cidr}]});
    for (change, code) in [
        (add("10.1.0.0/16"), "PrefixListMaxEntriesExceeded"),
        (add("10.0.0.0/8"), "InvalidParameterValue"),
        (add("2001:db8::/32"), "InvalidParameterValue"),
        (
            json!({"PrefixListId": id, "RemoveEntry": [{"Cidr": "10.9.0.0/16"}]}),
            "InvalidParameterValue",
        ),
        (
            json!({"PrefixListId": id, "MaxEntries": 2, "AddEntry": [{"Cidr": "10.1.0.0/16"}]}),
            "InvalidParameterCombination",
        ),
        (
            json!({"PrefixListId": id, "MaxEntries": 0}),
            "InvalidParameterValue",
        ),
        (
            json!({"PrefixListId": "pl-00000000000000000", "MaxEntries": 2}),
            "InvalidPrefixListID.NotFound",
        ),
    ] {
        assert_eq!(world.refused(MODIFY, change).await, code);
    }
    let filter = json!({"Filter": [{"Name": "owner-id", "Value": ["AWS"]}]});
    let of_aws = world.ok("DescribeManagedPrefixLists", filter).await;
    let of_aws = json!({"PrefixListId": of_aws["prefixListSet"][0]["prefixListId"]});
    assert_eq!(
        world
            .refused("DeleteManagedPrefixList", of_aws.clone())
            .await,
        "UnsupportedOperation"
    );
    assert_eq!(
        world.refused("GetManagedPrefixListEntries", of_aws).await,
        "NotImplemented"
    );
    let twice = json!({"PrefixListName": "t", "AddressFamily": "IPv6", "MaxEntries": 1, "ClientToken": "x"});
    let one = world.ok("CreateManagedPrefixList", twice.clone()).await;
    let two = world.ok("CreateManagedPrefixList", twice).await;
    assert_eq!(one, two);
    let other = json!({"PrefixListName": "t", "AddressFamily": "IPv6", "MaxEntries": 2, "ClientToken": "x"});
    assert_eq!(
        world.refused("CreateManagedPrefixList", other).await,
        "IdempotentParameterMismatch"
    );
}

#[tokio::test]
async fn a_reference_counts_as_many_rules_as_the_list_may_have_entries() {
    let world = World::new().await;
    let group = world.group("g").await;
    let large = list(&world, 61, &[]).await;
    assert_eq!(
        world.refused(AUTHORIZE, rule(&group, &large)).await,
        "RulesPerSecurityGroupLimitExceeded"
    );
    let fitting = list(&world, 59, &[]).await;
    world.ok(AUTHORIZE, rule(&group, &fitting)).await;
    world.open(&group, json!([tcp(1, "10.0.0.0/8")])).await;
    let more = json!({"GroupId": group, "IpPermissions": [tcp(2, "10.0.0.0/8")]});
    assert_eq!(
        world.refused(AUTHORIZE, more).await,
        "RulesPerSecurityGroupLimitExceeded"
    );
    // A size that a group has no room for is taken back, and the list says why.
    let grown = json!({"PrefixListId": fitting, "MaxEntries": 60});
    world.ok(MODIFY, grown).await;
    let found = shown(&world, &fitting).await;
    assert_eq!(
        json!([found["state"], found["maxEntries"]]),
        json!(["modify-failed", 59])
    );
    assert!(text(&found, "/stateMessage").contains(&group));
}

#[tokio::test]
async fn a_list_in_use_outlives_its_deletion() {
    let world = World::new().await;
    let group = world.group("g").await;
    let id = list(&world, 1, &["10.0.0.0/8"]).await;
    world.ok(AUTHORIZE, rule(&group, &id)).await;
    let delete = json!({"PrefixListId": id});
    let answer = world.ok("DeleteManagedPrefixList", delete.clone()).await;
    assert_eq!(answer["prefixList"]["state"], "delete-in-progress");
    let found = shown(&world, &id).await;
    assert_eq!(found["state"], "delete-failed");
    assert!(text(&found, "/stateMessage").contains(&group));
    world
        .ok("RevokeSecurityGroupIngress", rule(&group, &id))
        .await;
    world.ok("DeleteManagedPrefixList", delete).await;
    let gone = json!({"PrefixListId": [id]});
    assert_eq!(
        world.refused("DescribeManagedPrefixLists", gone).await,
        "InvalidPrefixListID.NotFound"
    );
}
