//! `driftlab cleanup`.

use serde::Serialize;

use super::observe_settled;
use crate::audit::{Audit, audit};
use crate::aws::{Doing, Writer};
use crate::cli::Context;
use crate::error::{Error, Kind, Result};
use crate::spec::TAG;
use crate::state::{Interest, Names};
use crate::teardown::{Removal, Teardown};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct Report {
    stack: String,
    removed: Vec<String>,
    #[serde(flatten)]
    audit: Audit,
}

/// Removes the lab and looks for leftovers.
///
/// # Errors
/// [`Kind::Refused`] without consent or when the stack is not ours, [`Kind::Leftovers`] when the audit finds something,
/// or the step that failed.
pub async fn run(context: &Context, _args: &Args) -> Result<()> {
    let settings = &context.settings;
    let names = Names::from_parameters(&settings.parameters, settings.student.as_deref());
    let interest = Interest {
        names: Some(&names),
        package_key: None,
    };
    let before = observe_settled(context, interest).await?;
    let stack = &context.place.stack;
    let ui = &context.ui;
    if before.stack.is_some() && !before.owns_stack() {
        return Err(Error::refused(format!("nothing was removed, because stack `{stack}` was not made by driftlab"))
            .hint("name the lab's stack with `--stack`")
            .hint(format!("or hand the stack over: update it with the tag `driftlab:lab={stack}`, then run the same command again")));
    }
    // The stack's own parameters tell best how its resources are called.
    let names = match &before.stack {
        Some(found) => Names::from_parameters(&found.description.parameters, None),
        None => names,
    };
    let buckets = match &before.stack {
        // The stack removes its buckets; without one they can only be known by their tag.
        Some(_) => Vec::new(),
        None => context
            .aws
            .buckets_tagged(context.place.account(), TAG, stack)
            .await
            .doing("look for buckets of the lab")?
            .into_iter()
            .filter_map(|(bucket, looked)| looked.is_ok().then_some(bucket))
            .collect(),
    };
    let removal = Removal::of(&before, &buckets);
    for line in removal.to_string().lines() {
        ui.say(format_args!("  {line}"));
    }
    let removed = if removal.is_empty() {
        ui.say(format_args!(
            "nothing to remove: there is no lab `{stack}` here"
        ));
        Vec::new()
    } else {
        let agreed = context.consent("Remove all this?")?;
        let teardown = Teardown {
            aws: &context.aws,
            writer: &Writer::new(&context.aws, &agreed),
            ui,
            clock: &context.clock,
            place: &context.place,
        };
        teardown.run(&removal).await?
    };
    ui.say("looking for leftovers, by name and by tag");
    let audit = audit(&context.aws, &before, &names).await?;
    for unchecked in &audit.unchecked {
        ui.warn(format_args!("could not look at {unchecked}"));
    }
    let leftovers = audit.leftovers.clone();
    let report = Report {
        stack: stack.clone(),
        removed,
        audit,
    };
    ui.result(&report, &text(&report))?;
    if leftovers.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Leftovers,
        format!("still there: {}", leftovers.join(", ")),
    )
    .hint("run the same command again; if something stays, delete it by hand"))
}

fn text(report: &Report) -> String {
    let mut text = if report.removed.is_empty() {
        format!(
            "nothing of the lab `{}` was there to remove\n",
            report.stack
        )
    } else {
        format!(
            "removed the lab `{}`: {}\n",
            report.stack,
            report.removed.join(", ")
        )
    };
    if report.audit.leftovers.is_empty() {
        text.push_str("no leftovers found\n");
    } else {
        for leftover in &report.audit.leftovers {
            text.push_str(&format!("left over: {leftover}\n"));
        }
    }
    text
}
