//! Lifecycle rules at work: once a day, at midnight UTC, what has expired goes.
//!
//! S3 rounds the end of a lifetime up to the midnight after it, and looks once a day. Where versions are
//! kept, an object that expires gets a delete marker; old versions and lonely markers have rules of their
//! own. What the sandbox's objects do not have (tags, other storage classes) no rule can ask for.

use serde_json::Value;

use super::state::{Bucket, LIFECYCLE, Version, Versioning};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::engine::Task;
use crate::fields::Fields;
use crate::sandbox::{Call, Target};

/// Plans the next look at a bucket, unless one is planned. Looks come again for as long as there are rules.
pub(super) fn plan(call: &mut Call<'_>, name: &str) {
    let now = call.now;
    let Some(bucket) = call.account.s3.buckets.get_mut(name) else {
        return;
    };
    let rules = bucket.settings.contains_key(LIFECYCLE);
    if !rules || std::mem::replace(&mut bucket.watched, true) {
        return;
    }
    let place = Target::new(
        call.account.id.clone(),
        bucket.region.clone(),
        Caller::Service("s3.amazonaws.com"),
    );
    let (due, lane, name) = (
        midnight_after(now),
        format!("s3/lifecycle/{name}"),
        name.to_owned(),
    );
    let task = Task::new(due, lane, move |sandbox| async move {
        sandbox.enter(&place, |call| {
            let now = call.now;
            if let Some(bucket) = call.account.s3.buckets.get_mut(&name) {
                bucket.watched = false;
                expire(bucket, now);
            }
            plan(call, &name);
        });
    });
    call.account.later(task.routine());
}

fn midnight_after(at: Timestamp) -> Timestamp {
    at.replace_time(time::Time::MIDNIGHT) + time::Duration::DAY
}

/// Whether something that is this old has come to its end: the first midnight after so many days.
fn over(since: Timestamp, days: i64, now: Timestamp) -> bool {
    let age = days.checked_mul(24 * 60 * 60).map(time::Duration::seconds);
    let end = age.and_then(|age| since.checked_add(age)?.checked_add(time::Duration::DAY));
    // What is beyond the calendar never comes.
    end.is_some_and(|end| now >= end.replace_time(time::Time::MIDNIGHT))
}

fn expire(bucket: &mut Bucket, now: Timestamp) {
    let rules = match bucket.settings.get(LIFECYCLE) {
        Some(rules) => rules.list("Rules").to_vec(),
        None => return,
    };
    let enabled = rules
        .iter()
        .filter(|rule| rule.text("Status") == Some("Enabled"));
    for rule in enabled {
        let keys: Vec<String> = bucket.objects.keys().cloned().collect();
        for key in keys {
            old_versions(bucket, rule, &key, now);
            current(bucket, rule, &key, now);
        }
    }
}

/// The newest version of a key.
fn current(bucket: &mut Bucket, rule: &Value, key: &str, now: Timestamp) {
    let (Some(versions), Some(rule_says)) = (bucket.objects.get(key), rule.field("Expiration"))
    else {
        return;
    };
    let Some(newest) = versions.last().filter(|it| covers(rule, key, it)) else {
        return;
    };
    let days = rule_says.int("Days").ok().flatten();
    let by_age = days.is_some_and(|days| over(newest.modified, days, now));
    let by_date = rule_says
        .text("Date")
        .and_then(date)
        .is_some_and(|date| now >= date);
    if newest.object.is_none() {
        // A marker that hides nothing goes by its own rule, or once it is as old as an object may be.
        let lonely = versions.len() == 1;
        let markers = matches!(rule_says.flag("ExpiredObjectDeleteMarker"), Ok(Some(true)));
        if lonely && (markers || by_age) {
            bucket.objects.remove(key);
        }
    } else if by_age || by_date {
        if bucket.versioning == Versioning::Never {
            bucket.objects.remove(key);
        } else {
            bucket.write(key, None, now);
        }
    }
}

/// The versions that another one has taken the place of, from when it did.
fn old_versions(bucket: &mut Bucket, rule: &Value, key: &str, now: Timestamp) {
    let (Some(versions), Some(rule_says)) = (
        bucket.objects.get_mut(key),
        rule.field("NoncurrentVersionExpiration"),
    ) else {
        return;
    };
    let Ok(Some(days)) = rule_says.int("NoncurrentDays") else {
        return;
    };
    let keep = rule_says.int("NewerNoncurrentVersions").ok().flatten();
    let keep = keep
        .and_then(|keep| usize::try_from(keep).ok())
        .unwrap_or(0);
    let old = versions.len().saturating_sub(1);
    let superseded: Vec<Timestamp> = versions.iter().skip(1).map(|next| next.modified).collect();
    let mut at = 0;
    versions.retain(|version| {
        let this = at;
        at += 1;
        let newer = old.saturating_sub(this + 1);
        let goes = this < old
            && newer >= keep
            && covers(rule, key, version)
            && over(superseded[this], days, now);
        !goes
    });
}

/// `2026-12-01T00:00:00.000Z`: always midnight.
fn date(text: &str) -> Option<Timestamp> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(text.get(..10)?, format).ok()?;
    Some(day.midnight().assume_utc())
}

/// Whether a rule is about this object.
fn covers(rule: &Value, key: &str, version: &Version) -> bool {
    let begins = |of: &Value| {
        of.text("Prefix")
            .is_none_or(|prefix| key.starts_with(prefix))
    };
    let size = version
        .object
        .as_ref()
        .map_or(0, |object| object.body.len());
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let limit = |of: &Value, name: &str| of.int(name).ok().flatten();
    let matches = |of: &Value| {
        begins(of)
            && of.field("Tag").is_none()
            && of.field("Tags").is_none()
            && limit(of, "ObjectSizeGreaterThan").is_none_or(|least| size > least)
            && limit(of, "ObjectSizeLessThan").is_none_or(|most| size < most)
    };
    let Some(filter) = rule.field("Filter") else {
        return begins(rule);
    };
    matches(filter) && filter.field("And").is_none_or(matches)
}

#[cfg(test)]
mod tests;
