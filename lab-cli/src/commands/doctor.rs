//! `driftlab doctor`.

use serde::Serialize;

use super::lifetime::{AskedEnd, EndArgs};
use crate::cli::Context;
use crate::doctor::judge::{Cost, cost};
use crate::doctor::{Asked, Finding, Severity, collect, judge};
use crate::error::{Error, Kind, Result};
use crate::output::Text;
use crate::permissions::Feature;
use crate::spec::Spec;
use crate::spec::validate::{self, pair};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name that the lab would give to a resource, as for `deploy` (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// The role that CloudFormation would get, as for `deploy`
    #[arg(long, env = "DRIFTLAB_CFN_ROLE", value_name = "ARN")]
    cfn_role: Option<String>,
    /// The boundary that the roles would get, as for `deploy`
    #[arg(long, env = "DRIFTLAB_PERMISSIONS_BOUNDARY", value_name = "ARN")]
    permissions_boundary: Option<String>,
    #[command(flatten)]
    end: EndArgs,
    /// That a recorder and channel which are there would be borrowed, as for `deploy`
    #[arg(long)]
    adopt: bool,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    account: &'a str,
    arn: &'a str,
    region: &'a str,
    stack: &'a str,
    /// The worst that was found.
    verdict: Severity,
    findings: &'a [Finding],
    cost: &'a Cost,
}

/// Looks whether the lab can be made, kept and removed here, and what it would cost. Changes nothing.
///
/// # Errors
/// [`Kind::Refused`] when something is in the way.
pub async fn run(context: &Context, args: &Args) -> Result<()> {
    let settings = &context.settings;
    let mut parameters = settings.parameters.clone();
    parameters.extend(args.parameters.iter().cloned());
    validate::parameters(&parameters)?;
    let cfn_role = args.cfn_role.as_ref().or(settings.cfn_role.as_ref());
    let boundary = args
        .permissions_boundary
        .as_ref()
        .or(settings.permissions_boundary.as_ref());
    validate::cfn_role(cfn_role)?;
    validate::boundary(boundary)?;
    let asked = Asked {
        features: Feature::ALL,
        parameters: &parameters,
        student: settings.student.as_deref(),
        cfn_role: cfn_role.map(String::as_str),
        boundary: boundary.map(String::as_str),
        ends: args.end.asked(settings)?.may_end(),
        adopt: args.adopt,
        things: true,
    };
    let facts = collect(&context.aws, &context.place, asked).await;
    let (findings, cost) = (judge(&facts), cost(&facts));
    let place = &context.place;
    let report = Report {
        account: place.account(),
        arn: &place.identity.arn,
        region: &place.region,
        stack: &place.stack,
        verdict: worst(&findings),
        findings: &findings,
        cost: &cost,
    };
    let mut shown = text(&findings);
    shown.line(format_args!("cost: {cost}"));
    context.ui.result(&report, &shown)?;
    let blockers = blockers(&findings);
    if blockers.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "a lab cannot be made here as things are: {} of {} findings are blockers",
        blockers.len(),
        findings.len()
    )))
}

/// What `deploy` asks before it plans: whether it would stop half-way. What is in its way it sees itself.
///
/// # Errors
/// [`Kind::Refused`], with every blocker and what to do about it.
pub(super) async fn before_deploy(context: &Context, spec: &Spec, end: AskedEnd) -> Result<()> {
    let asked = Asked {
        features: &[Feature::Deploy, Feature::Cleanup],
        parameters: &spec.parameters,
        student: Some(&spec.student),
        cfn_role: spec.cfn_role.as_deref(),
        boundary: spec.permissions_boundary.as_deref(),
        ends: end.may_end(),
        adopt: false,
        things: false,
    };
    let facts = collect(&context.aws, &context.place, asked).await;
    let findings: Vec<_> = judge(&facts)
        .into_iter()
        // Whether the root user may go on was asked before.
        .filter(|finding| finding.about != "identity")
        .collect();
    for finding in &findings {
        match finding.severity {
            Severity::Ok | Severity::Blocker => {}
            Severity::Note => context
                .ui
                .say(format_args!("note: {}: {}", finding.what, finding.why)),
            Severity::Warning => context
                .ui
                .warn(format_args!("{}: {}", finding.what, finding.why)),
        }
    }
    let blockers = blockers(&findings);
    if blockers.is_empty() {
        return Ok(());
    }
    let what: Vec<_> = blockers
        .iter()
        .map(|finding| finding.what.as_str())
        .collect();
    let error = Error::new(
        Kind::Refused,
        format!("nothing was changed, because {}", what.join("; and ")),
    );
    let hints = blockers.iter().flat_map(|finding| finding.todo.iter());
    Err(hints
        .fold(error, |error, hint| error.hint(hint))
        .hint("or, if you know better, deploy with `--no-doctor`"))
}

fn blockers(findings: &[Finding]) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocker)
        .collect()
}

fn worst(findings: &[Finding]) -> Severity {
    findings
        .iter()
        .map(|finding| finding.severity)
        .max()
        .unwrap_or(Severity::Ok)
}

/// For people: one line a finding, and below it why it matters and what to do.
fn text(findings: &[Finding]) -> Text {
    let mut text = Text::default();
    for finding in findings {
        let Finding {
            severity,
            about,
            what,
            why,
            todo,
        } = finding;
        text.line(format_args!("{:<7}  {about}: {what}", severity.as_str()));
        if !why.is_empty() {
            text.line(format_args!("         {why}"));
        }
        for way in todo {
            text.line(format_args!("         - {way}"));
        }
    }
    text
}
