//! The service through the sandbox's front door, as CloudFormation and the wire reach it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use serde_json::{Value, json};

use crate::service::Service;
use crate::testing;

mod access;
mod groups;
mod networks;
mod peerings;
mod prefix_lists;
mod rules;

/// The id of a VPC of the test's own.
#[derive(Clone, Default)]
struct Vpc(String);

/// A sandbox with a VPC of the test's own.
type World = testing::World<Vpc>;

impl World {
    async fn new() -> Self {
        let world = Self::start(Service::Ec2).in_account("111122223333");
        world.with_vpc("10.0.0.0/16").await
    }

    /// The same with a VPC of its own.
    async fn with_vpc(mut self, range: &str) -> Self {
        let made = self.ok("CreateVpc", json!({"CidrBlock": range})).await;
        self.own = Vpc(text(&made, "/vpc/vpcId"));
        self
    }

    fn vpc(&self) -> &str {
        &self.own.0
    }

    /// A fresh group in the test's VPC.
    async fn group(&self, name: &str) -> String {
        let input = json!({"GroupName": name, "GroupDescription": name, "VpcId": self.vpc()});
        text(&self.ok("CreateSecurityGroup", input).await, "/groupId")
    }

    /// A fresh group in the default VPC.
    async fn default_vpc_group(&self, name: &str) -> String {
        let input = json!({"GroupName": name, "GroupDescription": name});
        text(&self.ok("CreateSecurityGroup", input).await, "/groupId")
    }

    async fn describe(&self, group: &str) -> Value {
        let shown = self.ok("DescribeSecurityGroups", json!({"GroupId": [group]}));
        shown.await["securityGroupInfo"][0].clone()
    }

    async fn ingress(&self, group: &str) -> Value {
        self.describe(group).await["ipPermissions"].clone()
    }

    async fn open(&self, group: &str, permissions: Value) -> Value {
        let input = json!({"GroupId": group, "IpPermissions": permissions});
        self.ok("AuthorizeSecurityGroupIngress", input).await
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

/// One IPv4 permission.
fn tcp(port: i64, range: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": range}]})
}
