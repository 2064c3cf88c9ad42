//! Fixtures, and the service as a whole: items, rules and evaluations through the engine. What needs
//! roles, buckets or functions is tested where those are made.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod by_clock;
mod deployed;
mod evaluations;
mod files;
mod items;
mod lab;
mod leaving;
mod rules;
mod singletons;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::channel::Channel;
use super::item::{Item, ResourceKey, Status};
use super::place::Place;
use super::recorder::Recorder;
use super::recording_group::RecordingGroup;
use super::rule::Rule;
use super::scope::Scope;
use super::{Change, Latency, Resource, State, observe};
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::sandbox::Settings;
use crate::service::Service;
use crate::testing;
use crate::testing::{until, zipped};

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

#[derive(Clone, Default)]
struct Recorded;

/// A sandbox whose clock stands still, with a recorder and a channel, and a way to look into it.
type World = testing::World<Recorded>;

impl World {
    fn new(types: &[&str]) -> Self {
        Self::with(types, Settings::default())
    }

    /// Nothing in it yet.
    fn empty(settings: Settings) -> Self {
        Self::start_with(Service::Config, settings).frozen()
    }

    fn with(types: &[&str], settings: Settings) -> Self {
        let world = Self::empty(settings);
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        world.enter(|call| {
            let state = &mut call.here().config;
            state.recorder = Some(Recorder::recording(RecordingGroup::Only(types)));
            state.channel = Some(Channel::new("default", "bucket"));
        });
        world
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        self.enter(|call| look(&mut call.here().config))
    }

    /// Lets the engine work until `reached` says so.
    async fn until(&self, what: &str, mut reached: impl FnMut(&mut State) -> bool) {
        until(what, || self.state(&mut reached)).await;
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
