//! Removing one lab.

use serde::Serialize;

use super::Args;
use super::insist::insist;
use super::nearby::{Nearby, nearby};
use crate::audit::{Audit, audit};
use crate::aws::{Doing, Writer};
use crate::cli::{Changing, Context};
use crate::commands::observe_settled;
use crate::error::{Error, Kind, Result};
use crate::journal::{Bid, Lease, Purpose, Seen};
use crate::output::{Format, Text};
use crate::spec::TAG;
use crate::state::{Interest, Names, Observed, Outputs};
use crate::sunset::{self, Armed, KEPT_TAG};
use crate::teardown::{Claimed, GiveBack, Removal, Teardown};

/// What was seen of a lab before anything is done.
#[derive(Debug)]
pub(super) struct Found {
    before: Observed,
    names: Names,
    armed: Armed,
    pub(super) removal: Removal,
    /// What an unverified journal says, if the user insists on restoring it.
    pub(super) insisted: Option<Claimed>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) stack: String,
    pub(super) removed: Vec<String>,
    /// What was kept because that was asked for.
    pub(super) kept: Vec<String>,
    /// What was borrowed and is as it was again.
    given_back: Vec<String>,
    /// What nobody knows any more, because the journal is lost.
    unknown: Vec<String>,
    /// Labs that live elsewhere or under other names, where there was none to remove.
    nearby: Vec<Nearby>,
    /// What a journal says that nothing vouches for, and what is there instead.
    unverified: Option<String>,
    /// The code bucket, if the journal in it alone tells how a borrowed recorder was.
    kept_journal: Option<String>,
    #[serde(flatten)]
    pub(super) audit: Audit,
}

/// What would go.
#[derive(Debug, Serialize)]
struct Planned {
    stack: String,
    /// Line by line, in the order in which it would be done.
    plan: Vec<String>,
    /// What would be removed at all.
    removes: bool,
}

/// What to do about leftovers. A look at who uses them comes before their deletion: names are guesses, and tags can be copied.
pub(super) const STAYS: &str = "run the same command again; if something stays, see who uses it, and delete it by hand only if nobody does";

pub(super) async fn run(context: &Changing, args: &Args) -> Result<()> {
    let found = look(context, args).await?;
    let lines = found.lines();
    let ui = &context.ui;
    // A dry run has the lines as its result.
    if !args.plan || ui.format() == Format::Json {
        for line in &lines {
            ui.say(format_args!("  {line}"));
        }
    }
    if args.plan {
        let stack = context.place.stack.clone();
        let text = if found.is_empty() {
            Text::of(format_args!(
                "nothing to remove: there is no lab `{stack}` here"
            ))
        } else {
            Text::of_lines(lines.join("\n"))
        };
        let planned = Planned {
            stack,
            plan: lines,
            removes: !found.is_empty(),
        };
        return ui.result(&planned, &text);
    }
    let report = if found.is_empty() {
        ui.say(format_args!(
            "nothing to remove: there is no lab `{}` here",
            context.place.stack
        ));
        check(context, &found, Vec::new()).await?
    } else {
        insist(context, args, &found)?;
        let agreed = context.consent("Remove all this?").await?;
        let writer = Writer::new(&context.aws, &agreed);
        remove(context, args, &found, &writer).await?
    };
    ui.result(&report, &report.text())?;
    report.verdict()
}

