//! Hints that would do harm where they are followed: what lives is named, and never to be deleted.

use driftlab::error::Kind;
use sandbox::caller::Caller;
use sandbox::ids::{AccountId, Region};
use sandbox::sandbox::Target;
use sandbox::service::Service;
use serde_json::json;
use trials::trial::{deployed, in_lab, in_world};
use trials::world::quick;
use trials::{ACCOUNT, Census, Lab, REGION, STACK};

#[test]
fn cleanup_in_another_region_names_the_lab_that_lives_and_leaves_its_roles() {
    in_world(quick(), async |world, package| {
        let lab = Lab::new(world, package);
        lab.ok(&["deploy"]).await;
        let before = Census::of(world).await;
        let elsewhere = Lab::new(world, package).in_region("eu-west-1");
        let told = elsewhere.ok(&["cleanup"]).await;
        let nearby = json!([{"stack": STACK, "region": REGION}]);
        assert_eq!(told.document["nearby"], nearby, "{}", told.text);
        assert_eq!(told.document["leftovers"], json!([]), "{}", told.text);
        // Deploying there does not take its roles for remains either.
        let told = elsewhere.run(&["deploy", "--no-doctor"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        assert!(
            told.failure().contains("another region"),
            "{}",
            told.failure()
        );
        assert!(!told.failure().contains("delete"), "{}", told.failure());
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn cleanup_under_a_wrong_name_names_the_lab_that_is_there() {
    deployed(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let told = lab.ok(&["cleanup", "--stack", "lab-enviroment"]).await;
        let nearby = json!([{"stack": STACK, "region": REGION}]);
        assert_eq!(told.document["nearby"], nearby, "{}", told.text);
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn explaining_a_group_that_is_not_there_does_not_advise_to_remove_the_lab() {
    deployed(quick(), async |_, lab| {
        let told = lab
            .run(&["policy", "explain", "sg-0123456789abcdef0"])
            .await;
        let failure = told.failure();
        assert!(failure.contains("check the id"), "{failure}");
        assert!(!failure.contains("cleanup"), "{failure}");
    });
}

#[test]
fn second_lab_in_a_region_is_told_of_the_first_and_not_to_delete_it() {
    deployed(quick(), async |world, lab| {
        let before = Census::of(world).await;
        let told = lab
            .run(&["deploy", "--no-doctor", "--stack", "second"])
            .await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        let failure = told.failure();
        assert!(
            failure.contains(&format!("that of the lab `{STACK}`")),
            "{failure}"
        );
        assert!(!failure.contains("delete"), "{failure}");
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn bucket_name_that_another_account_has_is_told_as_such() {
    in_lab(quick(), async |world, lab| {
        let other = Target::new(
            AccountId::parse("210987654321").expect("an account id"),
            Region::parse(REGION).expect("a region"),
            Caller::Operator,
        );
        let taken = json!({"Bucket": format!("driftlab-code-{ACCOUNT}-{REGION}-{STACK}")});
        let made = world
            .sandbox
            .perform_value(&other, Service::S3, "CreateBucket", taken)
            .await;
        assert!(made.is_ok(), "{made:?}");
        let told = lab.run(&["deploy", "--no-doctor"]).await;
        let failure = told.failure();
        assert!(
            failure.contains("another account"),
            "{}{failure}",
            told.text
        );
        assert!(failure.contains("`--stack`"), "{failure}");
    });
}

/// To make a second lab is no remedy for looking at the wrong place.
#[test]
fn commands_in_another_region_have_the_region_checked_first() {
    in_world(quick(), async |world, package| {
        Lab::new(world, package).ok(&["deploy"]).await;
        let elsewhere = Lab::new(world, package).in_region("eu-west-1");
        for command in [&["simulate-incident"][..], &["extend", "--by", "1h"]] {
            let told = elsewhere.run(command).await;
            let failure = told.failure();
            assert!(
                failure.contains("check `--stack` and `--region`"),
                "{failure}"
            );
        }
    });
}

/// Whoever has a stack of that name elsewhere has no lab for that.
#[test]
fn stack_of_the_labs_name_that_is_no_lab_is_not_named() {
    in_lab(quick(), async |world, lab| {
        let there = Target::new(
            AccountId::parse(ACCOUNT).expect("an account id"),
            Region::parse("eu-west-1").expect("a region"),
            Caller::Operator,
        );
        let template = json!({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}).to_string();
        let made = world
            .sandbox
            .perform_value(
                &there,
                Service::CloudFormation,
                "CreateStack",
                json!({"StackName": STACK, "TemplateBody": template}),
            )
            .await;
        assert!(made.is_ok(), "{made:?}");
        world.idle().await;
        let told = lab.ok(&["cleanup"]).await;
        assert_eq!(told.document["nearby"], json!([]), "{}", told.text);
    });
}
