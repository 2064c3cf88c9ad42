//! `doctor` in accounts of all kinds: it sees what is there, and changes nothing.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use driftlab::error::Kind;
use driftlab::permissions::{Document, Names, Part};
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::furnish::{allowing, role_with, user};
use trials::trial::one;
use trials::world::strict;
use trials::{ACCOUNT, Census, Lab, REGION, STACK, Told, World};

/// A package is not needed: nothing is made.
fn lab<'w>(world: &'w World, key: &str) -> Lab<'w> {
    Lab::with_key(world, "none.zip".as_ref(), key)
}

pub(crate) fn names() -> Names {
    Names::new("aws", REGION, ACCOUNT, STACK, &BTreeMap::new())
}

/// The findings of one kind about one subject.
fn found(told: &Told, severity: &str, about: &str) -> Vec<String> {
    let findings = told.document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|each| each["severity"] == severity && each["about"] == about)
        .map(|each| each["what"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_fresh_account_is_fit_and_stays_as_it_is() {
    one(async || {
        let world = World::start().await;
        let before = Census::of(&world).await;
        let told = lab(&world, ACCOUNT).ok(&["doctor"]).await;
        assert_eq!(told.document["verdict"], "ok", "{}", told.text);
        assert_eq!(told.document["account"], ACCOUNT);
        assert_eq!(told.document["region"], REGION);
        // The default VPC's group, and the two that the lab brings.
        assert_eq!(told.document["cost"]["groups"], 3);
        assert_eq!(before.since(&world).await, "");
        world.end().await;
    });
}

#[test]
fn what_is_in_the_way_is_a_blocker_each() {
    one(async || {
        let world = World::start().await;
        let config = "config.amazonaws.com";
        let allowed = allowing(&["s3:*"]).to_string();
        let role = role_with(&world, "AwsConfigRole", config, &allowed).await;
        let recorder = json!({"ConfigurationRecorder": {"name": "default", "roleARN": role}});
        world
            .call(Service::Config, "PutConfigurationRecorder", recorder)
            .await;
        let group = json!({"logGroupName": "awsconfig_lambda_security_group"});
        world.call(Service::Logs, "CreateLogGroup", group).await;
        for _ in 0..4 {
            let vpc = json!({"CidrBlock": "10.0.0.0/16"});
            world.call(Service::Ec2, "CreateVpc", vpc).await;
        }
        let before = Census::of(&world).await;
        let told = lab(&world, ACCOUNT).run(&["doctor"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        let names = found(&told, "blocker", "names");
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(
            found(&told, "blocker", "recorder").len(),
            1,
            "{}",
            told.text
        );
        assert_eq!(
            found(&told, "blocker", "quotas"),
            ["5 of 5 VPCs in the region, and the lab needs 1"]
        );
        assert_eq!(before.since(&world).await, "");
        world.end().await;
    });
}

fn published(parts: &[Part]) -> Vec<Document> {
    parts.iter().map(|part| part.document(&names())).collect()
}

fn texts(documents: &[Document]) -> Vec<String> {
    documents.iter().map(Document::text).collect()
}

#[test]
fn with_the_published_policies_nothing_is_missing() {
    one(async || {
        let world = World::with(strict()).await;
        let all = published(&[Part::Operator, Part::OperatorStack, Part::Doctor]);
        let key = user(&world, "ann", &texts(&all)).await;
        let told = lab(&world, &key).ok(&["doctor"]).await;
        assert_eq!(told.document["verdict"], "ok", "{}", told.text);
        world.end().await;
    });
}

#[test]
fn a_missing_permission_is_named_and_stops_a_deployment_before_it_begins() {
    let package = trials::package::path();
    one(async || {
        let world = World::with(strict()).await;
        let mut all = published(&[Part::Operator, Part::OperatorStack, Part::Doctor]);
        all[1] = all[1].without("lambda:CreateFunction");
        let key = user(&world, "ann", &texts(&all)).await;
        let before = Census::of(&world).await;
        let lab = Lab::with_key(&world, &package, &key);
        for command in ["doctor", "deploy"] {
            let told = lab.run(&[command]).await;
            assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
            let said = told.text.clone() + &told.failure();
            assert!(said.contains("`lambda:CreateFunction`"), "{said}");
            assert!(!said.contains("`lambda:GetFunction`"), "{said}");
        }
        assert_eq!(before.since(&world).await, "");
        world.end().await;
    });
}

#[test]
fn who_may_not_ask_iam_hears_what_ec2_says_to_dry_runs() {
    one(async || {
        let world = World::with(strict()).await;
        let everything = published(&[Part::Operator, Part::OperatorStack]);
        let able = user(&world, "able", &texts(&everything)).await;
        let unable = user(&world, "unable", &texts(&everything[..1])).await;
        let told = lab(&world, &able).run(&["doctor"]).await;
        assert_eq!(
            found(&told, "note", "permissions").len(),
            1,
            "{}",
            told.text
        );
        // `aws:CalledVia` keeps both from making a VPC without CloudFormation, so a dry run cannot tell them apart and must
        // not keep the able one from deploying.
        let told_other = lab(&world, &unable).run(&["doctor"]).await;
        for told in [&told, &told_other] {
            assert_eq!(
                found(told, "warning", "permissions"),
                [
                    "EC2 denies `ec2:CreateVpc`, `ec2:CreateInternetGateway` without CloudFormation, dry runs say"
                ]
            );
            assert_eq!(told.document["verdict"], "warning", "{}", told.text);
        }
        world.end().await;
    });
}

/// A session's ARN does not tell the role's path, without which IAM does not find it.
#[test]
fn a_session_of_a_role_with_a_path_is_looked_up_by_the_whole_arn() {
    one(async || {
        let world = World::with(strict()).await;
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": "Admin", "Path": "/team/", "AssumeRolePolicyDocument": trust.to_string()});
        let role = world.call(Service::Iam, "CreateRole", role).await["Role"]["Arn"].clone();
        let attach = json!({"RoleName": "Admin", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
        world.call(Service::Iam, "AttachRolePolicy", attach).await;
        let session = json!({"RoleArn": role, "RoleSessionName": "ann"});
        let session = world.call(Service::Sts, "AssumeRole", session).await;
        let key: &Value = &session["Credentials"]["AccessKeyId"];
        let told = lab(&world, key.as_str().unwrap()).ok(&["doctor"]).await;
        assert_eq!(told.document["verdict"], "ok", "{}", told.text);
        assert_eq!(
            told.document["arn"],
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ann")
        );
        world.end().await;
    });
}
