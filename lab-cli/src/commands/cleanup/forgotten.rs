//! Finding labs that nobody thinks of any more, and removing them.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::{Args, one};
use crate::aws::{Reader, Writer};
use crate::cli::{Changing, Context};
use crate::error::{Error, Kind, Result};
use crate::output::{Text, failure, moment};
use crate::state::Place;
use crate::sunset::{Lost, lost_in};

/// A lab that was found, and what became of it.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    lab: Lost,
    region: String,
    /// Line by line, what would become of it and of what it has borrowed.
    plan: Vec<String>,
    /// What was removed; absent when nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<one::Report>,
    /// Why it could not be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    labs: Vec<Entry>,
    /// Regions that could not be looked at, and why.
    unchecked: Vec<String>,
}

pub(super) async fn run(context: &Changing, age: Duration, args: &Args) -> Result<()> {
    let ui = &context.ui;
    let regions = context.aws.enabled_regions().await;
    let regions = crate::aws::Doing::doing(regions, "ask which regions are enabled")?;
    ui.say(format_args!(
        "looking for labs in {} regions",
        regions.len()
    ));
    let now = context.clock.now();
    let mut found = Vec::new();
    let mut unchecked = Vec::new();
    // One region after the other: an audit should not be what throttles an account.
    for region in regions {
        let looked = async {
            let aws = context.aws.in_region(&region).await?;
            let labs = lost_in(&aws, &context.place.identity).await?;
            Ok::<_, Error>((aws, labs))
        };
        match looked.await {
            Ok((aws, labs)) => {
                let old = labs.into_iter().filter(|lab| lab.is_older(age, now));
                found.extend(old.map(|lab| (aws.clone(), lab)));
            }
            Err(error) => unchecked.push(format!("{region}: {}", failure(&error).trim_end())),
        }
    }
    for region in &unchecked {
        ui.warn(format_args!("could not look for labs in {region}"));
    }
    let mut listed = list(&found, now);
    let mut labs = Vec::new();
    for (aws, lab) in found {
        let old = Old::look(context, args, aws, lab).await;
        listed.append(&old.text());
        labs.push(old);
    }
    if args.plan || labs.is_empty() {
        let text = if listed.is_empty() {
            Text::of("no lab is that old")
        } else {
            listed
        };
        let labs = labs.into_iter().map(Old::untouched).collect();
        ui.result(
            &Report {
                labs,
                unchecked: unchecked.clone(),
            },
            &text,
        )?;
        return verdict(&[], &unchecked);
    }
    ui.show(&listed);
    let agreed = context
        .consent(&format!("Remove these labs ({})?", labs.len()))
        .await?;
    let mut removed = Vec::new();
    for old in labs {
        let writer = Writer::new(&old.there.aws, &agreed);
        removed.push(old.remove(args, &writer).await);
    }
    let report = Report {
        labs: removed,
        unchecked,
    };
    ui.result(&report, &report.text())?;
    verdict(&report.labs, &report.unchecked)
}

/// A lab that is old enough, and what would become of it.
struct Old {
    lab: Lost,
    there: Context,
    /// What was seen of it, or why nothing was.
    found: Result<one::Found>,
}

impl Old {
    /// Looks at a lab; only reads. Whoever agrees to its removal has to see what becomes of what it has borrowed.
    async fn look(context: &Context, args: &Args, aws: Reader, lab: Lost) -> Self {
        let place = Place {
            region: aws.region().to_owned(),
            stack: lab.stack.clone(),
            identity: context.place.identity.clone(),
        };
        let there = context.elsewhere(aws, place);
        let found = one::look(&there, args).await;
        Self { lab, there, found }
    }

    fn plan(&self) -> Vec<String> {
        match &self.found {
            Ok(found) => found.lines(),
            Err(_) => Vec::new(),
        }
    }

