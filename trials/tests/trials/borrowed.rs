//! What is borrowed stays its owner's, also where names, tags and moments make it look like the lab's.

use driftlab::error::Kind;
use driftlab::spec::TAG;
use sandbox::faults::{CallerKind, Fault, Phase, Rule};
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::expected::stack;
use trials::furnish::config;
use trials::lab::beside;
use trials::trial::in_lab;
use trials::world::quick;
use trials::{Census, STACK, World};

use crate::adopt::{put_recorder, recorder, set_up, set_up_as, theirs};
use crate::forged::{bucket, is_running_and_retained, narrowed, read, write};
use crate::sunset::pass;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The recorder and the channel are deleted by hand.
async fn delete_recording(world: &World) {
    let recorder = recorder(world).await["name"].clone();
    let channels = config(world, "DescribeDeliveryChannels", json!({})).await;
    let channel = channels["DeliveryChannels"][0]["name"].clone();
    let named = json!({ "ConfigurationRecorderName": recorder });
    config(world, "StopConfigurationRecorder", named.clone()).await;
    let channel = json!({ "DeliveryChannelName": channel });
    config(world, "DeleteDeliveryChannel", channel).await;
    config(world, "DeleteConfigurationRecorder", named).await;
    world.idle().await;
}

async fn is_running(world: &World) -> bool {
    let status = config(world, "DescribeConfigurationRecorderStatus", json!({})).await;
    status["ConfigurationRecordersStatus"][0]["recording"] == true
}

#[test]
fn labs_that_cleanup_would_remove_are_planned_with_what_they_give_back() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let before = Census::of(world).await;
        let all = ["cleanup", "--all", "--older-than", "0s", "--plan"];
        let told = lab.ok(&all).await;
        let change = "records: AWS::S3::Bucket, AWS::EC2::SecurityGroup → AWS::S3::Bucket";
        let plan = told.document["labs"][0]["plan"].to_string();
        assert!(plan.contains(change), "{}", told.text);
        assert_eq!(before.since(world).await, "");
    });
}

/// Whoever agrees to the removal of labs has been shown what becomes of the loans.
#[test]
fn loan_of_a_lab_among_many_is_shown_before_consent() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let told = lab.ok(&["cleanup", "--all", "--older-than", "0s"]).await;
        let change = "records: AWS::S3::Bucket, AWS::EC2::SecurityGroup → AWS::S3::Bucket";
        let shown = told.text.find(change);
        let begun = told.text.find("removing the lab");
        assert!(shown.is_some() && shown < begun, "{}", told.text);
    });
}

/// Its owner changes a recorder between the plan and the moment in which it would be given back: while the call that `slow`
/// holds up is under way, after `seen` was called.
async fn changed_after_it_was_shown(
    world: &World,
    lab: &trials::Lab<'_>,
    line: &[&str],
    (slow, seen): (Rule, &str),
) {
    set_up(world, &theirs()[6]).await;
    lab.ok(&["deploy", "--adopt"]).await;
    let mut theirs = recorder(world).await;
    theirs["recordingGroup"] = json!({"allSupported": true});
    world.strike(Rule {
        caller: Some(CallerKind::Operator),
        count: Some(1),
        ..slow
    });
    let mark = world.mark();
    let told = beside(lab.run(line), async {
        world.until(|| world.count_after(mark, seen) > 0).await;
        put_recorder(world, &theirs).await;
    });
    let told = told.await;
    assert!(told.result.is_err(), "{}", told.text);
    let said = format!("{}{}", told.text, told.failure());
    assert!(said.contains("has changed since"), "{said}");
    let now = recorder(world).await;
    assert_eq!(now["recordingGroup"]["allSupported"], true, "{now}");
    assert!(is_running_and_retained(world).await);
    assert_ne!(stack(world).await, Value::Null);
    lab.ok(&["cleanup"]).await;
    let now = recorder(world).await;
    assert_eq!(now["recordingGroup"]["allSupported"], true, "{now}");
}

const SLOW: Fault = Fault::Slow { hold_ms: 2_000 };

#[test]
fn recorder_that_changed_after_it_was_shown_is_not_given_back() {
    for line in [
        &["cleanup"][..],
        &["cleanup", "--all", "--older-than", "0s"],
    ] {
        in_lab(quick(), async |world, lab| {
            // The lock takes its time.
            let slow = Rule {
                phase: Phase::After,
                ..Rule::new("s3", "PutObject", SLOW)
            };
            changed_after_it_was_shown(world, lab, line, (slow, "PutObject")).await;
        });
    }
}

/// The labs before it take their time, so each is looked at again before it is removed.
#[test]
fn recorder_that_changed_before_its_lab_had_its_turn_is_not_given_back() {
    in_lab(quick(), async |world, lab| {
        let line = ["cleanup", "--all", "--older-than", "0s"];
        let seen = "DescribeConfigurationRecorders";
        let slow = Rule {
            skip: 1,
            phase: Phase::Before,
            ..Rule::new("config", seen, SLOW)
        };
        changed_after_it_was_shown(world, lab, &line, (slow, seen)).await;
    });
}

