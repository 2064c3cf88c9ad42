//! Labs that nobody thinks of any more, in several regions.

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use driftlab::cli::Cli;
use driftlab::output::{Format, Ui, failure};
use serde_json::{Value, json};
use trials::furnish::user;
use trials::trial::in_world;
use trials::world::strict;
use trials::{ACCOUNT, REGION, STACK, World};

use crate::sunset::pass;

/// Runs a command for a lab of its own name and region.
async fn run(world: &World, place: (&str, &str), arguments: &[&str]) -> (bool, Value, String) {
    run_as(world, ACCOUNT, place, arguments).await
}

/// The same with another key than the owner's.
async fn run_as(
    world: &World,
    key: &str,
    place: (&str, &str),
    arguments: &[&str],
) -> (bool, Value, String) {
    let (stack, region) = place;
    let common = [
        "--yes",
        "--output=json",
        "--stack",
        stack,
        "--region",
        region,
        "--endpoint-url",
    ];
    let line = ["driftlab"].iter().chain(arguments).chain(&common).copied();
    let line = line.chain([world.sandbox.endpoint()]);
    let session = world.session(key).longest_pause(Duration::from_millis(2));
    let ui = Ui::captured_as(Format::Json);
    let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let result = cli.with_session(session).run(ui.clone()).await;
    let text = format!(
        "{}{}",
        ui.text(),
        result.as_ref().err().map(failure).unwrap_or_default()
    );
    (
        result.is_ok(),
        serde_json::from_str(&ui.results()).unwrap_or_default(),
        text,
    )
}

async fn deploy(world: &World, place: (&str, &str), package: &Path) {
    let (name, package) = (place.0, package.display().to_string());
    // IAM is the same in every region, so two labs in one account need roles of their own.
    let roles = [
        ("ConfigRoleName", "Config"),
        ("FunctionRoleName", "Function"),
    ]
    .map(|(parameter, role)| format!("{parameter}={name}{role}"));
    let mut line = vec![
        "deploy",
        "--package",
        &package,
        "--email",
        "trial@example.com",
        "--no-wait",
    ];
    for role in &roles {
        line.extend(["--parameter", role]);
    }
    let (ok, _, text) = run(world, place, &line).await;
    assert!(ok, "{text}");
}

#[test]
fn only_the_old_one_of_two_labs_is_removed() {
    in_world(strict(), async |world, package| {
        let (old, new) = (("old-lab", "eu-west-1"), ("new-lab", "us-west-2"));
        deploy(world, old, package).await;
        pass(world, 4 * 3600).await;
        deploy(world, new, package).await;
        let here = ("lab-environment", "us-east-1");
        let sweep = ["cleanup", "--older-than", "3h", "--all"];
        let (ok, planned, text) = run(world, here, &[&sweep[..], &["--plan"]].concat()).await;
        assert!(ok, "{text}");
        let lab = &planned["labs"][0];
        assert_eq!(
            planned["labs"].as_array().map(Vec::len),
            Some(1),
            "{planned}"
        );
        assert_eq!(
            (&lab["stack"], &lab["region"]),
            (&json!("old-lab"), &json!("eu-west-1"))
        );
        assert_eq!(lab["owner"], "operator");
        let (ok, swept, text) = run(world, here, &sweep).await;
        assert!(ok, "{text}");
        assert_eq!(
            swept["labs"][0]["report"]["leftovers"],
            json!([]),
            "{swept}"
        );
        let deployed = async |place| run(world, place, &["status"]).await.1["deployed"].clone();
        assert_eq!(deployed(old).await, false);
        assert_eq!(deployed(new).await, true);
    });
}

#[test]
fn a_lab_that_cannot_be_removed_does_not_keep_the_others_from_going() {
    in_world(strict(), async |world, package| {
        let (first, second) = (("a-lab", "eu-west-1"), ("b-lab", "us-west-2"));
        deploy(world, first, package).await;
        deploy(world, second, package).await;
        let rule = json!({"service": "config", "operation": "StopConfigurationRecorder", "count": 1,
            "fault": "access-denied"});
        world.strike(serde_json::from_value(rule).unwrap());
        let here = ("lab-environment", "us-east-1");
        let (ok, swept, text) = run(world, here, &["cleanup", "--older-than", "0s", "--all"]).await;
        assert!(
            !ok && text.contains("not removed: `a-lab` in eu-west-1"),
            "{text}"
        );
        assert!(swept["labs"][0]["failure"].is_string(), "{swept}");
        assert_eq!(
            swept["labs"][1]["report"]["leftovers"],
            json!([]),
            "{swept}"
        );
        let (ok, _, text) = run(world, here, &["cleanup", "--older-than", "0s", "--all"]).await;
        assert!(ok, "{text}");
    });
}

/// The published policies name a region; with `*` in its place they are enough for labs in all of them.
#[test]
fn who_may_clean_up_in_every_region_does() {
    in_world(strict(), async |world, package| {
        let lab = (STACK, "eu-west-1");
        let line = [
            "deploy",
            "--package",
            &package.display().to_string(),
            "--email",
            "trial@example.com",
            "--no-wait",
        ];
        let (ok, _, text) = run(world, lab, &line).await;
        assert!(ok, "{text}");
        let here = (STACK, REGION);
        let sweep = ["cleanup", "--older-than", "0s", "--all"];
        for (name, more, enough) in [
            ("local", &[][..], false),
            ("global", &["--every-region"], true),
        ] {
            let mut documents = Vec::new();
            for part in ["operator", "operator-stack"] {
                let line = [&["policy", part], more].concat();
                documents.push(run(world, here, &line).await.1.to_string());
            }
            let key = user(world, name, &documents).await;
            let (ok, swept, text) = run_as(world, &key, here, &sweep).await;
            assert_eq!(ok, enough, "{text}");
            assert!(enough || text.contains("not authorized"), "{text}");
            let left = &swept["labs"][0]["report"]["leftovers"];
            assert!(!enough || *left == json!([]), "{swept}");
        }
    });
}
