//! Back to what a stack was when it was complete last.

use std::collections::BTreeSet;

use super::change::{change_one, changed, discard};
use super::job::Job;
use super::provision::remove;
use super::resources::Failure;
use super::stack::{Done, Record};

/// Takes back everything that was done since the stack was complete last. What cannot be taken back is kept for the next
/// attempt, apart from what the caller says to `skip`.
pub(super) async fn to_stable(job: &Job, skip: &BTreeSet<String>) {
    let pending = job.stack(|stack, _| {
        if let Some(stable) = &stack.stable {
            stack.wish = stable.clone();
        }
        std::mem::take(&mut stack.pending)
    });
    // On AWS, too, what is new goes only when everything else is as it was.
    let mut obsolete = Vec::new();
    let mut failed = Vec::new();
    for step in pending.into_iter().rev() {
        match step {
            Done::Changed(name, before) if skip.contains(&name) => {
                put_back(job, &name, *before, "UPDATE_COMPLETE", None);
            }
            Done::Changed(name, before) => {
                if change_back(job, &name, &before).await.is_err() {
                    failed.push(Done::Changed(name, before));
                }
            }
            Done::Replaced(name, before) => {
                if let Some(after) = job.record(&name) {
                    obsolete.push((name.clone(), Some(Box::new(after))));
                }
                put_back(job, &name, *before, "UPDATE_COMPLETE", None);
            }
            Done::Made(name) => obsolete.push((name, None)),
            Done::Discarded(name, after) => obsolete.push((name, Some(after))),
        }
    }
    if !failed.is_empty() {
        let names: Vec<&str> = failed.iter().map(Done::name).collect();
        let reason = format!(
            "The following resource(s) failed to update: [{}]. ",
            names.join(", ")
        );
        failed.reverse();
        job.stack(|stack, now| {
            stack.pending = remaining(failed, obsolete);
            stack.set_status("UPDATE_ROLLBACK_FAILED", Some(reason), *now);
        });
        return;
    }
    job.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
    for (name, replacement) in obsolete {
        match replacement {
            Some(after) => discard(job, &name, &after, false).await,
            None => {
                if let Some(record) = job.record(&name) {
                    // The failure is among the events.
                    let _ = remove(job, &name, &record).await;
                    job.stack(|stack, _| stack.resources.remove(&name));
                }
            }
        }
    }
    job.stack(|stack, now| {
        stack.settle();
        stack.set_status("UPDATE_ROLLBACK_COMPLETE", None, *now);
    });
}

/// What is still to be done, oldest first. A replacement that was put back is kept as what has to be discarded.
fn remaining(failed: Vec<Done>, obsolete: Vec<(String, Option<Box<Record>>)>) -> Vec<Done> {
    let mut pending = failed;
    for (name, replacement) in obsolete.into_iter().rev() {
        pending.push(match replacement {
            Some(after) => Done::Discarded(name, after),
            None => Done::Made(name),
        });
    }
    pending
}

/// Takes back the steps of one resource whose change has failed, which keeps its status and reason.
pub(super) async fn one(job: &Job, steps: Vec<Done>, reason: Option<String>) {
    for step in steps.into_iter().rev() {
        match step {
            Done::Changed(name, before) => {
                if change_back(job, &name, &before).await.is_ok() {
                    put_back(job, &name, *before, "UPDATE_FAILED", reason.clone());
                }
            }
            Done::Replaced(name, before) => {
                if let Some(after) = job.record(&name) {
                    discard(job, &name, &after, false).await;
                }
                put_back(job, &name, *before, "UPDATE_FAILED", reason.clone());
            }
            Done::Made(_) | Done::Discarded(..) => {}
        }
    }
}

/// Changes a resource to what it was. When that fails it stays what it is, so that it can be tried again.
async fn change_back(job: &Job, name: &str, before: &Record) -> Result<(), Failure> {
    let Some(after) = job.record(name) else {
        return Ok(());
    };
    let changed = changed(&after, before);
    let result = change_one(job, name, &after, before.clone(), &changed, true).await;
    match &result {
        Ok(()) => job.set_resource_status(name, "UPDATE_COMPLETE", None),
        Err(failure) => {
            put_back(
                job,
                name,
                after,
                "UPDATE_FAILED",
                Some(failure.reason.clone()),
            );
        }
    }
    result
}

fn put_back(job: &Job, name: &str, record: Record, status: &'static str, reason: Option<String>) {
    job.stack(|stack, now| {
        stack.resources.insert(name.to_owned(), record);
        stack.set_resource_status(name, status, reason, *now);
    });
}
