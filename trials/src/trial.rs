//! Many trials side by side.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Waits are real and calls are not slow, so more trials than processors keep the processors busy.
const AT_ONCE: usize = 6;

/// Holds a trial for each case, several at once, each on a runtime of its own: what a trial leaves behind ends with it.
/// Answers with the failures, in the order of the cases: the case's number and what was said.
pub fn all<C, F>(cases: &[C], hold: impl Fn(&C) -> F + Sync) -> Vec<(usize, String)>
where
    C: Sync,
    F: Future<Output = ()>,
{
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let trials = || {
                while let Some((number, case)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(number).map(|case| (number, case))
                } {
                    // One failed trial must not hide the others.
                    let held = catch_unwind(AssertUnwindSafe(|| here(hold(case))));
                    if let Err(panic) = held {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        failures.push((number, words(&*panic)));
                    }
                }
            };
            thread().spawn_scoped(scope, trials).unwrap();
        }
    });
    let mut failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    failures.sort();
    failures
}

/// Holds one trial.
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
