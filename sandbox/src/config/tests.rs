//! Fixtures, and the service as a whole: items, rules and evaluations through the engine. What needs
//! roles, buckets or functions is tested where those are made.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::channel::Channel;
use super::item::{Item, ResourceKey, Status};
use super::place::Place;
use super::recorder::Recorder;
use super::recording_group::RecordingGroup;
use super::rule::Rule;
use super::scope::Scope;
use super::{Change, Resource, State, observe};
use crate::caller::Caller;
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Call, Sandbox, Settings, Target};
use crate::service::Service;

const GROUP: &str = "AWS::EC2::SecurityGroup";
const SG: &str = "sg-0123456789abcdef0";
const RULE_ID: &str = "config-rule-abc123";

pub(super) fn place() -> Place {
    Place {
        account: AccountId::parse("123456789012").unwrap(),
        region: Region::parse("us-east-1").unwrap(),
    }
}

pub(super) fn item(status: Status, configuration: Value) -> Item {
    Item {
        key: ResourceKey::new(GROUP, SG),
        resource_name: Some("LabSG1".to_owned()),
        arn: format!("arn:aws:ec2:us-east-1:123456789012:security-group/{SG}"),
        tags: BTreeMap::new(),
        relationships: Vec::new(),
        configuration,
        status,
        captured: Timestamp::UNIX_EPOCH,
        state_id: 0,
    }
}

