//! Holding trials: one, or many side by side.

mod tally;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sandbox::sandbox::Settings;
use tally::Tally;

use crate::{Lab, World, package};

/// Waits are real and calls are not slow, so more trials than processors keep the processors busy.
const AT_ONCE: usize = 6;

/// Holds a trial for each case, several at once, each on a runtime of its own: what a trial leaves behind ends with it.
///
/// Says on standard error how far it is after every hundred, and of a failure at once, with the case's name and what was said.
///
/// # Panics
/// With the names of the cases that failed, if any did.
pub fn all<C, F>(
    what: &str,
    cases: &[C],
    name: impl Fn(&C) -> String + Sync,
    hold: impl Fn(&C) -> F + Sync,
) where
    C: Sync,
    F: Future<Output = ()>,
{
    let failed = each(what, cases, name, hold, crate::tell);
    assert!(
        failed.is_empty(),
        "{} of {} failed, as told above:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

fn each<C, F>(
    what: &str,
    cases: &[C],
    name: impl Fn(&C) -> String + Sync,
    hold: impl Fn(&C) -> F + Sync,
    tell: impl Fn(&str) + Send,
) -> Vec<String>
where
    C: Sync,
    F: Future<Output = ()>,
{
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::new(what, cases.len(), tell));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let trials = || {
                while let Some((number, case)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(number).map(|case| (number, case))
                } {
                    // One failed trial must not hide the others.
                    let held = catch_unwind(AssertUnwindSafe(|| here(hold(case))));
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    match held {
                        Ok(()) => tally.good(),
                        Err(panic) => tally.bad(number, name(case), &words(&*panic)),
                    }
                }
            };
            thread().spawn_scoped(scope, trials).unwrap();
        }
    });
    tally
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .end()
}

/// Holds one trial in a new, empty world, with the function's package.
pub fn in_world(settings: Settings, trial: impl AsyncFnOnce(&World, &Path) + Send) {
    let package = package::path();
    one(async || {
        let world = World::with(settings).await;
        trial(&world, &package).await;
        world.end().await;
    });
}

/// The same with somebody who runs `driftlab` there.
pub fn in_lab(settings: Settings, trial: impl AsyncFnOnce(&World, &Lab<'_>) + Send) {
    in_world(settings, async |world, package| {
        trial(world, &Lab::new(world, package)).await;
    });
}

/// The same where the lab is deployed, and nothing is under way any more.
pub fn deployed(settings: Settings, trial: impl AsyncFnOnce(&World, &Lab<'_>) + Send) {
    in_lab(settings, async |world, lab| {
        lab.ok(&["deploy"]).await;
        world.idle().await;
        trial(world, lab).await;
    });
}

/// Holds one trial on a runtime of its own.
pub fn one(trial: impl AsyncFnOnce() + Send) {
    std::thread::scope(|scope| {
        let held = thread().spawn_scoped(scope, || here(trial())).unwrap();
        if let Err(panic) = held.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Futures of an unoptimised build are large, and a test's thread has little room: as much as the program's own has.
fn thread() -> std::thread::Builder {
    std::thread::Builder::new().stack_size(8 * 1024 * 1024)
}

fn here<T>(trial: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let held = runtime.block_on(trial);
    runtime.shutdown_background();
    held
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a trial panicked without words".to_owned())
}
