//! `cargo xtask`: builds, then runs the other binaries. Depends on no AWS crate, so that it is there in seconds.

mod architecture;
mod commands;
mod compile;
mod cross;
mod endpoint;
mod failure;
mod leash;
mod output;
mod package;
mod private_file;
mod reproducible;
mod sandbox;
mod story;
mod timestamp;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use commands::{bench, build_lambda, ci, demo, lab, policies, sandbox as sandbox_command, test};
use failure::{Exit, Failure};

/// Build, run and test the security-group drift lab.
///
/// Everything happens in a sandbox on this machine unless `--aws` is given.
///
/// Exit codes: 0 ok, 1 failed, 2 bad usage or input, 3 refused, 4 not healed, 5 leftovers found, 6 timed out,
/// 7 endpoint unreachable or no credentials, 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole lab in a private sandbox: build, deploy, incident, repair, evidence, clean-up, audit
    Demo(demo::Args),
    /// Build the function and pack it for AWS Lambda
    BuildLambda(build_lambda::Args),
    /// Look whether the lab can be made, and what it would cost
    Doctor(lab::Args),
    /// Create the lab, or bring it up to date
    Deploy(lab::Args),
    /// Open the forbidden ports, then wait and judge whether they were closed
    SimulateIncident(lab::Args),
    /// Show what exists and how it is doing
    Status(lab::Args),
    /// Show what the function logged
    Logs(lab::Args),
    /// Move the moment at which a lab that was deployed with `--ttl` removes itself
    Extend(lab::Args),
    /// Remove the lab and audit that nothing is left
    Cleanup(lab::Args),
    /// The sandbox that deploy, simulate-incident, status, logs and cleanup share
    #[command(subcommand)]
    Sandbox(sandbox_command::Command),
    /// Write the published IAM policies anew
    Policies,
    /// Build what the tests need, then run them all
    Test(test::Args),
    /// What continuous integration checks: formatting, lints, dependencies, template, tests
    Ci(ci::Args),
    /// Time the whole story in the sandbox
    Bench(bench::Args),
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::BuildLambda(args) => build_lambda::run(&args),
        Command::Doctor(args) => lab::run(lab::Name::Doctor, &args),
        Command::Deploy(args) => lab::run(lab::Name::Deploy, &args),
        Command::SimulateIncident(args) => lab::run(lab::Name::SimulateIncident, &args),
        Command::Status(args) => lab::run(lab::Name::Status, &args),
        Command::Logs(args) => lab::run(lab::Name::Logs, &args),
        Command::Extend(args) => lab::run(lab::Name::Extend, &args),
        Command::Cleanup(args) => lab::run(lab::Name::Cleanup, &args),
        Command::Sandbox(command) => sandbox_command::run(&command),
        Command::Policies => policies::run(),
        Command::Test(args) => test::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let exit = error
                .downcast_ref::<Failure>()
                .map_or(Exit::Failed, |failure| failure.exit);
            // A program that was passed through has explained itself.
            if !matches!(exit, Exit::Passed(_)) {
                output::error(&error);
            }
            ExitCode::from(exit.code())
        }
    }
}
