//! Labs that remove themselves, on a clock that is moved forward.

use std::time::Duration;

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::expected::flaws_of_ready;
use trials::furnish::silence_after;
use trials::trial::in_lab;
use trials::world::strict;
use trials::{Census, Options, STACK, World};

const HOUR: u64 = 3600;

/// Lets time pass, a few minutes at a time, and lets what falls due happen.
pub(crate) async fn pass(world: &World, seconds: u64) {
    let sandbox = &world.sandbox;
    let mut left = Duration::from_secs(seconds);
    while !left.is_zero() {
        let step = left.min(Duration::from_secs(300));
        sandbox.clock.advance(step);
        left -= step;
        while !sandbox.engine.is_idle_at(sandbox.clock.now()) {
            tokio::task::yield_now().await;
        }
    }
}

async fn list(world: &World, service: Service, operation: &str, member: &str) -> Vec<Value> {
    let answer = world.call(service, operation, json!({})).await;
    answer[member].as_array().cloned().unwrap_or_default()
}

/// How many of recorder, channel, rule and function there are.
async fn alive(world: &World) -> usize {
    let mut count = 0;
    for (service, operation, member) in [
        (
            Service::Config,
            "DescribeConfigurationRecorders",
            "ConfigurationRecorders",
        ),
        (
            Service::Config,
            "DescribeDeliveryChannels",
            "DeliveryChannels",
        ),
        (Service::Config, "DescribeConfigRules", "ConfigRules"),
        (Service::Lambda, "ListFunctions", "Functions"),
    ] {
        count += list(world, service, operation, member).await.len();
    }
    count
}

async fn schedules(world: &World) -> usize {
    list(world, Service::Scheduler, "ListSchedules", "Schedules")
        .await
        .len()
}

async fn expiry_of_stack(world: &World) -> Value {
    let stacks = list(world, Service::CloudFormation, "DescribeStacks", "Stacks").await;
    let tags = stacks[0]["Tags"].as_array().cloned().unwrap_or_default();
    let mine = |tag: &&Value| tag["Key"] == "driftlab:expires";
    tags.iter()
        .find(mine)
        .map_or(Value::Null, |tag| tag["Value"].clone())
}