    fn text(&self) -> Text {
        let (stack, region) = (&self.lab.stack, &self.there.place.region);
        let mut text = Text::of(format_args!("the lab `{stack}` in {region}:"));
        for line in self.plan() {
            text.line(format_args!("  {line}"));
        }
        if let Err(error) = &self.found {
            let why = failure(error);
            text.line(format_args!(
                "  it could not be looked at: {}",
                why.trim_end()
            ));
        }
        text
    }

    fn untouched(self) -> Entry {
        Entry {
            plan: self.plan(),
            region: self.there.place.region,
            failure: self
                .found
                .err()
                .map(|error| failure(&error).trim_end().to_owned()),
            lab: self.lab,
            report: None,
        }
    }

    /// Removes the lab. A failure does not keep the next one from being removed.
    async fn remove(self, args: &Args, writer: &Writer) -> Entry {
        let plan = self.plan();
        let Self { lab, there, found } = self;
        let (ui, region) = (&there.ui, there.place.region.clone());
        ui.say(format_args!("removing the lab `{}` in {region}", lab.stack));
        let removed = async {
            // The labs before it took their time, and may have been what this one works with.
            let now = one::look(&there, args).await?;
            let shown = found.ok().and_then(|found| found.removal.give_back);
            let loan = now.removal.give_back.as_ref();
            if loan.is_some_and(|loan| shown.as_ref() != Some(loan)) {
                let what = "nothing was removed, because what it has borrowed has changed since it was shown";
                return Err(Error::refused(what));
            }
            one::remove(&there, args, &now, writer).await
        };
        let (report, failure) = match removed.await {
            Ok(report) => (Some(report), None),
            Err(error) => {
                let told = failure(&error).trim_end().to_owned();
                ui.warn(format_args!(
                    "the lab `{}` in {region} was not removed: {told}",
                    lab.stack
                ));
                (None, Some(told))
            }
        };
        Entry {
            lab,
            region,
            plan,
            report,
            failure,
        }
    }
}

fn list(found: &[(Reader, Lost)], now: OffsetDateTime) -> Text {
    if found.is_empty() {
        return Text::default();
    }
    let rows = found.iter().map(|(aws, lab)| {
        [
            lab.stack.clone(),
            aws.region().to_owned(),
            lab.age(now),
            lab.owner.clone().unwrap_or_else(|| "unknown".to_owned()),
            lab.expires
                .map(moment)
                .unwrap_or_else(|| "never".to_owned()),
        ]
    });
    Text::table(["lab", "region", "age", "made by", "expires"], rows)
}

impl Report {
    fn text(&self) -> Text {
        let mut text = Text::default();
        for entry in &self.labs {
            match (&entry.report, &entry.failure) {
                (Some(report), _) => {
                    text.line(format_args!("{}:", entry.region));
                    text.append(&report.text());
                }
                (None, Some(told)) => text.line(format_args!(
                    "{}: the lab `{}` was not removed: {told}",
                    entry.region, entry.lab.stack
                )),
                (None, None) => {}
            }
        }
        text
    }
}

/// The worst of it: a failure before leftovers, since what failed was not even looked for.
fn verdict(labs: &[Entry], unchecked: &[String]) -> Result<()> {
    let failed: Vec<_> = labs
        .iter()
        .filter(|entry| entry.failure.is_some())
        .map(|entry| format!("`{}` in {}", entry.lab.stack, entry.region))
        .collect();
    if !failed.is_empty() {
        let what = format!("not removed: {}", failed.join(", "));
        return Err(Error::new(Kind::Failed, what).hint("run the same command again"));
    }
    let left: Vec<_> = labs
        .iter()
        .filter_map(|entry| entry.report.as_ref())
        .flat_map(|report| report.audit.leftovers.iter().cloned())
        .collect();
    if !left.is_empty() {
        let what = format!("still there: {}", left.join(", "));
        return Err(Error::new(Kind::Leftovers, what).hint(one::STAYS));
    }
    if !unchecked.is_empty() {
        let what = format!(
            "not every region could be looked at: {}",
            unchecked.join("; ")
        );
        return Err(Error::new(Kind::Failed, what));
    }
    Ok(())
}