fn group(id: &str, ports: &[u16]) -> Resource {
    Resource {
        resource_type: GROUP,
        resource_id: id.to_owned(),
        resource_name: Some("LabSG1".to_owned()),
        arn: format!("arn:aws:ec2:us-east-1:123456789012:security-group/{id}"),
        tags: BTreeMap::from([("lab".to_owned(), "yes".to_owned())]),
        relationships: vec![json!({
            "resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "relationshipName": "Is contained in Vpc"})],
        configuration: json!({"groupId": id, "ipPermissions": ports}),
    }
}

/// A sandbox whose clock stands still, with a recorder and a channel, and a way to look into it.
struct World {
    sandbox: Arc<Sandbox>,
}

impl World {
    fn new(types: &[&str]) -> Self {
        Self::with(types, Settings::default())
    }

    fn with(types: &[&str], settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings);
        sandbox.clock.freeze();
        let world = Self { sandbox };
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        world.enter(|call| {
            let state = &mut call.here().config;
            state.recorder = Some(Recorder::recording(RecordingGroup::Only(types)));
            state.channel = Some(Channel {
                name: "default".to_owned(),
                bucket: "bucket".to_owned(),
                prefix: None,
                topic: None,
                stream: None,
            });
        });
        world
    }

    fn enter<T>(&self, work: impl FnOnce(&mut Call<'_>) -> T) -> T {
        let place = place();
        let target = Target::new(place.account, place.region, Caller::Operator);
        self.sandbox.enter(&target, work)
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        self.enter(|call| look(&mut call.here().config))
    }

    async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        let place = place();
        let target = Target::new(place.account, place.region, Caller::Operator);
        self.sandbox
            .perform_value(&target, Service::Config, name, input)
            .await
    }

    async fn refused(&self, name: &str, input: Value) -> String {
        self.call(name, input).await.unwrap_err().code.into_owned()
    }

    /// Lets the engine work until `reached` says so.
    async fn until(&self, what: &str, mut reached: impl FnMut(&mut State) -> bool) {
        let waiting = async {
            while !self.state(&mut reached) {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(in_time.is_ok(), "waited in vain: {what}");
    }

    async fn idle(&self) {
        let engine = &self.sandbox.engine;
        let waiting = async {
            while !engine.is_idle() {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(in_time.is_ok(), "the engine does not come to rest");
    }

    /// A rule whose function does not exist: every invocation fails.
    fn add_rule(&self, name: &str, scope: &Value) {
        let scope = Scope::parse(Some(scope)).unwrap();
        let now = self.sandbox.clock.now();
        self.state(|state| {
            let rule = Rule::new(
                name,
                RULE_ID,
                "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-abc123",
                now,
            );
            let rule = Rule {
                scope,
                function: "arn:aws:lambda:us-east-1:123456789012:function:none".to_owned(),
                message_types: vec!["ConfigurationItemChangeNotification".to_owned()],
                input_parameters: r#"{"debug":"true"}"#.to_owned(),
                ..rule
            };
            state.rules.insert(name.to_owned(), rule);
        });
    }

    fn token(&self) -> String {
        let now = self.sandbox.clock.now();
        self.state(|state| state.tokens.issue(RULE_ID, now))
    }

    fn statuses(&self) -> Vec<&'static str> {
        self.state(|state| {
            let items = state.history.of(&ResourceKey::new(GROUP, SG));
            items.iter().map(|item| item.status.name()).collect()
        })
    }

    fn failures(&self) -> Option<Timestamp> {
        self.state(|state| {
            let rule = state.rules.values().next().unwrap();
            rule.activity.invocation_failed
        })
    }
}

fn evaluation(compliance: &str, ordering: Timestamp) -> Value {
    json!({"ComplianceResourceType": GROUP, "ComplianceResourceId": SG, "ComplianceType": compliance,
        "Annotation": "why", "OrderingTimestamp": epoch_seconds(ordering)})
}

#[tokio::test]
async fn every_mutation_is_one_item_in_order() {
    let world = World::new(&[GROUP]);
    world.enter(|call| {
        observe(call, Change::Created, group(SG, &[80]));
        // Back and forth: a comparison of states would see nothing.
        for _ in 0..50 {
            observe(call, Change::Modified, group(SG, &[80, 465]));
            observe(call, Change::Modified, group(SG, &[80]));
        }
        observe(call, Change::Deleted, group(SG, &[80]));
    });
    world.idle().await;
    let statuses = world.statuses();
    assert_eq!(statuses.len(), 102);
    assert_eq!(
        (statuses[0], statuses[50], statuses[101]),
        ("ResourceDiscovered", "OK", "ResourceDeleted")
    );
    world.state(|state| {
        let items = state.history.of(&ResourceKey::new(GROUP, SG));
        assert!(items.is_sorted_by(|a, b| a.state_id < b.state_id));
        assert_eq!(items[1].configuration["ipPermissions"], json!([80, 465]));
        assert_eq!(items[101].configuration, Value::Null);
    });
}

#[tokio::test]
async fn what_is_not_recorded_leaves_nothing() {
    let world = World::new(&["AWS::EC2::VPC"]);
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.state(|state| {
        state.recorder.as_mut().unwrap().group = RecordingGroup::All { global: false }
    });
    world
        .call(
            "StopConfigurationRecorder",
            json!({"ConfigurationRecorderName": "default"}),
        )
        .await
        .unwrap();
    world.enter(|call| observe(call, Change::Modified, group(SG, &[80])));
    world.idle().await;
    assert!(world.statuses().is_empty());
    let unknown = world
        .refused(
            "GetResourceConfigHistory",
            json!({"resourceType": GROUP, "resourceId": SG}),
        )
        .await;
    assert_eq!(unknown, "ResourceNotDiscoveredException");
}

#[tokio::test]
async fn items_wait_for_their_time_and_show_the_state_of_the_change() {
    let settings = Settings {
        config_latency: Duration::from_secs(30),
        ..Settings::default()
    };
    let world = World::with(&[GROUP], settings);
    world.enter(|call| {
        observe(call, Change::Created, group(SG, &[80]));
        observe(call, Change::Modified, group(SG, &[80, 465]));
    });
    world.sandbox.clock.advance(Duration::from_secs(29));
    assert!(world.statuses().is_empty());
    world.sandbox.clock.advance(Duration::from_secs(1));
    world.idle().await;
    let answer = world
        .call(
            "GetResourceConfigHistory",
            json!({"resourceType": GROUP, "resourceId": SG, "chronologicalOrder": "Forward"}),
        )
        .await
        .unwrap();
    let items = answer["configurationItems"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let first: Value = serde_json::from_str(items[0]["configuration"].as_str().unwrap()).unwrap();
    assert_eq!(first["ipPermissions"], json!([80]));
    assert_eq!(items[0]["version"], "1.3");
    assert_eq!(
        items[0]["configurationItemCaptureTime"],
        epoch_seconds(world.sandbox.clock.now())
    );
}

#[tokio::test]
async fn a_failed_invocation_is_made_three_times() {
    let world = World::new(&[GROUP]);
    world.add_rule(
        "EC2SecurityGroup",
        &json!({"ComplianceResourceTypes": [GROUP]}),
    );
    let start = world.sandbox.clock.now();
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    for minutes in [0, 1, 3] {
        let at = start + time::Duration::minutes(minutes);
        world
            .until("an attempt", |state| {
                state.rules["EC2SecurityGroup"].activity.invocation_failed == Some(at)
            })
            .await;
        world
            .sandbox
            .clock
            .advance(Duration::from_secs(if minutes == 0 { 60 } else { 120 }));
    }
    world.idle().await;
    assert_eq!(world.failures(), Some(start + time::Duration::minutes(3)));
    // One token for all three: it stands for the event, and they are the same event.
    let status = world
        .call("DescribeConfigRuleEvaluationStatus", json!({}))
        .await
        .unwrap();
    assert!(status["ConfigRulesEvaluationStatus"][0]["LastErrorCode"].is_string());
}

#[tokio::test]
async fn a_rule_hears_only_of_its_scope() {
    let world = World::new(&[GROUP]);
    world.add_rule("other", &json!({"TagKey": "lab", "TagValue": "no"}));
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.idle().await;
    assert_eq!(world.failures(), None);
}

#[tokio::test]
async fn evaluations_need_a_token_that_was_issued() {
    let world = World::new(&[GROUP]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let now = world.sandbox.clock.now();
    let put =
        |token: &str, evaluations: Value| json!({"ResultToken": token, "Evaluations": evaluations});
    let one = evaluation("COMPLIANT", now);
    let check = async |input: Value, code: &str| {
        assert_eq!(world.refused("PutEvaluations", input).await, code);
    };
    check(put("made up", json!([one])), "InvalidResultTokenException").await;
    let token = world.token();
    let mut bad = one.clone();
    bad["ComplianceType"] = json!("INSUFFICIENT_DATA");
    check(put(&token, json!([bad])), "InvalidParameterValueException").await;
    bad["ComplianceType"] = json!("FINE");
    check(put(&token, json!([bad])), "ValidationException").await;
    let mut long = one.clone();
    long["Annotation"] = json!("ä".repeat(257));
    check(put(&token, json!([long])), "ValidationException").await;
    long["Annotation"] = json!("");
    check(put(&token, json!([long])), "ValidationException").await;
    check(
        put(&token, json!(vec![one.clone(); 101])),
        "ValidationException",
    )
    .await;
    check(
        json!({"TestMode": true, "Evaluations": []}),
        "ValidationException",
    )
    .await;

    world
        .call(
            "PutEvaluations",
            json!({"ResultToken": "x", "TestMode": true, "Evaluations": [one]}),
        )
        .await
        .unwrap();
    assert!(world.state(|state| state.rules["EC2SecurityGroup"].results.is_empty()));
    let answer = world
        .call("PutEvaluations", put(&token, json!(vec![one.clone(); 100])))
        .await
        .unwrap();
    assert_eq!(answer, json!({"FailedEvaluations": []}));
    world
        .call(
            "DeleteConfigRule",
            json!({"ConfigRuleName": "EC2SecurityGroup"}),
        )
        .await
        .unwrap();
    check(put(&token, json!([one])), "NoSuchConfigRuleException").await;
}

#[tokio::test]
async fn newer_evaluations_win_and_deleted_resources_leave_none() {
    let world = World::new(&[GROUP, super::recording_group::RESOURCE_COMPLIANCE]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let (now, token) = (world.sandbox.clock.now(), world.token());
    let report = async |compliance: &str, at: Timestamp| {
        let input = json!({"ResultToken": token, "Evaluations": [evaluation(compliance, at)]});
        world.call("PutEvaluations", input).await.unwrap();
        let input = json!({"ConfigRuleName": "EC2SecurityGroup"});
        let details = world
            .call("GetComplianceDetailsByConfigRule", input)
            .await
            .unwrap();
        details["EvaluationResults"][0]["ComplianceType"]
            .as_str()
            .map(str::to_owned)
    };
    let later = now + time::Duration::seconds(1);
    assert_eq!(
        report("NON_COMPLIANT", later).await.as_deref(),
        Some("NON_COMPLIANT")
    );
    assert_eq!(
        report("COMPLIANT", now).await.as_deref(),
        Some("NON_COMPLIANT"),
        "older"
    );
    assert_eq!(
        report("COMPLIANT", later).await.as_deref(),
        Some("COMPLIANT"),
        "the same moment, said later"
    );
    let standing = world
        .call("DescribeComplianceByConfigRule", json!({}))
        .await
        .unwrap();
    assert_eq!(
        standing["ComplianceByConfigRules"][0]["Compliance"]["ComplianceType"],
        "COMPLIANT"
    );

    world.enter(|call| observe(call, Change::Deleted, group(SG, &[])));
    world
        .until("the deletion", |state| {
            state.history.is_deleted(&ResourceKey::new(GROUP, SG))
        })
        .await;
    assert_eq!(
        report("NOT_APPLICABLE", later + time::Duration::seconds(1)).await,
        None
    );
    let standing = world
        .call("DescribeComplianceByConfigRule", json!({}))
        .await
        .unwrap();
    assert_eq!(
        standing["ComplianceByConfigRules"][0]["Compliance"]["ComplianceType"],
        "INSUFFICIENT_DATA"
    );

    // Compliance is recorded too, so its history is kept: bad, good, gone.
    let history = world
        .call("GetResourceConfigHistory", json!({
            "resourceType": "AWS::Config::ResourceCompliance", "resourceId": format!("{GROUP}/{SG}"),
            "chronologicalOrder": "Forward"}))
        .await
        .unwrap();
    let seen: Vec<&str> = history["configurationItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["configurationItemStatus"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["ResourceDiscovered", "OK", "ResourceDeleted"]);
    let first = history["configurationItems"][0]["configuration"]
        .as_str()
        .unwrap();
    assert!(
        first.contains(r#""complianceType":"NON_COMPLIANT""#),
        "{first}"
    );
}

#[tokio::test]
async fn a_rule_is_deleting_before_it_is_gone() {
    let world = World::new(&[GROUP]);
    world.add_rule("EC2SecurityGroup", &json!({}));
    let name = json!({"ConfigRuleName": "EC2SecurityGroup"});
    world.call("DeleteConfigRule", name.clone()).await.unwrap();
    assert_eq!(
        world.refused("DeleteConfigRule", name.clone()).await,
        "ResourceInUseException"
    );
    assert_eq!(
        world.refused("DeleteEvaluationResults", name.clone()).await,
        "ResourceInUseException"
    );
    let again = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", again.clone())
            .await,
        "ResourceInUseException"
    );
    let put = json!({"ConfigRule": {"ConfigRuleName": "EC2SecurityGroup", "Source": {"Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": "arn:aws:lambda:us-east-1:123456789012:function:none",
        "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}]}}});
    assert_eq!(
        world.refused("PutConfigRule", put).await,
        "ResourceInUseException"
    );
    let rules = world
        .call("DescribeConfigRules", again.clone())
        .await
        .unwrap();
    assert_eq!(rules["ConfigRules"][0]["ConfigRuleState"], "DELETING");
    world.sandbox.clock.advance(Duration::from_secs(1));
    world.idle().await;
    assert_eq!(
        world.refused("DescribeConfigRules", again).await,
        "NoSuchConfigRuleException"
    );
    assert_eq!(
        world.refused("DeleteConfigRule", name).await,
        "NoSuchConfigRuleException"
    );
}

#[tokio::test]
async fn rules_are_started_once_a_minute_and_not_while_they_run() {
    let world = World::new(&[GROUP]);
    world.enter(|call| observe(call, Change::Created, group(SG, &[80])));
    world.idle().await;
    world.add_rule("EC2SecurityGroup", &json!({}));
    let names = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    world
        .call("StartConfigRulesEvaluation", names.clone())
        .await
        .unwrap();
    // The engine has had no chance to run: this test has one thread and has not waited.
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", names.clone())
            .await,
        "ResourceInUseException"
    );
    let rules = world.call("DescribeConfigRules", json!({})).await.unwrap();
    assert_eq!(rules["ConfigRules"][0]["ConfigRuleState"], "EVALUATING");
    world
        .until("the evaluation", |state| {
            state.rules["EC2SecurityGroup"].running == 0
        })
        .await;
    assert_eq!(
        world
            .refused("StartConfigRulesEvaluation", names.clone())
            .await,
        "LimitExceededException"
    );
    world.sandbox.clock.advance(Duration::from_secs(60));
    world
        .call("StartConfigRulesEvaluation", names)
        .await
        .unwrap();
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let refused = world
        .refused(
            "StartConfigRulesEvaluation",
            json!({"ConfigRuleNames": many}),
        )
        .await;
    assert_eq!(refused, "ValidationException");
}

#[tokio::test]
async fn the_channel_outlives_a_running_recorder() {
    let world = World::new(&[GROUP]);
    let channel = json!({"DeliveryChannelName": "default"});
    let recorder = json!({"ConfigurationRecorderName": "default"});
    assert_eq!(
        world
            .refused("DeleteDeliveryChannel", channel.clone())
            .await,
        "LastDeliveryChannelDeleteFailedException"
    );
    world
        .call("StopConfigurationRecorder", recorder.clone())
        .await
        .unwrap();
    world
        .call("DeleteDeliveryChannel", channel.clone())
        .await
        .unwrap();
    assert_eq!(
        world.refused("DeleteDeliveryChannel", channel).await,
        "NoSuchDeliveryChannelException"
    );
    assert_eq!(
        world
            .refused("StartConfigurationRecorder", recorder.clone())
            .await,
        "NoAvailableDeliveryChannelException"
    );
    world
        .call("DeleteConfigurationRecorder", recorder.clone())
        .await
        .unwrap();
    assert_eq!(
        world.refused("StartConfigurationRecorder", recorder).await,
        "NoSuchConfigurationRecorderException"
    );
    let put = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "bucket"}});
    assert_eq!(
        world.refused("PutDeliveryChannel", put).await,
        "NoAvailableConfigurationRecorderException"
    );
}

#[tokio::test]
async fn a_second_channel_is_one_too_many() {
    let world = World::new(&[GROUP]);
    let put = json!({"DeliveryChannel": {"name": "other", "s3BucketName": "bucket"}});
    assert_eq!(
        world.refused("PutDeliveryChannel", put).await,
        "MaxNumberOfDeliveryChannelsExceededException"
    );
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let world = World::new(&[GROUP]);
    let error = world
        .call("PutRemediationConfigurations", json!({}))
        .await
        .unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (501, "NotImplemented"));
    let days = |days: i64| json!({"RetentionPeriodInDays": days});
    assert_eq!(
        world.refused("PutRetentionConfiguration", days(29)).await,
        "InvalidParameterValueException"
    );
    world
        .call("PutRetentionConfiguration", days(2557))
        .await
        .unwrap();
    let name = json!({"RetentionConfigurationName": "default"});
    world
        .call("DeleteRetentionConfiguration", name.clone())
        .await
        .unwrap();
    assert_eq!(
        world.refused("DeleteRetentionConfiguration", name).await,
        "NoSuchRetentionConfigurationException"
    );
}
