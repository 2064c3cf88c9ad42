//! How much longer `deploy` and `cleanup` take than the calls in them that have to wait for each other.
//!
//! `cargo bench -p trials --bench critical_path` plays the story in sandboxes whose answers take 50 ms, as those of AWS do
//! from a desk, and compares the time with [`DEPLOY`] and [`CLEANUP`]: the longest chains of calls of which each needs the
//! answer of the one before it. What a chain claims is checked: its calls were made, in that order, none beginning before the
//! one before it was answered.
//!
//! driftlab and the sandbox share the process, and the threads that `driftlab` has by itself. The time that their own work took
//! on the processors is told beside: what is beyond the critical path and not waiting is that.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may stop at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::caller::Caller;
use sandbox::journal::Entry;
use trials::{Lab, World, package};

/// What a call takes from a desk; and four times that, where the time that this machine needs for its own part weighs less.
const LATENCIES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];
const RUNS: usize = 5;
/// The most that a command may take of its critical path.
const AIM: f64 = 1.2;

/// A link of a chain, and why it has to wait for the one before: for its answer, or (where somebody else goes on) for its
/// effect alone, which an answer on its way does not delay.
type Link = (&'static str, &'static str, After);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Answer,
    Effect,
    /// For its effect, which has a function started. Before that is ready for its first event it opens connections, with a
    /// request of which it awaits the answer; as it asks for nothing, it is not in the list of calls.
    Start,
}
use After::{Answer, Effect, Start};

const DEPLOY: &[Link] = &[
    ("sts:GetCallerIdentity", "it is the first", Answer),
    (
        "cloudformation:DescribeStacks",
        "the account's id is part of every name, and is shown first",
        Answer,
    ),
    (
        "iam:GetRole",
        "a stack that is there says how its roles are called",
        Answer,
    ),
    (
        "cloudformation:CreateChangeSet",
        "nothing is made before it is known what is there",
        Answer,
    ),
    (
        "cloudformation:DescribeChangeSet",
        "it shows what was made before",
        Answer,
    ),
    (
        "s3:CreateBucket",
        "nothing is changed before the plan is shown and agreed to",
        Answer,
    ),
    (
        "s3:PutObject",
        "the journal lies in the bucket; it is the lock, too",
        Answer,
    ),
    (
        "s3:PutObject",
        "the package comes after the journal, as every change does",
        Answer,
    ),
    (
        "cloudformation:ExecuteChangeSet",
        "the function is made from the package",
        Answer,
    ),
    (
        "cloudformation:DescribeStacks",
        "it shows what the stack has become",
        Answer,
    ),
    (
        "config:PutConfigurationRecorder",
        "its role is the stack's",
        Answer,
    ),
    (
        "config:PutDeliveryChannel",
        "AWS Config takes no channel without a recorder",
        Answer,
    ),
    (
        "config:StartConfigurationRecorder",
        "a recorder without a channel cannot be started",
        Answer,
    ),
    (
        "the function's ec2:DescribeSecurityGroups",
        "the function reads the group once it is recorded",
        Start,
    ),
    (
        "the function's ec2:AuthorizeSecurityGroupIngress",
        "the function writes what it found missing",
        Answer,
    ),
    (
        "the function's config:PutEvaluations",
        "the function reports what EC2 has answered",
        Answer,
    ),
    (
        "config:GetComplianceDetailsByConfigRule",
        "the verdict is read when it is there",
        Effect,
    ),
];

const CLEANUP: &[Link] = &[
    ("sts:GetCallerIdentity", "it is the first", Answer),
    (
        "cloudformation:DescribeStacks",
        "the account's id is part of every name, and is shown first",
        Answer,
    ),
    (
        "iam:GetRole",
        "the stack says how its roles are called",
        Answer,
    ),
    (
        "s3:PutObject",
        "the lock comes before every change, and after the plan",
        Answer,
    ),
    (
        "config:StopConfigurationRecorder",
        "nothing is changed without the lock",
        Answer,
    ),
    (
        "config:DeleteDeliveryChannel",
        "a running recorder keeps its channel",
        Answer,
    ),
    (
        "config:DeleteConfigurationRecorder",
        "it is the last to know of the channel's bucket",
        Answer,
    ),
    (
        "s3:ListObjectVersions",
        "until then AWS Config may deliver to the bucket",
        Answer,
    ),
    ("s3:DeleteObjects", "what was listed is deleted", Answer),
    (
        "cloudformation:DeleteStack",
        "a bucket has to be empty",
        Answer,
    ),
    (
        "cloudformation:DescribeStacks",
        "it shows that the stack is gone",
        Answer,
    ),
    (
        "logs:DescribeLogGroups",
        "the function may write until the stack is gone",
        Answer,
    ),
    (
        "s3:ListObjectVersions",
        "the journal in the code bucket is needed to the end",
        Answer,
    ),
    ("s3:DeleteObjects", "what was listed is deleted", Answer),
    ("s3:DeleteBucket", "a bucket has to be empty", Answer),
    (
        "cloudformation:DescribeStacks",
        "the audit looks when everything is done",
        Answer,
    ),
    (
        "iam:GetRole",
        "the audit asks for names once it has seen that no stack has them",
        Answer,
    ),
];

