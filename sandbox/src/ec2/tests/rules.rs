use serde_json::{Value, json};

use super::{World, tcp, text};
use crate::ec2::rules::QUOTA;

const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";
const REVOKE: &str = "RevokeSecurityGroupIngress";

#[tokio::test]
async fn rules_are_shown_by_protocol_and_ports() {
    let world = World::new().await;
    let group = world.group("g").await;
    let other = world.group("other").await;
    world.open(&group, json!([tcp(443, "10.0.0.0/8")])).await;
    let more = json!([
        tcp(22, "10.0.0.0/8"),
        {
            "IpProtocol": 6, "FromPort": "443", "ToPort": "443",
            "IpRanges": [{"CidrIp": "192.168.0.0/16", "Description": "office"}],
            "Ipv6Ranges": [{"CidrIpv6": "2001:DB8::/32"}],
            "Groups": [{"GroupId": other}],
        },
        {"IpProtocol": "-1", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]},
    ]);
    world.open(&group, more).await;
    assert_eq!(
        world.ingress(&group).await,
        json!([
            {
                "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
                "ipRanges": [{"cidrIp": "10.0.0.0/8"}, {"cidrIp": "192.168.0.0/16", "description": "office"}],
                "ipv6Ranges": [{"cidrIpv6": "2001:db8::/32"}],
                "prefixListIds": [],
                "groups": [{"groupId": other, "userId": "111122223333"}],
            },
            {
                "ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
                "ipRanges": [{"cidrIp": "10.0.0.0/8"}], "ipv6Ranges": [], "prefixListIds": [], "groups": [],
            },
            {
                "ipProtocol": "-1",
                "ipRanges": [{"cidrIp": "10.1.0.0/16"}], "ipv6Ranges": [], "prefixListIds": [], "groups": [],
            },
        ])
    );
}

#[tokio::test]
async fn every_atomic_rule_has_its_own_id() {
    let world = World::new().await;
    let group = world.group("g").await;
    let permission = json!([{
        "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
    }]);
    let answer = world.open(&group, permission).await;
    let made = answer["securityGroupRuleSet"].as_array().unwrap();
    assert_eq!(made.len(), 2);
    let input = json!({"Filter": [{"Name": "group-id", "Value": [group]}]});
    let listed = world.ok("DescribeSecurityGroupRules", input).await;
    let listed = listed["securityGroupRuleSet"].as_array().unwrap();
    assert_eq!(listed.len(), 3, "two inbound rules and the outbound one");
    assert!(made.iter().all(|rule| listed.contains(rule)));
    let outbound = listed.iter().find(|rule| rule["isEgress"] == true).unwrap();
    assert_eq!(outbound["fromPort"], -1);
    assert_eq!(outbound["ipProtocol"], "-1");
}

