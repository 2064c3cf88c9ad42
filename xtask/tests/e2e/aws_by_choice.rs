//! `--aws`: the user's own environment counts, nothing is started here, and nothing happens unasked.

use std::net::TcpListener;

use crate::client::group_names;
use crate::support::{ACCOUNT, Place, REGION, Ran};

/// The environment of somebody whose AWS is at `endpoint`, and whose key has this secret.
fn at(place: &Place, (endpoint, secret): (&str, &str), arguments: &[&str]) -> Ran {
    let output = place
        .command(arguments)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_REGION", REGION)
        .env_remove("AWS_PROFILE")
        .output()
        .unwrap();
    Ran::of(arguments, output)
}

#[test]
fn no_sandbox_is_started_for_aws() {
    let place = Place::new();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = format!("http://{nobody}");
    at(&place, (&nowhere, "secret"), &["status", "--aws"]).exits(7);
    assert!(!place.dir.join("state").exists());
}

#[test]
fn option_that_leads_away_from_the_sandbox_without_aws_starts_nothing() {
    let place = Place::new();
    for (option, says) in [
        ("--profile=classB", "`--profile`"),
        ("--endpoint-url=http://127.0.0.1:9", "`--endpoint-url`"),
        ("--aws=false", "'--aws'"),
    ] {
        place
            .xtask(&["cleanup", option])
            .exits(2)
            .says("--aws")
            .says(says);
    }
    place
        .xtask(&["cleanup", "--yes", "--aws=false"])
        .exits(2)
        .says("`--aws` takes no value");
    assert!(!place.dir.join("state").exists());
}

#[test]
fn on_aws_nothing_is_changed_without_consent() {
    let place = Place::new();
    let client = place.client();
    let secret = client.secret(ACCOUNT);
    let here_as_aws = (client.endpoint.as_str(), secret.as_str());
    // The package that the tests have is one for this machine.
    let here = if std::env::consts::ARCH == "aarch64" {
        "--architecture=arm64"
    } else {
        "--architecture=x86_64"
    };
    let deploy = ["deploy", "--email", "student@example.com", "--aws", here];
    at(&place, here_as_aws, &deploy).exits(3).says("--yes");
    assert!(!group_names(&client, ACCOUNT).contains(&"LabSG1".to_owned()));
    at(&place, here_as_aws, &["deploy", "--aws", here])
        .exits(2)
        .says("e-mail");
    // The account that is meant has to be that of the credentials.
    let meant = |account| [&deploy[..], &["--account", account]].concat();
    at(&place, here_as_aws, &meant(ACCOUNT))
        .exits(3)
        .says("--yes");
    at(&place, here_as_aws, &meant("222222222222"))
        .exits(3)
        .says("222222222222")
        .says(ACCOUNT);
}

/// What the environment or the settings file says of accounts is about AWS.
#[test]
fn account_that_is_meant_on_aws_does_not_count_in_the_sandbox() {
    let place = Place::new();
    place.file("driftlab.yaml", "account: \"333333333333\"\n");
    let output = place
        .command(&["status"])
        .env("DRIFTLAB_ACCOUNT", "222222222222")
        .output()
        .unwrap();
    let ran = Ran::of(&["status"], output).ok();
    assert!(ran.stderr.contains(ACCOUNT), "{}", ran.stderr);
}

/// Credentials of a profile never reach the sandbox, and whoever names one is told so before anything is started.
#[test]
fn profile_without_aws_is_refused_and_no_sandbox_is_started() {
    let place = Place::new();
    let ran = place.xtask(&["cleanup", "--yes", "--profile", "classB"]);
    ran.exits(2).says("--aws");
    assert!(!place.dir.join("state").exists());
}