#[test]
fn a_lab_with_a_time_to_live_removes_itself() {
    in_lab(strict(), async |world, lab| {
        let before = Census::of(world).await;
        let deployed = lab.ok(&["deploy", "--ttl", "3h"]).await;
        let expires = deployed.document["expires"].as_str().unwrap().to_owned();
        assert_eq!(flaws_of_ready(world).await, Vec::<String>::new());
        assert_eq!(expiry_of_stack(world).await, expires.replace(".000Z", "Z"));
        let status = lab.ok(&["status"]).await;
        assert_eq!(status.document["expires"], expires);
        assert_eq!(status.document["owner"], "operator");

        // The clock runs on while all this works, so moments keep their distance from each other.
        pass(world, 3 * HOUR - 600).await;
        assert_eq!(alive(world).await, 4);
        // What acts and bills is gone within half an hour.
        pass(world, HOUR / 2 + 1200).await;
        assert_eq!(alive(world).await, 0);
        // A bucket with something in it takes S3 a day or two; then all that is left is a role without rights.
        pass(world, 5 * 24 * HOUR).await;
        assert_eq!(schedules(world).await, 0);
        let left = before.since(world).await;
        let role = "driftlab-expiry-us-east-1-lab-environment";
        assert!(
            !left.is_empty() && left.lines().all(|line| line.contains(role)),
            "{left}"
        );
        let policies = world
            .call(Service::Iam, "ListRolePolicies", json!({"RoleName": role}))
            .await;
        assert_eq!(policies["PolicyNames"], json!([]));
        let status = lab.ok(&["status"]).await;
        assert!(
            status.document["self_destruct"][0]
                .as_str()
                .unwrap()
                .contains("has removed itself")
        );

        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(
            removed.document["removed"],
            json!([format!("role `{role}`")])
        );
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_lab_with_every_option_removes_itself() {
    in_lab(strict(), async |world, lab| {
        let options = Options::furnish(world).await;
        let before = Census::of(world).await;
        let all = options.all();
        let line = ["deploy", "--ttl", "3h"].into_iter();
        let line: Vec<_> = line.chain(all.iter().map(String::as_str)).collect();
        lab.ok(&line).await;
        let rules = async || {
            list(world, Service::Events, "ListRules", "Rules")
                .await
                .len()
        };
        assert_eq!(rules().await, 1);
        // An object that the bucket is not rid of yet keeps the stack; the rule goes with the first attempt.
        pass(world, 3 * HOUR + HOUR / 2).await;
        assert_eq!((alive(world).await, rules().await), (0, 0));
        pass(world, 5 * 24 * HOUR).await;
        let left = before.since(world).await;
        assert!(
            left.lines().all(|line| line.contains("driftlab-expiry-")),
            "{left}"
        );
    });
}

/// The role of the self-destruct reaches what bears the lab's names, and these can change while it is armed.
#[test]
fn a_lab_that_was_renamed_meanwhile_removes_itself() {
    in_lab(strict(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy", "--ttl", "3h", "--no-wait"]).await;
        let renamed = ["deploy", "--no-wait", "--parameter", "TopicName=renamed"];
        lab.ok(&renamed).await;
        // It lets go of the old name.
        let role = json!({"RoleName": "driftlab-expiry-us-east-1-lab-environment",
            "PolicyName": "remove-the-lab"});
        let policy = world.call(Service::Iam, "GetRolePolicy", role).await;
        let policy = policy["PolicyDocument"].as_str().unwrap();
        assert!(
            policy.contains("renamed") && !policy.contains("config-topic"),
            "{policy}"
        );
        pass(world, 5 * 24 * HOUR).await;
        let left = before.since(world).await;
        assert!(
            left.lines().all(|line| line.contains("driftlab-expiry-")),
            "{left}"
        );
    });
}

#[test]
fn an_extended_lab_lives_longer() {
    in_lab(strict(), async |world, lab| {
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        let armed = schedules(world).await;
        let extended = lab.ok(&["extend", "--by", "2h"]).await;
        let until = extended.document["expires"]
            .as_str()
            .unwrap()
            .replace(".000Z", "Z");
        assert_eq!(expiry_of_stack(world).await, until);
        assert_eq!(schedules(world).await, armed);
        pass(world, 4 * HOUR).await;
        assert_eq!(alive(world).await, 4);
        pass(world, 2 * HOUR).await;
        assert_eq!(alive(world).await, 0);
        // What has begun cannot be taken back.
        let late = lab.run(&["extend", "--by", "2h"]).await;
        assert!(late.result.is_err(), "{}", late.text);
    });
}

#[test]
fn deploying_again_arms_nothing_twice() {
    in_lab(strict(), async |world, lab| {
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        let (armed, first) = (schedules(world).await, expiry_of_stack(world).await);
        // Without a wish of its own a deployment keeps the expiry, and changes nothing.
        let mark = world.mark();
        let again = lab.ok(&["deploy", "--no-wait"]).await;
        assert_eq!(again.document["changed"], false, "{}", again.text);
        assert_eq!(world.changes_after(mark), [""; 0]);
        pass(world, HOUR).await;
        lab.ok(&["deploy", "--ttl", "3h", "--no-wait"]).await;
        assert_eq!(schedules(world).await, armed);
        assert_ne!(expiry_of_stack(world).await, first);
        lab.ok(&["deploy", "--ttl", "off", "--no-wait"]).await;
        assert_eq!(schedules(world).await, 0);
        assert_eq!(expiry_of_stack(world).await, "never");
        pass(world, 24 * HOUR).await;
        assert_eq!(alive(world).await, 4);
    });
}

#[test]
fn a_clean_up_disarms() {
    in_lab(strict(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        let mark = world.mark();
        let planned = lab.ok(&["cleanup", "--plan"]).await;
        let lines = planned.document["plan"].to_string();
        assert!(
            lines.contains("self-destruct (10 schedules)") && lines.contains(STACK),
            "{lines}"
        );
        assert_eq!(world.changes_after(mark), [""; 0]);
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(removed.document["leftovers"], json!([]));
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_clean_up_that_the_end_overtakes_finishes_all_the_same() {
    in_lab(strict(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        pass(world, 3 * HOUR - 300).await;
        // The clean-up and the schedules work side by side.
        let (removed, ()) = tokio::join!(lab.run(&["cleanup"]), pass(world, 20 * 60));
        assert!(
            removed.result.is_ok(),
            "{}{}",
            removed.text,
            removed.failure()
        );
        pass(world, 5 * 24 * HOUR).await;
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_deployment_that_dies_half_way_removes_itself() {
    in_lab(strict(), async |world, lab| {
        let before = Census::of(world).await;
        let rule = json!({"service": "cloudformation", "operation": "ExecuteChangeSet", "phase": "after",
            "count": 1, "fault": {"timeout": {"hold_ms": 900_000}}});
        world.strike(serde_json::from_value(rule).unwrap());
        let died = lab.run_until_killed(&["deploy", "--ttl", "3h"]).await;
        assert!(died.is_none());
        pass(world, 8 * 24 * HOUR).await;
        let left = before.since(world).await;
        assert!(
            left.lines().all(|line| line.contains("driftlab-expiry-")),
            "{left}"
        );
    });
}

/// Until the stack has changed the lab has its old names, and from then on the new ones: the role of the self-destruct must
/// reach either, whenever the deployment dies.
#[test]
fn a_lab_whose_renaming_died_removes_itself() {
    for death in [
        ("iam", "PutRolePolicy"),
        ("cloudformation", "ExecuteChangeSet"),
    ] {
        for more in [&[][..], &["--ttl", "3h"]] {
            in_lab(strict(), async |world, lab| {
                let before = Census::of(world).await;
                lab.ok(&["deploy", "--ttl", "3h", "--no-wait"]).await;
                silence_after(world, &[death]);
                let renamed = ["deploy", "--no-wait", "--parameter", "TopicName=renamed"];
                let died = lab.run_until_killed(&[&renamed[..], more].concat()).await;
                assert!(died.is_none(), "{death:?} was not called");
                pass(world, 5 * 24 * HOUR).await;
                let left = before.since(world).await;
                assert!(
                    left.lines().all(|line| line.contains("driftlab-expiry-")),
                    "{death:?} {more:?}: {left}"
                );
            });
        }
    }
}
