use serde_json::{Value, json};

use super::{World, text};

#[tokio::test]
async fn an_account_starts_with_a_default_vpc() {
    let world = World::new().await;
    let input = json!({"Filter": [{"Name": "is-default", "Value": ["true"]}]});
    let vpcs = world.ok("DescribeVpcs", input).await;
    assert_eq!(vpcs["vpcSet"][0]["cidrBlock"], "172.31.0.0/16");
    let subnets = world.ok("DescribeSubnets", json!({})).await;
    assert_eq!(subnets["subnetSet"].as_array().unwrap().len(), 6);
    let attributes = world.ok(
        "DescribeAccountAttributes",
        json!({"AttributeName": ["default-vpc"]}),
    );
    assert_eq!(
        attributes.await["accountAttributeSet"][0]["attributeValueSet"][0]["attributeValue"],
        vpcs["vpcSet"][0]["vpcId"]
    );
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let world = World::new().await;
    let other = world.in_account("999988887777");
    let input = json!({"VpcId": [world.vpc()]});
    let error = other.refusal("DescribeVpcs", input).await;
    assert_eq!(error.code, "InvalidVpcID.NotFound");
}

#[tokio::test]
async fn ranges_are_checked() {
    let world = World::new().await;
    for (range, code) in [
        ("10.0.0.0", "InvalidParameterValue"),
        ("10.0.0.0/8", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
    ] {
        assert_eq!(
            world
                .refused("CreateVpc", json!({"CidrBlock": range}))
                .await,
            code
        );
    }
    assert_eq!(
        world.refused("CreateVpc", json!({})).await,
        "MissingParameter"
    );
    let subnet = |range: &str| json!({"VpcId": world.vpc(), "CidrBlock": range});
    world.ok("CreateSubnet", subnet("10.0.1.0/24")).await;
    for (range, code) in [
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.0.0/15", "InvalidSubnet.Range"),
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("x", "InvalidParameterValue"),
    ] {
        assert_eq!(
            world.refused("CreateSubnet", subnet(range)).await,
            code,
            "{range}"
        );
    }
    let zone =
        json!({"VpcId": world.vpc(), "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "us-east-1z"});
    assert_eq!(
        world.refused("CreateSubnet", zone).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn a_network_is_taken_down_in_order() {
    let world = World::new().await;
    let vpc = world.vpc();
    let made = world
        .ok(
            "CreateSubnet",
            json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"}),
        )
        .await;
    let subnet = text(&made, "/subnet/subnetId");
    let made = world.ok("CreateInternetGateway", json!({})).await;
    let gateway = text(&made, "/internetGateway/internetGatewayId");
    let made = world.ok("CreateRouteTable", json!({"VpcId": vpc})).await;
    let table = text(&made, "/routeTable/routeTableId");
    let route =
        json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    assert_eq!(
        world.refused("CreateRoute", route.clone()).await,
        "InvalidParameterValue"
    );
    let both = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    world.ok("AttachInternetGateway", both.clone()).await;
    assert_eq!(
        world.refused("AttachInternetGateway", both.clone()).await,
        "Resource.AlreadyAssociated"
    );
    world.ok("CreateRoute", route.clone()).await;
    assert_eq!(
        world.refused("CreateRoute", route).await,
        "RouteAlreadyExists"
    );
    let pair = json!({"RouteTableId": table, "SubnetId": subnet});
    let made = world.ok("AssociateRouteTable", pair).await;
    let association = text(&made, "/associationId");

    for (operation, input) in [
        ("DeleteVpc", json!({"VpcId": vpc})),
        (
            "DeleteInternetGateway",
            json!({"InternetGatewayId": gateway}),
        ),
        ("DeleteRouteTable", json!({"RouteTableId": table})),
    ] {
        assert_eq!(
            world.refused(operation, input).await,
            "DependencyViolation",
            "{operation}"
        );
    }
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"});
    for (operation, input) in [
        (
            "DisassociateRouteTable",
            json!({"AssociationId": association}),
        ),
        ("DetachInternetGateway", both.clone()),
        ("DeleteRoute", route.clone()),
        ("DeleteRouteTable", json!({"RouteTableId": table})),
        (
            "DeleteInternetGateway",
            json!({"InternetGatewayId": gateway}),
        ),
        ("DeleteSubnet", json!({"SubnetId": subnet})),
        ("DeleteVpc", json!({"VpcId": vpc})),
    ] {
        world.ok(operation, input).await;
    }
    for (operation, input, code) in [
        (
            "DisassociateRouteTable",
            json!({"AssociationId": association}),
            "InvalidAssociationID.NotFound",
        ),
        (
            "DetachInternetGateway",
            both,
            "InvalidInternetGatewayID.NotFound",
        ),
        ("DeleteRoute", route, "InvalidRouteTableID.NotFound"),
        (
            "DeleteRouteTable",
            json!({"RouteTableId": table}),
            "InvalidRouteTableID.NotFound",
        ),
        (
            "DeleteInternetGateway",
            json!({"InternetGatewayId": gateway}),
            "InvalidInternetGatewayID.NotFound",
        ),
        (
            "DeleteSubnet",
            json!({"SubnetId": subnet}),
            "InvalidSubnetID.NotFound",
        ),
        ("DeleteVpc", json!({"VpcId": vpc}), "InvalidVpcID.NotFound"),
    ] {
        assert_eq!(world.refused(operation, input).await, code, "{operation}");
    }
}

#[tokio::test]
async fn a_route_without_its_gateway_is_a_black_hole() {
    let world = World::new().await;
    let made = world.ok("CreateInternetGateway", json!({})).await;
    let gateway = text(&made, "/internetGateway/internetGatewayId");
    let both = json!({"InternetGatewayId": gateway, "VpcId": world.vpc()});
    world.ok("AttachInternetGateway", both.clone()).await;
    let input = json!({"Filter": [{"Name": "vpc-id", "Value": [world.vpc()]}]});
    let tables = world.ok("DescribeRouteTables", input).await;
    let table = text(&tables, "/routeTableSet/0/routeTableId");
    let route =
        json!({"RouteTableId": table, "DestinationIpv6CidrBlock": "::/0", "GatewayId": gateway});
    world.ok("CreateRoute", route).await;
    world.ok("DetachInternetGateway", both).await;
    let input = json!({"Filter": [{"Name": "route.state", "Value": ["blackhole"]}]});
    let tables = world.ok("DescribeRouteTables", input).await;
    assert_eq!(tables["routeTableSet"][0]["routeTableId"], table.as_str());
    let replace =
        json!({"RouteTableId": table, "DestinationIpv6CidrBlock": "::/0", "GatewayId": gateway});
    assert_eq!(
        world.refused("ReplaceRoute", replace).await,
        "InvalidParameterValue"
    );
    let main = text(
        &tables,
        "/routeTableSet/0/associationSet/0/routeTableAssociationId",
    );
    let input = json!({"AssociationId": main});
    assert_eq!(
        world.refused("DisassociateRouteTable", input).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn attributes_are_changed_one_at_a_time() {
    let world = World::new().await;
    let on = json!({"VpcId": world.vpc(), "EnableDnsHostnames": {"Value": "true"}});
    world.ok("ModifyVpcAttribute", on).await;
    let input = json!({"VpcId": world.vpc(), "Attribute": "enableDnsHostnames"});
    let shown = world.ok("DescribeVpcAttribute", input).await;
    assert_eq!(shown["enableDnsHostnames"]["value"], true);
    let two = json!({"VpcId": world.vpc(), "EnableDnsHostnames": {"Value": true}, "EnableDnsSupport": {"Value": true}});
    assert_eq!(
        world.refused("ModifyVpcAttribute", two).await,
        "InvalidParameterCombination"
    );
}

#[tokio::test]
async fn the_same_token_makes_one_route_table() {
    let world = World::new().await;
    let input = json!({"VpcId": world.vpc(), "ClientToken": "t"});
    let first = world.ok("CreateRouteTable", input.clone()).await;
    assert_eq!(world.ok("CreateRouteTable", input).await, first);
}

#[tokio::test]
async fn places_are_listed() {
    let world = World::new().await;
    let regions = world
        .ok("DescribeRegions", json!({"RegionName": ["eu-central-1"]}))
        .await;
    assert_eq!(
        regions["regionInfo"][0]["regionEndpoint"],
        "ec2.eu-central-1.amazonaws.com"
    );
    let chinese = json!({"RegionName": ["cn-north-1"]});
    assert_eq!(
        world.refused("DescribeRegions", chinese).await,
        "InvalidParameterValue"
    );
    let zones = world
        .ok(
            "DescribeAvailabilityZones",
            json!({"ZoneName": ["us-east-1b"]}),
        )
        .await;
    assert_eq!(zones["availabilityZoneInfo"][0]["zoneId"], "use1-az2");
    let interfaces = json!({"Filter": [{"Name": "group-id", "Value": ["sg-1"]}]});
    let interfaces = world.ok("DescribeNetworkInterfaces", interfaces).await;
    assert_eq!(interfaces["networkInterfaceSet"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_route_can_be_led_elsewhere() {
    let world = World::new().await;
    let made = world
        .ok("CreateRouteTable", json!({"VpcId": world.vpc()}))
        .await;
    let table = text(&made, "/routeTable/routeTableId");
    let made = world.ok("CreateInternetGateway", json!({})).await;
    let gateway = text(&made, "/internetGateway/internetGatewayId");
    let both = json!({"InternetGatewayId": gateway, "VpcId": world.vpc()});
    world.ok("AttachInternetGateway", both.clone()).await;
    let route =
        json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    let error = world.refused("ReplaceRoute", route.clone()).await;
    assert_eq!(error, "InvalidParameterValue", "there is none to replace");
    world.ok("CreateRoute", route.clone()).await;
    world.ok("DetachInternetGateway", both).await;
    let made = world.ok("CreateInternetGateway", json!({})).await;
    let other = text(&made, "/internetGateway/internetGatewayId");
    let both = json!({"InternetGatewayId": other, "VpcId": world.vpc()});
    world.ok("AttachInternetGateway", both).await;
    let mut route = route;
    route["GatewayId"] = json!(other);
    world.ok("ReplaceRoute", route).await;
    let tables = world
        .ok("DescribeRouteTables", json!({"RouteTableId": [table]}))
        .await;
    let shown = &tables["routeTableSet"][0]["routeSet"][1];
    assert_eq!(
        json!([shown["gatewayId"], shown["state"]]),
        json!([other, "active"])
    );
}
