use std::time::Duration;

use serde_json::{Value, json};

use super::{World, text};

const PEER: &str = "444455556666";

/// A second account of the same sandbox, with a VPC and a group.
struct Peer {
    world: World,
    group: String,
}

async fn peer(of: &World, account: &str, range: &str) -> Peer {
    let world = of.in_account(account).with_vpc(range).await;
    let group = world.group("peer").await;
    Peer { world, group }
}

async fn request(world: &World, peer: &Peer) -> String {
    let owner = peer.world.target.account.as_str();
    let input = json!({"VpcId": world.vpc(), "PeerVpcId": peer.world.vpc(), "PeerOwnerId": owner});
    let made = world.ok("CreateVpcPeeringConnection", input).await;
    text(&made, "/vpcPeeringConnection/vpcPeeringConnectionId")
}

fn named(id: &str) -> Value {
    json!({"VpcPeeringConnectionId": id})
}

async fn status(world: &World, id: &str) -> String {
    let shown = world.ok(
        "DescribeVpcPeeringConnections",
        json!({"VpcPeeringConnectionId": [id]}),
    );
    text(&shown.await, "/vpcPeeringConnectionSet/0/status/code")
}

fn from_group(group: &str, pair: Value) -> Value {
    json!({"GroupId": group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 465, "ToPort": 465, "Groups": [pair]}
    ]})
}

const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

#[tokio::test]
async fn a_rule_refers_to_another_accounts_group_only_through_an_active_connection() {
    let world = World::new().await;
    let peer = peer(&world, PEER, "10.1.0.0/16").await;
    let group = world.group("g").await;
    let pair = json!({"GroupId": peer.group, "UserId": PEER});
    let asked = from_group(&group, pair);
    let refused = world.call(AUTHORIZE, asked.clone()).await.err();
    let refused = refused.map(|error| (error.code.into_owned(), error.message));
    let expected = "You have specified two resources that belong to different networks.";
    assert_eq!(
        refused,
        Some(("InvalidGroup.NotFound".to_owned(), expected.to_owned()))
    );
    let id = request(&world, &peer).await;
    assert_eq!(status(&peer.world, &id).await, "pending-acceptance");
    assert_eq!(
        world.refused(AUTHORIZE, asked.clone()).await,
        "InvalidGroup.NotFound"
    );
    peer.world
        .ok("AcceptVpcPeeringConnection", named(&id))
        .await;
    world.ok(AUTHORIZE, asked.clone()).await;
    assert_eq!(
        world.refused(AUTHORIZE, asked).await,
        "InvalidPermission.Duplicate"
    );
    let shown = json!({
        "groupId": peer.group, "userId": PEER, "vpcId": peer.world.vpc(),
        "vpcPeeringConnectionId": id, "peeringStatus": "active",
    });
    assert_eq!(world.ingress(&group).await[0]["groups"], json!([shown]));
    let filter = json!({"Filter": [{"Name": "group-id", "Value": [group]}]});
    let rules = world.ok("DescribeSecurityGroupRules", filter).await;
    let rules = rules["securityGroupRuleSet"].as_array().cloned();
    let mut infos = rules
        .into_iter()
        .flatten()
        .map(|rule| rule["referencedGroupInfo"].clone());
    assert_eq!(infos.find(|info| !info.is_null()), Some(shown));
}

#[tokio::test]
async fn a_deleted_connection_leaves_stale_rules_that_can_only_be_revoked() {
    let world = World::new().await;
    let peer = peer(&world, PEER, "10.1.0.0/16").await;
    let group = world.group("g").await;
    let id = request(&world, &peer).await;
    peer.world
        .ok("AcceptVpcPeeringConnection", named(&id))
        .await;
    let pair = json!({"GroupId": peer.group, "UserId": PEER});
    world.ok(AUTHORIZE, from_group(&group, pair.clone())).await;
    let dry = json!({"VpcPeeringConnectionId": id, "DryRun": "true"});
    assert_eq!(
        peer.world.refused("DeleteVpcPeeringConnection", dry).await,
        "DryRunOperation"
    );
    assert_eq!(status(&world, &id).await, "active");
    peer.world
        .ok("DeleteVpcPeeringConnection", named(&id))
        .await;
    assert_eq!(status(&world, &id).await, "deleted");
    let stale = world.ingress(&group).await[0]["groups"][0].clone();
    assert_eq!(stale["peeringStatus"], "deleted");
    let egress = from_group(&group, pair);
    assert_eq!(
        world.refused("AuthorizeSecurityGroupEgress", egress).await,
        "InvalidGroup.NotFound"
    );
    // The peer's group may go; then nobody owns it any more.
    peer.world
        .ok("DeleteSecurityGroup", json!({"GroupId": peer.group}))
        .await;
    let stale = world.ingress(&group).await[0]["groups"][0].clone();
    assert_eq!(stale["userId"], Value::Null);
    let shown = json!({"GroupId": stale["groupId"], "VpcId": stale["vpcId"],
        "VpcPeeringConnectionId": stale["vpcPeeringConnectionId"], "PeeringStatus": "deleted"});
    world
        .ok("RevokeSecurityGroupIngress", from_group(&group, shown))
        .await;
    assert_eq!(world.ingress(&group).await, json!([]));
}

