//! Changing a stack's resources to what the stack is asked to be now, or back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::graph;
use super::job::Job;
use super::provision::{make, outputs, record, remove};
use super::resources::{self, Change, Failure, Update};
use super::stack::{Record, Wish};
use super::template::Retention;

/// What was done to a resource, and how it was before.
enum Done {
    Made(String),
    Changed(String, Box<Record>),
    Replaced(String, Box<Record>),
}

/// Changes everything that differs; on failure back to `old`, unless the caller asked not to.
pub(super) async fn update(job: Job, old: Wish, roll_back: bool) {
    let Some(wish) = job.wish() else {
        return;
    };
    let mut done = Vec::new();
    let Err(reason) = apply(&job, &wish, &mut done).await else {
        job.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
        clean_up(&job, &wish, done).await;
        job.set_status("UPDATE_COMPLETE", None);
        return;
    };
    if !roll_back {
        job.set_status("UPDATE_FAILED", Some(reason));
        return;
    }
    job.set_status("UPDATE_ROLLBACK_IN_PROGRESS", Some(reason));
    let failed = take_back(&job, done).await;
    job.stack(|stack, _| stack.wish = old);
    if failed.is_empty() {
        job.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
        job.set_status("UPDATE_ROLLBACK_COMPLETE", None);
    } else {
        let reason = format!(
            "The following resource(s) failed to update: [{}]. ",
            failed.join(", ")
        );
        job.set_status("UPDATE_ROLLBACK_FAILED", Some(reason));
    }
}

async fn apply(job: &Job, wish: &Wish, done: &mut Vec<Done>) -> Result<(), String> {
    let needs = graph::dependencies(&wish.template, &wish.active).map_err(|error| error.message)?;
    for name in graph::order(&needs).map_err(|error| error.message)? {
        let needed = needs.get(&name).cloned().unwrap_or_default();
        match job.record(&name) {
            None => {
                done.push(Done::Made(name.clone()));
                make(job, wish, &name, needed).await.map_err(|_| {
                    format!("The following resource(s) failed to create: [{name}]. ")
                })?;
            }
            Some(before) => change(job, wish, &name, needed, before, done)
                .await
                .map_err(|_| format!("The following resource(s) failed to update: [{name}]. "))?,
        }
    }
    let outputs = outputs(job, wish).map_err(|failure| failure.reason)?;
    job.stack(|stack, _| stack.outputs = outputs);
    Ok(())
}

/// Brings one resource to what it is asked to be. A failure is among the events when this returns.
async fn change(
    job: &Job,
    wish: &Wish,
    name: &str,
    needs: BTreeSet<String>,
    before: Record,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    let (mut after, sound) = record(job, wish, name, needs);
    if let Err(failure) = sound {
        job.set_resource_status(name, "UPDATE_FAILED", Some(failure.reason.clone()));
        return Err(failure);
    }
    let changed = changed(&before, &after);
    let replace = changed
        .iter()
        .any(|property| before.kind.change(property) == Change::Replace);
    after.status = before.status;
    after.reason.clone_from(&before.reason);
    if !replace {
        after.physical_id.clone_from(&before.physical_id);
        after.attributes.clone_from(&before.attributes);
    }
    if changed.is_empty() {
        // Only what CloudFormation itself looks at: what depends on it, what becomes of it.
        after.drift.clone_from(&before.drift);
        job.stack(|stack, _| {
            stack.resources.insert(name.to_owned(), after);
        });
        return Ok(());
    }
    let result = if replace {
        replace_one(job, name, &before, after, done).await
    } else {
        done.push(Done::Changed(name.to_owned(), Box::new(before.clone())));
        change_one(job, name, &before, after, &changed, false).await
    };
    match result {
        Ok(()) => {
            job.set_resource_status(name, "UPDATE_COMPLETE", None);
            Ok(())
        }
        Err(failure) => {
            job.set_resource_status(name, "UPDATE_FAILED", Some(failure.reason.clone()));
            Err(failure)
        }
    }
}

async fn change_one(
    job: &Job,
    name: &str,
    before: &Record,
    after: Record,
    changed: &BTreeSet<String>,
    back: bool,
) -> Result<(), Failure> {
    let properties = after.properties.clone();
    let new_tags = after.tags.clone();
    job.stack(|stack, now| {
        stack.resources.insert(name.to_owned(), after);
        stack.set_resource_status(name, "UPDATE_IN_PROGRESS", None, *now);
    });
    let update = Update {
        physical_id: before.physical_id.as_deref().unwrap_or_default(),
        attributes: &before.attributes,
        old: &before.properties,
        new: &properties,
        changed,
        old_tags: &before.tags,
        new_tags: &new_tags,
        back,
    };
    let made =
        resources::update(&job.work(name, "UPDATE_IN_PROGRESS"), before.kind, &update).await?;
    job.keep(name, made);
    Ok(())
}

