//! Hostile input: nothing that comes in over HTTP may make the sandbox panic, hang, answer with a fault of its own, or
//! write where it should not.
//!
//! The inputs are random, but chosen the same way in every run. `DRIFTLAB_HOSTILE_INPUTS=100000` makes it a long run and
//! `DRIFTLAB_HOSTILE_SEED=7` another one.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod archives;
mod calls;
mod exchange;
mod grown;
mod inputs;
mod operations;
mod sessions;
mod setup;
mod signatures;
mod values;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance::panics;
use conformance::raw::Http;
use conformance::world::World;
use exchange::{End, PATIENCE, exchange};

/// How many inputs in all; one in four is noise, the others are grown from valid calls.
fn inputs() -> u64 {
    setting("DRIFTLAB_HOSTILE_INPUTS", 20_000)
}

fn seed() -> u64 {
    setting("DRIFTLAB_HOSTILE_SEED", 1)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how much was tried is worth knowing")]
async fn nothing_that_comes_in_breaks_the_sandbox() {
    panics::watch();
    let (count, seed) = (inputs() / 4, seed());
    let world = World::start().await;
    let place = inputs::Place::of(&world);
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (next, place) = (next.clone(), place.clone());
            tokio::spawn(async move {
                let mut answered = 0_u64;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return answered;
                    }
                    let input = inputs::make(seed, number, &place);
                    let (end, _) = exchange(&place.address, &input).await;
                    let seen = panics::seen();
                    assert!(
                        seen.is_empty() && !matches!(end, End::Hung | End::Answered(500)),
                        "{end:?} {seen:?} at or shortly before input {number} of seed {seed}: {}",
                        String::from_utf8_lossy(&input[..input.len().min(4_000)])
                    );
                    answered += u64::from(end != End::Closed);
                }
            })
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    eprintln!("{count} inputs of seed {seed}, {answered} of them were answered in HTTP");
    assert!(answered > count / 2, "the inputs do not reach the services");
    let http = Http::new(&world);
    let (_, health) = http.admin("GET", "health", String::new()).await.unwrap();
    assert!(health.contains(r#""status":"ok""#), "{health}");
    world.idle_within(PATIENCE).await;
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}
