//! A dry run tells everything and changes nothing.

use driftlab::error::Kind;
use sandbox::faults::{CallerKind, Fault, Phase, Rule};
use sandbox::protocol::Operation;
use serde_json::{Value, json};
use trials::trial::{in_lab, in_world};
use trials::world::quick;
use trials::{ACCOUNT, Census, Lab, REGION, STACK, Told, World, furnish};

#[test]
fn a_plan_shows_everything_and_leaves_nothing() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let mark = world.mark();
        let told = lab.ok(&["deploy", "--plan"]).await;
        let only = ["CreateChangeSet", "DeleteChangeSet", "DeleteStack"];
        assert_eq!(world.changes_after(mark), only);
        let changes = told.document["plan"]["changes"]
            .as_array()
            .expect("a plan has changes");
        let stack = changes
            .iter()
            .find(|change| change["change"] == "create-stack")
            .expect("a plan for an empty account makes the stack");
        let resources = stack["resources"].as_array().map_or(0, Vec::len);
        assert!(resources > 15, "{stack}");
        assert!(
            told.text
                .contains("+ AWS::Lambda::Function RemediationFunction"),
            "{}",
            told.text
        );
        assert_eq!(before.since(world).await, "");

        lab.ok(&["deploy"]).await;
        world.idle().await;
        let deployed = Census::of(world).await;
        let mark = world.mark();
        let told = lab
            .ok(&["deploy", "--plan", "--parameter", "FunctionName=other"])
            .await;
        assert_eq!(
            world.changes_after(mark),
            ["CreateChangeSet", "DeleteChangeSet"]
        );
        assert!(
            told.text.contains("AWS::Lambda::Function RemediationFunction `evaluate_remediate_security_group`, made anew"),
            "{}",
            told.text
        );
        let mark = world.mark();
        let told = lab.ok(&["deploy", "--plan"]).await;
        assert_eq!(told.document["changes"], false, "{}", told.text);
        let told = lab.ok(&["cleanup", "--plan"]).await;
        assert_eq!(told.document["removes"], true);
        assert_eq!(world.changes_after(mark), [""; 0]);
        assert_eq!(deployed.since(world).await, "");
    });
}

#[test]
fn only_what_changed_is_changed() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        let mark = world.mark();
        lab.ok(&["deploy"]).await;
        assert_eq!(world.changes_after(mark), [""; 0]);
        // Another parameter of the rule: the rule, and the journal around it.
        let mark = world.mark();
        lab.ok(&["deploy", "--baseline", "dual-stack", "--no-wait"])
            .await;
        assert_eq!(
            world.changes_after(mark),
            ["PutObject", "PutConfigRule", "TagResource", "PutObject"]
        );
    });
}

#[test]
fn of_two_who_deploy_at_once_one_wins_and_the_other_is_told() {
    in_lab(quick(), async |_, lab| {
        let (first, second) = tokio::join!(lab.run(&["deploy"]), lab.run(&["deploy"]));
        let (won, lost) = if first.result.is_ok() {
            (first, second)
        } else {
            (second, first)
        };
        assert!(won.result.is_ok(), "{}{}", won.text, won.failure());
        assert_eq!(lost.kind(), Some(Kind::Refused), "{}", lost.failure());
        let told = lost.failure();
        assert!(
            told.contains("is deploying since") && told.contains("`--take-over`"),
            "{told}"
        );
        let again = lab.ok(&["deploy"]).await;
        assert_eq!(again.document["changed"], false);
        lab.ok(&["cleanup"]).await;
    });
}

/// A journal in which somebody else is at work until a moment.
fn journal(until: &str) -> Value {
    json!({
        "version": 1, "stack": STACK, "serial": 1, "run": "theirs",
        "lock": {"by": "arn:aws:iam::123456789012:user/ada", "host": "elsewhere", "pid": 1, "run": "theirs",
            "purpose": "deploy", "since": "2026-01-01T10:00:00Z", "until": until},
    })
}

#[test]
fn somebody_elses_lock_holds_until_it_expires_or_is_taken_over() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        put_journal(world, &journal("2126-01-01T00:00:00Z")).await;
        for command in ["deploy", "cleanup"] {
            let mark = world.mark();
            let told = lab
                .run(&[command, "--topic", "false"][..if command == "deploy" { 3 } else { 1 }])
                .await;
            assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
            let failure = told.failure();
            for part in [
                "user/ada",
                "`elsewhere`",
                "2026-01-01T10:00:00",
                "2126-01-01",
                "`--take-over`",
            ] {
                assert!(failure.contains(part), "{failure}");
            }
            assert_eq!(world.changes_after(mark), [""; 0]);
        }
        lab.ok(&["deploy", "--topic", "false", "--take-over"]).await;
        put_journal(world, &journal("2026-01-01T10:10:00Z")).await;
        let told = lab.ok(&["cleanup"]).await;
        assert!(told.text.contains("which has expired"), "{}", told.text);
    });
}

