use serde_json::{Value, json};

use super::{World, tcp};
use crate::ec2::required_access;
use crate::iam::Access;
use crate::protocol::Operation;

async fn required(world: &World, operation: &str, input: Value) -> Vec<Access> {
    world.enter(|call| required_access(call, &Operation::new(operation, input)))
}

#[tokio::test]
async fn rule_changes_need_the_group_and_show_its_vpc_and_tags() {
    let world = World::new().await;
    let group = world.group("g").await;
    world
        .ok(
            "CreateTags",
            json!({"ResourceId": [group], "Tag": [{"Key": "Lab", "Value": "x"}]}),
        )
        .await;
    let input = json!({"GroupId": group, "IpPermissions": [tcp(1, "0.0.0.0/0")]});
    let access = required(&world, "RevokeSecurityGroupIngress", input).await;
    assert_eq!(access.len(), 1);
    assert_eq!(access[0].action, "ec2:RevokeSecurityGroupIngress");
    assert_eq!(
        access[0].resource,
        format!("arn:aws:ec2:us-east-1:111122223333:security-group/{group}")
    );
    let vpc = format!("arn:aws:ec2:us-east-1:111122223333:vpc/{}", world.vpc());
    assert_eq!(access[0].context["ec2:vpc"], [vpc]);
    assert_eq!(access[0].context["aws:resourcetag/lab"], ["x"]);
}

#[tokio::test]
async fn describing_supports_no_resource() {
    let world = World::new().await;
    let access = required(
        &world,
        "DescribeSecurityGroups",
        json!({"GroupId": ["sg-1"]}),
    )
    .await;
    assert_eq!(access, [Access::anywhere("ec2", "DescribeSecurityGroups")]);
}

#[tokio::test]
async fn creating_with_tags_needs_tagging_too() {
    let world = World::new().await;
    let tags = json!([{"ResourceType": "security-group", "Tag": [{"Key": "k", "Value": "v"}]}]);
    let input = json!({"GroupName": "g", "GroupDescription": "d", "VpcId": world.vpc(), "TagSpecification": tags});
    let access = required(&world, "CreateSecurityGroup", input).await;
    let needed: Vec<(&str, &str)> = access
        .iter()
        .map(|each| {
            (
                each.action.as_str(),
                each.resource.rsplit(':').next().unwrap(),
            )
        })
        .collect();
    let vpc = format!("vpc/{}", world.vpc());
    assert_eq!(
        needed,
        [
            ("ec2:CreateSecurityGroup", "security-group/*"),
            ("ec2:CreateSecurityGroup", vpc.as_str()),
            ("ec2:CreateTags", "security-group/*"),
        ]
    );
    assert_eq!(
        access[2].context["ec2:createaction"],
        ["CreateSecurityGroup"]
    );
    assert_eq!(access[2].context["aws:requesttag/k"], ["v"]);
}

#[tokio::test]
async fn accepting_a_connection_needs_the_connection_and_the_accepters_vpc() {
    let world = World::new().await;
    let other = world
        .ok("CreateVpc", json!({"CidrBlock": "10.1.0.0/16"}))
        .await;
    let other = super::text(&other, "/vpc/vpcId");
    let input = json!({"VpcId": world.vpc(), "PeerVpcId": other});
    let made = world.ok("CreateVpcPeeringConnection", input).await;
    let id = super::text(&made, "/vpcPeeringConnection/vpcPeeringConnectionId");
    let input = json!({"VpcPeeringConnectionId": id});
    let access = required(&world, "AcceptVpcPeeringConnection", input).await;
    let resources: Vec<&str> = access.iter().map(|each| each.resource.as_str()).collect();
    let arn = |resource: String| format!("arn:aws:ec2:us-east-1:111122223333:{resource}");
    assert_eq!(
        resources,
        [
            arn(format!("vpc-peering-connection/{id}")),
            arn(format!("vpc/{other}"))
        ]
    );
}
