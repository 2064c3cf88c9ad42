//! What has to be true of a lab, read from the sandbox and not from `driftlab`.

use sandbox::service::Service;
use serde_json::{Value, json};

use crate::census::items;
use crate::{STACK, World};

/// What is wrong with a lab that was said to be ready; empty when nothing is.
pub async fn flaws_of_ready(world: &World) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut check = |what: &str, right: bool, seen: &Value| {
        if !right {
            flaws.push(format!("{what}: {seen}"));
        }
    };
    let stack = stack(world).await;
    let status = stack["StackStatus"].as_str().unwrap_or_default();
    check(
        "the stack is not complete",
        matches!(
            status,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE"
        ),
        &stack["StackStatus"],
    );
    let recorders = config(world, "DescribeConfigurationRecorderStatus").await;
    let recorder = &recorders["ConfigurationRecordersStatus"][0];
    check(
        "the recorder does not run",
        recorder["recording"] == true,
        recorder,
    );
    let channels = config(world, "DescribeDeliveryChannels").await;
    let bucket = output(&stack, "DeliveryBucketName");
    let channel = &channels["DeliveryChannels"][0];
    check(
        "the channel does not deliver to the lab's bucket",
        bucket.is_some() && channel["s3BucketName"].as_str() == bucket.as_deref(),
        channel,
    );
    let rules = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    let rules = world
        .ask(Service::Config, "DescribeConfigRules", rules)
        .await;
    let rule = &rules.unwrap_or_default()["ConfigRules"][0];
    check(
        "the rule is not active",
        matches!(
            rule["ConfigRuleState"].as_str(),
            Some("ACTIVE" | "EVALUATING")
        ),
        rule,
    );
    let retention = config(world, "DescribeRetentionConfigurations").await;
    check(
        "no retention is set",
        items(&retention, "RetentionConfigurations").len() == 1,
        &retention,
    );
    flaws.extend(flaws_of_healed(world).await);
    flaws
}

/// What is wrong with a group that was said to be healed; empty when nothing is.
pub async fn flaws_of_healed(world: &World) -> Vec<String> {
    let mut flaws = Vec::new();
    let stack = stack(world).await;
    let Some(group) = output(&stack, "LabSecurityGroupId") else {
        return vec![format!("there is no lab group: {stack}")];
    };
    let open = ports(world, &group).await;
    if open != ["443", "80"] {
        flaws.push(format!("the group `{group}` lets in {open:?}"));
    }
    flaws
}

/// The ports that a group lets in, sorted.
pub async fn ports(world: &World, group: &str) -> Vec<String> {
    let found = world
        .ask(
            Service::Ec2,
            "DescribeSecurityGroups",
            json!({"GroupId": [group]}),
        )
        .await;
    let mut ports: Vec<String> = found
        .iter()
        .flat_map(|found| items(found, "securityGroupInfo"))
        .flat_map(|group| items(&group, "ipPermissions"))
        .map(|permission| permission["fromPort"].to_string().replace('"', ""))
        .collect();
    ports.sort();
    ports
}

/// The lab's stack as CloudFormation describes it; null when there is none.
pub async fn stack(world: &World) -> Value {
    let found = world
        .ask(
            Service::CloudFormation,
            "DescribeStacks",
            json!({"StackName": STACK}),
        )
        .await;
    found
        .ok()
        .and_then(|found| items(&found, "Stacks").into_iter().next())
        .unwrap_or_default()
}

/// An output of a stack.
pub fn output(stack: &Value, name: &str) -> Option<String> {
    items(stack, "Outputs")
        .iter()
        .find(|output| output["OutputKey"] == name)
        .and_then(|output| output["OutputValue"].as_str())
        .map(str::to_owned)
}

async fn config(world: &World, operation: &str) -> Value {
    world.call(Service::Config, operation, json!({})).await
}
