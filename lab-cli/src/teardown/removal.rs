//! What has to be removed: a pure reading of what was observed. Only what is ours.

use std::fmt;

use super::line;
use super::{Claimed, GiveBack};
use crate::aws::{RuleDescription, StackDescription};
use crate::journal::Seen;
use crate::plan::{Kept, group_in_words, mode_in_words};
use crate::spec::RULE_NAME;
use crate::state::Observed;

/// Something that no stack owns any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stray {
    /// A bucket, by name.
    Bucket(String),
    /// A log group, by name.
    LogGroup(String),
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(name) => write!(f, "bucket `{name}`"),
            Self::LogGroup(name) => write!(f, "log group `{name}`"),
        }
    }
}

/// How many days AWS Config keeps history where no retention is set (`RetentionPeriodInDays`: "by default 7 years (2557
/// days)").
const AWS_RETENTION_DAYS: u32 = 2557;

/// Everything to remove, in the order in which AWS accepts it. Empty means that there is no lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// The rule.
    pub rule: Option<RuleDescription>,
    /// Names of recorders to stop and delete.
    pub recorders: Vec<String>,
    /// Names of delivery channels.
    pub channels: Vec<String>,
    /// The retention, in days.
    pub retention: Option<i32>,
    /// The stack, whose delivery bucket is emptied first.
    pub stack: Option<StackDescription>,
    /// What no stack owns any more.
    pub strays: Vec<Stray>,
    /// The code bucket.
    pub code_bucket: Option<String>,
    /// The code bucket, if the journal in it alone tells what somebody else's recorder was.
    pub kept_bucket: Option<String>,
    /// What was borrowed and is given back.
    pub give_back: Option<GiveBack>,
    /// What cannot be known any more, as the journal is lost.
    pub unknown: Vec<String>,
    /// What a journal says that nothing vouches for: as good as lost.
    pub claimed: Option<Claimed>,
    /// The delivery bucket, if it shall stay with its contents.
    pub history: Option<String>,
    /// What stays although it is of the kind that a lab has.
    pub kept: Vec<Kept>,
}

impl Removal {
    /// Reads what was observed. `tagged_buckets` are the buckets that carry our tag.
    pub fn of(observed: &Observed, tagged_buckets: &[String]) -> Self {
        let place = &observed.place;
        let mut removal = Self {
            stack: observed
                .stack
                .as_ref()
                .filter(|_| observed.owns_stack())
                .map(|stack| stack.description.clone()),
            code_bucket: observed.code_bucket.is_some().then(|| place.code_bucket()),
            ..Self::default()
        };
        removal.give_back = GiveBack::of(observed);
        removal.unknown = unknown(observed);
        removal.claimed = Claimed::of(observed);
        if removal.claimed.as_ref().is_some_and(Claimed::is_needed) {
            removal.kept_bucket = removal.code_bucket.take();
        }
        match &observed.rule {
            Some(rule) if observed.owns_rule(rule) => removal.rule = Some(rule.it.clone()),
            Some(rule) => removal.keep(format!("rule `{}`", rule.it.name)),
            None => {}
        }
        for recorder in &observed.recorders {
            let name = recorder.it.name();
            if observed.owns_recorder(recorder) {
                removal.recorders.push(name.to_owned());
            } else if removal.give_back.is_none() {
                removal.keep(format!("configuration recorder `{name}`"));
            }
        }
        for channel in &observed.channels {
            let name = &channel.channel.name;
            if observed.owns_channel(channel) {
                removal.channels.push(name.clone());
            } else {
                removal.keep(format!("delivery channel `{name}`"));
            }
        }
        match observed.retention {
            Some(days) if observed.own_retention() == Some(days) => removal.retention = Some(days),
            Some(days) => removal.keep(format!("retention of configuration history, {days} days")),
            None => {}
        }
        if removal.stack.is_none() {
            removal.strays = strays(observed, tagged_buckets);
        }
        removal
    }

    /// Keeps what AWS Config has delivered: the stack's bucket, or the buckets that no stack owns any more.
    pub fn keep_history(&mut self) {
        let of_stack = |stack: &StackDescription| stack.outputs.get("DeliveryBucketName").cloned();
        self.history = self.stack.as_ref().and_then(of_stack);
        let strays = std::mem::take(&mut self.strays);
        for stray in strays {
            match stray {
                Stray::Bucket(bucket) => self.history = Some(bucket),
                Stray::LogGroup(_) => self.strays.push(stray),
            }
        }
    }

