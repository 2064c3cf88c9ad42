//! Groups, their tags, and listings.

use super::*;

fn schedules(answer: &Value) -> Vec<&str> {
    let listed = answer["Schedules"].as_array().unwrap().iter();
    listed.map(|it| it["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_group_goes_with_its_schedules() {
    let world = World::with_role(json!("logs:*")).await;
    let anywhere = json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}});
    world.role_if("roamer", anywhere).await;
    let tags = json!([{"Key": "lab", "Value": "one"}]);
    let group = json!({"Name": "g", "Tags": tags, "ClientToken": "t"});
    let made = world.ok("CreateScheduleGroup", group.clone()).await;
    let arn = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g";
    assert_eq!(made["ScheduleGroupArn"], arn);
    assert_eq!(world.ok("CreateScheduleGroup", group).await, made);
    let twice = world
        .refused("CreateScheduleGroup", json!({"Name": "g"}))
        .await;
    assert_eq!(twice, "ConflictException");
    let role = format!("arn:aws:iam::{ACCOUNT}:role/roamer");
    let change =
        json!({"GroupName": "g", "Target": {"RoleArn": role}, "StartDate": world.epoch(60)});
    world.schedule("inside", change.clone()).await.unwrap();
    world
        .schedule("outside", json!({"StartDate": world.epoch(60)}))
        .await
        .unwrap();

    let input = json!({"GroupName": "g"});
    let listed = world.ok("ListSchedules", input.clone()).await;
    assert_eq!(schedules(&listed), ["inside"]);
    world.ok("DeleteScheduleGroup", json!({"Name": "g"})).await;
    let shown = world.ok("GetScheduleGroup", json!({"Name": "g"})).await;
    assert_eq!(shown["State"], "DELETING");
    let late = world.schedule("late", change).await.unwrap_err();
    assert_eq!(late.code, "ConflictException");
    world.seconds(60).await;
    for (name, input) in [
        ("GetScheduleGroup", json!({"Name": "g"})),
        ("ListSchedules", input),
    ] {
        let gone = world.refusal(name, input).await;
        assert_eq!(
            (gone.status, &*gone.code),
            (404, "ResourceNotFoundException")
        );
    }
    assert_eq!(world.ends("CreateLogGroup"), ["ok"]);
    let default = json!({"Name": "default"});
    let refused = world.refused("DeleteScheduleGroup", default).await;
    assert_eq!(refused, "ValidationException");
}

#[tokio::test]
async fn groups_have_tags() {
    let world = World::with_role(json!("logs:*")).await;
    world.ok("CreateScheduleGroup", json!({"Name": "g"})).await;
    let arn = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g";
    let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
    let input = json!({"ResourceArn": arn, "Tags": tags});
    world.ok("TagResource", input).await;
    let input = json!({"ResourceArn": arn, "TagKeys": ["a"]});
    world.ok("UntagResource", input).await;
    let input = json!({"ResourceArn": arn});
    let shown = world.ok("ListTagsForResource", input).await;
    assert_eq!(shown["Tags"], json!([{"Key": "b", "Value": "2"}]));
    let schedule =
        json!({"ResourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s"});
    let refused = world.refused("ListTagsForResource", schedule).await;
    assert_eq!(refused, "ValidationException");
}

#[tokio::test]
async fn listings_come_in_pages() {
    let world = World::with_role(json!("logs:*")).await;
    for name in ["a-1", "a-2", "b-1"] {
        let state = if name == "a-2" { "DISABLED" } else { "ENABLED" };
        let change = json!({"State": state, "StartDate": world.epoch(60)});
        world.schedule(name, change).await.unwrap();
    }
    let list = async |input: Value| world.ok("ListSchedules", input).await;
    let first = list(json!({"MaxResults": 2})).await;
    assert_eq!(schedules(&first), ["a-1", "a-2"]);
    let rest = list(json!({"MaxResults": 2, "NextToken": first["NextToken"]})).await;
    assert_eq!(schedules(&rest), ["b-1"]);
    assert!(rest.get("NextToken").is_none());
    assert_eq!(
        schedules(&list(json!({"NamePrefix": "a-", "State": "ENABLED"})).await),
        ["a-1"]
    );
    let groups = world.ok("ListScheduleGroups", json!({})).await;
    assert_eq!(groups["ScheduleGroups"][0]["Name"], "default");
}
