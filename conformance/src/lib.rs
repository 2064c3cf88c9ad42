//! Scenarios that say what AWS does, and the clients that play them against a sandbox in this process.
//!
//! A scenario is data (`scenarios/<service>/<topic>.yaml`). It is played once per [`Player`]: the Rust SDK (with
//! `aws-calls` for EC2), boto3 and the AWS CLI. Each play has a sandbox of its own, so that nothing leaks from one to
//! the next. The tests are in `tests/`; this library is what they share.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is test code: it may stop at the first surprise"
)]

pub mod admin;
pub mod boto3;
pub mod cli;
pub mod ec2;
pub mod fill;
pub mod matching;
pub mod panics;
pub mod raw;
pub mod scenario;
pub mod sdk;
pub mod signing;
pub mod tap;
pub mod world;

mod debug_form;

use serde_json::Value;

use crate::world::World;

/// What a client made of the sandbox's answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The output, as the client's own types show it.
    Output(Value),
    /// The error: AWS's code and message.
    Error {
        /// For example `InvalidGroup.NotFound`.
        code: String,
        /// For people.
        message: String,
    },
}

impl Reply {
    /// The connection ended without an answer; `what` is the client's own word for it.
    pub(crate) fn no_answer(what: impl Into<String>) -> Self {
        Reply::Error {
            code: NO_ANSWER.to_owned(),
            message: what.into(),
        }
    }
}

/// One call of a scenario, after its variables have been filled in.
#[derive(Debug, Clone)]
pub struct Request {
    /// The service as scenarios name it, like `config`.
    pub service: String,
    /// AWS's name of the operation.
    pub operation: String,
    /// The input, with the member names of AWS's API model.
    pub input: Value,
    /// Who calls.
    pub keys: signing::Keys,
}

/// A client that can play a scenario.
#[derive(Debug)]
pub enum Player {
    /// The Rust SDK, and for EC2 `aws-calls` beside a plain query client.
    Sdk(Box<sdk::Clients>),
    /// boto3 in a Python process.
    Boto3(boto3::Worker),
    /// The AWS CLI; what it cannot be given as JSON goes through boto3.
    Cli(cli::Cli),
}

impl Player {
    /// How failures name the client.
    pub fn name(&self) -> &'static str {
        match self {
            Player::Sdk(_) => "the Rust SDK",
            Player::Boto3(_) => "boto3",
            Player::Cli(_) => "the AWS CLI",
        }
    }

    /// Whether all these calls need no further play: the CLI makes each once, and a process for each takes long.
    fn has_seen<'c>(&self, calls: impl Iterator<Item = &'c str>) -> bool {
        match self {
            Player::Sdk(_) | Player::Boto3(_) => false,
            Player::Cli(cli) => cli.has_seen(calls),
        }
    }

    /// Calls the sandbox of `world`. `succeeds` says what the scenario expects, for the CLI plays only successes.
    pub async fn call(&mut self, world: &World, request: &Request, succeeds: bool) -> Reply {
        match self {
            Player::Sdk(clients) => clients.call(world, request).await,
            Player::Boto3(worker) => worker.call(world.endpoint(), request),
            Player::Cli(cli) => cli.call(world.endpoint(), request, succeeds),
        }
    }
}

/// How every client's word for a connection that ended without an answer is spelled here.
pub const NO_ANSWER: &str = "no answer";

/// The account that scenarios are played in.
pub const ACCOUNT: &str = "123456789012";

/// The region that scenarios are played in.
pub const REGION: &str = "us-east-1";
