//! Schedules through the front door, on a clock that stands still until it is moved.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod groups;
mod refusals;
mod runs;

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::journal::{Ended, Query};
use crate::service::Service;
use crate::testing;
use crate::testing::{ACCOUNT, allowing, trust, user};

const ROLE: &str = "arn:aws:iam::123456789012:role/driver";
const CREATE_LOG_GROUP: &str = "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup";

#[derive(Clone, Default)]
struct Schedules;

type World = testing::World<Schedules>;

impl World {
    /// A world with a role that schedules may work with, and that may do `actions`.
    async fn with_role(actions: Value) -> Self {
        let world = Self::start(Service::Scheduler).frozen();
        let condition = json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals":
            {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"}});
        world.role_if("driver", condition).await;
        world.allow_driver(actions).await;
        world
    }

    /// A role that schedules may work with on a condition.
    async fn role_if(&self, name: &str, condition: Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": condition}]});
        let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        self.of(Service::Iam).ok("CreateRole", input).await;
    }

    async fn allow_driver(&self, actions: Value) {
        self.allow("driver", actions, json!("*")).await;
    }

    async fn schedule(&self, name: &str, change: Value) -> Result<Value, ApiError> {
        let mut input = wish(name);
        merge(&mut input, change);
        self.call("CreateSchedule", input).await
    }

    async fn get(&self, name: &str) -> Result<Value, ApiError> {
        let input = json!({"Name": name});
        self.call("GetSchedule", input).await
    }

    /// `at(…)`, so many seconds from now.
    fn at(&self, seconds: i64) -> String {
        let at = self.sandbox.clock.now() + time::Duration::seconds(seconds);
        let text = crate::clock::iso8601(at);
        format!("at({})", text.split('.').next().unwrap())
    }

    fn epoch(&self, seconds: i64) -> Value {
        crate::clock::epoch_seconds(self.sandbox.clock.now() + time::Duration::seconds(seconds))
    }

    async fn seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    /// How every call with this name has ended: `ok`, or the error's code.
    fn ends(&self, operation: &str) -> Vec<String> {
        let calls = self.sandbox.journal.list(&Query::default()).calls;
        let mine = calls.iter().filter(|call| call.operation == operation);
        mine.map(|call| match &call.ended {
            Ended::Done => "ok".to_owned(),
            Ended::Refused(error) => error.code.to_string(),
            Ended::Dropped => "dropped".to_owned(),
        })
        .collect()
    }
}

/// A schedule that makes a log group.
fn wish(name: &str) -> Value {
    json!({
        "Name": name,
        "ScheduleExpression": "rate(5 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": CREATE_LOG_GROUP,
            "RoleArn": ROLE,
            "Input": json!({"LogGroupName": "/made/by/a/schedule"}).to_string(),
        },
    })
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}