/// Looks at a lab; only reads.
///
/// # Errors
/// [`Kind::Refused`] when the stack is not ours, or the call that failed.
pub(super) async fn look(context: &Context, args: &Args) -> Result<Found> {
    let settings = &context.settings;
    let names = Names::from_parameters(&settings.parameters, settings.student.as_deref());
    let interest = Interest {
        names: Some(&names),
        package_key: None,
    };
    let (mut before, armed) = observe_settled(context, interest, args.take_over).await?;
    before.journal.usable(&context.place.code_bucket())?;
    let stack = &context.place.stack;
    if let Some(foreign) = before.stack.as_ref().filter(|_| !before.owns_stack()) {
        let error = Error::refused(format!(
            "nothing was removed, because stack `{stack}` was not made by driftlab"
        ))
        .hint("name the lab's stack with `--stack`");
        // Whatever else bears the name would be removed as if it were a lab.
        return Err(match Outputs::of(&foreign.description) {
            Ok(_) => error.hint(format!("or, if this lab was made by hand from the template, hand its stack over: update it with the tag `{TAG}={stack}`, then run the same command again")),
            Err(_) => error,
        });
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
    let insisted = args
        .restore_from_unverified_journal
        .as_ref()
        .and_then(|_| believe(&mut before));
    let mut removal = Removal::of(&before, &buckets);
    if args.keep_history {
        removal.keep_history();
    }
    Ok(Found {
        before,
        names,
        armed,
        removal,
        insisted,
    })
}

/// Takes the journal for true that nothing vouches for; the answer is what it says.
fn believe(before: &mut Observed) -> Option<Claimed> {
    let claimed = Claimed::of(before)?;
    let unverified = before.journal.unverified()?.clone();
    before.journal = Seen::Read(Box::new(unverified.claim?), unverified.etag);
    Some(claimed)
}

impl Found {
    fn is_empty(&self) -> bool {
        self.removal.is_empty() && self.armed.is_empty()
    }

    /// What will be removed, and what stays, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .removal
            .to_string()
            .lines()
            .map(str::to_owned)
            .collect();
        if let Some(claimed) = &self.insisted {
            lines.push(format!(
                "! the journal is not verified: {}; what it says is restored because you insist",
                claimed.doubt
            ));
        }
        let schedules = self.armed.schedules.len();
        if schedules > 0 {
            lines.push(format!("- self-destruct ({schedules} schedules)"));
        }
        if self.armed.role.is_some() {
            lines.push(format!(
                "- role `{}`",
                sunset::role_name(&self.before.place)
            ));
        }
        lines
    }
}

/// Removes what was found, once nobody else is at work, and looks again. The self-destruct goes last: a clean-up that dies
/// half-way leaves it armed. If it strikes meanwhile, both do the same, and each finds gone what the other has deleted.
///
/// # Errors
/// The step that failed.
pub(super) async fn remove(
    context: &Context,
    args: &Args,
    found: &Found,
    writer: &Writer,
) -> Result<Report> {
    let removed = match &found.before.code_bucket {
        // Without the bucket there is neither a journal nor a lock.
        None => {
            let removed = take_away(context, args, found, writer).await?;
            finish(context, args, found, writer, removed).await?
        }
        Some(_) => {
            let bid = Bid {
                aws: &context.aws,
                writer: writer.clone(),
                place: &context.place,
                ui: &context.ui,
                clock: &context.clock,
                purpose: Purpose::Cleanup,
                take_over: args.take_over,
                tags: found.before.code_bucket.clone(),
            };
            let _hold = context.interrupt.hold();
            let lease = Lease::take(bid, &found.before.journal, |_| {}).await?;
            let work = lease.during(take_away(context, args, found, writer));
            match context.interrupt.over(work).await {
                // The lock goes with the bucket, and must not be renewed meanwhile.
                Ok(removed) if found.removal.kept_bucket.is_none() => {
                    finish(context, args, found, writer, removed).await?
                }
                Ok(removed) => {
                    let finished = finish(context, args, found, writer, removed).await;
                    lease.released(&context.ui, finished).await?
                }
                Err(error) => return lease.released(&context.ui, Err(error)).await,
            }
        }
    };
    check(context, found, removed).await
}

async fn take_away(
    context: &Context,
    args: &Args,
    found: &Found,
    writer: &Writer,
) -> Result<Vec<String>> {
    let removed = teardown(context, args, writer).run(&found.removal).await?;
    if let Some(bucket) = &found.removal.history {
        mark_kept(context, writer, bucket).await?;
    }
    Ok(removed)
}

/// The code bucket, and with it journal and lock; then the self-destruct.
async fn finish(
    context: &Context,
    args: &Args,
    found: &Found,
    writer: &Writer,
    removed: Vec<String>,
) -> Result<Vec<String>> {
    let teardown = teardown(context, args, writer);
    let mut removed = teardown.finish(&found.removal, removed).await?;
    if !found.armed.is_empty() {
        let gone = sunset::disarm(writer, &context.place, &found.armed).await?;
        for what in &gone {
            context.ui.say(format_args!("removed {what}"));
        }
        removed.extend(gone);
    }
    Ok(removed)
}

