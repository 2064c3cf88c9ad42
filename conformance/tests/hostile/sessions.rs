//! Scenarios are played by a real client; then every request that it sent is changed in many ways and sent again, to the
//! same sandbox, so that names and ids in it are those of things that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conformance::raw::Http;
use conformance::scenario::Topic;
use conformance::sdk::Clients;
use conformance::tap::Tap;
use conformance::world::World;
use conformance::{ACCOUNT, Player, panics, scenario};
use fastrand::Rng;
use sandbox::journal::{Origin, Query};

use super::exchange::{End, MOMENT, PATIENCE, exchange};
use super::grown::grow;
use super::inputs::Place;
use super::signatures::{stream, tamper};
use super::wire::Wire;
use super::{calls, inputs, operations, seed};

/// How many of the grown inputs have to reach an operation, of a hundred.
const FLOOR: u64 = 67;

/// Fewer inputs may miss an operation.
const ENOUGH: u64 = 20_000;

/// So many inputs are a long run.
const LONG: u64 = 100_000;

/// How many operations a sample may leave out.
const SAMPLE_MISSES: usize = 3;

/// How many scenarios' steps the calls of [`calls`] count for.
const CALLS: usize = 80;

/// What comes before the inputs, in a sandbox of its own.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    /// Topic and scenario, by their places.
    Scenario(usize, usize),
    /// [`calls`].
    Calls,
}

impl Beginning {
    /// Functions in Python take a second to start, and what is tried here is the sandbox.
    fn all(topics: &[Topic]) -> Vec<Self> {
        let scenarios = topics.iter().enumerate().flat_map(|(topic, all)| {
            let scenarios = all.scenarios.iter().enumerate();
            let scenarios = scenarios.filter(|(_, scenario)| !scenario.needs_python());
            scenarios.map(move |(scenario, _)| Beginning::Scenario(topic, scenario))
        });
        scenarios.chain([Beginning::Calls]).collect()
    }

    fn weight(self, topics: &[Topic]) -> usize {
        match self {
            Beginning::Scenario(topic, scenario) => topics[topic].scenarios[scenario].steps(),
            Beginning::Calls => CALLS,
        }
    }
}

