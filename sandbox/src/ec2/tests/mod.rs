//! The service through the sandbox's front door, as CloudFormation and the wire reach it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::sync::Arc;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

mod access;
mod groups;
mod networks;
mod peerings;
mod prefix_lists;
mod rules;

/// A sandbox with a VPC of the test's own.
struct World {
    sandbox: Arc<Sandbox>,
    target: Target,
    vpc: String,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Settings::default());
        let target = target("111122223333", Caller::Operator);
        let mut world = Self {
            sandbox,
            target,
            vpc: String::new(),
        };
        let made = world.ok("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
        world.vpc = text(&made.await, "/vpc/vpcId");
        world
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        self.sandbox
            .perform_value(&self.target, Service::Ec2, operation, input)
            .await
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).await.unwrap()
    }

    /// The code of the error that the operation must end with.
    async fn refused(&self, operation: &str, input: Value) -> String {
        self.call(operation, input)
            .await
            .unwrap_err()
            .code
            .into_owned()
    }

    /// A fresh group in the test's VPC.
    async fn group(&self, name: &str) -> String {
        let input = json!({"GroupName": name, "GroupDescription": name, "VpcId": self.vpc});
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

fn target(account: &str, caller: Caller) -> Target {
    let account = AccountId::parse(account).unwrap();
    Target::new(account, Region::parse("us-east-1").unwrap(), caller)
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
