use serde_json::{Value, json};

use super::{World, tcp, text};
use crate::config::Change;
use crate::ec2::{State, handler};
use crate::ids::{AccountId, Region};

#[tokio::test]
async fn names_are_checked_and_unique_in_a_vpc() {
    let world = World::new().await;
    world.group("Lab").await;
    let create = |name: &str, description: &str| json!({"GroupName": name, "GroupDescription": description, "VpcId": world.vpc()});
    for (input, code) in [
        (create("lab", "d"), "InvalidGroup.Duplicate"),
        (create("default", "d"), "InvalidParameterValue"),
        (create("sg-x", "d"), "InvalidParameterValue"),
        (create("n", "d'"), "InvalidParameterValue"),
        (create("n", ""), "MissingParameter"),
        (create("", "d"), "MissingParameter"),
        (
            json!({"GroupName": "n", "GroupDescription": "d", "VpcId": "vpc-1"}),
            "InvalidVpcID.NotFound",
        ),
        (
            json!({"GroupName": "n", "GroupDescription": "d", "TagSpecification": [{"ResourceType": "vpc"}]}),
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(world.refused("CreateSecurityGroup", input).await, code);
    }
    world.default_vpc_group("Lab").await;
}

#[tokio::test]
async fn a_default_group_lets_its_members_talk() {
    let world = World::new().await;
    let input = json!({"Filter": [{"Name": "vpc-id", "Value": [world.vpc()]}]});
    let shown = world.ok("DescribeSecurityGroups", input).await;
    let group = &shown["securityGroupInfo"][0];
    assert_eq!(group["groupName"], "default");
    assert_eq!(
        group["ipPermissions"][0]["groups"][0]["groupId"],
        group["groupId"]
    );
    assert_eq!(
        group["ipPermissionsEgress"][0]["ipRanges"][0]["cidrIp"],
        "0.0.0.0/0"
    );
    let delete = json!({"GroupId": group["groupId"]});
    assert_eq!(
        world.refused("DeleteSecurityGroup", delete).await,
        "CannotDelete"
    );
}

#[tokio::test]
async fn a_group_that_others_refer_to_stays() {
    let world = World::new().await;
    let (a, b) = (world.group("a").await, world.group("b").await);
    let permission = json!([{"IpProtocol": "-1", "Groups": [{"GroupId": a}]}]);
    world.open(&b, permission.clone()).await;
    world.open(&a, permission).await;
    let delete = |id: &str| json!({"GroupId": id});
    assert_eq!(
        world.refused("DeleteSecurityGroup", delete(&a)).await,
        "DependencyViolation"
    );
    world.ok("DeleteSecurityGroup", delete(&b)).await;
    world.ok("DeleteSecurityGroup", delete(&a)).await;
    assert_eq!(
        world.refused("DeleteSecurityGroup", delete(&a)).await,
        "InvalidGroup.NotFound"
    );
    assert_eq!(
        world.refused("DeleteSecurityGroup", json!({})).await,
        "MissingParameter"
    );
    let by_name = json!({"GroupName": "a"});
    assert_eq!(
        world.refused("DeleteSecurityGroup", by_name).await,
        "InvalidGroup.NotFound"
    );
}

#[tokio::test]
async fn filters_select_and_unknown_ones_are_errors() {
    let world = World::new().await;
    let group = world.group("Lab").await;
    world.open(&group, json!([tcp(465, "0.0.0.0/0")])).await;
    world
        .ok(
            "CreateTags",
            json!({"ResourceId": [group], "Tag": [{"Key": "driftlab:lab", "Value": "x"}]}),
        )
        .await;
    for (name, value) in [
        ("group-id", group.as_str()),
        ("group-name", "L?b"),
        ("description", "Lab*"),
        ("tag:driftlab:lab", "x"),
        ("tag-key", "driftlab:*"),
        ("ip-permission.from-port", "465"),
        ("ip-permission.to-port", "465"),
    ] {
        let input = json!({"Filter": [{"Name": name, "Value": ["nothing", value]}, {"Name": "owner-id", "Value": ["111122223333"]}]});
        let shown = world.ok("DescribeSecurityGroups", input).await;
        let found = shown["securityGroupInfo"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0]["groupId"], group.as_str());
    }
    for name in ["group", "Group-Id", "tag:", ""] {
        let input = json!({"Filter": [{"Name": name, "Value": ["x"]}]});
        let code = world.refused("DescribeSecurityGroups", input).await;
        assert!(
            ["InvalidParameterValue", "MissingParameter"].contains(&code.as_str()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn pages_hold_every_group_once() {
    let world = World::new().await;
    for n in 0..12 {
        world.group(&format!("g{n}")).await;
    }
    let mut ids: Vec<String> = Vec::new();
    let mut input = json!({"MaxResults": 5});
    loop {
        let page = world.ok("DescribeSecurityGroups", input.clone()).await;
        let groups = page["securityGroupInfo"].as_array().unwrap();
        assert!(groups.len() <= 5);
        ids.extend(groups.iter().map(|group| text(group, "/groupId")));
        match &page["nextToken"] {
            Value::Null => break,
            token => input["NextToken"] = token.clone(),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 14, "with the default groups of both VPCs");
    for input in [json!({"MaxResults": 4}), json!({"MaxResults": 1001})] {
        assert_eq!(
            world.refused("DescribeSecurityGroups", input).await,
            "InvalidParameterValue"
        );
    }
    let token = json!({"NextToken": "?"});
    assert_eq!(
        world.refused("DescribeSecurityGroups", token).await,
        "InvalidNextToken"
    );
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = World::new().await;
    let group = world.group("g").await;
    let tags = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]);
    world
        .ok(
            "CreateTags",
            json!({"ResourceId": [group, world.vpc()], "Tag": tags}),
        )
        .await;
    let other_value =
        json!({"ResourceId": [group], "Tag": [{"Key": "a", "Value": "other"}, {"Key": "b"}]});
    world.ok("DeleteTags", other_value).await;
    let input = json!({"Filter": [{"Name": "resource-type", "Value": ["security-group"]}]});
    let shown = world.ok("DescribeTags", input).await;
    assert_eq!(
        shown["tagSet"],
        json!([{"key": "a", "resourceId": group, "resourceType": "security-group", "value": "1"}])
    );
    let reserved = json!({"ResourceId": [group], "Tag": [{"Key": "aws:x", "Value": "1"}]});
    assert_eq!(
        world.refused("CreateTags", reserved).await,
        "InvalidParameterValue"
    );
    let many: Vec<Value> = (0..51)
        .map(|n| json!({"Key": format!("k{n}"), "Value": ""}))
        .collect();
    let many = json!({"ResourceId": [group], "Tag": many});
    assert_eq!(world.refused("CreateTags", many).await, "TagLimitExceeded");
    let unknown = json!({"ResourceId": ["i-1"], "Tag": [{"Key": "a"}]});
    assert_eq!(world.refused("CreateTags", unknown).await, "InvalidID");
    world.ok("DeleteTags", json!({"ResourceId": [group]})).await;
    assert_eq!(world.describe(&group).await["tagSet"], Value::Null);
}

#[tokio::test]
async fn dry_runs_check_everything_and_change_nothing() {
    let world = World::new().await;
    let group = world.group("g").await;
    let before = world.describe(&group).await;
    let input = json!({"GroupId": group, "DryRun": "true", "IpPermissions": [tcp(1, "0.0.0.0/0")]});
    let error = world.refusal("AuthorizeSecurityGroupIngress", input).await;
    assert_eq!(
        (error.status, error.code.as_ref()),
        (412, "DryRunOperation")
    );
    assert_eq!(world.describe(&group).await, before);
    let missing = json!({"GroupId": "sg-00000000000000000", "DryRun": true});
    assert_eq!(
        world.refused("DeleteSecurityGroup", missing).await,
        "InvalidGroup.NotFound"
    );
}

#[tokio::test]
async fn what_is_not_implemented_says_so() {
    let world = World::new().await;
    assert_eq!(
        world.refused("RunInstances", json!({})).await,
        "NotImplemented"
    );
    let input = json!({"CidrBlock": "10.0.0.0/16", "Ipv6Pool": "x"});
    assert_eq!(world.refused("CreateVpc", input).await, "NotImplemented");
}

#[test]
fn every_mutation_of_a_group_is_observed_once() {
    let account = AccountId::parse("111122223333").unwrap();
    let mut state = State::new(&account, &Region::parse("us-east-1").unwrap());
    assert!(state.take_mutations().is_empty());
    let mut run = |operation: &str, input: Value| {
        let (run, _) = handler(operation).unwrap();
        let answer = run(&mut state, &input);
        let seen: Vec<Change> = state
            .take_mutations()
            .iter()
            .map(|(change, _)| *change)
            .collect();
        (answer, seen)
    };
    let (vpc, seen) = run("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
    assert_eq!(seen, [Change::Created], "the default group");
    let vpc = vpc.unwrap()["vpc"]["vpcId"].clone();
    let group = json!({"GroupName": "g", "GroupDescription": "d", "VpcId": vpc});
    let (group, seen) = run("CreateSecurityGroup", group);
    assert_eq!(seen, [Change::Created]);
    let group = group.unwrap()["groupId"].clone();
    let rules =
        json!({"GroupId": group, "IpPermissions": [tcp(465, "0.0.0.0/0"), tcp(993, "0.0.0.0/0")]});
    let tag = json!({"ResourceId": [group], "Tag": [{"Key": "a", "Value": "1"}]});
    let describing = "UpdateSecurityGroupRuleDescriptionsIngress";
    let mut described = rules.clone();
    described["IpPermissions"][0]["IpRanges"][0]["Description"] = json!("smtps");
    for (operation, input, expected) in [
        (
            "AuthorizeSecurityGroupIngress",
            rules.clone(),
            &[Change::Modified][..],
        ),
        ("AuthorizeSecurityGroupIngress", rules.clone(), &[]),
        (describing, described.clone(), &[Change::Modified]),
        (describing, described, &[]),
        ("CreateTags", tag.clone(), &[Change::Modified]),
        ("CreateTags", tag, &[]),
        ("DescribeSecurityGroups", json!({}), &[]),
        ("RevokeSecurityGroupIngress", rules, &[Change::Modified]),
        ("DeleteVpc", json!({"VpcId": vpc}), &[]),
        (
            "DeleteSecurityGroup",
            json!({"GroupId": group}),
            &[Change::Deleted],
        ),
        ("DeleteVpc", json!({"VpcId": vpc}), &[Change::Deleted]),
    ] {
        let (_, seen) = run(operation, input);
        assert_eq!(seen, expected, "{operation}");
    }
}

#[test]
fn config_sees_a_group_as_in_its_items() {
    let account = AccountId::parse("111122223333").unwrap();
    let mut state = State::new(&account, &Region::parse("us-east-1").unwrap());
    let mut run = |operation: &str, input: Value| {
        let (run, _) = handler(operation).unwrap();
        let answer = run(&mut state, &input).unwrap();
        (answer, state.take_mutations().pop())
    };
    let tags = json!([{"ResourceType": "security-group", "Tag": [{"Key": "k", "Value": "v"}]}]);
    let input = json!({"GroupName": "LabSG1", "GroupDescription": "d", "TagSpecification": tags});
    let (made, _) = run("CreateSecurityGroup", input);
    let input = json!({"GroupId": made["groupId"], "IpPermissions": [tcp(465, "0.0.0.0/0")]});
    let (_, seen) = run("AuthorizeSecurityGroupIngress", input);
    let (_, resource) = seen.unwrap();
    assert_eq!(resource.resource_type, "AWS::EC2::SecurityGroup");
    assert_eq!(resource.resource_name.as_deref(), Some("LabSG1"));
    assert_eq!(
        resource.arn,
        format!(
            "arn:aws:ec2:us-east-1:111122223333:security-group/{}",
            resource.resource_id
        )
    );
    assert_eq!(resource.tags.get("k").map(String::as_str), Some("v"));
    let vpc = resource.configuration["vpcId"].clone();
    assert_eq!(
        resource.relationships,
        [
            json!({"resourceType": "AWS::EC2::VPC", "resourceId": vpc, "relationshipName": "Is contained in Vpc"})
        ]
    );
    assert_eq!(
        resource.configuration,
        json!({
            "description": "d",
            "groupName": "LabSG1",
            "ipPermissions": [{
                "fromPort": 465, "ipProtocol": "tcp", "toPort": 465, "ipv6Ranges": [], "prefixListIds": [],
                "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"],
            }],
            "ownerId": "111122223333",
            "groupId": made["groupId"],
            "ipPermissionsEgress": [{
                "ipProtocol": "-1", "ipv6Ranges": [], "prefixListIds": [],
                "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"],
            }],
            "tags": [{"key": "k", "value": "v"}],
            "vpcId": vpc,
        })
    );
}
