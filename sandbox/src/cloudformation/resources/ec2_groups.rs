//! Security groups, with their rules inside or beside them.

use serde_json::{Map, Value, json};

use super::ec2_network::specification;
use super::schema::{fixed, must, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Ec2;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "AWS::EC2::SecurityGroup",
        family: Family::Groups,
        properties: &[
            must("GroupDescription"),
            fixed("GroupName"),
            mutable("SecurityGroupEgress"),
            mutable("SecurityGroupIngress"),
            mutable("Tags"),
            fixed("VpcId"),
        ],
        attributes: &["GroupId", "Id", "VpcId"],
        name_property: Some("GroupName"),
        taggable: true,
    },
    rule_kind(
        "AWS::EC2::SecurityGroupIngress",
        &[
            must("IpProtocol"),
            fixed("CidrIp"),
            fixed("CidrIpv6"),
            fixed("Description"),
            fixed("FromPort"),
            must("GroupId"),
            fixed("SourcePrefixListId"),
            fixed("SourceSecurityGroupId"),
            fixed("SourceSecurityGroupOwnerId"),
            fixed("ToPort"),
        ],
    ),
    rule_kind(
        "AWS::EC2::SecurityGroupEgress",
        &[
            must("IpProtocol"),
            must("GroupId"),
            fixed("CidrIp"),
            fixed("CidrIpv6"),
            fixed("Description"),
            fixed("DestinationPrefixListId"),
            fixed("DestinationSecurityGroupId"),
            fixed("FromPort"),
            fixed("ToPort"),
        ],
    ),
];

const fn rule_kind(name: &'static str, properties: &'static [super::schema::Property]) -> Kind {
    Kind {
        name,
        family: Family::Groups,
        properties,
        attributes: &["Id"],
        name_property: None,
        taggable: false,
    }
}

/// Which way the rules of a list go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Way {
    fn property(self) -> &'static str {
        match self {
            Way::In => "SecurityGroupIngress",
            Way::Out => "SecurityGroupEgress",
        }
    }

    fn authorize(self) -> &'static str {
        match self {
            Way::In => "AuthorizeSecurityGroupIngress",
            Way::Out => "AuthorizeSecurityGroupEgress",
        }
    }

    fn revoke(self) -> &'static str {
        match self {
            Way::In => "RevokeSecurityGroupIngress",
            Way::Out => "RevokeSecurityGroupEgress",
        }
    }

    /// The members that name a prefix list and a group.
    fn sources(self) -> (&'static str, &'static str) {
        match self {
            Way::In => ("SourcePrefixListId", "SourceSecurityGroupId"),
            Way::Out => ("DestinationPrefixListId", "DestinationSecurityGroupId"),
        }
    }
}

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::EC2::SecurityGroup" => group(work, properties).await,
        "AWS::EC2::SecurityGroupIngress" => rule(work, properties, Way::In).await,
        "AWS::EC2::SecurityGroupEgress" => rule(work, properties, Way::Out).await,
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != "AWS::EC2::SecurityGroup" {
        return Err(Failure::new(format!(
            "the rule {} cannot be changed by the sandbox, only replaced",
            update.physical_id
        )));
    }
    for way in [Way::In, Way::Out] {
        if !update.has(way.property()) {
            continue;
        }
        let (old, new) = (
            effective(work, update.old, way)?,
            effective(work, update.new, way)?,
        );
        let added: Vec<&Value> = new.iter().filter(|rule| !old.contains(rule)).collect();
        let removed: Vec<&Value> = old.iter().filter(|rule| !new.contains(rule)).collect();
        // Opened before anything is closed, so that nobody is locked out in between.
        for rule in added {
            let input = json!({"GroupId": update.physical_id, "IpPermissions": [rule]});
            match work.call(Ec2, way.authorize(), input).await {
                // The change that is taken back may have failed before it closed the rule.
                Err(failure) if update.back && failure.code == "InvalidPermission.Duplicate" => {}
                other => drop(other?),
            }
        }
        for rule in removed {
            let input = json!({"GroupId": update.physical_id, "IpPermissions": [rule]});
            match work.call(Ec2, way.revoke(), input).await {
                // Somebody closed it already.
                Err(failure) if failure.missing => {}
                other => drop(other?),
            }
        }
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
        "AWS::EC2::SecurityGroup" => ("DeleteSecurityGroup", json!({"GroupId": id})),
        "AWS::EC2::SecurityGroupIngress" | "AWS::EC2::SecurityGroupEgress" => {
            let way = if kind.ends_with("Ingress") {
                Way::In
            } else {
                Way::Out
            };
            let group = work.required(properties, "GroupId")?;
            (
                way.revoke(),
                json!({"GroupId": group, "SecurityGroupRuleId": [id]}),
            )
        }
        other => return Err(unhandled(other)),
    };
    work.tell(Ec2, operation, input).await
}

