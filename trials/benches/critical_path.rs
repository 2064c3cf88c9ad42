//! How much longer `deploy` and `cleanup` take than the calls in them that have to wait for each other.
//!
//! `cargo bench -p trials --bench critical_path` plays the story in sandboxes whose answers take 50 ms, as those of AWS do
//! from a desk, and compares the time with [`DEPLOY`] and [`CLEANUP`]: the longest chains of calls of which each needs the
//! answer of the one before it. What a chain claims is checked: its calls were made, in that order, none beginning before the
//! one before it was answered.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::journal::Entry;
use trials::trial::one;
use trials::{Lab, World, package};

const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 5;
/// The most that a command may take of its critical path.
const AIM: f64 = 1.2;

/// A link of a chain, and why it has to wait for the one before.
type Link = (&'static str, &'static str);

const DEPLOY: &[Link] = &[(
    "sts:GetCallerIdentity",
    "whose account it is decides every name",
)];

const CLEANUP: &[Link] = &[(
    "sts:GetCallerIdentity",
    "whose account it is decides every name",
)];

fn main() {
    let Some(package) = package::path() else {
        return;
    };
    let mut measured: BTreeMap<&str, Vec<Run>> = BTreeMap::new();
    for _ in 0..RUNS {
        let runs = std::sync::Mutex::new(Vec::new());
        one(async || {
            let world = World::start().await;
            let lab = Lab::new(&world, &package);
            world.sandbox.set_call_latency(LATENCY);
            for command in ["deploy", "simulate-incident", "cleanup"] {
                let mark = world.mark();
                let began = Instant::now();
                lab.ok(&[command]).await;
                let run = Run {
                    took: began.elapsed(),
                    calls: world.calls_after(mark),
                };
                runs.lock().unwrap().push((command, run));
            }
            world.end().await;
        });
        for (command, run) in runs.into_inner().unwrap() {
            measured.entry(command).or_default().push(run);
        }
    }
    for (command, chain) in [("deploy", DEPLOY), ("cleanup", CLEANUP)] {
        report(command, chain, &mut measured.remove(command).unwrap());
    }
}

struct Run {
    took: Duration,
    calls: Vec<Arc<Entry>>,
}

fn report(command: &str, chain: &[Link], runs: &mut [Run]) {
    runs.sort_by_key(|run| run.took);
    let median = &runs[runs.len() / 2];
    let own: Vec<&Entry> = median
        .calls
        .iter()
        .map(AsRef::as_ref)
        .filter(|call| {
            call.caller
                .as_ref()
                .is_some_and(|caller| caller.kind() == "operator")
        })
        .collect();
    let began = own.first().map(|call| call.at).unwrap();
    println!("{command}: {} calls in {:.0?}", own.len(), median.took);
    if std::env::var_os("TRIALS_CALLS").is_some() {
        for call in &own {
            println!(
                "  +{:>5} ms  {}:{}",
                (call.at - began).whole_milliseconds(),
                call.service,
                call.operation
            );
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in &own {
        *counts
            .entry(format!("{}:{}", call.service, call.operation))
            .or_default() += 1;
    }
    for (call, count) in counts {
        println!("  {count:>3} {call}");
    }
    let mut next = own.iter();
    let mut answered = began;
    for (link, why) in chain {
        let found = next.find(|call| {
            format!("{}:{}", call.service, call.operation) == *link && call.at >= answered
        });
        let found =
            found.unwrap_or_else(|| panic!("{command} makes no {link} in its place ({why})"));
        answered = found.at + LATENCY;
    }
    let path = LATENCY * u32::try_from(chain.len()).unwrap();
    let ratio = median.took.as_secs_f64() / path.as_secs_f64();
    println!(
        "  critical path: {} calls, {path:.0?}; {ratio:.2} times that (aim: {AIM})",
        chain.len()
    );
}