#[tokio::test]
async fn one_duplicate_fails_the_whole_call() {
    let world = World::new().await;
    let group = world.group("g").await;
    world.open(&group, json!([tcp(80, "10.0.0.0/24")])).await;
    let before = world.describe(&group).await;
    // The same rule: protocol by number, host bits set, another description.
    let again = json!({"IpProtocol": "6", "FromPort": 80, "ToPort": 80,
        "IpRanges": [{"CidrIp": "10.0.0.7/24", "Description": "again"}]});
    let input = json!({"GroupId": group, "IpPermissions": [tcp(443, "0.0.0.0/0"), again]});
    let error = world.refusal(AUTHORIZE, input).await;
    assert_eq!(error.code, "InvalidPermission.Duplicate");
    assert_eq!(
        error.message,
        "the specified rule \"peer: 10.0.0.0/24, TCP, from port: 80, to port: 80, ALLOW\" already exists"
    );
    assert_eq!(world.describe(&group).await, before);
    let twice =
        json!({"GroupId": group, "IpPermissions": [tcp(1, "10.0.0.1/8"), tcp(1, "10.0.0.0/8")]});
    assert_eq!(
        world.refused(AUTHORIZE, twice).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn revoking_is_all_or_nothing_outside_the_default_vpc() {
    let world = World::new().await;
    let group = world.group("g").await;
    world
        .open(&group, json!([tcp(80, "0.0.0.0/0"), tcp(443, "0.0.0.0/0")]))
        .await;
    let before = world.describe(&group).await;
    let input =
        json!({"GroupId": group, "IpPermissions": [tcp(80, "0.0.0.0/0"), tcp(81, "0.0.0.0/0")]});
    assert_eq!(
        world.refused(REVOKE, input).await,
        "InvalidPermission.NotFound"
    );
    assert_eq!(world.describe(&group).await, before);
    let input = json!({"GroupId": group, "IpPermissions": [tcp(80, "0.0.0.0/0")]});
    let answer = world.ok(REVOKE, input).await;
    assert_eq!(answer["unknownIpPermissionSet"], Value::Null);
    assert_eq!(answer["revokedSecurityGroupRuleSet"][0]["fromPort"], 80);
    assert_eq!(world.ingress(&group).await[0]["fromPort"], 443);
}

#[tokio::test]
async fn one_range_of_a_permission_can_be_revoked() {
    let world = World::new().await;
    let group = world.group("g").await;
    world
        .open(&group, json!([tcp(80, "10.0.0.0/8"), tcp(80, "0.0.0.0/0")]))
        .await;
    let input = json!({"GroupId": group, "IpPermissions": [tcp(80, "0.0.0.0/0")]});
    world.ok(REVOKE, input).await;
    assert_eq!(
        world.ingress(&group).await[0]["ipRanges"],
        json!([{"cidrIp": "10.0.0.0/8"}])
    );
}

#[tokio::test]
async fn the_default_vpc_reports_unknown_rules_instead() {
    let world = World::new().await;
    let group = world.default_vpc_group("g").await;
    world.open(&group, json!([tcp(80, "0.0.0.0/0")])).await;
    let input =
        json!({"GroupId": group, "IpPermissions": [tcp(80, "0.0.0.0/0"), tcp(81, "0.0.0.0/0")]});
    let answer = world.ok(REVOKE, input).await;
    assert_eq!(answer["return"], true);
    assert_eq!(answer["unknownIpPermissionSet"][0]["fromPort"], 81);
    assert_eq!(answer["revokedSecurityGroupRuleSet"][0]["fromPort"], 80);
    assert_eq!(world.ingress(&group).await, json!([]));
}

#[tokio::test]
async fn rules_can_be_revoked_by_id() {
    let world = World::new().await;
    let group = world.group("g").await;
    let made = world.open(&group, json!([tcp(80, "0.0.0.0/0")])).await;
    let id = text(&made, "/securityGroupRuleSet/0/securityGroupRuleId");
    let missing = json!({"GroupId": group, "SecurityGroupRuleId": [id, "sgr-00000000000000000"]});
    assert_eq!(
        world.refused(REVOKE, missing).await,
        "InvalidSecurityGroupRuleId.NotFound"
    );
    let malformed = json!({"GroupId": group, "SecurityGroupRuleId": ["rule"]});
    assert_eq!(
        world.refused(REVOKE, malformed).await,
        "InvalidSecurityGroupRuleId.Malformed"
    );
    let outbound = json!({"GroupId": group, "SecurityGroupRuleId": [id]});
    assert_eq!(
        world
            .refused("RevokeSecurityGroupEgress", outbound.clone())
            .await,
        "InvalidSecurityGroupRuleId.NotFound"
    );
    world.ok(REVOKE, outbound).await;
    assert_eq!(world.ingress(&group).await, json!([]));
}

#[tokio::test]
async fn the_flat_form_still_works() {
    let world = World::new().await;
    let group = world.group("g").await;
    let flat = json!({"GroupId": group, "IpProtocol": "TCP", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.9/8"});
    world.ok(AUTHORIZE, flat.clone()).await;
    assert_eq!(
        world.ingress(&group).await[0]["ipRanges"][0]["cidrIp"],
        "10.0.0.0/8"
    );
    world.ok(REVOKE, flat).await;
    let no_range = json!({"GroupId": group, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22});
    assert_eq!(world.refused(AUTHORIZE, no_range).await, "MissingParameter");
    assert_eq!(
        world.refused(AUTHORIZE, json!({"GroupId": group})).await,
        "MissingParameter"
    );
    let both =
        json!({"GroupId": group, "IpProtocol": "tcp", "IpPermissions": [tcp(1, "10.0.0.0/8")]});
    assert_eq!(
        world.refused(AUTHORIZE, both).await,
        "InvalidParameterCombination"
    );

    let by_name = json!({"GroupName": "default", "SourceSecurityGroupName": "default"});
    world.ok(AUTHORIZE, by_name).await;
    let shown = world
        .ok("DescribeSecurityGroups", json!({"GroupName": ["default"]}))
        .await;
    assert_eq!(
        shown["securityGroupInfo"][0]["ipPermissions"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn malformed_permissions_are_refused() {
    let world = World::new().await;
    let group = world.group("g").await;
    let any = json!([{"CidrIp": "0.0.0.0/0"}]);
    for (permission, code) in [
        (tcp(80, "10.0.0.0/33"), "InvalidParameterValue"),
        (tcp(80, "10.0.0.1"), "InvalidParameterValue"),
        (tcp(80, "::/0"), "InvalidParameterValue"),
        (tcp(65536, "0.0.0.0/0"), "InvalidParameterValue"),
        (tcp(-1, "0.0.0.0/0"), "InvalidParameterValue"),
        (
            json!({"IpProtocol": "tcp", "FromPort": 2, "ToPort": 1, "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "udp", "FromPort": 2, "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "icmp", "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "icmp", "FromPort": 0, "ToPort": 65535, "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "icmp", "FromPort": -1, "ToPort": 0, "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "http", "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "256", "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "tcp", "FromPort": "x", "ToPort": 1, "IpRanges": any}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "a'b"}]}),
            "InvalidParameterValue",
        ),
        (
            json!({"FromPort": 1, "ToPort": 1, "IpRanges": any}),
            "MissingParameter",
        ),
        (json!({"IpProtocol": "-1"}), "MissingParameter"),
        (
            json!({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}),
            "UnknownParameter",
        ),
        (
            json!({"IpProtocol": "-1", "Groups": [{"GroupId": "sg-00000000000000000"}]}),
            "InvalidGroup.NotFound",
        ),
        (
            json!({"IpProtocol": "-1", "Groups": [{"GroupId": "sg"}]}),
            "InvalidGroupId.Malformed",
        ),
        (
            json!({"IpProtocol": "-1", "Groups": [{"GroupId": group, "UserId": "999999999999"}]}),
            "InvalidGroup.NotFound",
        ),
        (
            json!({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}),
            "InvalidPrefixListID.NotFound",
        ),
    ] {
        let input = json!({"GroupId": group, "IpPermissions": [permission]});
        assert_eq!(world.refused(AUTHORIZE, input).await, code, "{permission}");
    }
    assert_eq!(world.ingress(&group).await, json!([]));
}

#[tokio::test]
async fn protocols_have_one_canonical_form() {
    let world = World::new().await;
    let group = world.group("g").await;
    let any = json!([{"CidrIp": "0.0.0.0/0"}]);
    let permissions = json!([
        {"IpProtocol": "17", "FromPort": 53, "ToPort": 53, "IpRanges": any},
        {"IpProtocol": "1", "FromPort": 8, "ToPort": -1, "IpRanges": any},
        {"IpProtocol": "58", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "50", "FromPort": 7, "ToPort": 9, "IpRanges": any},
    ]);
    world.open(&group, permissions).await;
    let shown = world.ingress(&group).await;
    let heads: Vec<Value> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|each| json!([each["ipProtocol"], each["fromPort"], each["toPort"]]))
        .collect();
    assert_eq!(
        json!(heads),
        json!([
            ["udp", 53, 53],
            ["icmp", 8, -1],
            ["icmpv6", -1, -1],
            ["50", null, null]
        ])
    );
}

#[tokio::test]
async fn the_quota_counts_each_address_family() {
    let world = World::new().await;
    let group = world.group("g").await;
    let member = world.group("member").await;
    let range = |n: usize| json!({"CidrIp": format!("10.0.{n}.0/24")});
    let ranges: Vec<Value> = (0..QUOTA - 1).map(range).collect();
    let full = json!([{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": ranges,
        "Groups": [{"GroupId": member}]}]);
    world.open(&group, full).await;
    let sixty_first = json!({"GroupId": group, "IpPermissions": [tcp(2, "0.0.0.0/0")]});
    assert_eq!(
        world.refused(AUTHORIZE, sixty_first).await,
        "RulesPerSecurityGroupLimitExceeded"
    );
    // Only the reference counts in IPv6, where there is room; a prefix list of 55 needs room in both.
    let six = json!([{"IpProtocol": "tcp", "FromPort": 2, "ToPort": 2, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    world.open(&group, six).await;
    let filter = json!({"Filter": [{"Name": "prefix-list-name", "Value": ["*cloudfront*"]}]});
    let lists = world.ok("DescribeManagedPrefixLists", filter).await;
    let list = json!([{"PrefixListId": lists["prefixListSet"][0]["prefixListId"]}]);
    let permission =
        json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": list});
    world.open(&member, json!([permission])).await;
    let ranges: Vec<Value> = (0..6).map(range).collect();
    let six_more =
        json!({"GroupId": member, "IpPermissions": [{"IpProtocol": "-1", "IpRanges": ranges}]});
    assert_eq!(
        world.refused(AUTHORIZE, six_more).await,
        "RulesPerSecurityGroupLimitExceeded"
    );
}

#[tokio::test]
async fn rules_are_modified_in_place() {
    let world = World::new().await;
    let group = world.group("g").await;
    let made = world
        .open(&group, json!([tcp(80, "0.0.0.0/0"), tcp(443, "0.0.0.0/0")]))
        .await;
    let id = text(&made, "/securityGroupRuleSet/0/securityGroupRuleId");
    let modify = |rule: Value| json!({"GroupId": group, "SecurityGroupRule": [{"SecurityGroupRuleId": id, "SecurityGroupRule": rule}]});
    let operation = "ModifySecurityGroupRules";
    let duplicate =
        json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"});
    assert_eq!(
        world.refused(operation, modify(duplicate)).await,
        "InvalidPermission.Duplicate"
    );
    let other_kind = json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv6": "::/0"});
    assert_eq!(
        world.refused(operation, modify(other_kind)).await,
        "InvalidParameterValue"
    );
    // moto, verified on AWS (0af643a5, `test_security_groups`).
    for (rule, told) in [
        (
            json!({"FromPort": 1, "ToPort": 2, "CidrIpv4": "2.3.4.5/32"}),
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.",
        ),
        (
            json!({"IpProtocol": "udp", "ToPort": 2, "CidrIpv4": "2.3.4.5/32"}),
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        ),
        (
            json!({"IpProtocol": "-1"}),
            "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId",
        ),
        (
            json!({"IpProtocol": "-1", "CidrIpv4": "2.3.4.5/32", "CidrIpv6": "::/0"}),
            "Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified",
        ),
    ] {
        assert_eq!(world.refusal(operation, modify(rule)).await.message, told);
    }
    let filter = json!({"Filter": [{"Name": "group-id", "Value": ["foobar"]}]});
    let refused = world.refusal("DescribeSecurityGroupRules", filter).await;
    assert_eq!(
        refused.message,
        "The security group ID 'foobar' is malformed"
    );
    let new = json!({"IpProtocol": "tcp", "FromPort": 81, "ToPort": 82, "CidrIpv4": "10.0.0.0/8", "Description": "d"});
    world.ok(operation, modify(new)).await;
    let shown = world
        .ok(
            "DescribeSecurityGroupRules",
            json!({"SecurityGroupRuleId": [id]}),
        )
        .await;
    let rule = &shown["securityGroupRuleSet"][0];
    assert_eq!(
        json!([
            rule["fromPort"],
            rule["toPort"],
            rule["cidrIpv4"],
            rule["description"]
        ]),
        json!([81, 82, "10.0.0.0/8", "d"])
    );
    let empty = json!({"GroupId": group});
    assert_eq!(world.refused(operation, empty).await, "MissingParameter");
}

#[tokio::test]
async fn descriptions_can_be_set_and_removed() {
    let world = World::new().await;
    let group = world.group("g").await;
    let made = world.open(&group, json!([tcp(80, "0.0.0.0/0")])).await;
    let id = text(&made, "/securityGroupRuleSet/0/securityGroupRuleId");
    let operation = "UpdateSecurityGroupRuleDescriptionsIngress";
    let by_permission = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80,
        "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "web"}]}]});
    world.ok(operation, by_permission).await;
    assert_eq!(
        world.ingress(&group).await[0]["ipRanges"][0]["description"],
        "web"
    );
    let by_id =
        json!({"GroupId": group, "SecurityGroupRuleDescription": [{"SecurityGroupRuleId": id}]});
    world.ok(operation, by_id).await;
    assert_eq!(
        world.ingress(&group).await[0]["ipRanges"],
        json!([{"cidrIp": "0.0.0.0/0"}])
    );
    let unknown = json!({"GroupId": group, "IpPermissions": [tcp(81, "0.0.0.0/0")]});
    assert_eq!(
        world.refused(operation, unknown).await,
        "InvalidPermission.NotFound"
    );
}