async fn group(work: &Work, properties: &Value) -> Result<Made, Failure> {
    // Read before anything is made: a malformed rule must not leave a group behind.
    let (ingress, egress) = (
        permissions(work, properties, Way::In)?,
        permissions(work, properties, Way::Out)?,
    );
    let input = json!({
        "GroupName": work.name(properties, "GroupName", 255)?,
        "GroupDescription": work.required(properties, "GroupDescription")?,
        "VpcId": work.text(properties, "VpcId")?,
        "TagSpecification": specification(work, "security-group"),
    });
    let answer = work.call(Ec2, "CreateSecurityGroup", input).await?;
    let id = answered(&answer, "/groupId")?;
    work.initiated(&id);
    if !ingress.is_empty() {
        work.call(
            Ec2,
            Way::In.authorize(),
            json!({"GroupId": id, "IpPermissions": ingress}),
        )
        .await?;
    }
    if !egress.is_empty() {
        // A template that says where traffic may go takes away EC2's own rule that lets it go everywhere.
        let input = json!({"GroupId": id, "IpPermissions": [everywhere()]});
        work.call(Ec2, Way::Out.revoke(), input).await?;
        work.call(
            Ec2,
            Way::Out.authorize(),
            json!({"GroupId": id, "IpPermissions": egress}),
        )
        .await?;
    }
    let described = work
        .call(Ec2, "DescribeSecurityGroups", json!({"GroupId": [id]}))
        .await?;
    let vpc = answered(&described, "/securityGroupInfo/0/vpcId")?;
    Ok(Made::new(
        &id,
        json!({"GroupId": id, "Id": id, "VpcId": vpc}),
    ))
}

async fn rule(work: &Work, properties: &Value, way: Way) -> Result<Made, Failure> {
    let group = work.required(properties, "GroupId")?;
    let permission = permission(work, properties, way)?;
    let answer = work
        .call(
            Ec2,
            way.authorize(),
            json!({"GroupId": group, "IpPermissions": [permission]}),
        )
        .await?;
    let id = answered(&answer, "/securityGroupRuleSet/0/securityGroupRuleId")?;
    work.initiated(&id);
    Ok(Made::new(&id, json!({"Id": id})))
}

/// EC2's own outbound rule of every new group.
fn everywhere() -> Value {
    json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
}

/// The rules that a group has because of its template: without outbound ones, EC2's own.
fn effective(work: &Work, properties: &Value, way: Way) -> Result<Vec<Value>, Failure> {
    let mut rules = permissions(work, properties, way)?;
    if way == Way::Out && rules.is_empty() {
        rules.push(everywhere());
    }
    Ok(rules)
}

/// The inline rules of one direction, each as one EC2 permission.
fn permissions(work: &Work, properties: &Value, way: Way) -> Result<Vec<Value>, Failure> {
    let (list, group) = way.sources();
    let mut allowed = vec![
        "CidrIp",
        "CidrIpv6",
        "Description",
        "FromPort",
        "IpProtocol",
        "ToPort",
        list,
        group,
    ];
    if way == Way::In {
        allowed.push("SourceSecurityGroupOwnerId");
    }
    work.items(properties, way.property())?
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let path = format!("#/{}/{index}", way.property());
            work.shape(&path, rule, &allowed, &["IpProtocol"])?;
            permission(work, rule, way)
        })
        .collect()
}

fn permission(work: &Work, rule: &Value, way: Way) -> Result<Value, Failure> {
    let description = work.text(rule, "Description")?;
    let source = |member: &str, value: String| {
        let mut source = Map::from_iter([(member.to_owned(), Value::from(value))]);
        if let Some(description) = &description {
            source.insert("Description".to_owned(), description.as_str().into());
        }
        source
    };
    let mut permission = Map::from_iter([(
        "IpProtocol".to_owned(),
        work.required(rule, "IpProtocol")?.into(),
    )]);
    for port in ["FromPort", "ToPort"] {
        if let Some(port_number) = work.int(rule, port)? {
            permission.insert(port.to_owned(), port_number.into());
        }
    }
    let (list, group) = way.sources();
    for (property, member, key) in [
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        (list, "PrefixListIds", "PrefixListId"),
        (group, "Groups", "GroupId"),
    ] {
        let Some(value) = work.text(rule, property)? else {
            continue;
        };
        let mut source = source(key, value);
        if key == "GroupId"
            && let Some(owner) = work.text(rule, "SourceSecurityGroupOwnerId")?
        {
            source.insert("UserId".to_owned(), owner.into());
        }
        permission.insert(member.to_owned(), json!([source]));
    }
    Ok(Value::Object(permission))
}
