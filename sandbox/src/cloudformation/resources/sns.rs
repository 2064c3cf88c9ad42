//! Topics, who may publish to them, who is told.

use serde_json::{Map, Value, json};

use super::schema::{fixed, must, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Sns;
use crate::sns;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "AWS::SNS::Topic",
        family: Family::Sns,
        properties: &[
            mutable("DisplayName"),
            mutable("KmsMasterKeyId"),
            mutable("Subscription"),
            mutable("Tags"),
            fixed("TopicName"),
        ],
        attributes: &["TopicArn", "TopicName"],
        name_property: Some("TopicName"),
        taggable: true,
    },
    Kind {
        name: "AWS::SNS::TopicPolicy",
        family: Family::Sns,
        properties: &[must_mutable("PolicyDocument"), must_mutable("Topics")],
        attributes: &["Id"],
        name_property: None,
        taggable: false,
    },
    Kind {
        name: "AWS::SNS::Subscription",
        family: Family::Sns,
        properties: &[
            fixed("Endpoint"),
            mutable("FilterPolicy"),
            mutable("FilterPolicyScope"),
            must("Protocol"),
            mutable("RawMessageDelivery"),
            must("TopicArn"),
        ],
        attributes: &["Arn"],
        name_property: None,
        taggable: false,
    },
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::SNS::Topic" => topic(work, properties).await,
        "AWS::SNS::TopicPolicy" => {
            let policy = work.document(properties, "PolicyDocument")?;
            let id = work.generated(256);
            for topic in work.texts(properties, "Topics")? {
                set(work, &topic, "Policy", &policy).await?;
            }
            work.initiated(&id);
            Ok(Made::new(&id, json!({"Id": id})))
        }
        "AWS::SNS::Subscription" => {
            let input = json!({
                "TopicArn": work.required(properties, "TopicArn")?,
                "Protocol": work.required(properties, "Protocol")?,
                "Endpoint": work.text(properties, "Endpoint")?,
                "Attributes": subscription_attributes(work, properties)?,
                "ReturnSubscriptionArn": true,
            });
            let answer = work.call(Sns, "Subscribe", input).await?;
            let arn = answered(&answer, "/SubscriptionArn")?;
            work.initiated(&arn);
            Ok(Made::new(&arn, json!({"Arn": arn})))
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    let id = update.physical_id;
    match kind {
        "AWS::SNS::Topic" => update_topic(work, update).await?,
        "AWS::SNS::TopicPolicy" => {
            let policy = work.document(update.new, "PolicyDocument")?;
            let (old, new) = (
                work.texts(update.old, "Topics")?,
                work.texts(update.new, "Topics")?,
            );
            for topic in &new {
                set(work, topic, "Policy", &policy).await?;
            }
            for topic in old.iter().filter(|topic| !new.contains(topic)) {
                set(work, topic, "Policy", &default_policy(work, topic)).await?;
            }
        }
        "AWS::SNS::Subscription" => {
            let attributes = subscription_attributes(work, update.new)?;
            // The scope first: a filter is checked against it.
            for name in ["FilterPolicyScope", "FilterPolicy", "RawMessageDelivery"] {
                if !update.has(name) {
                    continue;
                }
                let value = match (attributes.get(name), name) {
                    (Some(value), _) => value.clone(),
                    (None, "FilterPolicyScope") => json!("MessageAttributes"),
                    (None, "FilterPolicy") => json!("{}"),
                    (None, _) => json!("false"),
                };
                let input =
                    json!({"SubscriptionArn": id, "AttributeName": name, "AttributeValue": value});
                work.call(Sns, "SetSubscriptionAttributes", input).await?;
            }
        }
        other => return Err(unhandled(other)),
    }
    Ok(update.unchanged())
}