#[tokio::test]
async fn two_vpcs_of_one_account_can_be_joined_and_references_need_no_owner() {
    let world = World::new().await;
    let own = world.target.account.to_string();
    let peer = peer(&world, &own, "10.1.0.0/16").await;
    let group = world.group("g").await;
    let asked = from_group(&group, json!({"GroupId": peer.group}));
    assert_eq!(
        world.refused(AUTHORIZE, asked.clone()).await,
        "InvalidGroup.NotFound"
    );
    let id = request(&world, &peer).await;
    world.ok("AcceptVpcPeeringConnection", named(&id)).await;
    world.ok(AUTHORIZE, asked).await;
    let shown = world.ingress(&group).await[0]["groups"][0].clone();
    assert_eq!(shown["vpcPeeringConnectionId"], json!(id));
    // Only rules of the same VPC keep a group.
    world
        .ok("DeleteSecurityGroup", json!({"GroupId": peer.group}))
        .await;
    let gone = json!({"GroupId": peer.group, "UserId": "444455556666"});
    let egress = from_group(&group, gone);
    assert_eq!(
        world.refused("AuthorizeSecurityGroupEgress", egress).await,
        "InvalidGroup.NotFound"
    );
    world
        .ok("DeleteVpc", json!({"VpcId": peer.world.vpc()}))
        .await;
    assert_eq!(status(&world, &id).await, "deleted");
}

#[tokio::test]
async fn only_the_accepter_answers_and_only_once() {
    let world = World::new().await;
    let peer = peer(&world, PEER, "10.1.0.0/16").await;
    let (accept, reject, delete) = (
        "AcceptVpcPeeringConnection",
        "RejectVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
    );
    let id = request(&world, &peer).await;
    for operation in [accept, reject] {
        assert_eq!(
            world.refused(operation, named(&id)).await,
            "OperationNotPermitted"
        );
    }
    assert_eq!(
        peer.world.refused(delete, named(&id)).await,
        "OperationNotPermitted"
    );
    let vpc = json!({"VpcId": peer.world.vpc()});
    let left = peer.world.group("late").await;
    for group in [&left, &peer.group] {
        peer.world
            .ok("DeleteSecurityGroup", json!({"GroupId": group}))
            .await;
    }
    assert_eq!(
        peer.world.refused("DeleteVpc", vpc).await,
        "DependencyViolation"
    );
    peer.world.ok(reject, named(&id)).await;
    assert_eq!(status(&world, &id).await, "rejected");
    for operation in [accept, reject, delete] {
        assert_eq!(
            peer.world.refused(operation, named(&id)).await,
            "InvalidStateTransition"
        );
    }
    let third = world.in_account("777788889999");
    assert_eq!(
        third.refused(accept, named(&id)).await,
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    let again = request(&world, &peer).await;
    let twice = json!({"VpcId": world.vpc(), "PeerVpcId": peer.world.vpc(), "PeerOwnerId": PEER});
    assert_eq!(
        world.refused("CreateVpcPeeringConnection", twice).await,
        "VpcPeeringConnectionAlreadyExists"
    );
    world
        .sandbox
        .clock
        .advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(status(&world, &again).await, "expired");
}

#[tokio::test]
async fn impossible_requests_fail_and_the_peer_never_sees_them() {
    let world = World::new().await;
    let overlapping = peer(&world, PEER, "10.0.128.0/17").await;
    let id = request(&world, &overlapping).await;
    assert_eq!(status(&world, &id).await, "failed");
    let shown = json!({"VpcPeeringConnectionId": [id]});
    assert_eq!(
        overlapping
            .world
            .refused("DescribeVpcPeeringConnections", shown)
            .await,
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    // The right VPC with the wrong owner.
    let other = peer(&world, PEER, "10.1.0.0/16").await;
    let wrong = Peer {
        world: other.world.in_account("777788889999"),
        group: other.group,
    };
    let id = request(&world, &wrong).await;
    assert_eq!(status(&world, &id).await, "failed");
    let abroad = json!({"VpcId": world.vpc(), "PeerVpcId": world.vpc(), "PeerRegion": "eu-west-1"});
    assert_eq!(
        world.refused("CreateVpcPeeringConnection", abroad).await,
        "NotImplemented"
    );
}

#[tokio::test]
async fn each_side_tags_a_connection_for_itself() {
    let world = World::new().await;
    let peer = peer(&world, PEER, "10.1.0.0/16").await;
    let id = request(&world, &peer).await;
    let tag = json!({"ResourceId": [id], "Tag": [{"Key": "Side", "Value": "accepter"}]});
    peer.world.ok("CreateTags", tag).await;
    let filter = json!({"Filter": [{"Name": "tag:Side", "Value": ["accepter"]}]});
    for (side, found) in [(&peer.world, 1), (&world, 0)] {
        let shown = side
            .ok("DescribeVpcPeeringConnections", filter.clone())
            .await;
        let rows = shown["vpcPeeringConnectionSet"].as_array().map(Vec::len);
        assert_eq!(rows, Some(found));
    }
}
