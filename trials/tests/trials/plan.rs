//! A dry run tells everything and changes nothing.

use driftlab::error::Kind;
use sandbox::faults::{CallerKind, Fault, Phase, Rule};
use trials::trial::one;
use trials::{Census, Lab, World, package};

/// The calls with which the owner's programs change something, by operation.
fn writes(world: &World, after: u64) -> Vec<String> {
    let reads = ["Describe", "Get", "List", "Head", "Simulate"];
    world
        .calls_after(after)
        .iter()
        .filter(|call| !reads.iter().any(|read| call.operation.starts_with(read)))
        .map(|call| call.operation.clone())
        .collect()
}

#[test]
fn a_plan_shows_everything_and_leaves_nothing() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let before = Census::of(&world).await;
        let lab = Lab::new(&world, &package);
        let mark = world.mark();
        let told = lab.ok(&["deploy", "--plan"]).await;
        let only = ["CreateChangeSet", "DeleteChangeSet", "DeleteStack"];
        assert_eq!(writes(&world, mark), only);
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
        world.idle().await;
        assert_eq!(before.differences(&Census::of(&world).await), "");

        lab.ok(&["deploy"]).await;
        world.idle().await;
        let deployed = Census::of(&world).await;
        let mark = world.mark();
        let told = lab
            .ok(&["deploy", "--plan", "--parameter", "FunctionName=other"])
            .await;
        assert_eq!(writes(&world, mark), ["CreateChangeSet", "DeleteChangeSet"]);
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
        assert_eq!(writes(&world, mark), [""; 0]);
        world.idle().await;
        assert_eq!(deployed.differences(&Census::of(&world).await), "");
        world.end().await;
    });
}

#[test]
fn only_what_changed_is_changed() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let lab = Lab::new(&world, &package);
        lab.ok(&["deploy"]).await;
        let mark = world.mark();
        lab.ok(&["deploy"]).await;
        assert_eq!(writes(&world, mark), [""; 0]);
        // Another parameter of the rule: the rule, and the journal around it.
        let mark = world.mark();
        lab.ok(&["deploy", "--baseline", "dual-stack", "--no-wait"])
            .await;
        let by_lab: Vec<_> = writes(&world, mark)
            .into_iter()
            .filter(|write| {
                !["PutEvaluations", "AuthorizeSecurityGroupIngress"].contains(&write.as_str())
            })
            .filter(|write| !write.contains("Log"))
            .collect();
        assert_eq!(
            by_lab,
            ["PutObject", "PutConfigRule", "TagResource", "PutObject"]
        );
        world.end().await;
    });
}

#[test]
fn of_two_who_deploy_at_once_one_wins_and_the_other_is_told() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let lab = Lab::new(&world, &package);
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
        world.end().await;
    });
}

#[test]
fn the_lock_of_a_run_that_was_cut_off_is_no_obstacle_to_the_next_one() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let before = Census::of(&world).await;
        let lab = Lab::new(&world, &package);
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
        world.idle().await;
        assert_eq!(before.differences(&Census::of(&world).await), "");
        world.end().await;
    });
}

#[test]
fn whoever_stops_leaves_neither_a_change_set_nor_a_lock() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = World::start().await;
        let before = Census::of(&world).await;
        let lab = Lab::new(&world, &package);
        // While CloudFormation works the plan out.
        let told = lab
            .run_until_interrupted(&["deploy"], "CreateChangeSet")
            .await;
        assert_eq!(told.kind(), Some(Kind::Interrupted), "{}", told.text);
        world.idle().await;
        assert_eq!(before.differences(&Census::of(&world).await), "");
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
        world.idle().await;
        assert_eq!(before.differences(&Census::of(&world).await), "");
        world.end().await;
    });
}
