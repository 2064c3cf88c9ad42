//! SNS.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, Tag};

use super::call;
use super::input::{Members, structure};
use crate::Reply;

structure!(Tag { "Key" => set_key, "Value" => set_value });
structure!(MessageAttributeValue { "DataType" => set_data_type, "StringValue" => set_string_value });

pub(super) async fn call(sdk: &SdkConfig, operation: &str, input: &Members<'_>) -> Reply {
    let client = Client::new(sdk);
    match operation {
        "CreateTopic" => call!(client.create_topic, input, {
            "Name" => set_name, "Attributes" => set_attributes, "Tags" => set_tags,
        }),
        "DeleteTopic" => call!(client.delete_topic, input, { "TopicArn" => set_topic_arn }),
        "ListTopics" => call!(client.list_topics, input, {}),
        "GetTopicAttributes" => {
            call!(client.get_topic_attributes, input, { "TopicArn" => set_topic_arn })
        }
        "SetTopicAttributes" => call!(client.set_topic_attributes, input, {
            "TopicArn" => set_topic_arn,
            "AttributeName" => set_attribute_name,
            "AttributeValue" => set_attribute_value,
        }),
        "Subscribe" => call!(client.subscribe, input, {
            "TopicArn" => set_topic_arn,
            "Protocol" => set_protocol,
            "Endpoint" => set_endpoint,
            "Attributes" => set_attributes,
            "ReturnSubscriptionArn" => set_return_subscription_arn,
        }),
        "ConfirmSubscription" => call!(client.confirm_subscription, input, {
            "TopicArn" => set_topic_arn, "Token" => set_token,
        }),
        "Unsubscribe" => {
            call!(client.unsubscribe, input, { "SubscriptionArn" => set_subscription_arn })
        }
        "ListSubscriptionsByTopic" => {
            call!(client.list_subscriptions_by_topic, input, { "TopicArn" => set_topic_arn })
        }
        "ListSubscriptions" => call!(client.list_subscriptions, input, {}),
        "GetSubscriptionAttributes" => {
            call!(client.get_subscription_attributes, input, { "SubscriptionArn" => set_subscription_arn })
        }
        "SetSubscriptionAttributes" => call!(client.set_subscription_attributes, input, {
            "SubscriptionArn" => set_subscription_arn,
            "AttributeName" => set_attribute_name,
            "AttributeValue" => set_attribute_value,
        }),
        "Publish" => call!(client.publish, input, {
            "TopicArn" => set_topic_arn,
            "Subject" => set_subject,
            "Message" => set_message,
            "MessageAttributes" => set_message_attributes,
        }),
        "TagResource" => call!(client.tag_resource, input, {
            "ResourceArn" => set_resource_arn, "Tags" => set_tags,
        }),
        "ListTagsForResource" => {
            call!(client.list_tags_for_resource, input, { "ResourceArn" => set_resource_arn })
        }
        other => panic!("the table of SNS has no `{other}`"),
    }
}