async fn put_journal(world: &World, journal: &Value) {
    let bucket = format!("driftlab-code-{ACCOUNT}-{REGION}-{STACK}");
    let input = json!({"Bucket": bucket, "Key": "journal.json"});
    let operation = Operation {
        body: journal.to_string().into(),
        ..Operation::new("PutObject", input)
    };
    world
        .text(&operation)
        .await
        .expect("the lab's bucket takes objects");
}

#[test]
fn the_lock_of_a_run_that_was_cut_off_is_no_obstacle_to_the_next_one() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let killed = Fault::Timeout { hold_ms: 900_000 };
        world.strike(Rule {
            caller: Some(CallerKind::Operator),
            count: Some(1),
            phase: Phase::After,
            ..Rule::new("cloudformation", "ExecuteChangeSet", killed)
        });
        assert!(lab.run_until_killed(&["deploy"]).await.is_none());
        let told = lab.ok(&["deploy"]).await;
        assert!(
            told.text.contains("from a run of yours that was cut off"),
            "{}",
            told.text
        );
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn whoever_stops_leaves_neither_a_change_set_nor_a_lock() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        // While CloudFormation works the plan out.
        let told = lab
            .run_until_interrupted(&["deploy"], "CreateChangeSet")
            .await;
        assert_eq!(told.kind(), Some(Kind::Interrupted), "{}", told.text);
        assert_eq!(before.since(world).await, "");
        // While the stack is being made: what was begun goes on, and nobody is locked out of it.
        let told = lab
            .run_until_interrupted(&["deploy"], "ExecuteChangeSet")
            .await;
        assert_eq!(told.kind(), Some(Kind::Interrupted), "{}", told.text);
        let told = lab.ok(&["deploy"]).await;
        assert!(!told.text.contains("taking over"), "{}", told.text);
        let told = lab.run_until_interrupted(&["cleanup"], "DeleteStack").await;
        assert_eq!(told.kind(), Some(Kind::Interrupted), "{}", told.text);
        let told = lab.ok(&["cleanup"]).await;
        assert!(!told.text.contains("taking over"), "{}", told.text);
        assert_eq!(before.since(world).await, "");
    });
}

/// A failure is an end, too: the stack that was only looked at is gone, and nobody is locked out.
#[test]
fn whoever_fails_leaves_neither_a_change_set_nor_a_lock() {
    in_world(quick(), async |world, package| {
        let before = Census::of(world).await;
        let lab = Lab::new(world, package);
        let fails = async |service: &str, operation: &str, command: &str| {
            world.strike(Rule {
                caller: Some(CallerKind::Operator),
                count: Some(1),
                ..Rule::new(service, operation, Fault::AccessDenied)
            });
            let told = lab.run(&[command]).await;
            assert_eq!(told.kind(), Some(Kind::Failed), "{}", told.text);
            world.sandbox.faults.clear();
            world.idle().await;
        };
        // The change set is there, and nothing else can be made. With the package it is the same, under the lock.
        fails("s3", "CreateBucket", "deploy").await;
        assert_eq!(before.since(world).await, "");
        fails("s3", "PutBucketTagging", "deploy").await;
        assert_eq!(before.since(world).await, "");
        fails("s3", "PutPublicAccessBlock", "deploy").await;
        assert_eq!(before.since(world).await, "");
        // CloudFormation cannot make the stack; what it leaves would be in the way of the next attempt.
        furnish::deny_cloudformation(world, &[("lambda", "CreateFunction")]);
        let told = lab.run(&["deploy"]).await;
        assert_eq!(told.kind(), Some(Kind::Failed), "{}", told.text);
        assert_eq!(before.since(world).await, "");
        fails("config", "PutConfigRule", "deploy").await;
        let told = lab.ok(&["deploy"]).await;
        assert!(!told.text.contains("taking over"), "{}", told.text);
        fails("config", "StopConfigurationRecorder", "cleanup").await;
        let told = lab.ok(&["cleanup"]).await;
        assert!(!told.text.contains("taking over"), "{}", told.text);
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_plan_tells_when_the_lab_would_remove_itself() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let ends = |told: &Told| {
            let expires = told.document["expires"].clone();
            let lines = told.document["self_destruct"].as_array().unwrap().len();
            (expires, lines, told.document["changes"].clone())
        };
        let told = lab.ok(&["deploy", "--plan"]).await;
        assert_eq!(ends(&told), (Value::Null, 0, json!(true)));
        let told = lab.ok(&["deploy", "--plan", "--ttl", "3h"]).await;
        let (expires, lines, _) = ends(&told);
        assert!(expires.is_string() && lines > 1, "{}", told.document);
        assert_eq!(before.since(world).await, "");

        let deployed = lab.ok(&["deploy", "--ttl", "3h"]).await;
        let expires = deployed.document["expires"].clone();
        let told = lab.ok(&["deploy", "--plan"]).await;
        assert_eq!(ends(&told), (expires, lines, json!(false)));
        let told = lab.ok(&["deploy", "--plan", "--ttl", "off"]).await;
        assert_eq!(ends(&told), (Value::Null, 1, json!(true)));
    });
}
