//! A world as a deployer makes it, through the front door, with real roles, buckets and functions.

use std::io::Read;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;

use super::*;
use crate::protocol::{Answer, Operation};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/AwsConfigRole";
pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:heal";

/// A runtime without tools: it takes an event, writes it to its log and answers.
const ECHO: &str = r#"#!/bin/bash
connect() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"; }
api=/2018-06-01/runtime/invocation
while true; do
  connect
  printf 'GET %s/next HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$api" "$AWS_LAMBDA_RUNTIME_API" >&3
  while IFS= read -r line <&3; do
    line=${line%$'\r'}
    case "${line,,}" in
      lambda-runtime-aws-request-id:*) id=${line#*: } ;;
      content-length:*) length=${line#*: } ;;
      '') break ;;
    esac
  done
  LC_ALL=C IFS= read -r -N "$length" event <&3
  echo "$event"
  connect
  printf 'POST %s/%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}' "$api" "$id" "$AWS_LAMBDA_RUNTIME_API" >&3
  while IFS= read -r line <&3; do :; done
done
"#;

impl World {
    /// A role that a service may assume.
    pub(super) async fn role_of(&self, name: &str, service: &str) {
        self.role(name, json!({ "Service": service })).await;
    }

    /// Lets the recorder's role do `actions` in every bucket.
    pub(super) async fn allow_recorder(&self, actions: &[&str]) {
        let everywhere = json!("arn:aws:s3:::lab-delivery*");
        self.allow("AwsConfigRole", json!(actions), everywhere)
            .await;
    }

    pub(super) async fn recorder(&self, name: &str) -> Result<Value, ApiError> {
        let input = json!({"ConfigurationRecorder": {"name": name, "roleARN": ROLE,
            "recordingGroup": {"resourceTypes": [GROUP]}}});
        self.call("PutConfigurationRecorder", input).await
    }

    pub(super) async fn channel(&self, extra: &Value) -> Result<Value, ApiError> {
        let mut channel = json!({"name": "default", "s3BucketName": "lab-delivery"});
        for (name, value) in extra.as_object().unwrap() {
            channel[name] = value.clone();
        }
        self.call("PutDeliveryChannel", json!({ "DeliveryChannel": channel }))
            .await
    }

    /// A function whose program is this shell script, which Config may not invoke yet.
    pub(super) async fn function(&self, script: &str) {
        self.role_of("FunctionRole", "lambda.amazonaws.com").await;
        let zip = zipped("bootstrap", script.as_bytes(), 0o755);
        let input = json!({"FunctionName": "heal", "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": "arn:aws:iam::123456789012:role/FunctionRole", "Architectures": [host_architecture()],
            "Code": {"ZipFile": BASE64_STANDARD.encode(zip)}});
        self.of(Service::Lambda).ok("CreateFunction", input).await;
    }

    pub(super) async fn permit(&self) {
        let input = json!({"FunctionName": "heal", "StatementId": "config", "Action": "lambda:InvokeFunction",
            "Principal": "config.amazonaws.com", "SourceAccount": "123456789012"});
        self.of(Service::Lambda).ok("AddPermission", input).await;
    }

