//! Changing a stack's resources to what the stack is asked to be now, or back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::graph;
use super::job::Job;
use super::provision::{make, outputs, record, remove};
use super::resources::{self, Change, Failure, Update};
use super::rollback;
use super::stack::{Done, OutputValue, Record, Wish};
use super::template::Retention;
use super::{State, listed};

/// Changes everything that differs; on failure back to what the stack was when it was complete last, unless the caller
/// asked not to.
pub(super) async fn update(job: Job, roll_back: bool) {
    let Some(wish) = job.wish() else {
        return;
    };
    let mut done = job.stack(|stack, _| std::mem::take(&mut stack.pending));
    let Err(reason) = apply(&job, &wish, &mut done, roll_back).await else {
        job.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
        clean_up(&job, &wish, done).await;
        job.stack(|stack, now| {
            stack.settle();
            stack.set_status("UPDATE_COMPLETE", None, *now);
        });
        return;
    };
    job.stack(|stack, _| stack.pending = done);
    if roll_back {
        job.set_status("UPDATE_ROLLBACK_IN_PROGRESS", Some(reason));
        rollback::to_stable(&job, &BTreeSet::new()).await;
    } else {
        job.set_status("UPDATE_FAILED", Some(reason));
    }
}

/// Deletes the things that an unfinished update has replaced: nobody will go back to them.
pub(super) async fn discard_replaced(job: &Job) {
    let pending = job.stack(|stack, _| std::mem::take(&mut stack.pending));
    for step in pending.into_iter().rev() {
        if let Done::Replaced(name, before) | Done::Discarded(name, before) = step {
            discard(job, &name, &before, false).await;
        }
    }
}

async fn apply(
    job: &Job,
    wish: &Wish,
    done: &mut Vec<Done>,
    roll_back: bool,
) -> Result<(), String> {
    let needs = graph::dependencies(&wish.template, &wish.active).map_err(|error| error.message)?;
    let (mut uncreated, mut unchanged) = (Vec::new(), Vec::new());
    let mut lacking: BTreeSet<String> = BTreeSet::new();
    for name in graph::order(&needs).map_err(|error| error.message)? {
        let needed = needs.get(&name).cloned().unwrap_or_default();
        if !needed.is_disjoint(&lacking) {
            lacking.insert(name);
            continue;
        }
        let before = job.record(&name);
        let failed = match before.filter(|record| !record.never_was()) {
            None => {
                let result = make_anew(job, wish, &name, needed, done).await;
                result.is_err().then_some(&mut uncreated)
            }
            Some(before) => {
                let steps = done.len();
                let result = change(job, wish, &name, needed, before, done).await;
                if result.is_err() && !roll_back {
                    // What cannot be changed goes back to how it was; the rest stays as far as it has come.
                    let reason = result.as_ref().err().map(|failure| failure.reason.clone());
                    rollback::one(job, done.split_off(steps), reason).await;
                }
                result.is_err().then_some(&mut unchanged)
            }
        };
        if let Some(list) = failed {
            list.push(name.clone());
            lacking.insert(name);
            if roll_back {
                break;
            }
        }
    }
    let mut reason = String::new();
    for (what, names) in [("create", uncreated), ("update", unchanged)] {
        if !names.is_empty() {
            let names = names.join(", ");
            reason += &format!("The following resource(s) failed to {what}: [{names}]. ");
        }
    }
    if !reason.is_empty() {
        return Err(reason);
    }
    let outputs = outputs(job, wish).map_err(|failure| failure.reason)?;
    job.sandbox.enter(&job.target, |call| {
        let state = &mut call.here().cloudformation;
        exports_kept(state, &job.stack_id, &outputs)
    })?;
    job.stack(|stack, _| stack.outputs = outputs);
    Ok(())
}

/// Makes a new resource, in the place of one that could not be made before if there was one.
async fn make_anew(
    job: &Job,
    wish: &Wish,
    name: &str,
    needs: BTreeSet<String>,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    if let Some(failed) = job.record(name) {
        if failed.physical_id.is_some() {
            remove(job, name, &failed).await?;
        }
        job.stack(|stack, _| stack.resources.remove(name));
    }
    if !done.iter().any(|step| step.name() == name) {
        done.push(Done::Made(name.to_owned()));
    }
    make(job, wish, name, needs).await
}

/// Refuses to take away or to change what other stacks import. Until about 2022 the words were `Export x cannot be
/// deleted as it is in use by y`; those of today are quoted in many public deployment logs.
fn exports_kept(state: &State, stack_id: &str, new: &[OutputValue]) -> Result<(), String> {
    let Some(stack) = state.stacks.get(stack_id) else {
        return Ok(());
    };
    for old in &stack.outputs {
        let Some(export) = &old.export else {
            continue;
        };
        let kept = new.iter().find(|new| new.export.as_ref() == Some(export));
        let what = match kept {
            Some(kept) if kept.value == old.value => continue,
            Some(_) => "Cannot update",
            None => "Delete canceled. Cannot delete",
        };
        let importers = state.importers(export);
        if !importers.is_empty() {
            return Err(format!(
                "{what} export {export} as it is in use by {}.",
                listed(&importers)
            ));
        }
    }
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
        let failed_before = before.status == "UPDATE_FAILED";
        job.stack(|stack, _| {
            stack.resources.insert(name.to_owned(), after);
        });
        if failed_before {
            job.set_resource_status(name, "UPDATE_COMPLETE", None);
        }
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

pub(super) async fn change_one(
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
pub(super) fn changed(before: &Record, after: &Record) -> BTreeSet<String> {
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
pub(super) async fn discard(job: &Job, name: &str, before: &Record, retained: bool) {
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
