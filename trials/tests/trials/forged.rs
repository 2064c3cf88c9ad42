//! Journals that somebody else wrote, or an older driftlab: what was borrowed stays as it is, whatever they say.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use driftlab::error::Kind;
use sandbox::faults::CallerKind;
use sandbox::protocol::Operation;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::expected::{flaws_of_healed, stack};
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{ACCOUNT, Census, Lab, REGION, STACK, Spot, Trouble, World, package};

use crate::adopt::{put_recorder, recorder, set_up, theirs};

const JOURNAL: &str = "journal.json";

pub(crate) fn bucket() -> String {
    format!("driftlab-code-{ACCOUNT}-{REGION}-{STACK}")
}

pub(crate) async fn read(world: &World) -> Value {
    let read = Operation::new("GetObject", json!({"Bucket": bucket(), "Key": JOURNAL}));
    let text = world.text(&read).await.expect("there is a journal");
    serde_json::from_str(&text).expect("the journal is JSON")
}

pub(crate) async fn write(world: &World, text: String) {
    let put = Operation {
        body: text.into(),
        ..Operation::new("PutObject", json!({"Bucket": bucket(), "Key": JOURNAL}))
    };
    world.text(&put).await.expect("the bucket takes objects");
}

/// The tags of the code bucket.
pub(crate) async fn tags(world: &World) -> Vec<(String, String)> {
    let asked = Operation::new("GetBucketTagging", json!({"Bucket": bucket()}));
    let text = world.text(&asked).await.expect("the bucket has tags");
    let inside = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once("</").unwrap().0.to_owned()
    };
    let tags = text.split("<Tag>").skip(1);
    tags.map(|tag| (inside(tag, "Key"), inside(tag, "Value")))
        .collect()
}