fn main() {
    let package = package::path();
    println!(
        "{} build, {} processors",
        if cfg!(debug_assertions) {
            "an unoptimised"
        } else {
            "an optimised"
        },
        std::thread::available_parallelism().unwrap()
    );
    for latency in LATENCIES {
        println!("── each answer takes {latency:.0?}");
        let mut measured: BTreeMap<&str, Vec<Run>> = BTreeMap::new();
        for _ in 0..RUNS {
            for (command, run) in story(latency, &package) {
                measured.entry(command).or_default().push(run);
            }
        }
        for (command, chain) in [("deploy", DEPLOY), ("cleanup", CLEANUP)] {
            report(
                command,
                chain,
                latency,
                &mut measured.remove(command).unwrap(),
            );
        }
    }
}

fn story(latency: Duration, package: &Path) -> Vec<(&'static str, Run)> {
    let mut runs = Vec::new();
    // As `driftlab` does it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::start().await;
        let lab = Lab::new(&world, package);
        world.sandbox.set_call_latency(latency);
        for command in ["deploy", "simulate-incident", "cleanup"] {
            let mark = world.mark();
            let (began, worked) = (Instant::now(), on_processors());
            lab.ok(&[command]).await;
            let run = Run {
                took: began.elapsed(),
                worked: on_processors()
                    .zip(worked)
                    .map(|(now, before)| now - before),
                calls: world.calls_after(mark),
            };
            runs.push((command, run));
        }
        world.end().await;
    });
    runtime.shutdown_background();
    runs
}

/// How long this process has worked so far, where the kernel tells: in hundredths of a second, which Linux writes after the
/// name of the program, user's and system's part side by side.
fn on_processors() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = told.rsplit_once(')')?;
    let parts = after_name.split_whitespace().skip(11).take(2);
    let hundredths = parts.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(Duration::from_millis(hundredths * 10))
}

struct Run {
    took: Duration,
    worked: Option<Duration>,
    calls: Vec<Arc<Entry>>,
}

fn report(command: &str, chain: &[Link], latency: Duration, runs: &mut [Run]) {
    runs.sort_by_key(|run| run.took);
    let median = &runs[runs.len() / 2];
    let own: Vec<&Entry> = median
        .calls
        .iter()
        .map(AsRef::as_ref)
        .filter(|call| call.caller == Some(Caller::Operator))
        .collect();
    let began = own.first().map(|call| call.at).unwrap();
    let worked = median
        .worked
        .map(|worked| format!(", {worked:.0?} of work in this process"))
        .unwrap_or_default();
    println!(
        "{command}: {} calls in {:.2?}{worked}",
        own.len(),
        median.took
    );
    let told = std::env::var_os("TRIALS_CALLS").is_some();
    if told {
        for call in &median.calls {
            println!(
                "  +{:>5} ms  {}",
                (call.at - began).whole_milliseconds(),
                label(call)
            );
        }
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in &own {
        *counts.entry(label(call)).or_default() += 1;
    }
    for (call, count) in counts {
        println!("  {count:>3} {call}");
    }
    // The function's calls belong to the chain, too.
    let mut next = median.calls.iter();
    let mut before = (began, began);
    let mut path = Duration::ZERO;
    for (number, (link, why, after)) in chain.iter().enumerate() {
        let earliest = match after {
            Answer => before.1,
            Effect => before.0,
            Start => before.0 + latency,
        };
        let found = next.find(|call| label(call) == *link && call.at >= earliest);
        let found =
            found.unwrap_or_else(|| panic!("{command} makes no {link} in its place ({why})"));
        let late = found.at - earliest;
        if told {
            println!(
                "  {:>4} ms after it could: {link}, since {why}",
                late.whole_milliseconds()
            );
        }
        before = (found.at, found.at + latency);
        if chain.get(number + 1).is_none_or(|next| next.2 != Effect) {
            path += latency;
        }
    }
    println!(
        "  critical path: {} calls, {path:.2?}; {:.2} times that (aim: {AIM})",
        chain.len(),
        median.took.div_duration_f64(path)
    );
}

/// A call in one word; those of the function are told apart, as it makes some that `driftlab` makes too.
fn label(call: &Entry) -> String {
    let whose = match call.caller {
        Some(Caller::Operator) => "",
        Some(_) | None => "the function's ",
    };
    format!("{whose}{}:{}", call.service, call.operation)
}
