//! SNS through the front door.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use serde_json::json;

use super::*;
use crate::service::Service;
use crate::testing;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";

#[derive(Clone, Default)]
struct Topic;

/// A sandbox with the topic [`TOPIC`].
type World = testing::World<Topic>;

impl World {
    async fn with_topic() -> Self {
        let world = Self::start(Service::Sns);
        world
            .ok(
                "CreateTopic",
                json!({"Name": "t", "Attributes": {"DisplayName": "Lab"}}),
            )
            .await;
        world
    }

    fn inbox(&self) -> Vec<Mail> {
        self.enter(|call| call.here().sns.inbox.clone())
    }

    async fn subscribe(&self, attributes: Value) -> String {
        let answer = self
            .ok(
                "Subscribe",
                json!({"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "student+lab@example.com",
                       "Attributes": attributes, "ReturnSubscriptionArn": "true"}),
            )
            .await;
        answer["SubscriptionArn"].as_str().unwrap().to_owned()
    }

    /// The token in the newest mail.
    fn token(&self) -> String {
        let body = self.inbox().last().unwrap().body.clone();
        let (_, rest) = body.split_once("&Token=").unwrap();
        rest.split('&').next().unwrap().to_owned()
    }

    async fn confirm(&self) -> Value {
        self.ok(
            "ConfirmSubscription",
            json!({"TopicArn": TOPIC, "Token": self.token()}),
        )
        .await
    }

    fn publish_as(&self, principal: &str, body: &Value) -> Result<String, ApiError> {
        let message = Message {
            body: body.to_string(),
            ..Message::default()
        };
        self.enter(|call| publish(call, TOPIC, principal, message))
    }
}

fn attribute(answer: &Value, name: &str) -> String {
    let entries = answer["Attributes|entry"].as_array().unwrap();
    let found = entries.iter().find(|entry| entry["key"] == name);
    found.map_or(String::new(), |entry| {
        entry["value"].as_str().unwrap().to_owned()
    })
}