    pub(super) async fn rule(&self, changes: &Value) -> Result<Value, ApiError> {
        let mut rule = json!({"ConfigRuleName": "EC2SecurityGroup",
            "Scope": {"ComplianceResourceTypes": [GROUP]},
            "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION,
                "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}]},
            "InputParameters": r#"{"debug":"true"}"#});
        for (name, value) in changes.as_object().unwrap() {
            rule[name] = value.clone();
        }
        self.call("PutConfigRule", json!({ "ConfigRule": rule }))
            .await
    }

    /// Recorder, channel and function, all of them allowed to do what they do.
    pub(super) async fn deployed() -> Self {
        let world = Self::empty(Settings::default());
        world.role_of("AwsConfigRole", "config.amazonaws.com").await;
        world.allow_recorder(&["s3:*"]).await;
        world
            .of(Service::S3)
            .ok("CreateBucket", json!({"Bucket": "lab-delivery"}))
            .await;
        world.recorder("default").await.unwrap();
        world.channel(&json!({})).await.unwrap();
        // Fails whatever it is asked.
        world.function("#!/bin/sh\nexit 1\n").await;
        world.permit().await;
        world
    }

    /// The same with a function that writes every event into its log and is content, and a recorder that runs.
    pub(super) async fn listening() -> Self {
        let world = Self::deployed().await;
        let delete = json!({"FunctionName": "heal"});
        world.of(Service::Lambda).ok("DeleteFunction", delete).await;
        let role = json!({"RoleName": "FunctionRole"});
        world.of(Service::Iam).ok("DeleteRole", role).await;
        world.function(ECHO).await;
        world.permit().await;
        world
            .allow("FunctionRole", json!("logs:*"), json!("*"))
            .await;
        world.start_recorder().await;
        world
    }

    pub(super) async fn start_recorder(&self) {
        let input = json!({"ConfigurationRecorderName": "default"});
        self.ok("StartConfigurationRecorder", input).await;
        self.idle().await;
    }

    /// The events that the function of a [`World::listening`] was invoked with, oldest first.
    pub(super) async fn events(&self) -> Vec<Value> {
        self.idle().await;
        let input = json!({"logGroupName": "/aws/lambda/heal"});
        let found = self.of(Service::Logs).call("FilterLogEvents", input).await;
        let found = found.unwrap_or_default();
        let events = found["events"].as_array().cloned().unwrap_or_default();
        events
            .iter()
            .filter_map(|event| serde_json::from_str(event["message"].as_str()?).ok())
            .map(|mut event: Value| {
                let invoking = event["invokingEvent"].as_str().unwrap();
                event["invokingEvent"] = serde_json::from_str(invoking).unwrap();
                event
            })
            .collect()
    }

    /// A topic of the channel, with somebody who reads it.
    pub(super) async fn topic(&self) {
        let made = self
            .of(Service::Sns)
            .ok("CreateTopic", json!({"Name": "config-topic"}))
            .await;
        let topic = made["TopicArn"].as_str().unwrap();
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "config.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]});
        let input = json!({"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy.to_string()});
        self.of(Service::Sns).ok("SetTopicAttributes", input).await;
        let input =
            json!({"TopicArn": topic, "Protocol": "email", "Endpoint": "student@example.com"});
        self.of(Service::Sns).ok("Subscribe", input).await;
        self.idle().await;
        let mail = self.enter(|call| call.here().sns.inbox[0].body.clone());
        let token = mail.split("Token=").nth(1).unwrap();
        let token = token
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap();
        let input = json!({"TopicArn": topic, "Token": token});
        self.of(Service::Sns).ok("ConfirmSubscription", input).await;
        self.channel(&json!({"snsTopicARN": topic})).await.unwrap();
    }

    /// The messages of one type that the topic sent, oldest first, with their subjects.
    pub(super) async fn messages(&self, message_type: &str) -> Vec<(String, Value)> {
        self.idle().await;
        let mails = self.enter(|call| call.here().sns.inbox.clone());
        mails
            .iter()
            .filter_map(|mail| {
                let json = mail.body.lines().next()?;
                Some((
                    mail.subject.clone(),
                    serde_json::from_str::<Value>(json).ok()?,
                ))
            })
            .filter(|(_, message)| message["messageType"] == message_type)
            .collect()
    }

    /// The keys in the delivery bucket that contain `part`.
    pub(super) async fn keys(&self, part: &str) -> Vec<String> {
        let list = Operation::new("ListObjectsV2", json!({"Bucket": "lab-delivery"}));
        let answer = self.of(Service::S3).perform(&list).await.unwrap();
        let Answer::Http(response) = answer else {
            panic!("S3 answers with HTTP");
        };
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let keys = text
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next());
        keys.filter(|key| key.contains(part))
            .inspect(|key| {
                assert!(
                    key.starts_with(&format!("AWSLogs/{}/Config/", self.target.account)),
                    "{key}"
                )
            })
            .map(str::to_owned)
            .collect()
    }

    /// A delivered document.
    pub(super) fn document(&self, key: &str) -> Value {
        let body = self.enter(|call| crate::s3::object(call, "lab-delivery", key).unwrap());
        let mut text = String::new();
        flate2::read::GzDecoder::new(body.as_ref())
            .read_to_string(&mut text)
            .unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code.into_owned()
}
