//! Random schedules of several troubles at once, with several commands in a row. Every schedule follows from its seed.
//!
//! `TRIALS_SCHEDULES=2000 TRIALS_SEED=1` holds that many, from that seed on. Without them a sample that is small enough for
//! every change is held. A long run says how far it is after every hundred; the seed of a failure is told at once.

use std::path::Path;

use sandbox::faults::CallerKind;
use trials::honest::lies;
use trials::trial::all;
use trials::{Census, Lab, Spot, Trouble, World, package};

/// The sample of every change.
const SAMPLE: u64 = 48;

const COMMANDS: [&str; 3] = ["deploy", "simulate-incident", "cleanup"];

#[test]
fn whatever_happens_in_any_order_the_lab_comes_heals_and_goes() {
    let package = package::path();
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => otherwise,
    };
    let (first, count) = (number("TRIALS_SEED", 1), number("TRIALS_SCHEDULES", SAMPLE));
    let what = format!("random schedules from seed {first}");
    let seeds: Vec<u64> = (first..first + count).collect();
    let name = |seed: &u64| format!("seed {seed}");
    all(&what, &seeds, name, |seed| hold(*seed, &package));
}

/// Up to five commands, each with up to three troubles; then everything is well again, and the same three commands have to do
/// what they always do.
async fn hold(seed: u64, package: &Path) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let world = World::start().await;
    let empty = Census::of(&world).await;
    let lab = Lab::new(&world, package);
    let mut story = Vec::new();
    for _ in 0..dice.usize(1..=5) {
        let command = COMMANDS[dice.usize(..COMMANDS.len())];
        let mut deadly = false;
        for _ in 0..dice.usize(0..=3) {
            let (spot, trouble) = (
                spot(&mut dice),
                Trouble::ALL[dice.usize(..Trouble::ALL.len())],
            );
            story.push(format!("{command}: {spot} {trouble:?}"));
            deadly |= trouble == Trouble::Killed;
            world.strike(trouble.at(&spot, CallerKind::Operator));
        }
        let mark = world.mark();
        let told = if deadly {
            lab.run_until_killed(&[command]).await
        } else {
            Some(lab.run(&[command]).await)
        };
        let calls = world.calls_after(mark);
        world.sandbox.faults.clear();
        if let Some(told) = told {
            story.push(format!("{command} ended: {:?}", told.kind()));
            let lies = lies(&world, &told, &calls, &empty, true).await;
            assert!(
                lies.is_empty(),
                "{story:#?}\n{}\nafter\n{}",
                lies.join("\n"),
                told.text
            );
        }
    }
    for command in COMMANDS {
        let told = lab.run(&[command]).await;
        assert!(
            told.result.is_ok(),
            "{story:#?}\n{}{}",
            told.text,
            told.failure()
        );
        let lies = lies(&world, &told, &[], &empty, false).await;
        assert!(lies.is_empty(), "{story:#?}\n{}", lies.join("\n"));
    }
    let left = empty.since(&world).await;
    assert!(left.is_empty(), "{story:#?}\nafter the clean-up:\n{left}");
    world.end().await;
}

/// Any call of a service: which one it is depends on the command.
fn spot(dice: &mut fastrand::Rng) -> Spot {
    const SERVICES: [(&str, u64); 8] = [
        ("cloudformation", 12),
        ("config", 24),
        ("ec2", 6),
        ("iam", 4),
        ("lambda", 3),
        ("logs", 4),
        ("s3", 14),
        ("sns", 3),
    ];
    let (service, most) = SERVICES[dice.usize(..SERVICES.len())];
    Spot {
        service: service.to_owned(),
        operation: "*".to_owned(),
        occurrence: dice.u64(1..=most),
    }
}
