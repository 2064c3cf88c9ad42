//! `driftlab extend`.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::observe_settled;
use crate::aws::{Doing, Tags, Writer};
use crate::cli::{Changing, Context};
use crate::error::{Error, Kind, Result};
use crate::output::{Text, moment};
use crate::permissions;
use crate::state::{Interest, Names};
use crate::sunset::{self, EXPIRES_TAG, Facts};
use crate::wait::parse_duration;
use crate::watch::{Ends, Watch};

/// Arguments.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Args {
    /// How much longer the lab shall live than it would now
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    by: Option<Duration>,
    /// Until when the lab shall live, such as 2026-11-25T18:30Z
    #[arg(long, value_name = "TIME", value_parser = sunset::until)]
    until: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize)]
struct Report {
    stack: String,
    #[serde(with = "crate::output::moments")]
    expired_before: OffsetDateTime,
    #[serde(with = "crate::output::moments")]
    expires: OffsetDateTime,
}

/// Moves the moment at which the lab removes itself.
///
/// # Errors
/// [`Kind::Failed`] when there is no lab that expires, [`Kind::Input`] for a moment that has passed, [`Kind::Refused`]
/// without consent, or the call that failed.
pub async fn run(context: &Changing, args: &Args) -> Result<()> {
    let (place, ui) = (&context.place, &context.ui);
    let names = Names::from_parameters(&context.settings.parameters, None);
    let interest = Interest {
        names: Some(&names),
        package_key: None,
    };
    let (observed, armed) = observe_settled(context, interest, false).await?;
    let expiring = observed
        .stack
        .as_ref()
        .filter(|_| observed.owns_stack())
        .and_then(|stack| Some((stack, sunset::expiry(&stack.description.tags)?)));
    let Some((stack, before)) = expiring else {
        let what = format!("there is no lab `{}` here that expires", place.stack);
        return Err(Error::new(Kind::Failed, what)
            .hint("check `--stack` and `--region`, or arm one with `deploy --ttl 3h`"));
    };
    let wanted = match (args.by, args.until) {
        (Some(by), _) => before + by,
        (None, Some(until)) => until,
        (None, None) => return Err(Error::input("nothing says how long the lab shall live")),
    };
    let (expires, now) = (sunset::whole_minute(wanted), context.clock.now());
    if before <= now || expires <= now {
        let passed = if before <= now { before } else { expires };
        return Err(Error::input(format!("{} has passed", moment(passed)))
            .hint("give the lab a new life with `deploy --ttl 3h`"));
    }
    for line in sunset::lines(expires, now) {
        ui.say(format_args!("  {line}"));
    }
    let writer = Writer::new(&context.aws, &context.consent("Move it?").await?);
    let outputs = observed.outputs()?;
    let facts = Facts::of_existing(&observed, outputs.as_ref(), expires);
    let mut tags = stack.description.tags.clone();
    tags.retain(|key, _| !key.starts_with("aws:"));
    tags.insert(EXPIRES_TAG.to_owned(), sunset::stamp_of(expires));
    // The schedules first: what the tags promise has to be armed.
    let reach = [permissions::Names::of(place, &stack.description.parameters)];
    let hands = (&writer, place);
    sunset::arm(hands, (ui, &context.clock), &facts, &reach, &tags, &armed).await?;
    retag(context, &writer, &stack.description.id, &tags).await?;
    let mine = tags.into_iter().filter(|(key, _)| key == EXPIRES_TAG);
    sunset::stamp(&context.aws, &writer, place, &mine.collect()).await?;
    let report = Report {
        stack: place.stack.clone(),
        expired_before: before,
        expires,
    };
    let text = Text::of(format_args!(
        "the lab `{}` removes itself at {}, not at {}",
        place.stack,
        moment(expires),
        moment(before)
    ));
    ui.result(&report, &text)
}

/// Gives the stack other tags, and with it everything that it made.
async fn retag(context: &Context, writer: &Writer, stack: &str, tags: &Tags) -> Result<()> {
    let mut watch = Watch::of_existing(&context.aws, &context.ui, &context.clock, stack).await?;
    let name = &context.place.stack;
    let doing = format!("change the tags of the stack `{name}`");
    if !writer.retag_stack(stack, tags).await.doing(&doing)? {
        return Ok(());
    }
    let what = format!("the stack `{name}` to change its tags");
    let settled = watch.until_settled(stack, &what, Ends::OnceBegun).await?;
    let status = settled.map(|stack| stack.status).unwrap_or_default();
    if status == "UPDATE_COMPLETE" {
        return Ok(());
    }
    let what = format!("the stack `{name}` did not take its new tags: it is {status}");
    Err(Error::new(Kind::Failed, what).hint(
        "the new expiry is armed all the same; run the same command again to correct the tags",
    ))
}
