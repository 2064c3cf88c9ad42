//! Services that are not ready yet: what was asked for is right, and still has to be asked for again.

use std::time::Duration;

use driftlab::error::Kind;
use sandbox::caller::Caller;
use sandbox::faults::{CallerKind, Fault, Rule, Seen};
use sandbox::protocol::Operation;
use sandbox::sandbox::Settings;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::expected::{flaws_of_ready, output, stack};
use trials::lab::beside;
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{Census, Lab, STACK, World, furnish, package};

/// `driftlab` is refused with these words so many times.
fn refuse(world: &World, service: &str, operation: &str, code: &str, count: u64) {
    let fault = Fault::Error {
        code: code.to_owned(),
        status: 409,
        message: "a conflicting operation is in progress".to_owned(),
    };
    world.strike(Rule {
        caller: Some(CallerKind::Operator),
        count: Some(count),
        ..Rule::new(service, operation, fault)
    });
}

#[test]
fn a_bucket_that_s3_is_at_work_on_is_asked_for_again() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        refuse(world, "s3", "CreateBucket", "OperationAborted", 3);
        lab.ok(&["deploy"]).await;
        assert_eq!(world.strikes(), 3);
        refuse(world, "s3", "DeleteBucket", "OperationAborted", 3);
        lab.ok(&["cleanup"]).await;
        assert_eq!(world.strikes(), 6);
        assert_eq!(before.since(world).await, "");
    });
}

/// Something comes into each of the lab's buckets right after it was emptied, twice.
#[test]
fn a_bucket_that_fills_while_it_is_emptied_is_emptied_again() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        world.idle().await;
        let mark = world.mark();
        let fills = async {
            let mut news = world.sandbox.journal.news();
            let mut filled: Vec<(String, usize)> = Vec::new();
            let mut seen = mark;
            loop {
                // The sender lives as long as the sandbox, which is borrowed.
                news.changed().await.unwrap();
                for call in world.calls_after(seen) {
                    seen = call.number;
                    if call.operation != "DeleteObjects" || call.caller != Some(Caller::Operator) {
                        continue;
                    }
                    let input = call.input.value();
                    let bucket = input["Bucket"].as_str().unwrap().to_owned();
                    let times = filled.iter().filter(|(name, _)| *name == bucket).count();
                    if times < 2 {
                        let input = json!({"Bucket": bucket, "Key": format!("late-{times}")});
                        let put = Operation::new("PutObject", input);
                        world.text(&put).await.unwrap();
                        filled.push((bucket, times));
                    }
                    if filled.len() == 4 {
                        return;
                    }
                }
            }
        };
        let told = beside(lab.ok(&["cleanup"]), fills).await;
        assert_eq!(world.count_after(mark, "DeleteObjects"), 6, "{}", told.text);
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_channel_that_the_recorder_has_not_let_go_of_is_deleted_later() {
    let settings = Settings {
        recorder_stop_lag: Some(Duration::from_millis(200)),
        ..Settings::default()
    };
    in_lab(settings, async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        world.idle().await;
        let mark = world.mark();
        lab.ok(&["cleanup"]).await;
        assert!(world.count_after(mark, "DeleteDeliveryChannel") > 1);
        assert_eq!(before.since(world).await, "");
    });
}

/// Somebody deletes the lab's rule at the console, and AWS Config has not finished when the command looks.
#[test]
fn a_rule_that_is_being_deleted_is_made_again_or_waited_for() {
    for command in ["deploy", "cleanup"] {
        in_lab(quick(), async |world, lab| {
            let before = Census::of(world).await;
            lab.ok(&["deploy"]).await;
            world.idle().await;
            // It stays so until the clock goes on.
            world.sandbox.clock.freeze();
            let rule = json!({"ConfigRuleName": "EC2SecurityGroup"});
            furnish::config(world, "DeleteConfigRule", rule).await;
            let mark = world.mark();
            let made = |operation| world.count_after(mark, operation);
            let line = [command];
            let told = beside(lab.ok(&line), async {
                if command == "deploy" {
                    let put = || {
                        let asked = made("GetComplianceDetailsByConfigRule");
                        assert_eq!(asked, 0, "a rule that goes says nothing any more");
                        made("PutConfigRule") > 0
                    };
                    world.until(put).await;
                } else {
                    world.until(|| made("DeleteDeliveryChannel") > 0).await;
                    let seen = world.mark();
                    let looked_twice = || {
                        assert_eq!(made("DeleteStack"), 0, "the rule is still there");
                        // Whoever asks for the deletion again hears that it is under way, and has looked as well.
                        let looks = ["DescribeConfigRules", "DeleteConfigRule"];
                        let looks = looks.map(|look| world.count_after(seen, look));
                        looks.iter().sum::<usize>() >= 2
                    };
                    world.until(looked_twice).await;
                }
                world.goes_on().await;
            });
            let told = told.await;
            if command == "deploy" {
                let flaws = flaws_of_ready(world).await;
                assert_eq!(flaws, Vec::<String>::new(), "{}", told.text);
            }
            // Clean-up waits for a rule to be gone.
            beside(lab.ok(&["cleanup"]), world.goes_on()).await;
            assert_eq!(before.since(world).await, "");
        });
    }
}

