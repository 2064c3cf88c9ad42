//! The fault matrix: everything that can go wrong with every call that `deploy`, `simulate-incident` and `cleanup` make.
//!
//! A clean run is recorded first. Then for each command, each call that it made, each occurrence of that call and each
//! [`Trouble`] there is a trial in a world of its own: the call is struck while the command runs, the report has to be honest,
//! the same command without trouble has to succeed, and after `cleanup` the account has to be what it was.
//!
//! Occurrences. Most calls are made a fixed number of times, and each of those is struck. What a wait repeats (see [`POLLED`])
//! is made as often as time allows. Several clean runs are recorded, and every occurrence that all of them had is struck. The
//! ones after that are the same look, in the same loop, at the same state of the command, so the last common one stands for
//! them. Where a trial is quicker than the recordings and never gets that far, the occurrence before it is struck instead.
//!
//! What is asked many times at once and differs in a parameter alone (see [`ALIKE`]) is struck at the first and at the last
//! occurrence: the answers are collected before any is read, so which of them is missing makes no difference.
//!
//! A report is honest if it tells of a failure that was one. But what every client tries again by itself must not become one:
//! an answer that is lost once is asked for again, and what was done the first time already is no reason to fail.
//!
//! Nothing else is left out, but for one thing: whoever is killed tells nothing, so there is no report to judge.

use std::fmt;
use std::path::Path;

use sandbox::faults::CallerKind;
use trials::honest::{Made, lies, made};
use trials::trial::{all, one};
use trials::{Census, Lab, Spot, Trouble, World, package};

/// Operations that a wait repeats until it has seen enough.
const POLLED: [(&str, &str); 10] = [
    ("cloudformation", "DescribeStackEvents"),
    ("cloudformation", "DescribeStacks"),
    ("config", "DescribeConfigRules"),
    ("config", "GetComplianceDetailsByConfigRule"),
    ("config", "GetResourceConfigHistory"),
    ("config", "ListTagsForResource"),
    ("config", "DeleteDeliveryChannel"),
    ("ec2", "DescribeSecurityGroups"),
    ("lambda", "GetFunction"),
    ("logs", "FilterLogEvents"),
];

/// Operations that are asked many times at once.
const ALIKE: [(&str, &str); 1] = [("iam", "SimulatePrincipalPolicy")];

/// How many clean runs are recorded.
const RECORDINGS: usize = 3;

/// The commands, in the order in which a lab sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Deploy,
    Incident,
    Cleanup,
}

impl Verb {
    fn line(self) -> &'static [&'static str] {
        match self {
            Self::Deploy => &["deploy"],
            // A function that may not report is waited for in vain, and this long only.
            Self::Incident => &["simulate-incident", "--timeout=30s"],
            Self::Cleanup => &["cleanup"],
        }
    }
}

/// One cell.
#[derive(Debug, Clone)]
struct Case {
    verb: Verb,
    caller: CallerKind,
    spot: Spot,
    trouble: Trouble,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verb,
            caller,
            spot,
            trouble,
        } = self;
        let whose = match caller {
            CallerKind::Role => " (the function's)",
            CallerKind::Operator | CallerKind::Root | CallerKind::User | CallerKind::Service => "",
        };
        write!(f, "{} {spot}{whose} {trouble:?}", verb.line()[0])
    }
}

#[test]
fn whatever_happens_to_a_call_of_deploy_it_converges_honestly() {
    matrix(Verb::Deploy);
}

#[test]
fn whatever_happens_to_a_call_of_simulate_incident_it_converges_honestly() {
    matrix(Verb::Incident);
}

#[test]
fn whatever_happens_to_a_call_of_cleanup_it_converges_honestly() {
    matrix(Verb::Cleanup);
}

fn matrix(verb: Verb) {
    let package = package::path();
    let what = format!("fault matrix of {}", verb.line()[0]);
    let cases = cases(verb, &package);
    all(&what, &cases, Case::to_string, |case| {
        hold(case.clone(), &package)
    });
}

/// Every cell of a command, from what clean runs do.
fn cases(verb: Verb, package: &Path) -> Vec<Case> {
    let recordings: Vec<Recording> = (0..RECORDINGS).map(|_| record(verb, package)).collect();
    let operator: Vec<&Made> = recordings.iter().map(|made| &made.operator).collect();
    let mut spots: Vec<(CallerKind, Spot)> = common(&operator, verb)
        .into_iter()
        .map(|spot| (CallerKind::Operator, spot))
        .collect();
    if verb == Verb::Incident {
        let role: Vec<&Made> = recordings.iter().map(|made| &made.function).collect();
        let spots_of_function = first(&role).into_iter();
        spots.extend(spots_of_function.map(|spot| (CallerKind::Role, spot)));
    }
    // For debugging, only what contains these words.
    let only = std::env::var("TRIALS_ONLY").unwrap_or_default();
    let mut cases = Vec::new();
    for (caller, spot) in spots {
        for trouble in Trouble::ALL {
            // The function's process is killed by tests of the sandbox; here it is the deployer that dies.
            if caller == CallerKind::Role && trouble == Trouble::Killed {
                continue;
            }
            let case = Case {
                verb,
                caller,
                spot: spot.clone(),
                trouble,
            };
            if case.to_string().contains(&only) {
                cases.push(case);
            }
        }
    }
    cases
}

