//! Panics anywhere in the process, also in tasks whose end nobody looks at; but for those of the
//! tests themselves, which the test runner reports and which say nothing of the sandbox.

use std::sync::Mutex;
use std::sync::{Once, PoisonError};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static WATCH: Once = Once::new();

/// From here on every panic is remembered, wherever it happens outside the tests' own files.
pub fn watch() {
    WATCH.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let of_a_test = panic
                .location()
                .is_some_and(|location| location.file().contains("conformance/tests/"));
            if of_a_test {
                return usual(panic);
            }
            let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(panic.to_string());
            drop(seen);
            usual(panic);
        }));
    });
}

/// What has panicked since [`watch`].
pub fn seen() -> Vec<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