/// The function of a rule that is still there goes only after the rule.
#[test]
fn a_rule_that_clean_up_has_deleted_is_gone_before_its_function_goes() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        world.idle().await;
        // The rule stays in deletion until the clock goes on, and that is when it was looked at for the third time.
        world.sandbox.clock.freeze();
        let mark = world.mark();
        let looked_three_times = || {
            let goes = world.count_after(mark, "DeleteStack");
            assert_eq!(goes, 0, "the rule is still there");
            let calls = world.calls_after(mark).into_iter();
            let since = calls.skip_while(|call| call.operation != "DeleteConfigRule");
            let looks = since.filter(|call| call.operation == "DescribeConfigRules");
            looks.count() >= 3
        };
        let cleanup = beside(lab.ok(&["cleanup"]), async {
            world.until(looked_three_times).await;
            world.goes_on().await;
        });
        cleanup.await;
        assert_eq!(before.since(world).await, "");
    });
}

/// What IAM was told is known everywhere a little later: the looks of `driftlab` and CloudFormation, and the services that
/// work with the roles.
#[test]
fn iam_that_is_late_is_waited_for() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        for command in ["deploy", "simulate-incident", "cleanup"] {
            for of in [None, Some(Seen::Iam)] {
                let service = if of.is_some() { "config" } else { "iam" };
                world.strike(Rule {
                    caller: Some(CallerKind::Operator),
                    ..Rule::new(service, "*", Fault::StaleReads { lag_ms: 300, of })
                });
            }
            let told = lab.run(&[command]).await;
            assert!(command == "simulate-incident" || world.strikes() > 0);
            world.sandbox.faults.clear();
            // A late look may show what is gone, and then it is said to be left.
            let forgiven = command == "cleanup" && told.kind() == Some(Kind::Leftovers);
            assert!(
                told.result.is_ok() || forgiven,
                "{}{}",
                told.text,
                told.failure()
            );
            lab.ok(&[command]).await;
        }
        assert_eq!(before.since(world).await, "");
    });
}

/// From some call on, every one is refused because the session is over; then there is a new session.
#[test]
fn credentials_that_expire_in_the_midst_are_told_and_the_same_command_goes_on() {
    let package = package::path();
    let mut cases = Vec::new();
    for command in ["deploy", "simulate-incident", "cleanup"] {
        // Few commands make more than ninety calls; later ones are never struck, and then all has to be well.
        cases.extend((0..90).step_by(9).map(|skip| (command, skip)));
    }
    let name = |(command, skip): &(&str, u64)| format!("{command}, after {skip} calls");
    all("expired credentials", &cases, name, |(command, skip)| {
        let (command, skip, package) = (*command, *skip, &package);
        async move {
            let world = World::start().await;
            let before = Census::of(&world).await;
            let lab = Lab::new(&world, package);
            if command != "deploy" {
                lab.ok(&["deploy"]).await;
                world.idle().await;
            }
            let expired = Fault::Error {
                code: "ExpiredToken".to_owned(),
                status: 403,
                message: "The security token included in the request is expired".to_owned(),
            };
            world.strike(Rule {
                caller: Some(CallerKind::Operator),
                skip,
                ..Rule::new("*", "*", expired)
            });
            let told = lab.run(&[command]).await;
            let struck = world.strikes() > 0;
            world.sandbox.faults.clear();
            if struck {
                assert_eq!(told.kind(), Some(Kind::Unreachable), "{}", told.failure());
                assert!(told.failure().contains("credentials have expired"));
            } else {
                assert!(told.result.is_ok(), "{}", told.failure());
            }
            lab.ok(&[command]).await;
            if command == "deploy" {
                let flaws = flaws_of_ready(&world).await;
                assert_eq!(flaws, Vec::<String>::new());
            }
            lab.ok(&["cleanup"]).await;
            assert_eq!(before.since(&world).await, "");
            world.end().await;
        }
    });
}

/// Somebody changes the lab's stack by hand, it fails, and they have it stay half-changed.
#[test]
fn a_change_that_was_left_half_made_is_taken_back() {
    for command in ["deploy", "cleanup"] {
        in_lab(quick(), async |world, lab| {
            let before = Census::of(world).await;
            lab.ok(&["deploy"]).await;
            world.idle().await;
            let found = stack(world).await;
            let parameters: Vec<Value> = found["Parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| match parameter["ParameterKey"].as_str() {
                    Some("LogRetentionDays") => {
                        json!({"ParameterKey": "LogRetentionDays", "ParameterValue": "30"})
                    }
                    key => json!({"ParameterKey": key, "UsePreviousValue": true}),
                })
                .collect();
            assert!(!parameters.is_empty(), "{found}");
            let group = output(&found, "LabSecurityGroupId");
            assert!(group.is_some());
            furnish::deny_cloudformation(world, &[("logs", "PutRetentionPolicy")]);
            let update = json!({
                "StackName": STACK, "UsePreviousTemplate": true, "Parameters": parameters,
                "Capabilities": ["CAPABILITY_NAMED_IAM"], "DisableRollback": true,
            });
            world
                .call(Service::CloudFormation, "UpdateStack", update)
                .await;
            world.idle().await;
            world.sandbox.faults.clear();
            assert_eq!(stack(world).await["StackStatus"], "UPDATE_FAILED");
            lab.ok(&[command]).await;
            if command == "deploy" {
                let flaws = flaws_of_ready(world).await;
                assert_eq!(flaws, Vec::<String>::new());
                // It is the same lab, and not a new one in its place.
                let now = output(&stack(world).await, "LabSecurityGroupId");
                assert_eq!(now, group);
                lab.ok(&["cleanup"]).await;
            }
            assert_eq!(before.since(world).await, "");
        });
    }
}