/// What came of the inputs.
#[derive(Debug, Default)]
struct Tally {
    /// Grown from valid calls, and signed rightly.
    grown: u64,
    /// With a signature that is none.
    tampered: u64,
    /// Calls of each operation, by service, that grown inputs led to.
    reached: BTreeMap<String, BTreeMap<String, u64>>,
    /// Calls that tampered inputs led to, each with what is known of its input.
    let_in: Vec<String>,
    /// Faults of the sandbox, each with its input.
    faults: Vec<String>,
    /// How often an answer came late on a busy machine, and in time when it was asked for alone.
    late: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.grown += other.grown;
        self.tampered += other.tampered;
        self.let_in.extend(other.let_in);
        self.late += other.late;
        self.faults.extend(other.faults);
        for (service, operations) in other.reached {
            let known = self.reached.entry(service).or_default();
            for (operation, count) in operations {
                *known.entry(operation).or_default() += count;
            }
        }
    }

    fn calls(&self) -> u64 {
        self.reached.values().flat_map(BTreeMap::values).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how much was tried is worth knowing")]
async fn changed_calls_reach_their_operations_and_break_nothing() {
    panics::watch();
    let topics = Arc::new(scenario::all());
    let known = Arc::new(operations::all());
    let beginnings = Arc::new(Beginning::all(&topics));
    let weight: usize = beginnings.iter().map(|one| one.weight(&topics)).sum();
    let each = (inputs() * 3 / 4).div_ceil(weight as u64);
    let next = Arc::new(AtomicUsize::new(0));
    let lanes: Vec<_> = (0..3)
        .map(|_| {
            let (topics, known) = (topics.clone(), known.clone());
            let (next, beginnings) = (next.clone(), beginnings.clone());
            tokio::spawn(async move {
                let mut player = Player::Sdk(Box::<Clients>::default());
                let mut tally = Tally::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(beginning) = beginnings.get(number) else {
                        return tally;
                    };
                    let mut session = Session::begin(*beginning, &topics, &mut player).await;
                    session.rng = Rng::with_seed((seed() << 20) ^ number as u64);
                    let count = each * beginning.weight(&topics) as u64;
                    tally.add(session.attack(count, &known).await);
                }
            })
        })
        .collect();
    let mut tally = Tally::default();
    for lane in lanes {
        tally.add(lane.await.unwrap());
    }
    let services: Vec<String> = tally
        .reached
        .iter()
        .map(|(service, operations)| {
            let calls: u64 = operations.values().sum();
            format!("{service} {calls} ({} operations)", operations.len())
        })
        .collect();
    eprintln!(
        "{} inputs grown from valid calls reach an operation {} times: {}\n{} inputs with a signature that is none lead to {} calls; {} answers were late",
        tally.grown,
        tally.calls(),
        services.join(", "),
        tally.tampered,
        tally.let_in.len(),
        tally.late,
    );
    assert!(
        tally.faults.is_empty(),
        "{} faults:\n{}",
        tally.faults.len(),
        tally.faults.join("\n\n")
    );
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
    assert!(
        tally.calls() * 100 >= tally.grown * FLOOR,
        "only {} of {} reach an operation",
        tally.calls(),
        tally.grown
    );
    assert!(
        tally.let_in.is_empty(),
        "calls are made with signatures that are none:\n{}",
        tally.let_in.join("\n\n")
    );
    if inputs() < ENOUGH {
        return;
    }
    let missing: BTreeSet<String> = known
        .iter()
        .flat_map(|(service, operations)| {
            let reached = tally.reached.get(service);
            let operations = operations.iter().filter(move |operation| {
                reached.is_none_or(|reached| !reached.contains_key(*operation))
            });
            operations.map(move |operation| format!("{service}:{operation}"))
        })
        .collect();
    // Chance leaves one or two of over three hundred out of a sample; a long run leaves out none.
    let allowed = match inputs() {
        LONG.. => 0,
        _ => SAMPLE_MISSES,
    };
    assert!(missing.len() <= allowed, "nothing reaches {missing:?}");
}

/// A sandbox in which a scenario has been played.
struct Session {
    world: World,
    place: Place,
    /// The requests that were answered as wished.
    seeds: Vec<Wire>,
    rng: Rng,
}

impl Session {
    async fn begin(beginning: Beginning, topics: &[Topic], player: &mut Player) -> Self {
        let mut world = World::start().await;
        let place = Place::of(&world);
        let tap = Tap::start(Some(world.listens_at()), |_| None).await;
        world.stand_behind(tap.address);
        match beginning {
            Beginning::Scenario(topic, scenario) => {
                let topic = &topics[topic];
                let scenario = &topic.scenarios[scenario];
                scenario::play_in(&world, topic, scenario, player)
                    .await
                    .unwrap_or_else(|failure| panic!("{}: {failure}", scenario.name));
            }
            Beginning::Calls => calls::make(&Http::new(&world), &world.operator(ACCOUNT)).await,
        }
        // Faults that the scenario has set would be taken for the sandbox's own.
        let http = Http::new(&world);
        let (cleared, _) = http.admin("DELETE", "faults", String::new()).await.unwrap();
        assert_eq!(cleared, 200);
        let arrived = tap.arrived();
        let seeds = arrived.iter().filter(|arrival| arrival.status.is_success());
        Self {
            seeds: seeds
                .filter_map(|arrival| Wire::of(arrival, &place))
                .collect(),
            world,
            place,
            rng: Rng::new(),
        }
    }

