//! The role of AWS Config's recorder: nothing in its policies is superfluous.

use sandbox::service::Service;
use serde_json::json;
use trials::trial::in_lab;
use trials::world::quick;
use trials::{Lab, World};

use super::roles::{CONFIG_ROLE, rights, set};

#[test]
fn aws_config_needs_every_right_of_the_recorders_role() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        // AWS Config may publish as the service as well, where the topic lets it. For roles of one's own it is not documented
        // which of the two it does, so the topic and the role both allow it; here the topic says nothing.
        let topics = world.call(Service::Sns, "ListTopics", json!({})).await;
        let topic = topics["Topics"][0]["TopicArn"].clone();
        let silent = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]});
        let input = json!({"TopicArn": topic, "AttributeName": "Policy",
            "AttributeValue": silent.to_string()});
        world.call(Service::Sns, "SetTopicAttributes", input).await;
        // AWS's own policy for the role lets it look at buckets, too. That policy is AWS's to change, and the documents of
        // the lab give the role the right by itself.
        let managed = "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole";
        let input = json!({"RoleName": CONFIG_ROLE, "PolicyArn": managed});
        world.call(Service::Iam, "DetachRolePolicy", input).await;
        assert_eq!(undelivered(world, lab).await, None);
        for right in rights(world, CONFIG_ROLE).await {
            set(world, CONFIG_ROLE, &right.policy, &right.taken()).await;
            let why = undelivered(world, lab).await;
            assert!(why.is_some(), "{} is superfluous", right.action);
            set(world, CONFIG_ROLE, &right.policy, &right.document).await;
        }
        assert_eq!(undelivered(world, lab).await, None);
    });
}

/// Puts the channel again, at which AWS Config looks at the bucket and writes to it, and has it tell the topic of an
/// incident. Answers with what could not be delivered.
async fn undelivered(world: &World, lab: &Lab<'_>) -> Option<String> {
    let described = world
        .call(Service::Config, "DescribeDeliveryChannels", json!({}))
        .await;
    let channel = json!({"DeliveryChannel": described["DeliveryChannels"][0]});
    if let Err(code) = world
        .ask(Service::Config, "PutDeliveryChannel", channel)
        .await
    {
        return Some(code);
    }
    lab.ok(&["simulate-incident", "--no-wait"]).await;
    world.idle().await;
    let status = world
        .call(Service::Config, "DescribeDeliveryChannelStatus", json!({}))
        .await;
    let stream = &status["DeliveryChannelsStatus"][0]["configStreamDeliveryInfo"];
    (stream["lastStatus"] != "SUCCESS").then(|| stream.to_string())
}
