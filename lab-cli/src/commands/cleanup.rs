//! `driftlab cleanup`.

mod forgotten;
mod insist;
mod nearby;
mod one;

use std::time::Duration;

use crate::cli::Changing;
use crate::error::Result;
use crate::spec::validate;
use crate::wait::parse_duration;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what would be removed and given back, and do nothing
    #[arg(long)]
    plan: bool,
    /// Keep the delivery bucket with all that AWS Config has delivered
    #[arg(long)]
    keep_history: bool,
    /// Look for forgotten labs instead: those that are at least this old
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "all")]
    older_than: Option<Duration>,
    /// In every region that is enabled in the account, whatever their names
    #[arg(long, requires = "older_than", conflicts_with = "keep_history")]
    all: bool,
    /// The role that CloudFormation works with, where the stack has none or its own is gone
    #[arg(long, env = "DRIFTLAB_CFN_ROLE", value_name = "ARN")]
    cfn_role: Option<String>,
    /// Take the lab's lock over from somebody who is at work no more
    #[arg(long)]
    take_over: bool,
    /// Restore what the journal says was borrowed although nothing vouches for that journal; with the digest that `--plan`
    /// shows nobody is asked, and `--yes` is not enough
    #[arg(
        long,
        value_name = "DIGEST",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "all"
    )]
    restore_from_unverified_journal: Option<String>,
}

/// Removes the lab, or forgotten ones, and looks for leftovers.
///
/// # Errors
/// [`crate::error::Kind::Refused`] without consent or when the stack is not ours, [`crate::error::Kind::Leftovers`] when the
/// audit finds something, or the step that failed.
pub async fn run(context: &Changing, args: &Args) -> Result<()> {
    validate::cfn_role(args.cfn_role.as_ref())?;
    match args.older_than {
        Some(age) => forgotten::run(context, age, args).await,
        None => one::run(context, args).await,
    }
}