    async fn attack(mut self, count: u64, known: &BTreeMap<String, Vec<String>>) -> Tally {
        let mut tally = Tally::default();
        let (mut grown, mut tampered, mut streams) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let Some(seed) = self.rng.choice(&self.seeds) else {
                break;
            };
            match self.rng.u8(..16) {
                0 => {
                    tampered.extend(tamper(&mut self.rng, seed, &self.place));
                    continue;
                }
                1 => {
                    let (wrong, input) = stream(&mut self.rng, seed, &self.place);
                    let list = if wrong { &mut tampered } else { &mut streams };
                    list.extend(input);
                    continue;
                }
                _ => {}
            }
            let operations = known.get(&seed.service).map_or(&[][..], Vec::as_slice);
            let wire = grow(&mut self.rng, seed, &self.seeds, operations);
            if let Some(signature) = wire.signature(&self.place) {
                grown.push(wire.bytes(&self.place, &signature));
            }
        }
        tally.grown = grown.len() as u64;
        tally.tampered = tampered.len() as u64;
        let before = self.newest();
        self.send(&Arc::new(grown), &mut tally).await;
        for (service, operation) in self.calls_after(before) {
            if known
                .get(&service)
                .is_some_and(|all| all.contains(&operation))
            {
                let operations = tally.reached.entry(service).or_default();
                *operations.entry(operation).or_default() += 1;
            }
        }
        let before = self.newest();
        let tampered = Arc::new(tampered);
        self.send(&tampered, &mut tally).await;
        tally.let_in = self.let_in(before, &tampered).await;
        self.send(&Arc::new(streams), &mut tally).await;
        self.world.idle_within(PATIENCE).await;
        self.world.sandbox.functions.shut_down().await;
        tally
    }

    fn newest(&self) -> u64 {
        *self.world.sandbox.journal.news().borrow()
    }

    /// Service and operation of what clients have asked for since, as far as it was understood.
    fn calls_after(&self, after: u64) -> impl Iterator<Item = (String, String)> {
        let query = Query {
            after,
            ..Query::default()
        };
        let calls = self.world.sandbox.journal.list(&query).calls.into_iter();
        calls
            .filter(|call| matches!(call.origin, Origin::Client { .. }))
            .filter(|call| !call.operation.is_empty())
            .map(|call| (call.service.clone(), call.operation.clone()))
    }

    /// The calls that clients have made since, each with the input that makes it where that can be told: all are sent
    /// again, one by one.
    async fn let_in(&self, after: u64, inputs: &[Vec<u8>]) -> Vec<String> {
        let calls: Vec<_> = self.calls_after(after).collect();
        let mut named: Vec<String> = calls.iter().map(|call| format!("{call:?}")).collect();
        if calls.is_empty() {
            return named;
        }
        for input in inputs {
            let before = self.newest();
            exchange(&self.place.address, input).await;
            let again = self.calls_after(before);
            named.extend(again.map(|call| format!("{call:?} by {}", shown(input))));
        }
        named
    }

    /// Sends all of it, four at a time.
    async fn send(&self, inputs: &Arc<Vec<Vec<u8>>>, tally: &mut Tally) {
        let next = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (inputs, next) = (inputs.clone(), next.clone());
                let address = self.place.address.clone();
                tokio::spawn(async move {
                    let (mut faults, mut late) = (Vec::new(), Vec::new());
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(input) = inputs.get(number) else {
                            return (faults, late);
                        };
                        let panicked = panics::seen().len();
                        let (end, took) = exchange(&address, input).await;
                        if matches!(end, End::Answered(500) | End::Hung)
                            || panics::seen().len() > panicked
                        {
                            faults.push(format!("{end:?} after {took:?}: {}", shown(input)));
                        } else if took > MOMENT && !is_invocation(input) {
                            late.push(number);
                        }
                    }
                })
            })
            .collect();
        for client in clients {
            let (faults, late) = client.await.unwrap();
            tally.faults.extend(faults);
            for number in late {
                let (end, took) = exchange(&self.place.address, &inputs[number]).await;
                if took > MOMENT {
                    let input = shown(&inputs[number]);
                    tally
                        .faults
                        .push(format!("{end:?} after {took:?}: {input}"));
                } else {
                    tally.late += 1;
                }
            }
        }
    }
}

/// Whether the answer takes as long as a function does.
fn is_invocation(input: &[u8]) -> bool {
    let line = input
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(line).contains("/invocations")
}

fn shown(input: &[u8]) -> String {
    String::from_utf8_lossy(&input[..input.len().min(6_000)]).into_owned()
}