async fn replace_one(
    job: &Job,
    name: &str,
    before: &Record,
    after: Record,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    // Two things cannot have one name, not even for a moment.
    let chosen = |record: &Record| {
        let property = record.kind.name_property?;
        record.properties.get(property).cloned()
    };
    if let Some(name) = chosen(&after).filter(|name| Some(name) == chosen(before).as_ref()) {
        let name = super::parameters::scalar(&name).unwrap_or_default();
        return Err(Failure::new(format!(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."
        )));
    }
    done.push(Done::Replaced(name.to_owned(), Box::new(before.clone())));
    let properties = after.properties.clone();
    job.stack(|stack, now| {
        stack.resources.insert(name.to_owned(), after);
        let reason = "Requested update requires the creation of a new physical resource; hence creating one.";
        stack.set_resource_status(name, "UPDATE_IN_PROGRESS", Some(reason.to_owned()), *now);
    });
    let made = resources::create(
        &job.work(name, "UPDATE_IN_PROGRESS"),
        before.kind,
        &properties,
    )
    .await?;
    job.keep(name, made);
    Ok(())
}

/// The names of the top-level properties that differ; `Tags` also when the stack's tags do.
fn changed(before: &Record, after: &Record) -> BTreeSet<String> {
    let names = |value: &Value| {
        value
            .as_object()
            .map(|members| members.keys().cloned().collect::<BTreeSet<_>>())
    };
    let mut changed: BTreeSet<String> = names(&before.properties)
        .unwrap_or_default()
        .union(&names(&after.properties).unwrap_or_default())
        .filter(|name| {
            *name != "Tags" && before.properties.get(*name) != after.properties.get(*name)
        })
        .cloned()
        .collect();
    if before.tags != after.tags {
        changed.insert("Tags".to_owned());
    }
    changed
}

/// Deletes what the stack no longer wants: first what replaced resources left behind, then whole resources. On AWS, too,
/// a failure here is an event and nothing more.
async fn clean_up(job: &Job, wish: &Wish, done: Vec<Done>) {
    for step in done.into_iter().rev() {
        if let Done::Replaced(name, before) = step {
            let retained = wish
                .template
                .resources
                .get(&name)
                .is_some_and(|declared| declared.replacement != Retention::Delete);
            discard(job, &name, &before, retained).await;
        }
    }
    let gone: BTreeMap<String, BTreeSet<String>> = job.stack(|stack, _| {
        let gone = stack
            .resources
            .iter()
            .filter(|(name, _)| !wish.active.contains(*name));
        gone.map(|(name, record)| (name.clone(), record.needs.clone()))
            .collect()
    });
    let among: BTreeMap<String, BTreeSet<String>> = gone
        .iter()
        .map(|(name, needs)| {
            (
                name.clone(),
                needs
                    .iter()
                    .filter(|need| gone.contains_key(*need))
                    .cloned()
                    .collect(),
            )
        })
        .collect();
    let mut order = graph::order(&among).unwrap_or_else(|_| among.keys().cloned().collect());
    order.reverse();
    for name in order {
        let Some(record) = job.record(&name) else {
            continue;
        };
        if record.deletion == Retention::Delete {
            // The failure is among the events.
            let _ = remove(job, &name, &record).await;
        } else {
            job.set_resource_status(&name, "DELETE_SKIPPED", None);
        }
        job.stack(|stack, _| {
            stack.resources.remove(&name);
        });
    }
}

/// Deletes the thing that another one has replaced, or leaves it to its owner.
async fn discard(job: &Job, name: &str, before: &Record, retained: bool) {
    let Some(physical_id) = &before.physical_id else {
        return;
    };
    let say = |status, reason| {
        job.stack(|stack, now| {
            stack.say(name, before.kind.name, physical_id, status, reason, *now)
        });
    };
    if retained {
        say("DELETE_SKIPPED", None);
        return;
    }
    say("DELETE_IN_PROGRESS", None);
    let work = job.work(name, "DELETE_IN_PROGRESS");
    match resources::delete(&work, before.kind, physical_id, &before.properties).await {
        Ok(()) => say("DELETE_COMPLETE", None),
        Err(failure) => say("DELETE_FAILED", Some(failure.reason)),
    }
}

/// Undoes everything, last first, and answers with what could not be undone.
async fn take_back(job: &Job, done: Vec<Done>) -> Vec<String> {
    let mut failed = Vec::new();
    for step in done.into_iter().rev() {
        match step {
            Done::Made(name) => {
                let undone = match job.record(&name) {
                    Some(record) => remove(job, &name, &record).await.is_ok(),
                    None => true,
                };
                if undone {
                    job.stack(|stack, _| {
                        stack.resources.remove(&name);
                    });
                } else {
                    failed.push(name);
                }
            }
            Done::Changed(name, before) => {
                let Some(after) = job.record(&name) else {
                    continue;
                };
                let changed = changed(&after, &before);
                match change_one(job, &name, &after, *before, &changed, true).await {
                    Ok(()) => job.set_resource_status(&name, "UPDATE_COMPLETE", None),
                    Err(failure) => {
                        job.set_resource_status(&name, "UPDATE_FAILED", Some(failure.reason));
                        failed.push(name);
                    }
                }
            }
            Done::Replaced(name, before) => {
                if let Some(after) = job.record(&name) {
                    discard(job, &name, &after, false).await;
                }
                job.stack(|stack, now| {
                    stack.resources.insert(name.clone(), *before);
                    stack.set_resource_status(&name, "UPDATE_COMPLETE", None, *now);
                });
            }
        }
    }
    failed
}
