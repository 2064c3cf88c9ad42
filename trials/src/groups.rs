//! Security groups of an account, read and attacked through the sandbox's own door.

use sandbox::service::Service;
use serde_json::{Value, json};

use crate::World;

/// The group that the lab watches.
pub async fn lab_group(world: &World) -> Value {
    let filter = json!({"Filter": [{"Name": "group-name", "Value": ["LabSG1"]}]});
    let found = world
        .call(Service::Ec2, "DescribeSecurityGroups", filter)
        .await;
    let group = found["securityGroupInfo"][0].clone();
    assert!(group.is_object(), "{found}");
    group
}

/// The first ports of its inbound rules, in order.
pub fn ports(group: &Value) -> Vec<i64> {
    let permissions = group["ipPermissions"].as_array().into_iter().flatten();
    let port = |permission: &Value| {
        let port = &permission["fromPort"];
        port.as_i64().or_else(|| port.as_str()?.parse().ok())
    };
    let mut ports: Vec<i64> = permissions.filter_map(port).collect();
    ports.sort_unstable();
    ports
}

/// Somebody opens a port of a group to the world.
pub async fn open(world: &World, group: &Value, port: u16) {
    let permission = json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let input = json!({"GroupId": group["groupId"], "IpPermissions": [permission]});
    world
        .call(Service::Ec2, "AuthorizeSecurityGroupIngress", input)
        .await;
}

/// What AWS Config says of a group: the verdict of the one rule that judges it, and the annotation.
pub async fn verdict(world: &World, group: &Value) -> (String, String) {
    let input = json!({"ResourceType": "AWS::EC2::SecurityGroup", "ResourceId": group["groupId"]});
    let found = world
        .call(Service::Config, "GetComplianceDetailsByResource", input)
        .await;
    let text = |name: &str| {
        let result = &found["EvaluationResults"][0];
        result[name].as_str().unwrap_or_default().to_owned()
    };
    (text("ComplianceType"), text("Annotation"))
}
