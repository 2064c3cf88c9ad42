//! Journals that are older, another lab's, without their digest or gone, against every command that could touch what was
//! borrowed, and against a clean-up that is cut off at each of its calls.

use std::sync::Mutex;

use sandbox::faults::CallerKind;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{Lab, Spot, Trouble, World, package};

use crate::adopt::{put_recorder, recorder, set_up, theirs};
use crate::forged::{age, bucket, is_running_and_retained, narrowed, read, without_digest, write};
use crate::sunset::pass;

/// What becomes of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// A genuine one of the same lab, from before its last change; the tag is that of the newest.
    Older,
    /// The same from before anything was borrowed.
    Oldest,
    /// Another lab's, whose tag came with it.
    OfAnotherLab,
    /// The digest is gone, and the journal says something else.
    DigestGone,
    /// The digest is there and the journal is not.
    JournalGone,
    /// As 4461fa2 wrote it, with words of somebody else's.
    Version1,
}

const ATTACKS: [Attack; 6] = [
    Attack::Older,
    Attack::Oldest,
    Attack::OfAnotherLab,
    Attack::DigestGone,
    Attack::JournalGone,
    Attack::Version1,
];

impl Attack {
    fn name(&self) -> String {
        format!("{self:?}")
    }

    /// Carries it out. The journal was `first` when the lab was new.
    async fn carry_out(self, world: &World, first: Value) {
        let genuine = read(world).await;
        match self {
            Self::Older => write(world, first.to_string()).await,
            Self::Oldest => {
                let mut oldest = first;
                oldest["borrowed"] = Value::Null;
                oldest["retention"] = Value::Null;
                write(world, oldest.to_string()).await;
            }
            Self::OfAnotherLab => {
                let mut others = narrowed(genuine);
                others["stack"] = json!("another-lab");
                write(world, others.to_string()).await;
                without_digest(world).await;
            }
            Self::DigestGone => {
                write(world, narrowed(genuine).to_string()).await;
                without_digest(world).await;
            }
            Self::JournalGone => {
                let gone = json!({"Bucket": bucket(), "Key": "journal.json"});
                world.call(Service::S3, "DeleteObject", gone).await;
            }
            Self::Version1 => {
                write(world, narrowed(genuine).to_string()).await;
                age(world).await;
            }
        }
    }
}

/// Commands, one after the other, that are to leave the loan alone.
const COMMANDS: [&[&[&str]]; 6] = [
    &[&["cleanup"]],
    &[&["cleanup", "--all", "--older-than", "0s"]],
    &[&["deploy"], &["cleanup"]],
    &[&["deploy", "--adopt"], &["cleanup"]],
    &[&["extend", "--by", "1h"]],
    &[
        &["deploy", "--ttl", "2h", "--adopt"],
        &["extend", "--by", "1h"],
    ],
];

/// A lab with a borrowed recorder, which stood still and which its owner has changed since: there is an older journal, which is
/// the answer. Whoever believed any of them would stop the recorder.
async fn borrowing(world: &World, lab: &Lab<'_>) -> Value {
    set_up(world, &theirs()[7]).await;
    lab.ok(&["deploy", "--adopt", "--ttl", "3h"]).await;
    let first = read(world).await;
    let mut theirs = recorder(world).await;
    theirs["recordingGroup"]["resourceTypes"] = json!(["AWS::EC2::VPC"]);
    put_recorder(world, &theirs).await;
    lab.ok(&["deploy", "--no-wait"]).await;
    assert_ne!(read(world).await["borrowed"], first["borrowed"]);
    first
}