/// LocalStack (2025-10, 8b9a79f0): the same topic, unless the request asks for something else.
#[tokio::test]
async fn topic_that_is_made_again_with_less_is_the_same() {
    let world = World::with_topic().await;
    let tags = json!({"ResourceArn": TOPIC, "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]});
    world.ok("TagResource", tags).await;
    for (asked, same) in [
        (json!({"Tags": [{"Key": "a", "Value": "1"}]}), true),
        (json!({"Tags": []}), true),
        (json!({"Attributes": {"FifoTopic": "false"}}), true),
        (json!({"Tags": [{"Key": "a", "Value": "2"}]}), false),
        (json!({"Tags": [{"Key": "c", "Value": "1"}]}), false),
        (
            json!({"Attributes": {"FifoTopic": "false", "DisplayName": "Other"}}),
            false,
        ),
    ] {
        let mut input = asked.clone();
        input["Name"] = "t".into();
        let made = world.call("CreateTopic", input).await;
        assert_eq!(made.is_ok(), same, "{asked}");
    }
    let kind = json!({"TopicArn": TOPIC, "AttributeName": "FifoTopic", "AttributeValue": "false"});
    assert_eq!(
        world.code("SetTopicAttributes", kind).await,
        "400 InvalidParameter"
    );
}

/// SNS Developer Guide, "Email notifications" (`email-json`), and "HTTP/HTTPS notification JSON format".
#[tokio::test]
async fn address_that_wants_json_gets_documents() {
    let world = World::with_topic().await;
    let subscribe =
        json!({"TopicArn": TOPIC, "Protocol": "email-json", "Endpoint": "a@example.com"});
    world.ok("Subscribe", subscribe).await;
    let read = |world: &World| -> Value {
        serde_json::from_str(&world.inbox().last().unwrap().body).unwrap()
    };
    let asked = read(&world);
    assert_eq!(asked["Type"], "SubscriptionConfirmation");
    assert!(
        asked["SubscribeURL"]
            .as_str()
            .unwrap()
            .contains("/_sandbox/confirm?")
    );
    let confirm = json!({"TopicArn": TOPIC, "Token": asked["Token"]});
    world.ok("ConfirmSubscription", confirm).await;
    let both = json!({"default": "d", "email": "for people", "email-json": "{\"n\": 1}"});
    let message = json!({"TopicArn": TOPIC, "Subject": "s", "Message": both.to_string(), "MessageStructure": "json"});
    let published = world.ok("Publish", message).await;
    let told = read(&world);
    assert_eq!(told["Type"], "Notification");
    assert_eq!(told["Message"], "{\"n\": 1}");
    assert_eq!(told["Subject"], "s");
    assert_eq!(told["MessageId"], published["MessageId"]);
    assert!(
        told["UnsubscribeURL"]
            .as_str()
            .unwrap()
            .contains("/_sandbox/unsubscribe?")
    );
}

/// LocalStack (8b9a79f0, `test_sns`).
#[tokio::test]
async fn type_of_an_attribute_counts_in_a_messages_size() {
    let world = World::with_topic().await;
    let attributes = json!({"attr1": {"DataType": "Number", "StringValue": "1"}});
    for (length, code) in [(262_132, None), (262_133, Some("400 InvalidParameter"))] {
        let input = json!({"TopicArn": TOPIC, "Message": "a".repeat(length), "MessageAttributes": attributes});
        match code {
            None => drop(world.ok("Publish", input).await),
            Some(code) => assert_eq!(world.code("Publish", input).await, code),
        }
    }
    let endpoint = json!({"TargetArn": "arn:aws:sns:us-east-1:123456789012:endpoint/APNS/a/b", "Message": "m"});
    assert_eq!(
        world.code("Publish", endpoint).await,
        "400 InvalidParameter"
    );
}

#[tokio::test]
async fn a_topics_life() {
    let world = World::with_topic().await;
    let again = world.ok("CreateTopic", json!({"Name": "t"})).await;
    assert_eq!(again["TopicArn"], TOPIC);
    let invalid = "400 InvalidParameter";
    let other = json!({"Name": "t", "Attributes": {"DisplayName": "Other"}});
    assert_eq!(world.code("CreateTopic", other).await, invalid);
    assert_eq!(
        world.code("CreateTopic", json!({"Name": "a b"})).await,
        invalid
    );
    assert_eq!(
        world.code("CreateTopic", json!({"Name": "a.fifo"})).await,
        "501 NotImplemented"
    );
    let shown = world
        .ok("GetTopicAttributes", json!({"TopicArn": TOPIC}))
        .await;
    assert_eq!(attribute(&shown, "DisplayName"), "Lab");
    let policy = attribute(&shown, "Policy");
    for id in ["__default_policy_ID", "__default_statement_ID"] {
        assert!(policy.contains(id), "{policy}");
    }
    world
        .ok(
            "TagResource",
            json!({"ResourceArn": TOPIC, "Tags": [{"Key": "driftlab:lab", "Value": "x"}]}),
        )
        .await;
    let tags = world
        .ok("ListTagsForResource", json!({"ResourceArn": TOPIC}))
        .await;
    assert_eq!(tags["Tags"], json!([{"Key": "driftlab:lab", "Value": "x"}]));
    world.ok("DeleteTopic", json!({"TopicArn": TOPIC})).await;
    world.ok("DeleteTopic", json!({"TopicArn": TOPIC})).await;
    let gone = "404 NotFound";
    assert_eq!(
        world
            .code("GetTopicAttributes", json!({"TopicArn": TOPIC}))
            .await,
        gone
    );
    assert_eq!(
        world
            .code("ListTagsForResource", json!({"ResourceArn": TOPIC}))
            .await,
        "404 ResourceNotFound"
    );
    let elsewhere = TOPIC.replace("us-east-1", "eu-west-1");
    assert_eq!(
        world
            .code("GetTopicAttributes", json!({"TopicArn": elsewhere}))
            .await,
        invalid
    );
}

#[tokio::test]
async fn an_address_gets_nothing_before_it_confirms() {
    let world = World::with_topic().await;
    let asked = world
        .ok(
            "Subscribe",
            json!({"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "a@example.com"}),
        )
        .await;
    assert_eq!(asked["SubscriptionArn"], "pending confirmation");
    let mail = world.inbox().pop().unwrap();
    assert_eq!(mail.subject, "AWS Notification - Subscription Confirmation");
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str()),
        ("Lab <no-reply@sns.amazonaws.com>", "a@example.com")
    );
    let listed = world
        .ok("ListSubscriptionsByTopic", json!({"TopicArn": TOPIC}))
        .await;
    assert_eq!(
        listed["Subscriptions"][0]["SubscriptionArn"],
        "PendingConfirmation"
    );
    world
        .ok(
            "Publish",
            json!({"TopicArn": TOPIC, "Message": "too early"}),
        )
        .await;
    assert_eq!(world.inbox().len(), 1);

    let wrong = world
        .code(
            "ConfirmSubscription",
            json!({"TopicArn": TOPIC, "Token": "x"}),
        )
        .await;
    assert_eq!(wrong, "400 InvalidParameter");
    let arn = world.confirm().await["SubscriptionArn"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .ok(
            "Publish",
            json!({"TopicArn": TOPIC, "Message": "hello", "Subject": "Hi"}),
        )
        .await;
    let mail = world.inbox().pop().unwrap();
    assert_eq!(mail.subject, "Hi");
    assert!(
        mail.body
            .starts_with("hello\n\n--\nIf you wish to stop receiving notifications")
    );
    let shown = world
        .ok("GetSubscriptionAttributes", json!({"SubscriptionArn": arn}))
        .await;
    assert_eq!(attribute(&shown, "PendingConfirmation"), "false");
    assert_eq!(attribute(&shown, "ConfirmationWasAuthenticated"), "true");

    let token = world.token();
    for wrong in ["", "x", &token[1..]] {
        let refused = unsubscribe_by_link(&world.sandbox, &arn, wrong).unwrap_err();
        assert_eq!(refused.code, "InvalidParameter", "{wrong}");
    }
    unsubscribe_by_link(&world.sandbox, &arn, &token).unwrap();
    world
        .ok("Publish", json!({"TopicArn": TOPIC, "Message": "late"}))
        .await;
    assert_eq!(world.inbox().len(), 2);
    let gone = world
        .code("GetSubscriptionAttributes", json!({"SubscriptionArn": arn}))
        .await;
    assert_eq!(gone, "404 NotFound");
}

#[tokio::test]
async fn a_click_on_the_link_confirms() {
    let world = World::with_topic().await;
    let arn = world.subscribe(Value::Null).await;
    let token = world.token();
    assert_eq!(confirm_by_link(&world.sandbox, TOPIC, &token).unwrap(), arn);
    assert_eq!(
        confirm_by_link(&world.sandbox, TOPIC, &token)
            .unwrap_err()
            .code,
        "InvalidParameter"
    );
}

#[tokio::test]
async fn the_labs_filter_keeps_back_everything_else() {
    let world = World::with_topic().await;
    let filter = json!({"messageType": ["ComplianceChangeNotification"], "resourceType": ["AWS::EC2::SecurityGroup"]});
    let attributes =
        json!({"FilterPolicyScope": "MessageBody", "FilterPolicy": filter.to_string()});
    let arn = world.subscribe(attributes.clone()).await;
    world.confirm().await;
    assert_eq!(world.subscribe(attributes).await, arn);
    for kind in [
        "ConfigurationItemChangeNotification",
        "ComplianceChangeNotification",
    ] {
        let body =
            json!({"messageType": kind, "resourceType": "AWS::EC2::SecurityGroup"}).to_string();
        world
            .ok("Publish", json!({"TopicArn": TOPIC, "Message": body}))
            .await;
    }
    let mails = world.inbox();
    assert_eq!(mails.len(), 2);
    assert!(mails[1].body.contains("ComplianceChangeNotification"));
    let shown = world
        .ok("GetSubscriptionAttributes", json!({"SubscriptionArn": arn}))
        .await;
    assert_eq!(attribute(&shown, "FilterPolicyScope"), "MessageBody");
    assert_eq!(attribute(&shown, "FilterPolicy"), filter.to_string());
}

#[tokio::test]
async fn filters_on_attributes() {
    let world = World::with_topic().await;
    world
        .subscribe(json!({"FilterPolicy": "{\"kind\":[{\"prefix\":\"a\"}]}"}))
        .await;
    world.confirm().await;
    for value in ["abc", "xyz"] {
        world
            .ok("Publish", json!({"TopicArn": TOPIC, "Message": value, "MessageAttributes": {"kind": {"DataType": "String", "StringValue": value}}}))
            .await;
    }
    assert_eq!(world.inbox().len(), 2);
    assert!(world.inbox()[1].body.starts_with("abc"));
}

#[tokio::test]
async fn bad_input() {
    let world = World::with_topic().await;
    let invalid = "400 InvalidParameter";
    let subscribe = |protocol: &str, endpoint: &str, filter: &str| json!({"TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint, "Attributes": {"FilterPolicy": filter}});
    assert_eq!(
        world
            .code("Subscribe", subscribe("email", "not-an-address", ""))
            .await,
        invalid
    );
    assert_eq!(
        world
            .code("Subscribe", subscribe("pigeon", "roof", ""))
            .await,
        invalid
    );
    assert_eq!(
        world
            .code(
                "Subscribe",
                subscribe("email", "a@example.com", "{\"a\":1}")
            )
            .await,
        invalid
    );
    assert_eq!(
        world
            .code(
                "Subscribe",
                subscribe("sqs", "arn:aws:sqs:us-east-1:123456789012:q", "")
            )
            .await,
        "501 NotImplemented"
    );
    assert!(world.inbox().is_empty());
    assert_eq!(
        world
            .code("Publish", json!({"TopicArn": TOPIC, "Message": ""}))
            .await,
        invalid
    );
    for subject in [
        "a\nb",
        "a\r\nBcc: x@example.com",
        "a\tb",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{2028}b",
        "",
        " a",
        &"a".repeat(100),
    ] {
        let publish = json!({"TopicArn": TOPIC, "Message": "m", "Subject": subject});
        assert_eq!(world.code("Publish", publish).await, invalid, "{subject:?}");
    }
    for subject in ["<img src=x onerror=alert(1)>", "Änderung", &"ä".repeat(99)] {
        let publish = json!({"TopicArn": TOPIC, "Message": "m", "Subject": subject});
        world.ok("Publish", publish).await;
    }
    for name in ["a\nb", "a\rb", "a\u{1b}[31m", "a\u{2029}b"] {
        let set =
            json!({"TopicArn": TOPIC, "AttributeName": "DisplayName", "AttributeValue": name});
        assert_eq!(
            world.code("SetTopicAttributes", set).await,
            invalid,
            "{name:?}"
        );
    }
    assert_eq!(
        world
            .code(
                "Unsubscribe",
                json!({"SubscriptionArn": "PendingConfirmation"})
            )
            .await,
        invalid
    );
    let set = |value: &str| json!({"TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": value});
    assert_eq!(world.code("SetTopicAttributes", set("{")).await, invalid);
    let nobody = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/none"},"Action":"sns:Publish","Resource":"*"}}"#;
    assert_eq!(world.code("SetTopicAttributes", set(nobody)).await, invalid);
    let foreign = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}"#;
    assert_eq!(
        world.code("SetTopicAttributes", set(foreign)).await,
        invalid
    );
}

#[tokio::test]
async fn who_may_publish() {
    let world = World::with_topic().await;
    let config = "config.amazonaws.com";
    let role = "arn:aws:iam::123456789012:role/R";
    let body = json!({});
    assert_eq!(
        world.publish_as(config, &body).unwrap_err().code,
        "AuthorizationError"
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": config}, "Action": "sns:Publish", "Resource": TOPIC,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}}}]});
    let set =
        json!({"TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": policy.to_string()});
    world.ok("SetTopicAttributes", set).await;
    world.publish_as(config, &body).unwrap();
    assert!(world.publish_as("events.amazonaws.com", &body).is_err());
    // A role may by its own policies.
    assert!(world.publish_as(role, &body).is_err());
    world.role("R", json!({"Service": config})).await;
    world.allow("R", json!("sns:Publish"), json!(TOPIC)).await;
    world.publish_as(role, &body).unwrap();
}