    fn keep(&mut self, subject: String) {
        self.kept.push(Kept {
            subject,
            reason: "not this lab's".to_owned(),
        });
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        let Self {
            rule,
            recorders,
            channels,
            retention,
            stack,
            strays,
            code_bucket,
            give_back,
            kept_bucket: _,
            unknown: _,
            claimed: _,
            history: _,
            kept: _,
        } = self;
        rule.is_none()
            && recorders.is_empty()
            && channels.is_empty()
            && retention.is_none()
            && stack.is_none()
            && strays.is_empty()
            && code_bucket.is_none()
            && give_back.is_none()
    }
}

/// What the lab may have borrowed, or set, when there is a lab and no journal that can be believed.
fn unknown(observed: &Observed) -> Vec<String> {
    let is_there =
        observed.owns_stack() || observed.rule.iter().any(|rule| observed.owns_rule(rule));
    let told = match &observed.journal {
        Seen::Absent | Seen::Unverified(_) => false,
        Seen::Read(..) | Seen::Unusable(_) => true,
    };
    if told || !is_there {
        return Vec::new();
    }
    let mut unknown = Vec::new();
    for recorder in &observed.recorders {
        if !observed.owns_recorder(recorder) {
            unknown.push(format!(
                "whether the configuration recorder `{}` was widened or started for the lab: it stays as it is, recording {} {} ({})",
                recorder.it.name(),
                group_in_words(recorder.it.it.recording_group.as_ref()),
                mode_in_words(recorder.it.it.recording_mode.as_ref()),
                if recorder.it.recording { "running" } else { "stopped" },
            ));
        }
    }
    if let Some(days) = observed.retention {
        unknown.push(format!(
            "whether the lab set the retention of configuration history: it stays at {days} days"
        ));
    }
    unknown
}

/// Buckets and log groups of ours when there is no stack that will remove them.
fn strays(observed: &Observed, tagged_buckets: &[String]) -> Vec<Stray> {
    let place = &observed.place;
    let mut strays: Vec<_> = observed
        .named
        .iter()
        .filter(|named| named.kind == "log group" && place.owns(&named.tags))
        .map(|named| Stray::LogGroup(named.name.clone()))
        .collect();
    let code_bucket = place.code_bucket();
    strays.extend(
        tagged_buckets
            .iter()
            .filter(|bucket| **bucket != code_bucket)
            .map(|bucket| Stray::Bucket(bucket.clone())),
    );
    strays
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            recorders,
            channels,
            retention,
            stack,
            strays,
            code_bucket,
            kept_bucket,
            give_back,
            unknown,
            claimed,
            history,
            kept,
        } = self;
        if rule.is_some() {
            line(f, format_args!("- rule `{RULE_NAME}`"))?;
        }
        for channel in channels {
            line(f, format_args!("- delivery channel `{channel}`"))?;
        }
        if let Some(loan) = give_back {
            line(
                f,
                format_args!("& configuration recorder `{}`, given back", loan.name()),
            )?;
            let differences = loan.differences();
            if differences.is_empty() {
                line(
                    f,
                    format_args!("    it is as it was, so nothing of it changes"),
                )?;
            }
            for difference in differences {
                line(f, format_args!("    {difference}"))?;
            }
        }
        for recorder in recorders {
            line(f, format_args!("- configuration recorder `{recorder}`"))?;
        }
        if let Some(days) = retention {
            line(f, format_args!("- retention of configuration history"))?;
            line(
                f,
                format_args!(
                    "    days: {days} → none set, so AWS Config keeps {AWS_RETENTION_DAYS}"
                ),
            )?;
        }
        if let Some(stack) = stack {
            let bucket = stack.outputs.get("DeliveryBucketName");
            if let Some(bucket) = bucket.filter(|_| history.is_none()) {
                line(
                    f,
                    format_args!("- everything in the delivery bucket `{bucket}`"),
                )?;
            }
            line(f, format_args!("- stack `{}`", stack.name))?;
        }
        for stray in strays {
            line(f, format_args!("- {stray}"))?;
        }
        if let Some(bucket) = code_bucket {
            line(f, format_args!("- code bucket `{bucket}`"))?;
        }
        if let Some(bucket) = history {
            line(
                f,
                format_args!(
                    "= delivery bucket `{bucket}` with its contents (you want to keep it)"
                ),
            )?;
        }
        if let Some(bucket) = kept_bucket {
            line(
                f,
                format_args!(
                    "= code bucket `{bucket}` (its journal alone tells how the recorder was)"
                ),
            )?;
        }
        for Kept { subject, reason } in kept {
            line(f, format_args!("= {subject} ({reason})"))?;
        }
        for unknown in unknown {
            line(
                f,
                format_args!("? the journal is lost, so nobody knows {unknown}"),
            )?;
        }
        if let Some(claimed) = claimed {
            write!(f, "{claimed}")?;
        }
        Ok(())
    }
}
