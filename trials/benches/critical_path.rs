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
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::journal::Entry;
use trials::trial::one;
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
}
use After::{Answer, Effect};

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
        "ec2:DescribeSecurityGroups",
        "the function reads the group once it is recorded",
        Effect,
    ),
    (
        "ec2:AuthorizeSecurityGroupIngress",
        "the function writes what it found missing",
        Answer,
    ),
    (
        "config:PutEvaluations",
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
    let Some(package) = package::path() else {
        return;
    };
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
    let runs = std::sync::Mutex::new(Vec::new());
    one(async || {
        let world = World::start().await;
        let lab = Lab::new(&world, package);
        world.sandbox.set_call_latency(latency);
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
    runs.into_inner().unwrap()
}

struct Run {
    took: Duration,
    calls: Vec<Arc<Entry>>,
}

fn report(command: &str, chain: &[Link], latency: Duration, runs: &mut [Run]) {
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
    println!("{command}: {} calls in {:.2?}", own.len(), median.took);
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
    // The function's calls belong to the chain, too.
    let mut next = median.calls.iter();
    let mut before = (began, began);
    let mut path = Duration::ZERO;
    for (number, (link, why, after)) in chain.iter().enumerate() {
        let earliest = match after {
            Answer => before.1,
            Effect => before.0,
        };
        let found = next.find(|call| {
            format!("{}:{}", call.service, call.operation) == *link && call.at >= earliest
        });
        let found =
            found.unwrap_or_else(|| panic!("{command} makes no {link} in its place ({why})"));
        before = (found.at, found.at + latency);
        if chain.get(number + 1).is_none_or(|next| next.2 == Answer) {
            path += latency;
        }
    }
    let ratio = median.took.as_secs_f64() / path.as_secs_f64();
    println!(
        "  critical path: {} calls, {path:.2?}; {ratio:.2} times that (aim: {AIM})",
        chain.len()
    );
}
