//! A lab with every option of its template, and what that lab needs around it.

use sandbox::journal::Ended;
use sandbox::service::Service;
use serde_json::json;

use crate::World;

/// The parameter of SSM that the fast path reads its policy from.
const POLICY: &str = "/driftlab/policy";
/// The parameter of SSM that holds a webhook's address.
const ADDRESS: &str = "/driftlab/webhook";
/// The webhook of the sandbox behind that address.
const WEBHOOK: &str = "lab";
/// The topic that is told of repairs.
const TOPIC: &str = "told-of-repairs";

/// A key of KMS that is not AWS's own.
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-4567-89ab-0123456789ab";

/// What a webhook's address may be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A parameter of SSM.
    Parameter,
    /// A secret of Secrets Manager.
    Secret,
}

/// What was made for a lab with options.
#[derive(Debug)]
pub struct Options {
    topic: String,
    secret: String,
    /// What the webhook's address and the policy are encrypted with; `None` is AWS's own key.
    key: Option<&'static str>,
}

impl Options {
    /// Makes a topic, a webhook whose address is kept in both places, and the fast path's policy: the default inbound rules,
    /// and every outbound one.
    pub async fn furnish(world: &World) -> Self {
        Self::encrypted(world, None).await
    }

    /// The same, all that is read encrypted with a key of KMS that is not AWS's own.
    pub async fn under_own_key(world: &World) -> Self {
        Self::encrypted(world, Some(KEY)).await
    }

    async fn encrypted(world: &World, key: Option<&'static str>) -> Self {
        let made = world
            .call(Service::Sns, "CreateTopic", json!({"Name": TOPIC}))
            .await;
        let topic = made["TopicArn"].as_str().unwrap().to_owned();
        let address = world.sandbox.webhook_url(WEBHOOK);
        let policy = json!({"version": 1, "baseline": "ipv4", "egress": "all:all:0.0.0.0/0"});
        // A policy is no secret; whoever has a key may still encrypt everything with it.
        let readable = key.map_or("String", |_| "SecureString");
        for (name, kind, value) in [
            (ADDRESS, "SecureString", &address),
            (POLICY, readable, &policy.to_string()),
        ] {
            let parameter = json!({"Name": name, "Type": kind, "Value": value, "KeyId": key});
            world.call(Service::Ssm, "PutParameter", parameter).await;
        }
        let secret = json!({"Name": "webhook", "SecretString": address, "KmsKeyId": key});
        let made = world
            .call(Service::SecretsManager, "CreateSecret", secret)
            .await;
        let secret = made["ARN"].as_str().unwrap().to_owned();
        Self { topic, secret, key }
    }

    /// The fast path, outbound rules, and a policy in SSM, as arguments of `deploy`.
    pub fn paths(&self) -> Vec<String> {
        let key = self.key.map(|key| format!("DecryptionKeyArn={key}"));
        let paths = [
            "FastPath=true".to_owned(),
            format!(
                "FastPathPolicy={}",
                json!({"policy": format!("ssm:{POLICY}")})
            ),
            "ManageEgress=true".to_owned(),
            format!("PolicyParameterName={POLICY}"),
        ];
        arguments(paths.into_iter().chain(key))
    }

    /// Somebody who is told by topic and by webhook, as arguments of `deploy`.
    pub fn told(&self, kept: Kept) -> Vec<String> {
        arguments([
            format!("NotifyTopicArn={}", self.topic),
            match kept {
                Kept::Parameter => format!("NotifyWebhookParameter={ADDRESS}"),
                Kept::Secret => format!("NotifyWebhookSecretArn={}", self.secret),
            },
        ])
    }

    /// All of them.
    pub fn all(&self) -> Vec<String> {
        let mut all = self.paths();
        all.extend(self.told(Kept::Parameter));
        all.extend(self.told(Kept::Secret).into_iter().skip(2));
        all
    }

    /// How often the webhook has been told of something.
    pub fn told_webhook(&self, world: &World) -> usize {
        world.sandbox.webhooks.posts(WEBHOOK).len()
    }

    /// Whether the topic has been told of anything since a call, and took it.
    pub fn topic_was_told(&self, world: &World, mark: u64) -> bool {
        world.calls_after(mark).iter().any(|call| {
            call.operation == "Publish"
                && matches!(call.ended, Ended::Done)
                && call.input.value()["TopicArn"] == *self.topic
        })
    }
}

fn arguments(parameters: impl IntoIterator<Item = String>) -> Vec<String> {
    parameters
        .into_iter()
        .flat_map(|parameter| ["--parameter".to_owned(), parameter])
        .collect()
}
