//! Accounts in which somebody else already records: what is there is borrowed and given back, or not touched at all.

use std::path::PathBuf;

use driftlab::error::Kind;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::expected::{flaws_of_healed, stack};
use trials::furnish::role;
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{ACCOUNT, Census, Lab, World, furnish, package};

/// A recorder that somebody else set up.
#[derive(Debug, Clone)]
pub(crate) struct Theirs {
    name: &'static str,
    group: Value,
    mode: Value,
    recording: bool,
}

pub(crate) fn theirs() -> Vec<Theirs> {
    let only = |types: &[&str]| {
        json!({"resourceTypes": types,
            "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}})
    };
    let but = |types: &[&str]| {
        json!({"exclusionByResourceTypes": {"resourceTypes": types},
            "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}})
    };
    let everything = json!({"allSupported": true, "includeGlobalResourceTypes": true});
    let continuous = json!({"recordingFrequency": "CONTINUOUS"});
    let daily = json!({"recordingFrequency": "DAILY"});
    let slow_groups = json!({"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": [
        {"description": "not so often", "resourceTypes": ["AWS::EC2::SecurityGroup", "AWS::EC2::VPC"],
            "recordingFrequency": "DAILY"}]});
    let group = "AWS::EC2::SecurityGroup";
    [
        ("everything", everything.clone(), continuous.clone()),
        ("everything, daily", everything.clone(), daily.clone()),
        ("everything, groups daily", everything, slow_groups),
        ("buckets", only(&["AWS::S3::Bucket"]), continuous.clone()),
        (
            "buckets and groups",
            only(&["AWS::S3::Bucket", group]),
            daily,
        ),
        ("all but groups", but(&[group]), continuous.clone()),
        (
            "all but groups and buckets",
            but(&["AWS::S3::Bucket", group]),
            continuous,
        ),
    ]
    .into_iter()
    .flat_map(|(name, group, mode)| {
        [true, false].map(|recording| Theirs {
            name,
            group: group.clone(),
            mode: mode.clone(),
            recording,
        })
    })
    .collect()
}

/// Sets the recorder up as a security team would: with a role, a bucket and a channel of its own, under its own name.
pub(crate) async fn set_up(world: &World, theirs: &Theirs) {
    set_up_as(world, theirs, "security-team").await;
}

/// The same under another name.
pub(crate) async fn set_up_as(world: &World, theirs: &Theirs, name: &str) {
    role(world, "TheirRecorder", "config.amazonaws.com").await;
    world
        .call(
            Service::S3,
            "CreateBucket",
            json!({"Bucket": "their-records"}),
        )
        .await;
    let recorder = json!({
        "name": name,
        "roleARN": format!("arn:aws:iam::{ACCOUNT}:role/TheirRecorder"),
        "recordingGroup": theirs.group,
        "recordingMode": theirs.mode,
    });
    world
        .call(
            Service::Config,
            "PutConfigurationRecorder",
            json!({"ConfigurationRecorder": recorder, "Tags": [{"Key": "team", "Value": "security"}]}),
        )
        .await;
    let channel = json!({"name": "audit", "s3BucketName": "their-records", "s3KeyPrefix": "records",
        "configSnapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"}});
    world
        .call(
            Service::Config,
            "PutDeliveryChannel",
            json!({"DeliveryChannel": channel}),
        )
        .await;
    if theirs.recording {
        start(world, name).await;
    }
    world
        .call(
            Service::Config,
            "PutRetentionConfiguration",
            json!({"RetentionPeriodInDays": 365}),
        )
        .await;
    world.idle().await;
}

async fn start(world: &World, name: &str) {
    world
        .call(
            Service::Config,
            "StartConfigurationRecorder",
            json!({"ConfigurationRecorderName": name}),
        )
        .await;
}

pub(crate) async fn recorder(world: &World) -> Value {
    let found = world
        .call(Service::Config, "DescribeConfigurationRecorders", json!({}))
        .await;
    found["ConfigurationRecorders"][0].clone()
}

/// Puts a recorder that was described like this.
pub(crate) async fn put_recorder(world: &World, described: &Value) {
    let members = ["name", "roleARN", "recordingGroup", "recordingMode"];
    let put: serde_json::Map<_, _> = members
        .iter()
        .map(|member| ((*member).to_owned(), described[*member].clone()))
        .collect();
    let put = json!({"ConfigurationRecorder": put});
    world
        .call(Service::Config, "PutConfigurationRecorder", put)
        .await;
}

#[test]
fn without_consent_nothing_is_touched() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[3]).await;
        let before = Census::of(world).await;
        let told = lab.run(&["deploy"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        let failure = told.failure();
        for way in ["`--adopt`", "another region"] {
            assert!(failure.contains(way), "{failure}");
        }
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn every_recorder_is_borrowed_works_and_is_given_back_to_the_byte() {
    let package = package::path();
    let cases = theirs();
    let name = |case: &Theirs| format!("{} (recording: {})", case.name, case.recording);
    all("somebody else's recorders", &cases, name, |case| {
        let (case, package) = (case.clone(), package.clone());
        borrowed_and_given_back(case, package)
    });
}

/// Whoever is killed right after the recorder was widened has written down before what it was.
#[test]
fn what_a_deployment_that_was_killed_has_borrowed_is_given_back() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        let before = Census::of(world).await;
        furnish::silence_after(world, &[("config", "PutConfigurationRecorder")]);
        let told = lab.run_until_killed(&["deploy", "--adopt"]).await;
        assert!(told.is_none(), "it was not killed: {told:?}");
        world.idle().await;
        world.sandbox.faults.clear();
        assert_ne!(before.since(world).await, "");
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

async fn borrowed_and_given_back(case: Theirs, package: PathBuf) {
    let world = World::start().await;
    set_up(&world, &case).await;
    let before = Census::of(&world).await;
    let description = recorder(&world).await;
    let lab = Lab::new(&world, &package);

    let planned = lab.ok(&["deploy", "--plan", "--adopt"]).await;
    assert!(planned.text.contains("borrowed"), "{}", planned.text);
    world.idle().await;
    assert_eq!(before.since(&world).await, "", "a plan left something");

    lab.ok(&["deploy", "--adopt"]).await;
    assert_eq!(flaws_of_healed(&world).await, Vec::<String>::new());
    let incident = lab.ok(&["simulate-incident"]).await;
    assert_eq!(incident.document["healed"], true, "{}", incident.text);
    // The journal is the consent from now on, and there is nothing left to do.
    let again = lab.ok(&["deploy"]).await;
    assert_eq!(again.document["changed"], false, "{}", again.text);

    let removed = lab.ok(&["cleanup"]).await;
    let given_back = removed.document["given_back"][0]
        .as_str()
        .unwrap_or_default();
    assert!(
        given_back.ends_with("as it was, to the byte"),
        "{}",
        removed.text
    );
    assert_eq!(recorder(&world).await, description);
    assert_eq!(before.since(&world).await, "");
    world.end().await;
}

#[test]
fn without_the_journal_clean_up_works_and_says_what_it_cannot_know() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[7]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let borrowed = recorder(world).await;
        let bucket = format!("driftlab-code-{ACCOUNT}-us-east-1-lab-environment");
        world
            .call(
                Service::S3,
                "DeleteObject",
                json!({"Bucket": bucket, "Key": "journal.json"}),
            )
            .await;
        let removed = lab.ok(&["cleanup"]).await;
        let unknown = removed.document["unknown"].to_string();
        assert!(
            unknown.contains("`security-team`") && unknown.contains("365 days"),
            "{unknown}"
        );
        assert_eq!(removed.document["given_back"], json!([]));
        assert_eq!(recorder(world).await, borrowed);
        assert_eq!(stack(world).await, Value::Null);
    });
}

#[test]
fn what_the_owner_changes_meanwhile_stays() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let mut theirs = recorder(world).await;
        theirs["recordingGroup"]["resourceTypes"] = json!([
            "AWS::S3::Bucket",
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::VPC"
        ]);
        put_recorder(world, &theirs).await;
        let removed = lab.ok(&["cleanup"]).await;
        let given_back = removed.document["given_back"].to_string();
        assert!(given_back.contains("recordingGroup"), "{given_back}");
        assert_eq!(
            recorder(world).await["recordingGroup"],
            theirs["recordingGroup"]
        );
    });
}
