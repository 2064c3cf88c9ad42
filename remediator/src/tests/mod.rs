//! The promises of `SEMANTICS.md` that need effects, against a group in memory.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod answers;
mod contested;
mod evidence;
mod failures;
mod fast_path;
mod model;
mod origins;
mod policies;
mod readings;
mod repairs;
mod sweeps;
mod verdicts;

use crate::effects::Effects;
use crate::error::HandleError;
use crate::fake::{ACCOUNT, Fake, GROUP};
use crate::handle::{self, Instance};
use remediator_core::Rule;
use serde_json::{Value, json};

const WEB: [&str; 2] = ["tcp:80:0.0.0.0/0", "tcp:443:0.0.0.0/0"];
const MAIL: [&str; 2] = ["tcp:465:0.0.0.0/0", "tcp:993:0.0.0.0/0"];

fn event(parameters: &Value, status: &str) -> Value {
    let invoking = json!({
        "configurationItem": {
            "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
            "configurationItemStatus": status,
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": GROUP,
            // What the item says about the group is a trap: it must be read from EC2.
            "tags": {"team": "red", "driftlab:exempt-until": "2026-12-31"},
            "configuration": {
                "groupId": GROUP, "vpcId": "vpc-0b", "ownerId": ACCOUNT,
                "tags": [{"key": "team", "value": "red"}],
                "ipPermissions": [{"ipProtocol": "-1"}]
            }
        },
        "notificationCreationTime": "2026-11-22T08:00:06.000Z",
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3"
    });
    json!({
        "invokingEvent": invoking.to_string(),
        "ruleParameters": parameters.to_string(),
        "resultToken": "token",
        "eventLeftScope": false,
        "accountId": ACCOUNT
    })
}

fn change() -> Value {
    event(&json!({}), "OK")
}

/// One invocation of an instance that has just been started.
async fn handle(fake: &Fake, event: &Value) -> Result<(), HandleError> {
    answer(fake, &Instance::default(), event).await
}

/// One invocation of an instance that may have been there before.
async fn answer<E: Effects>(
    effects: &E,
    instance: &Instance,
    event: &Value,
) -> Result<(), HandleError> {
    handle::handle(effects, instance, &event.to_string()).await
}

async fn run(fake: &Fake) -> Result<(), String> {
    handle(fake, &change()).await.map_err(|error| error.chain())
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

fn readings(fake: &Fake) -> usize {
    let calls = fake.calls.borrow();
    let readings = calls
        .iter()
        .filter(|call| **call == "describe_security_groups");
    readings.count()
}

/// The incident of the lab, on a group that also misses one approved rule.
fn incident() -> Fake {
    Fake::with(&[WEB[0], MAIL[0], MAIL[1]])
}
