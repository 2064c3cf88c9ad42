//! `driftlab cleanup`.

use serde::Serialize;

use super::observe_settled;
use crate::audit::{Audit, audit};
use crate::aws::{Doing, Writer};
use crate::cli::Context;
use crate::error::{Error, Kind, Result};
use crate::journal::{Bid, Lease, Purpose};
use crate::output::Format;
use crate::spec::TAG;
use crate::state::{Interest, Names, Observed};
use crate::teardown::{GiveBack, Removal, Teardown};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what would be removed and given back, and do nothing
    #[arg(long)]
    plan: bool,
    /// Take the lab's lock over from somebody who is at work no more
    #[arg(long)]
    take_over: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    stack: String,
    removed: Vec<String>,
    /// What was borrowed and is as it was again.
    given_back: Vec<String>,
    /// What nobody knows any more, because the journal is lost.
    unknown: Vec<String>,
    #[serde(flatten)]
    audit: Audit,
}

/// Removes the lab and looks for leftovers.
///
/// # Errors
/// [`Kind::Refused`] without consent or when the stack is not ours, [`Kind::Leftovers`] when the audit finds something,
/// or the step that failed.
pub async fn run(context: &Context, args: &Args) -> Result<()> {
    let settings = &context.settings;
    let names = Names::from_parameters(&settings.parameters, settings.student.as_deref());
    let interest = Interest {
        names: Some(&names),
        package_key: None,
    };
    let before = observe_settled(context, interest, args.take_over).await?;
    before.journal.usable(&context.place.code_bucket())?;
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
    if !args.plan || ui.format() == Format::Json {
        for line in removal.to_string().lines() {
            ui.say(format_args!("  {line}"));
        }
    }
    if args.plan {
        return ui.result(&Planned::new(stack, &removal), &removal.to_string());
    }
    let removed = if removal.is_empty() {
        ui.say(format_args!(
            "nothing to remove: there is no lab `{stack}` here"
        ));
        Vec::new()
    } else {
        remove(context, args, &before, &removal).await?
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
        given_back: removal.give_back.iter().map(GiveBack::to_report).collect(),
        unknown: removal.unknown.clone(),
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

/// Removes everything, once the user agrees and nobody else is at work.
async fn remove(
    context: &Context,
    args: &Args,
    before: &Observed,
    removal: &Removal,
) -> Result<Vec<String>> {
    let agreed = context.consent("Remove all this?").await?;
    let writer = Writer::new(&context.aws, &agreed);
    let teardown = Teardown {
        aws: &context.aws,
        writer: &writer,
        ui: &context.ui,
        clock: &context.clock,
        place: &context.place,
    };
    // Without the bucket there is neither a journal nor a lock.
    if before.code_bucket.is_none() {
        return teardown.run(removal).await;
    }
    let bid = Bid {
        aws: &context.aws,
        writer: writer.clone(),
        place: &context.place,
        ui: &context.ui,
        clock: &context.clock,
        purpose: Purpose::Cleanup,
        take_over: args.take_over,
    };
    let _hold = context.interrupt.hold();
    let lease = Lease::take(bid, &before.journal, |_| {}).await?;
    let work = lease.during(teardown.run(removal));
    match context.interrupt.over(work).await {
        // The lock goes with the bucket, and must not be renewed meanwhile.
        Ok(removed) => teardown.finish(removal, removed).await,
        Err(error) => lease.released(&context.ui, Err(error)).await,
    }
}

/// What a dry run prints.
#[derive(Debug, Serialize)]
struct Planned {
    stack: String,
    /// Line by line, in the order in which it would be done.
    plan: Vec<String>,
    /// What would be removed at all.
    removes: bool,
}

impl Planned {
    fn new(stack: &str, removal: &Removal) -> Self {
        Self {
            stack: stack.to_owned(),
            plan: removal.to_string().lines().map(str::to_owned).collect(),
            removes: !removal.is_empty(),
        }
    }
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
    for given_back in &report.given_back {
        text.push_str(&format!("gave back what was borrowed: {given_back}\n"));
    }
    for unknown in &report.unknown {
        text.push_str(&format!("the journal is lost, so nobody knows {unknown}\n"));
    }
    if report.audit.leftovers.is_empty() {
        text.push_str("no leftovers found\n");
    } else {
        for leftover in &report.audit.leftovers {
            text.push_str(&format!("left over: {leftover}\n"));
        }
    }
    text
}
