//! The sandboxes that xtask starts: one that is shared and survives, and private ones that end with their owner.

pub(crate) mod health;
mod http;
pub(crate) mod keys;
pub(crate) mod process;
pub(crate) mod shared;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to reach a sandbox: the line that it prints when it is ready, and what the state file remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sandbox {
    /// For example `http://127.0.0.1:40123`.
    pub(crate) endpoint: String,
    pub(crate) pid: u32,
    /// A name that no other sandbox has, so that another program on the same port is never taken for it.
    pub(crate) instance: String,
    /// Where the secret is that its keys follow from.
    pub(crate) state_file: PathBuf,
}

/// What the user may choose about a sandbox that is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Options {
    /// How long the sandbox's AWS Config takes to record a change, for example 20s
    #[arg(long, value_name = "DURATION")]
    pub(crate) config_latency: Option<String>,
    /// Evaluate the IAM policies of every caller of the sandbox, not only those of roles
    #[arg(long)]
    pub(crate) enforce_iam: bool,
}
