//! Changing stacks.

use super::*;

#[tokio::test]
async fn updates_are_made_in_place_and_taken_back_when_one_fails() {
    let world = World::new();
    assert_eq!(
        world.create("s", &group(HTTP, "14")).await,
        "CREATE_COMPLETE"
    );
    let refused = world.update("s", &group(HTTP, "14")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationError: No updates are to be performed."
    );

    let before = world.physical("s", "Group").await;
    assert_eq!(
        world.update("s", &group(HTTPS, "14")).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(ports(&world, "s").await, [443]);
    assert_eq!(world.physical("s", "Group").await, before);

    // The group is changed, then the log group refuses.
    assert_eq!(
        world.update("s", &group(HTTP, "2")).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert!(
        world
            .reason("s", "UPDATE_FAILED Lines")
            .await
            .contains("retentionInDays")
    );
    assert_eq!(ports(&world, "s").await, [443]);
    let refused = world.update("s", &group(HTTPS, "14")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationError: No updates are to be performed."
    );
}

#[tokio::test]
async fn what_cannot_be_changed_is_replaced_and_the_old_one_deleted() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let before = world.physical("s", "Group").await;
    let changed = group(HTTP, "14").replace("a group", "another group");
    assert_eq!(
        world.update("s", &changed).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    let after = world.physical("s", "Group").await;
    assert_ne!(after, before);
    assert_eq!(world.output("s", "Id").await, after);
    let gone = world
        .of(Ec2)
        .refusal("DescribeSecurityGroups", json!({"GroupId": [before]}))
        .await;
    assert_eq!(gone.code, "InvalidGroup.NotFound");

    let named = changed.replace("GroupDescription:", "GroupName: g\n      GroupDescription:");
    assert_eq!(world.update("s", &named).await.unwrap(), "UPDATE_COMPLETE");
    let renamed = named.replace("another group", "a third group");
    assert_eq!(
        world.update("s", &renamed).await.unwrap(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert!(world.reason("s", "UPDATE_FAILED Group").await.starts_with(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing."
    ));
}

#[tokio::test]
async fn resources_come_and_go_with_the_template() {
    let world = World::new();
    world.create("s", &group(HTTP, "14")).await;
    let lines = world.physical("s", "Lines").await;
    let with_topic = group(HTTP, "14").replace("Resources:", "Resources:\n  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}}}}");
    assert_eq!(
        world.update("s", &with_topic).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    assert_eq!(
        world
            .leftovers()
            .await
            .iter()
            .filter(|name| name.starts_with("s-Role-"))
            .count(),
        1
    );
    let only_group = "Resources: {Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: a group}}}";
    assert_eq!(
        world.update("s", only_group).await.unwrap(),
        "UPDATE_COMPLETE"
    );
    let left = world.leftovers().await;
    assert!(
        !left.contains(&lines) && !left.iter().any(|name| name.starts_with("s-Role-")),
        "{left:?}"
    );
    assert_eq!(world.delete("s").await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn outbound_rules_replace_the_rule_that_a_group_is_born_with() {
    let world = World::new();
    let open =
        "Resources: {Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}}"
            .to_owned();
    let closed = open.replace(
        "GroupDescription: g",
        "GroupDescription: g, SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/8, Description: inside}]",
    );
    let outbound = async || {
        let id = world.physical("s", "Group").await;
        let groups = world
            .of(Ec2)
            .ok("DescribeSecurityGroups", json!({"GroupId": [id]}))
            .await;
        let rules = groups["securityGroupInfo"][0]["ipPermissionsEgress"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(rules.len(), 1);
        rules[0]["ipProtocol"].as_str().unwrap().to_owned()
    };
    world.create("s", &closed).await;
    assert_eq!(outbound().await, "tcp");
    assert_eq!(world.update("s", &open).await.unwrap(), "UPDATE_COMPLETE");
    assert_eq!(outbound().await, "-1");
    assert_eq!(world.update("s", &closed).await.unwrap(), "UPDATE_COMPLETE");
    assert_eq!(outbound().await, "tcp");
}