/// What is given back is what was there last, not what the plan was made from.
#[test]
fn recorder_that_changed_before_it_was_widened_is_given_back_with_the_change() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        let mut theirs = recorder(world).await;
        theirs["recordingGroup"]["resourceTypes"] = json!(["AWS::EC2::VPC"]);
        world.strike(Rule {
            caller: Some(CallerKind::Operator),
            count: Some(1),
            phase: Phase::After,
            ..Rule::new("s3", "PutObject", SLOW)
        });
        let mark = world.mark();
        let told = beside(lab.run(&["deploy", "--adopt"]), async {
            world
                .until(|| world.count_after(mark, "PutObject") > 0)
                .await;
            put_recorder(world, &theirs).await;
        });
        let told = told.await;
        assert!(told.result.is_ok(), "{}{}", told.text, told.failure());
        let wide = recorder(world).await["recordingGroup"]["resourceTypes"].clone();
        assert_eq!(wide, json!(["AWS::EC2::VPC", "AWS::EC2::SecurityGroup"]));
        lab.ok(&["cleanup"]).await;
        let now = recorder(world).await;
        assert_eq!(now["recordingGroup"], theirs["recordingGroup"]);
    });
}

#[test]
fn borrowed_recorder_with_the_labs_tag_is_given_back_and_not_deleted() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        let description = recorder(world).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let tag = json!({"ResourceArn": description["arn"],
            "Tags": [{"Key": TAG, "Value": STACK}]});
        config(world, "TagResource", tag).await;
        let again = lab.ok(&["deploy"]).await;
        assert_eq!(again.document["changed"], false, "{}", again.text);
        lab.ok(&["cleanup"]).await;
        assert_eq!(recorder(world).await, description);
    });
}

/// The lab's own recorder may bear the name of one that it had borrowed.
#[test]
fn recorder_that_the_lab_makes_after_a_loan_is_removed_and_not_given_back() {
    in_lab(quick(), async |world, lab| {
        set_up_as(world, &theirs()[6], "default").await;
        lab.ok(&["deploy", "--adopt"]).await;
        delete_recording(world).await;
        lab.ok(&["deploy"]).await;
        assert_eq!(read(world).await["borrowed"], Value::Null);
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(
            removed.document["given_back"],
            json!([]),
            "{}",
            removed.text
        );
        assert_eq!(recorder(world).await, Value::Null, "{}", removed.text);
    });
}

/// A self-destruct goes by names. What others make under a name that was the lab's is theirs.
#[test]
fn recorder_that_was_made_after_an_extension_outlives_the_lab() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        delete_recording(world).await;
        lab.ok(&["extend", "--by", "1h"]).await;
        set_up_as(world, &theirs()[0], "default").await;
        let description = recorder(world).await;
        pass(world, 5 * HOUR).await;
        assert_eq!(recorder(world).await, description);
        assert!(is_running(world).await);
    });
}

#[test]
fn recorder_that_was_borrowed_after_the_expiry_was_armed_outlives_the_lab() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        delete_recording(world).await;
        set_up_as(world, &theirs()[6], "default").await;
        let description = recorder(world).await;
        lab.ok(&["deploy", "--adopt"]).await;
        pass(world, 5 * DAY).await;
        assert!(is_running(world).await);
        // The journal tells still what the recorder was.
        lab.ok(&["cleanup"]).await;
        assert_eq!(recorder(world).await, description);
    });
}

/// A lab whose recorder was deleted by hand has it made and armed again.
#[test]
fn recorder_that_is_made_again_after_an_extension_goes_with_the_lab() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        delete_recording(world).await;
        lab.ok(&["extend", "--by", "1h"]).await;
        lab.ok(&["deploy", "--no-wait"]).await;
        pass(world, 6 * DAY).await;
        let left = before.since(world).await;
        assert!(
            left.lines().all(|line| line.contains("driftlab-expiry-")),
            "{left}"
        );
    });
}

#[test]
fn deployment_shows_what_an_unverified_journal_says_before_it_replaces_it() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let before = recorder(world).await;
        let genuine = read(world).await;
        write(world, narrowed(genuine).to_string()).await;
        let line = ["deploy", "--adopt", "--plan"];
        let told = lab.ok(&line).await;
        for word in ["replaces this journal", "state: recording → stopped"] {
            assert!(told.text.contains(word), "{}", told.text);
        }
        // Without a word of its own nothing is borrowed anew either.
        let refused = lab.run(&["deploy"]).await;
        assert_eq!(refused.kind(), Some(Kind::Refused), "{}", refused.text);
        lab.ok(&["deploy", "--adopt"]).await;
        let removed = lab.ok(&["cleanup"]).await;
        assert!(!removed.text.contains("not verified"), "{}", removed.text);
        assert_eq!(recorder(world).await, before);
        let gone = json!({"Bucket": bucket()});
        assert!(world.ask(Service::S3, "HeadBucket", gone).await.is_err());
    });
}