/// Says that the recorder stood still and recorded buckets once a day, and that the lab set the retention.
pub(crate) fn narrowed(mut journal: Value) -> Value {
    let recorder = &mut journal["borrowed"]["recorder"];
    recorder["recording"] = json!(false);
    recorder["before"]["recordingGroup"] = json!({"allSupported": false,
        "includeGlobalResourceTypes": false, "resourceTypes": ["AWS::S3::Bucket"],
        "exclusionByResourceTypes": {"resourceTypes": []},
        "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}});
    recorder["before"]["recordingMode"] =
        json!({"recordingFrequency": "DAILY", "recordingModeOverrides": []});
    journal["retention"] = json!(365);
    journal["borrowed"]["retention"] = Value::Null;
    journal
}

/// How the journal is forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgery {
    Changed,
    /// Without the version that has digests.
    Older,
    /// As it was before something was borrowed.
    PutBack,
    OfAnotherLab,
    WithoutSense,
}

const FORGERIES: [Forgery; 5] = [
    Forgery::Changed,
    Forgery::Older,
    Forgery::PutBack,
    Forgery::OfAnotherLab,
    Forgery::WithoutSense,
];

impl Forgery {
    fn of(self, mut journal: Value) -> String {
        match self {
            Self::Changed => narrowed(journal).to_string(),
            Self::Older => {
                journal["version"] = json!(1);
                narrowed(journal).to_string()
            }
            Self::PutBack => {
                journal["borrowed"] = Value::Null;
                journal.to_string()
            }
            Self::OfAnotherLab => {
                journal["stack"] = json!("another-lab");
                narrowed(journal).to_string()
            }
            Self::WithoutSense => "{\"version\": \"\u{1b}[2J".to_owned(),
        }
    }
}

#[test]
fn forged_journal_leaves_what_was_borrowed_as_it_is() {
    let package = package::path();
    all(
        "forged journals",
        &FORGERIES,
        |it| format!("{it:?}"),
        |it| {
            let (forgery, package) = (*it, package.clone());
            async move {
                let world = World::start().await;
                set_up(&world, &theirs()[0]).await;
                let lab = Lab::new(&world, &package);
                lab.ok(&["deploy", "--adopt"]).await;
                let (before, genuine) = (recorder(&world).await, read(&world).await);
                write(&world, forgery.of(genuine)).await;
                let shown = lab.ok(&["cleanup", "--plan"]).await;
                assert!(shown.text.contains("not verified"), "{}", shown.text);
                let removed = lab.ok(&["cleanup"]).await;
                assert!(removed.text.contains("not verified"), "{}", removed.text);
                assert_eq!(
                    removed.document["given_back"],
                    json!([]),
                    "{}",
                    removed.text
                );
                let unknown = removed.document["unknown"].to_string();
                assert!(unknown.contains("365 days"), "{unknown}");
                assert_eq!(recorder(&world).await, before);
                assert!(is_running_and_retained(&world).await);
                assert_eq!(stack(&world).await, Value::Null);
                world.end().await;
            }
        },
    );
}

pub(crate) async fn is_running_and_retained(world: &World) -> bool {
    let ask = async |operation| world.call(Service::Config, operation, json!({})).await;
    let status = ask("DescribeConfigurationRecorderStatus").await;
    let retention = ask("DescribeRetentionConfigurations").await;
    status["ConfigurationRecordersStatus"][0]["recording"] == true
        && retention["RetentionConfigurations"][0]["RetentionPeriodInDays"] == 365
}

#[test]
fn insisting_restores_from_an_unverified_journal_only_what_was_seen() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[0]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let genuine = read(world).await;
        write(world, narrowed(genuine).to_string()).await;
        let before = Census::of(world).await;
        // `--yes` is on every command line here, and not enough.
        for flag in [
            "--restore-from-unverified-journal",
            "--restore-from-unverified-journal=0123",
        ] {
            let told = lab.run(&["cleanup", flag]).await;
            assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
            for words in ["state: recording → stopped", "because you insist"] {
                assert!(told.text.contains(words), "{}", told.text);
            }
        }
        assert_eq!(before.since(world).await, "");
        let shown = lab.ok(&["cleanup", "--plan"]).await;
        let (_, rest) = shown
            .text
            .split_once("--restore-from-unverified-journal=")
            .unwrap();
        let digest: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        let flag = format!("--restore-from-unverified-journal={digest}");
        let removed = lab.ok(&["cleanup", &flag]).await;
        let said = removed.document["given_back"].to_string();
        assert!(said.contains("`security-team`"), "{}", removed.text);
        assert!(!is_running_and_retained(world).await);
    });
}

/// What 4461fa2 leaves: the first version, and no digest.
pub(crate) async fn age(world: &World) {
    let mut journal = read(world).await;
    journal["version"] = json!(1);
    write(world, journal.to_string()).await;
    without_digest(world).await;
}

/// Takes the journal's digest away.
pub(crate) async fn without_digest(world: &World) {
    let tags: Vec<_> = tags(world)
        .await
        .into_iter()
        .filter(|(key, _)| key != "driftlab:journal")
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    let put = json!({"Bucket": bucket(), "Tagging": {"TagSet": tags}});
    world.call(Service::S3, "PutBucketTagging", put).await;
}

#[test]
fn lab_of_an_older_driftlab_is_shown_deployed_again_and_removed() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        age(world).await;
        lab.ok(&["status"]).await;
        let again = lab.ok(&["deploy"]).await;
        assert_eq!(again.document["changed"], false, "{}", again.text);
        lab.ok(&["deploy", "--topic", "false"]).await;
        assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
        assert_eq!(read(world).await["version"], 1);
        let removed = lab.ok(&["cleanup"]).await;
        let unknown = removed.document["unknown"].to_string();
        assert!(unknown.contains("2557 days"), "{unknown}");
        // That of AWS, given as one's own: nothing else is left.
        let left = before.since(world).await;
        assert!(
            left.lines()
                .all(|line| line.to_lowercase().contains("retention")),
            "{left}"
        );
    });
}