#[test]
fn replayed_journal_leaves_what_was_borrowed_as_it_is_whatever_is_done() {
    let package = package::path();
    let cases: Vec<_> = ATTACKS
        .iter()
        .flat_map(|attack| COMMANDS.iter().map(move |lines| (*attack, *lines)))
        .collect();
    let name = |(attack, lines): &(Attack, &[&[&str]])| format!("{attack:?} {lines:?}");
    all("replayed journals", &cases, name, |case| {
        let ((attack, lines), package) = (*case, package.clone());
        async move {
            let world = World::with(quick()).await;
            let lab = Lab::new(&world, &package);
            let first = borrowing(&world, &lab).await;
            let before = recorder(&world).await;
            attack.carry_out(&world, first).await;
            for line in lines {
                // Some refuse: then nothing has changed either.
                lab.run(line).await;
            }
            if lines.iter().any(|line| line.contains(&"extend")) {
                pass(&world, 6 * 3600).await;
            }
            assert_eq!(recorder(&world).await, before);
            assert!(is_running_and_retained(&world).await);
            world.end().await;
        }
    });
}

/// The calls of a clean-up after an attack that change something, in their order, and how often each.
async fn changes(attack: Attack, package: &std::path::Path) -> Vec<Spot> {
    let world = World::with(quick()).await;
    let lab = Lab::new(&world, package);
    let first = borrowing(&world, &lab).await;
    attack.carry_out(&world, first).await;
    let mark = world.mark();
    lab.ok(&["cleanup"]).await;
    let mut spots: Vec<Spot> = Vec::new();
    for call in world.calls_after(mark) {
        if call.read_only() || call.caller.as_ref() != Some(&sandbox::caller::Caller::Operator) {
            continue;
        }
        let service = call.service.clone();
        let alike = |spot: &&Spot| spot.service == service && spot.operation == call.operation;
        let occurrence = spots.iter().filter(alike).count() as u64 + 1;
        spots.push(Spot {
            operation: call.operation.clone(),
            occurrence,
            service,
        });
    }
    world.end().await;
    spots
}

#[test]
fn clean_up_with_a_replayed_journal_that_is_cut_off_at_a_call_leaves_the_loan_as_it_is() {
    let package = package::path();
    let found = Mutex::new(Vec::new());
    let attacks = [Attack::Older, Attack::Version1];
    all("calls of clean-ups", &attacks, Attack::name, |attack| {
        let (attack, package, found) = (*attack, package.clone(), &found);
        async move {
            let spots = changes(attack, &package).await;
            assert!(spots.len() > 5, "{spots:?}");
            let spots = spots.into_iter().map(|spot| (attack, spot));
            found.lock().unwrap().extend(spots);
        }
    });
    let cases = found.into_inner().unwrap();
    let name = |(attack, spot): &(Attack, Spot)| format!("{attack:?} {spot}");
    all("clean-ups cut off", &cases, name, |case| {
        let ((attack, spot), package) = (case.clone(), package.clone());
        async move {
            let world = World::with(quick()).await;
            let lab = Lab::new(&world, &package);
            let first = borrowing(&world, &lab).await;
            let before = recorder(&world).await;
            attack.carry_out(&world, first).await;
            world.strike(Trouble::Killed.at(&spot, CallerKind::Operator));
            lab.run_until_killed(&["cleanup"]).await;
            world.idle().await;
            world.sandbox.faults.clear();
            lab.ok(&["cleanup"]).await;
            assert_eq!(recorder(&world).await, before);
            assert!(is_running_and_retained(&world).await);
            world.end().await;
        }
    });
}

/// What an unverified journal says may be the only word on how things were.
#[test]
fn clean_up_that_was_cut_off_leaves_the_words_of_an_unverified_journal() {
    in_lab(quick(), async |world, lab| {
        let first = borrowing(world, lab).await;
        Attack::DigestGone.carry_out(world, first).await;
        let said = read(world).await["borrowed"].clone();
        let lock = Spot {
            service: "s3".to_owned(),
            operation: "PutObject".to_owned(),
            occurrence: 1,
        };
        world.strike(Trouble::Killed.at(&lock, CallerKind::Operator));
        assert!(lab.run_until_killed(&["cleanup"]).await.is_none());
        world.idle().await;
        world.sandbox.faults.clear();
        assert_eq!(read(world).await["borrowed"], said);
        let told = lab.ok(&["cleanup", "--plan"]).await;
        assert!(told.text.contains("not verified"), "{}", told.text);
    });
}