pub(super) async fn delete(
    work: &Work,
    kind: &str,
    id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    match kind {
        "AWS::SNS::Topic" => work.tell(Sns, "DeleteTopic", json!({"TopicArn": id})).await,
        // The topic goes back to the policy that it was born with.
        "AWS::SNS::TopicPolicy" => {
            for topic in work.texts(properties, "Topics")? {
                match set(work, &topic, "Policy", &default_policy(work, &topic)).await {
                    Err(failure) if failure.missing => {}
                    other => other?,
                }
            }
            Ok(())
        }
        "AWS::SNS::Subscription" => {
            work.tell(Sns, "Unsubscribe", json!({"SubscriptionArn": id}))
                .await
        }
        other => Err(unhandled(other)),
    }
}

async fn topic(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let name = work.name(properties, "TopicName", 256)?;
    let subscriptions = inline_subscriptions(work, properties)?;
    let mut attributes = Map::new();
    for attribute in ["DisplayName", "KmsMasterKeyId"] {
        if let Some(text) = work.text(properties, attribute)? {
            attributes.insert(attribute.to_owned(), text.into());
        }
    }
    // `CreateTopic` answers with the topic that is there already; CloudFormation does not take over what it has not made.
    let arn = work.arn("sns", &name);
    match work
        .call(Sns, "GetTopicAttributes", json!({"TopicArn": arn}))
        .await
    {
        Err(failure) if failure.missing => {}
        Err(failure) => return Err(failure),
        Ok(_) => {
            let message = format!(
                "Resource of type 'AWS::SNS::Topic' with identifier '{arn}' already exists."
            );
            return Err(Failure::handler(work, &message, "AlreadyExists"));
        }
    }
    let input = json!({"Name": name, "Attributes": attributes, "Tags": work.tag_list(Sns)});
    let answer = work.call(Sns, "CreateTopic", input).await?;
    let arn = answered(&answer, "/TopicArn")?;
    work.initiated(&arn);
    for (protocol, endpoint) in subscriptions {
        let input = json!({"TopicArn": arn, "Protocol": protocol, "Endpoint": endpoint});
        work.call(Sns, "Subscribe", input).await?;
    }
    Ok(Made::new(&arn, json!({"TopicArn": arn, "TopicName": name})))
}

async fn update_topic(work: &Work, update: &Update<'_>) -> Result<(), Failure> {
    let arn = update.physical_id;
    if update.has("Subscription") {
        return Err(Failure::new(
            "changing the inline subscriptions of a topic is not implemented by the sandbox; use AWS::SNS::Subscription",
        ));
    }
    for attribute in ["DisplayName", "KmsMasterKeyId"] {
        if update.has(attribute) {
            let value = work.text(update.new, attribute)?.unwrap_or_default();
            set(work, arn, attribute, &value).await?;
        }
    }
    tags::Tagged::usual(Sns, "ResourceArn", arn)
        .follow(work, update)
        .await
}

async fn set(work: &Work, topic: &str, name: &str, value: &str) -> Result<(), Failure> {
    let input = json!({"TopicArn": topic, "AttributeName": name, "AttributeValue": value});
    work.tell(Sns, "SetTopicAttributes", input).await
}

fn inline_subscriptions(work: &Work, properties: &Value) -> Result<Vec<(String, String)>, Failure> {
    let members = ["Endpoint", "Protocol"];
    work.items(properties, "Subscription")?
        .iter()
        .enumerate()
        .map(|(index, each)| {
            work.shape(&format!("#/Subscription/{index}"), each, &members, &members)?;
            Ok((
                work.required(each, "Protocol")?,
                work.required(each, "Endpoint")?,
            ))
        })
        .collect()
}

fn subscription_attributes(work: &Work, properties: &Value) -> Result<Map<String, Value>, Failure> {
    let mut attributes = Map::new();
    if properties.get("FilterPolicy").is_some() {
        attributes.insert(
            "FilterPolicy".to_owned(),
            work.document(properties, "FilterPolicy")?.into(),
        );
    }
    for name in ["FilterPolicyScope", "RawMessageDelivery"] {
        if let Some(text) = work.text(properties, name)? {
            attributes.insert(name.to_owned(), text.into());
        }
    }
    Ok(attributes)
}

/// The policy of a new topic: everything, for the owner's account.
fn default_policy(work: &Work, topic: &str) -> String {
    sns::default_policy(topic, work.job.target.account.as_str()).to_string()
}