#[test]
fn journal_of_an_older_driftlab_stays_until_the_recorder_is_as_it_says() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[3]).await;
        let description = recorder(world).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let borrowed = recorder(world).await;
        age(world).await;
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(
            removed.document["kept_journal"],
            json!(bucket()),
            "{}",
            removed.text
        );
        assert_eq!(recorder(world).await, borrowed);
        assert_eq!(stack(world).await, Value::Null);
        let shown = lab.ok(&["cleanup", "--plan"]).await;
        let (_, rest) = shown
            .text
            .split_once("--restore-from-unverified-journal=")
            .unwrap();
        let digest: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        let flag = format!("--restore-from-unverified-journal={digest}");
        lab.ok(&["cleanup", &flag]).await;
        assert_eq!(recorder(world).await, description);
        let gone = json!({"Bucket": bucket()});
        assert!(world.ask(Service::S3, "HeadBucket", gone).await.is_err());
    });
}

/// Calls of one deployment that write the journal or its digest, each killed after it has happened.
async fn killed_at(world: &World, lab: &Lab<'_>, operation: &str, occurrence: u64) {
    let spot = Spot {
        service: "s3".to_owned(),
        operation: operation.to_owned(),
        occurrence,
    };
    world.strike(Trouble::Killed.at(&spot, CallerKind::Operator));
    let told = lab.run_until_killed(&["deploy", "--adopt"]).await;
    assert!(told.is_none(), "{spot}: it was not killed: {told:?}");
    world.idle().await;
    world.sandbox.faults.clear();
}

/// Cut off between the writes of journal and digest, the journal is believed, and everything is given back.
#[test]
fn first_deployment_killed_between_digest_and_journal_gives_back_what_it_borrowed() {
    for (operation, occurrence) in [
        ("PutBucketTagging", 1),
        ("PutObject", 1),
        ("PutBucketTagging", 2),
    ] {
        in_lab(quick(), async |world, lab| {
            set_up(world, &theirs()[6]).await;
            let before = Census::of(world).await;
            killed_at(world, lab, operation, occurrence).await;
            let removed = lab.ok(&["cleanup"]).await;
            assert!(!removed.text.contains("not verified"), "{}", removed.text);
            assert_eq!(before.since(world).await, "", "{operation} #{occurrence}");
        });
    }
}

#[test]
fn later_deployment_killed_between_digest_and_journal_gives_back_what_it_borrowed() {
    for (operation, occurrence) in [
        ("PutBucketTagging", 1),
        ("PutObject", 1),
        ("PutBucketTagging", 2),
    ] {
        in_lab(quick(), async |world, lab| {
            set_up(world, &theirs()[6]).await;
            lab.ok(&["deploy", "--adopt"]).await;
            // The owner records something else, so that what is noted changes.
            let mut theirs = recorder(world).await;
            theirs["recordingGroup"]["resourceTypes"] = json!(["AWS::EC2::VPC"]);
            put_recorder(world, &theirs).await;
            let wanted = recorder(world).await;
            killed_at(world, lab, operation, occurrence).await;
            let removed = lab.ok(&["cleanup"]).await;
            assert!(!removed.text.contains("not verified"), "{}", removed.text);
            let now = recorder(world).await;
            assert_eq!(
                now["recordingGroup"], wanted["recordingGroup"],
                "{operation} #{occurrence}"
            );
            assert_eq!(stack(world).await, Value::Null);
        });
    }
}

/// Whoever removes many labs at once has agreed to a list of labs: what becomes of a loan is shown all the same.
#[test]
fn forgotten_lab_shows_what_it_gives_back_before_it_does() {
    in_lab(quick(), async |world, lab| {
        set_up(world, &theirs()[6]).await;
        lab.ok(&["deploy", "--adopt"]).await;
        let told = lab.ok(&["cleanup", "--all", "--older-than", "0s"]).await;
        let shown = told
            .text
            .find("records: AWS::S3::Bucket, AWS::EC2::SecurityGroup → AWS::S3::Bucket");
        let done = told.text.find("giving back the configuration recorder");
        assert!(shown.is_some() && shown < done, "{}", told.text);
    });
}