/// The occurrences that all recordings have.
fn common(recordings: &[&Made], verb: Verb) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (service, operation) in recordings.iter().flat_map(|made| made.keys()) {
        let key = (service.clone(), operation.clone());
        let counts = || {
            recordings
                .iter()
                .map(|made| made.get(&key).copied().unwrap_or(0))
        };
        let polled = POLLED.contains(&(service.as_str(), operation.as_str()));
        assert!(
            polled || counts().min() == counts().max(),
            "{verb:?} makes {service}:{operation} {:?} times; does a wait repeat it?",
            counts().collect::<Vec<_>>()
        );
        let last = counts().min().unwrap_or(0);
        let alike = ALIKE.contains(&(service.as_str(), operation.as_str()));
        for occurrence in (1..=last).filter(|nth| !alike || *nth == 1 || *nth == last) {
            spots.push(Spot {
                service: service.clone(),
                operation: operation.clone(),
                occurrence,
            });
        }
    }
    spots.sort();
    spots.dedup();
    spots
}

/// The function is invoked again for what it has changed itself, as often as Config notices: the first of each of its calls
/// belongs to the repair.
fn first(recordings: &[&Made]) -> Vec<Spot> {
    let mut spots: Vec<Spot> = recordings
        .iter()
        .flat_map(|made| made.keys())
        .map(|(service, operation)| Spot {
            service: service.clone(),
            operation: operation.clone(),
            occurrence: 1,
        })
        .collect();
    spots.sort();
    spots.dedup();
    spots
}

/// What one command made of calls.
#[derive(Debug, Default)]
struct Recording {
    operator: Made,
    function: Made,
}

/// Plays the story up to a command, which is recorded.
fn record(verb: Verb, package: &Path) -> Recording {
    let recorded = std::sync::Mutex::default();
    one(async || {
        let world = World::start().await;
        let lab = Lab::new(&world, package);
        if verb != Verb::Deploy {
            lab.ok(&["deploy"]).await;
            world.idle().await;
        }
        let mark = world.mark();
        lab.ok(verb.line()).await;
        let calls = world.calls_after(mark);
        *recorded.lock().unwrap() = Recording {
            operator: made(&calls, "operator"),
            function: made(&calls, "role"),
        };
        world.end().await;
    });
    recorded.into_inner().unwrap()
}

async fn hold(mut case: Case, package: &Path) {
    while !meets(&case, package).await {
        let polled = POLLED.contains(&(case.spot.service.as_str(), case.spot.operation.as_str()));
        assert!(
            polled && case.spot.occurrence > 1,
            "the call was never made"
        );
        case.spot.occurrence -= 1;
    }
}

/// Holds the trial; false when the call that was to be struck was not made.
async fn meets(case: &Case, package: &Path) -> bool {
    let world = World::start().await;
    let empty = Census::of(&world).await;
    let lab = Lab::new(&world, package);
    let line = case.verb.line();
    if case.verb != Verb::Deploy {
        lab.ok(&["deploy"]).await;
        world.idle().await;
    }
    let mark = world.mark();
    world.strike(case.trouble.at(&case.spot, case.caller));
    let told = if case.trouble == Trouble::Killed {
        lab.run_until_killed(line).await
    } else {
        Some(lab.run(line).await)
    };
    let struck = world.strikes() > 0;
    let calls = world.calls_after(mark);
    world.sandbox.faults.clear();
    if let Some(told) = &told {
        let lies = lies(&world, told, &calls, &empty, false).await;
        assert!(lies.is_empty(), "{}\nafter\n{}", lies.join("\n"), told.text);
        assert!(
            told.result.is_ok() || !case.trouble.passes() || case.caller == CallerKind::Role,
            "it did not try again: {}",
            told.failure()
        );
    }
    if case.caller == CallerKind::Role {
        // The group may have stayed open, and it is `deploy` that has it judged again.
        lab.ok(&["deploy"]).await;
    }
    let again = lab.ok(line).await;
    if case.verb == Verb::Deploy && told.is_some_and(|told| told.result.is_ok()) {
        assert_eq!(again.document["changed"], false, "{}", again.text);
    }
    let lies = lies(&world, &again, &[], &empty, false).await;
    assert!(lies.is_empty(), "the second time {}", lies.join("\n"));
    lab.ok(&["cleanup"]).await;
    let left = empty.since(&world).await;
    assert!(left.is_empty(), "after the clean-up:\n{left}");
    world.end().await;
    struck
}
