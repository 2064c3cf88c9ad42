//! The same scenarios through every client.

use conformance::boto3::Worker;
use conformance::cli::Cli;
use conformance::sdk::Clients;
use conformance::{Player, panics, scenario};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_rust_sdk() {
    play(Player::Sdk(Box::<Clients>::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_boto3() {
    match Worker::start() {
        Ok(worker) => play(Player::Boto3(worker)).await,
        Err(missing) => skipped(&missing),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_aws_cli() {
    match Cli::find() {
        Ok(cli) => play(Player::Cli(cli)).await,
        Err(missing) => skipped(&missing),
    }
}

fn skipped(missing: &str) {
    tell(&format!("skipped: {missing}"));
}

/// Says what was proved, and what was not. Not through the macros: the test runner keeps their output of a test that passes, and
/// a skipped one would look like a proof.
fn tell(line: &str) {
    use std::io::Write;
    // Nobody reads it when that fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn play(mut player: Player) {
    panics::watch();
    let (failures, scenarios, calls) = scenario::play_all(&mut player).await;
    tell(&format!(
        "{}: {scenarios} scenarios, {calls} calls, {} failures",
        player.name(),
        failures.len()
    ));
    if let Player::Cli(cli) = &player {
        tell(&format!(
            "{} operations through the AWS CLI itself",
            cli.played.len()
        ));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}
