//! Every input that fuzzing has kept, and every one that ever broke something, without a fuzzer.
//!
//! `fuzz/corpus/` is found by coverage-guided search (`docs/proofs.md`); what it reached there, the tests reach here.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "inputs/event.rs"]
mod event;
#[path = "inputs/policy.rs"]
mod policy;

use std::path::Path;

/// Fewer files than this mean that the corpus was not found.
const LEAST: usize = 12;

fn replay(target: &str, read: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let files = std::fs::read_dir(corpus.join(target)).unwrap();
    let mut read_so_far = 0;
    for file in files {
        let path = file.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        let told = std::panic::catch_unwind(|| read(&input));
        assert!(told.is_ok(), "{} broke it", path.display());
        read_so_far += 1;
    }
    assert!(
        read_so_far >= LEAST,
        "only {read_so_far} inputs for `{target}`"
    );
}

/// E2, C4, R7: whatever arrives is understood or refused, and what is understood has one spelling and fits.
#[test]
fn no_event_of_the_corpus_is_fatal() {
    replay("event", event::event);
}

/// P2, P4, C1, C4: so is whatever stands in a policy, and what it plans leaves nothing to plan.
#[test]
fn no_policy_of_the_corpus_is_fatal() {
    replay("policy", policy::policy);
}
