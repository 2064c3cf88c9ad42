//! `driftlab policy`.

use super::group_policy::About;
use crate::cli::Context;
use crate::error::Result;
use crate::output::{Text, Ui};
use crate::permissions::{Names, Part};
use crate::spec::validate::{self, pair};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// About policies for groups; without one, an IAM policy is printed
    #[command(subcommand)]
    pub about: Option<About>,
    /// Whose: the operator's own calls, what CloudFormation does in the operator's name, or the same for a service role
    #[arg(value_enum, default_value_t = Part::Operator)]
    part: Part,
    /// With the names of the source documents, and CloudFormation's pseudo parameters for account, region and partition
    #[arg(long)]
    pub published: bool,
    /// For labs in every region of the account, where `cleanup --all` looks for them
    #[arg(long, conflicts_with = "published")]
    every_region: bool,
    /// A name that the lab gives to a resource, as for `deploy` (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Roles may be made with this boundary only; deploy with the same
    #[arg(long, env = "DRIFTLAB_PERMISSIONS_BOUNDARY", value_name = "ARN")]
    permissions_boundary: Option<String>,
}

/// Prints the policy for the lab of this account and region.
///
/// # Errors
/// Parameters that the template does not have, or a closed stdout.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let mut parameters = context.settings.parameters.clone();
    parameters.extend(args.parameters.iter().cloned());
    validate::parameters(&parameters)?;
    let boundary = args
        .permissions_boundary
        .as_ref()
        .or(context.settings.permissions_boundary.as_ref());
    validate::boundary(boundary)?;
    let mut names = Names::of(&context.place, &parameters);
    if args.every_region {
        names = names.in_every_region(&parameters);
    }
    names.boundary = boundary.cloned();
    print(&context.ui, args.part, &names)
}

/// Prints the policy as it is published in `templates/`; calls nothing.
///
/// # Errors
/// A closed stdout.
pub fn published(ui: &Ui, args: &Args) -> Result<()> {
    print(ui, args.part, &Names::published())
}

/// A policy is JSON whatever the output's format.
fn print(ui: &Ui, part: Part, names: &Names) -> Result<()> {
    let document = part.document(names);
    ui.result(&document, &Text::of_lines(document.text()))
}
