//! VPCs, subnets, gateways, routes.

use serde_json::{Value, json};

use super::schema::{fixed, must, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Ec2;

const fn network(
    name: &'static str,
    properties: &'static [super::schema::Property],
    attributes: &'static [&'static str],
    taggable: bool,
) -> Kind {
    Kind {
        name,
        family: Family::Network,
        properties,
        attributes,
        name_property: None,
        taggable,
    }
}

pub(super) const KINDS: &[Kind] = &[
    network(
        "AWS::EC2::VPC",
        &[
            must("CidrBlock"),
            mutable("EnableDnsHostnames"),
            mutable("EnableDnsSupport"),
            fixed("InstanceTenancy"),
            mutable("Tags"),
        ],
        &["CidrBlock", "DefaultSecurityGroup", "VpcId"],
        true,
    ),
    network(
        "AWS::EC2::Subnet",
        &[
            must("VpcId"),
            must("CidrBlock"),
            fixed("AvailabilityZone"),
            mutable("MapPublicIpOnLaunch"),
            mutable("Tags"),
        ],
        &["AvailabilityZone", "CidrBlock", "SubnetId", "VpcId"],
        true,
    ),
    network(
        "AWS::EC2::InternetGateway",
        &[mutable("Tags")],
        &["InternetGatewayId"],
        true,
    ),
    network(
        "AWS::EC2::VPCGatewayAttachment",
        &[must("VpcId"), must("InternetGatewayId")],
        &["AttachmentType"],
        false,
    ),
    network(
        "AWS::EC2::RouteTable",
        &[must("VpcId"), mutable("Tags")],
        &["RouteTableId"],
        true,
    ),
    network(
        "AWS::EC2::Route",
        &[
            must("RouteTableId"),
            fixed("DestinationCidrBlock"),
            fixed("DestinationIpv6CidrBlock"),
            mutable("GatewayId"),
        ],
        &["CidrBlock"],
        false,
    ),
    network(
        "AWS::EC2::SubnetRouteTableAssociation",
        &[must("SubnetId"), must("RouteTableId")],
        &["Id"],
        false,
    ),
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::EC2::VPC" => vpc(work, properties).await,
        "AWS::EC2::Subnet" => subnet(work, properties).await,
        "AWS::EC2::InternetGateway" => {
            let input = json!({"TagSpecification": specification(work, "internet-gateway")});
            let answer = work.call(Ec2, "CreateInternetGateway", input).await?;
            let id = answered(&answer, "/internetGateway/internetGatewayId")?;
            work.initiated(&id);
            Ok(Made::new(&id, json!({"InternetGatewayId": id})))
        }
        "AWS::EC2::VPCGatewayAttachment" => {
            work.call(Ec2, "AttachInternetGateway", attachment(work, properties)?)
                .await?;
            let id = format!("IGW|{}", work.required(properties, "VpcId")?);
            work.initiated(&id);
            Ok(Made::new(id, json!({"AttachmentType": "IGW"})))
        }
        "AWS::EC2::RouteTable" => {
            let input = json!({
                "VpcId": work.required(properties, "VpcId")?,
                "TagSpecification": specification(work, "route-table"),
            });
            let answer = work.call(Ec2, "CreateRouteTable", input).await?;
            let id = answered(&answer, "/routeTable/routeTableId")?;
            work.initiated(&id);
            Ok(Made::new(&id, json!({"RouteTableId": id})))
        }
        "AWS::EC2::Route" => route(work, properties).await,
        "AWS::EC2::SubnetRouteTableAssociation" => {
            let input = json!({
                "SubnetId": work.required(properties, "SubnetId")?,
                "RouteTableId": work.required(properties, "RouteTableId")?,
            });
            let answer = work.call(Ec2, "AssociateRouteTable", input).await?;
            let id = answered(&answer, "/associationId")?;
            work.initiated(&id);
            Ok(Made::new(&id, json!({"Id": id})))
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    let id = update.physical_id;
    match kind {
        "AWS::EC2::VPC" => vpc_attributes(work, id, update.new).await?,
        "AWS::EC2::Subnet" => public_addresses(work, id, update.new).await?,
        "AWS::EC2::Route" => {
            let (destination, cidr) = destination(work, update.new)?;
            let input = json!({
                "RouteTableId": work.required(update.new, "RouteTableId")?,
                destination: cidr,
                "GatewayId": work.text(update.new, "GatewayId")?,
            });
            work.call(Ec2, "ReplaceRoute", input).await?;
        }
        "AWS::EC2::InternetGateway" | "AWS::EC2::RouteTable" => {}
        other => return Err(unhandled(other)),
    }
    if update.has("Tags") {
        tags::update_ec2(work, update).await?;
    }
    Ok(update.unchanged())
}

pub(super) async fn delete(
    work: &Work,
    kind: &str,
    id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    let (operation, input) = match kind {
        "AWS::EC2::VPC" => ("DeleteVpc", json!({"VpcId": id})),
        "AWS::EC2::Subnet" => ("DeleteSubnet", json!({"SubnetId": id})),
        "AWS::EC2::InternetGateway" => ("DeleteInternetGateway", json!({"InternetGatewayId": id})),
        "AWS::EC2::VPCGatewayAttachment" => {
            ("DetachInternetGateway", attachment(work, properties)?)
        }
        "AWS::EC2::RouteTable" => ("DeleteRouteTable", json!({"RouteTableId": id})),
        "AWS::EC2::Route" => {
            let (destination, cidr) = destination(work, properties)?;
            let table = work.required(properties, "RouteTableId")?;
            (
                "DeleteRoute",
                json!({"RouteTableId": table, destination: cidr}),
            )
        }
        "AWS::EC2::SubnetRouteTableAssociation" => {
            ("DisassociateRouteTable", json!({"AssociationId": id}))
        }
        other => return Err(unhandled(other)),
    };
    work.tell(Ec2, operation, input).await
}

/// The tags of something new, as EC2's create operations take them.
pub(super) fn specification(work: &Work, resource_type: &str) -> Value {
    json!([{"ResourceType": resource_type, "Tag": work.tag_list(Ec2)}])
}

async fn vpc(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let cidr = work.required(properties, "CidrBlock")?;
    let input = json!({
        "CidrBlock": cidr,
        "InstanceTenancy": work.text(properties, "InstanceTenancy")?,
        "TagSpecification": specification(work, "vpc"),
    });
    let answer = work.call(Ec2, "CreateVpc", input).await?;
    let id = answered(&answer, "/vpc/vpcId")?;
    work.initiated(&id);
    vpc_attributes(work, &id, properties).await?;
    let filters = json!([
        {"Name": "vpc-id", "Value": [id]},
        {"Name": "group-name", "Value": ["default"]},
    ]);
    let groups = work
        .call(Ec2, "DescribeSecurityGroups", json!({"Filter": filters}))
        .await?;
    let group = answered(&groups, "/securityGroupInfo/0/groupId")?;
    let attributes = json!({"CidrBlock": cidr, "DefaultSecurityGroup": group, "VpcId": id});
    Ok(Made::new(&id, attributes))
}

async fn vpc_attributes(work: &Work, id: &str, properties: &Value) -> Result<(), Failure> {
    for name in ["EnableDnsSupport", "EnableDnsHostnames"] {
        if let Some(on) = work.flag(properties, name)? {
            work.call(
                Ec2,
                "ModifyVpcAttribute",
                json!({"VpcId": id, name: {"Value": on}}),
            )
            .await?;
        }
    }
    Ok(())
}

async fn subnet(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let (vpc, cidr) = (
        work.required(properties, "VpcId")?,
        work.required(properties, "CidrBlock")?,
    );
    let input = json!({
        "VpcId": vpc,
        "CidrBlock": cidr,
        "AvailabilityZone": work.text(properties, "AvailabilityZone")?,
        "TagSpecification": specification(work, "subnet"),
    });
    let answer = work.call(Ec2, "CreateSubnet", input).await?;
    let id = answered(&answer, "/subnet/subnetId")?;
    work.initiated(&id);
    public_addresses(work, &id, properties).await?;
    let zone = answered(&answer, "/subnet/availabilityZone")?;
    let attributes =
        json!({"AvailabilityZone": zone, "CidrBlock": cidr, "SubnetId": id, "VpcId": vpc});
    Ok(Made::new(&id, attributes))
}

async fn public_addresses(work: &Work, id: &str, properties: &Value) -> Result<(), Failure> {
    if let Some(on) = work.flag(properties, "MapPublicIpOnLaunch")? {
        let input = json!({"SubnetId": id, "MapPublicIpOnLaunch": {"Value": on}});
        work.call(Ec2, "ModifySubnetAttribute", input).await?;
    }
    Ok(())
}

fn attachment(work: &Work, properties: &Value) -> Result<Value, Failure> {
    Ok(json!({
        "VpcId": work.required(properties, "VpcId")?,
        "InternetGatewayId": work.required(properties, "InternetGatewayId")?,
    }))
}

async fn route(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let table = work.required(properties, "RouteTableId")?;
    let (destination, cidr) = destination(work, properties)?;
    let input = json!({
        "RouteTableId": table,
        destination: cidr,
        "GatewayId": work.text(properties, "GatewayId")?,
    });
    work.call(Ec2, "CreateRoute", input).await?;
    let id = format!("{table}|{cidr}");
    work.initiated(&id);
    Ok(Made::new(id, json!({"CidrBlock": cidr})))
}

fn destination(work: &Work, properties: &Value) -> Result<(&'static str, String), Failure> {
    for name in ["DestinationCidrBlock", "DestinationIpv6CidrBlock"] {
        if let Some(cidr) = work.text(properties, name)? {
            return Ok((name, cidr));
        }
    }
    work.required(properties, "DestinationCidrBlock")
        .map(|cidr| ("DestinationCidrBlock", cidr))
}