fn teardown<'a>(context: &'a Context, args: &'a Args, writer: &'a Writer) -> Teardown<'a> {
    Teardown {
        aws: &context.aws,
        writer,
        ui: &context.ui,
        clock: &context.clock,
        place: &context.place,
        cfn_role: args.cfn_role.as_deref(),
    }
}

/// Notes on a bucket that it was kept on purpose, so that nobody takes it for forgotten.
async fn mark_kept(context: &Context, writer: &Writer, bucket: &str) -> Result<()> {
    let account = context.place.account();
    let what = format!("mark the bucket `{bucket}` as kept");
    let Some(mut tags) = context
        .aws
        .bucket_tags(bucket, account)
        .await
        .doing(&what)?
    else {
        return Ok(());
    };
    let now = sunset::stamp_of(context.clock.now());
    tags.insert(KEPT_TAG.to_owned(), now);
    writer.tag_bucket(bucket, account, &tags).await.doing(&what)
}

async fn check(context: &Context, found: &Found, removed: Vec<String>) -> Result<Report> {
    let ui = &context.ui;
    ui.say("looking for leftovers, by name and by tag");
    let (history, journal) = (&found.removal.history, &found.removal.kept_bucket);
    let kept: Vec<_> = history.iter().chain(journal).map(String::as_str).collect();
    let mut audit = audit(&context.aws, &found.before, &found.names, &kept).await?;
    // Where there was no stack, another lab may be meant, and what every region sees may be of one that lives in another.
    let nearby = match found.removal.stack {
        None if removed.is_empty() || audit.leftovers.iter().any(|it| it.starts_with("role ")) => {
            nearby(context).await
        }
        Some(_) | None => Vec::new(),
    };
    // It may bear the lab's tag, and the journal that says whose it is went with the code bucket.
    if let Some(loan) = &found.removal.give_back {
        audit.forgive("configuration recorder", loan.name());
    }
    for role in nearby.iter().flat_map(|lab| &lab.roles) {
        audit.forgive("role", role);
    }
    for unchecked in &audit.unchecked {
        ui.warn(format_args!("could not look at {unchecked}"));
    }
    Ok(Report {
        stack: context.place.stack.clone(),
        removed,
        kept: history
            .iter()
            .map(|bucket| format!("bucket `{bucket}`"))
            .collect(),
        kept_journal: journal.clone(),
        given_back: found
            .removal
            .give_back
            .iter()
            .map(GiveBack::to_report)
            .collect(),
        unknown: found.removal.unknown.clone(),
        nearby,
        unverified: found.removal.claimed.as_ref().map(Claimed::to_string),
        audit,
    })
}

impl Report {
    pub(super) fn text(&self) -> Text {
        let stack = &self.stack;
        let mut text = if self.removed.is_empty() {
            Text::of(format_args!(
                "nothing of the lab `{stack}` was there to remove"
            ))
        } else {
            let removed = self.removed.join(", ");
            Text::of(format_args!("removed the lab `{stack}`: {removed}"))
        };
        for kept in &self.kept {
            text.line(format_args!(
                "kept {kept}: it costs about $0.023 a month for each GB in it; remove it with `cleanup` and the same `--stack`"
            ));
        }
        for given_back in &self.given_back {
            text.line(format_args!("gave back what was borrowed: {given_back}"));
        }
        for unknown in &self.unknown {
            text.line(format_args!(
                "the journal is lost, so nobody knows {unknown}"
            ));
        }
        if let Some(unverified) = &self.unverified {
            text.append(&Text::of_lines(unverified));
        }
        if let Some(bucket) = &self.kept_journal {
            text.line(format_args!(
                "kept code bucket `{bucket}`: the journal in it alone tells how the recorder was; `cleanup` removes it once the recorder is so again"
            ));
        }
        for lab in &self.nearby {
            text.line(lab);
        }
        if self.audit.leftovers.is_empty() && self.nearby.is_empty() {
            text.line("no leftovers found");
        }
        for (leftover, cost) in self.audit.leftovers.iter().zip(&self.audit.costs) {
            text.line(format_args!("left over: {leftover}, which costs {cost}"));
        }
        text
    }

    fn verdict(&self) -> Result<()> {
        let leftovers = &self.audit.leftovers;
        if leftovers.is_empty() {
            return Ok(());
        }
        let what = format!("still there: {}", leftovers.join(", "));
        Err(Error::new(Kind::Leftovers, what).hint(STAYS))
    }
}
