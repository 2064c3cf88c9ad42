//! Schedules through the front door, on a clock that stands still until it is moved.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod groups;
mod refusals;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::journal::{Ended, Query};
use crate::protocol::Operation;
use crate::sandbox::{Sandbox, Settings, Target};
use crate::service::Service;

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/driver";
const CREATE_LOG_GROUP: &str = "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup";

struct World {
    sandbox: Arc<Sandbox>,
    target: Target,
}

impl World {
    /// A world with a role that schedules may work with, and that may do `actions`.
    async fn with_role(actions: Value) -> Self {
        let sandbox = Sandbox::start(Settings::default());
        sandbox.clock.freeze();
        let target = Target::new(
            AccountId::parse(ACCOUNT).unwrap(),
            Region::parse("us-east-1").unwrap(),
            Caller::Operator,
        );
        let world = Self { sandbox, target };
        let condition = json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals":
            {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"}});
        world.role("driver", condition).await;
        world.allow(actions).await;
        world
    }

    async fn role(&self, name: &str, condition: Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": condition}]});
        let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        self.ok(Service::Iam, "CreateRole", input).await;
    }

    async fn allow(&self, actions: Value) {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        let input = json!({"RoleName": "driver", "PolicyName": "p",
            "PolicyDocument": policy.to_string()});
        self.ok(Service::Iam, "PutRolePolicy", input).await;
    }

    async fn call(&self, service: Service, name: &str, input: Value) -> Result<Value, ApiError> {
        let target = &self.target;
        self.sandbox
            .perform_value(target, service, name, input)
            .await
    }

    async fn ok(&self, service: Service, name: &str, input: Value) -> Value {
        self.call(service, name, input).await.unwrap()
    }

    async fn schedule(&self, name: &str, change: Value) -> Result<Value, ApiError> {
        let mut input = wish(name);
        merge(&mut input, change);
        self.call(Service::Scheduler, "CreateSchedule", input).await
    }

    async fn get(&self, name: &str) -> Result<Value, ApiError> {
        let input = json!({"Name": name});
        self.call(Service::Scheduler, "GetSchedule", input).await
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

    /// Moves the clock, and lets what falls due happen.
    async fn pass(&self, seconds: u64) {
        self.sandbox.clock.advance(Duration::from_secs(seconds));
        while self.sandbox.engine.is_busy(self.sandbox.clock.now()) {
            tokio::task::yield_now().await;
        }
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
