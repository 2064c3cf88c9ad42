//! Somebody who holds the policy for plans and nothing else.

use driftlab::permissions::{CALLS, Document, Part};
use trials::furnish::user;
use trials::trial::{all, one};
use trials::world::strict;
use trials::{Census, Lab, Told, World, package};

use crate::doctor::names;

const PLAN: [&str; 3] = ["deploy", "--plan", "--no-doctor"];

fn policy() -> Document {
    Part::Plan.document(&names())
}

/// A plan for a lab that is there and would be changed, and for one that is not there.
async fn plans(world: &World, document: &Document) -> [Told; 2] {
    let package = package::path();
    let owner = Lab::new(world, &package);
    let key = user(world, "planner", &[document.text()]).await;
    let planner = Lab::with_key(world, &package, &key);
    let absent = planner.run(&PLAN).await;
    owner.ok(&["deploy"]).await;
    let changed = [&PLAN[..], &["--parameter", "LogRetentionDays=30"]].concat();
    let present = planner.run(&changed).await;
    [absent, present]
}

#[test]
fn the_policy_is_enough_for_a_plan_and_for_nothing_else() {
    let package = package::path();
    one(async || {
        let world = World::with(strict()).await;
        for told in plans(&world, &policy()).await {
            assert!(told.result.is_ok(), "{}{}", told.text, told.failure());
            assert_eq!(told.document["changes"], true, "{}", told.text);
        }
        // What the same key may not do changes nothing.
        let key = user(&world, "another", &[policy().text()]).await;
        let before = Census::of(&world).await;
        let planner = Lab::with_key(&world, &package, &key);
        for command in [
            &[
                "deploy",
                "--no-doctor",
                "--parameter",
                "LogRetentionDays=30",
            ][..],
            &["cleanup"],
            &["simulate-incident", "--no-wait"],
        ] {
            let told = planner.run(command).await;
            assert!(told.result.is_err(), "{}", told.text);
        }
        assert_eq!(before.since(&world).await, "");
        world.end().await;
    });
}

#[test]
fn without_any_single_action_a_plan_fails_and_names_it() {
    // Some are the same right for two calls.
    let declared = CALLS.iter().flat_map(|call| call.permissions());
    let declared: Vec<_> = declared.map(|(action, _)| action).collect();
    let all_of_them = policy().actions();
    // That a package is new to a bucket is told as 404 only to those who may list; these plans have no new one.
    assert!(all_of_them.contains("s3:ListBucket"));
    let needed_here = |action: &&str| *action != "s3:ListBucket";
    let cases: Vec<_> = all_of_them.into_iter().filter(needed_here).collect();
    assert!(cases.iter().all(|action| declared.contains(action)));
    let what = "the policy for plans, less one action";
    let name = |case: &&str| (*case).to_owned();
    all(what, &cases, name, |case| {
        let action = *case;
        async move {
            let world = World::with(strict()).await;
            let told = plans(&world, &policy().without(action)).await;
            let said: String = told
                .iter()
                .map(|told| told.text.clone() + &told.failure())
                .collect();
            assert!(
                said.to_lowercase().contains(&action.to_lowercase()),
                "without {action} the plans said\n{said}"
            );
            world.end().await;
        }
    });
}
