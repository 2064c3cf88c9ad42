//! Scenarios: what they say, and how they are played.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::fill::fill;
use crate::signing::Keys;
use crate::world::World;
use crate::{ACCOUNT, Player, REGION, Reply, Request, admin, matching};

/// How long what happens by and by may take on a machine that is busy; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A piece of AWS's behaviour.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The behaviour in one sentence.
    pub name: String,
    /// Where AWS says so.
    pub source: String,
    /// Scenarios of the same file whose steps come first, by name, to get where this one starts.
    #[serde(default)]
    after: Vec<String>,
    /// What the machine must have; where it has not, the scenario is skipped.
    #[serde(default)]
    needs: Vec<Need>,
    steps: Vec<Step>,
}

/// What not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Need {
    /// Python with boto3, for functions that are written in it.
    Python,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `service.Operation`; absent when the step only moves the clock.
    #[serde(default)]
    call: Option<String>,
    #[serde(default)]
    input: Map<String, Value>,
    /// Who calls: another account by its id, or whoever has these `Credentials`. The scenario's account unless given.
    #[serde(default, rename = "as")]
    caller: Value,
    /// The expected error code. Without one the call must succeed.
    #[serde(default)]
    error: Option<String>,
    /// What the error's message must look like. Only where AWS's words carry a fact.
    #[serde(default)]
    says: Option<String>,
    #[serde(default)]
    output: Value,
    /// Variables, each with the path in the output that it is read from. `path between A and B` is the part of the text
    /// there that follows `A` and ends before `B`.
    #[serde(default)]
    save: BTreeMap<String, String>,
    /// The expectation comes true by and by, because AWS does this in the background.
    #[serde(default)]
    eventually: bool,
    /// Seconds by which the clock is moved.
    #[serde(default)]
    advance: Option<u64>,
    /// How often the step is repeated; `${n}` counts from 1.
    #[serde(default)]
    times: Option<u32>,
}

impl Scenario {
    /// Whether it runs functions that are written in Python.
    pub fn needs_python(&self) -> bool {
        self.needs.contains(&Need::Python)
    }

    /// How many steps it has of its own.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// What it calls and expects to succeed, as `service.Operation`; what it comes after included.
    fn calls<'s>(&'s self, topic: &'s Topic) -> impl Iterator<Item = &'s str> {
        let before = topic.scenarios.iter();
        let before = before.filter(|other| self.after.contains(&other.name));
        before
            .chain([self])
            .flat_map(|scenario| &scenario.steps)
            .filter(|step| step.error.is_none())
            .filter_map(|step| step.call.as_deref())
    }
}

/// The scenarios of one file.
#[derive(Debug)]
pub struct Topic {
    /// Its path below `scenarios/`.
    pub path: PathBuf,
    /// In the order of the file.
    pub scenarios: Vec<Scenario>,
}

/// All scenarios of this crate.
pub fn all() -> Vec<Topic> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut topics = Vec::new();
    for directory in entries(&root) {
        for file in entries(&directory) {
            let text = std::fs::read_to_string(&file).unwrap();
            let scenarios: Vec<Scenario> = serde_yaml::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            topics.push(Topic {
                path: file.strip_prefix(&root).unwrap().to_owned(),
                scenarios,
            });
        }
    }
    assert!(!topics.is_empty(), "there are no scenarios");
    topics
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// How many calls a play made, or what was not as expected.
pub type Played = Result<usize, String>;

/// Plays all scenarios. Answers with one line per failure, and the numbers of scenarios and calls.
pub async fn play_all(player: &mut Player) -> (Vec<String>, usize, usize) {
    let (mut failures, mut scenarios, mut calls) = (Vec::new(), 0, 0);
    let only = std::env::var("DRIFTLAB_SCENARIO").unwrap_or_default();
    for topic in all() {
        for scenario in &topic.scenarios {
            let place = format!("{}: {}", topic.path.display(), scenario.name);
            if !place.contains(&only) {
                continue;
            }
            if scenario.needs_python() && !python_is_here() {
                told_to_skip(&place);
                continue;
            }
            if player.has_seen(scenario.calls(&topic)) {
                continue;
            }
            scenarios += 1;
            match play(&topic, scenario, player).await {
                Ok(made) => calls += made,
                Err(failure) => failures.push(format!(
                    "{place}\n  with {}: {failure}\n  source: {}",
                    player.name(),
                    scenario.source
                )),
            }
        }
    }
    (failures, scenarios, calls)
}

/// Whether functions in Python run here.
fn python_is_here() -> bool {
    static HERE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *HERE.get_or_init(|| crate::boto3::Worker::start().is_ok())
}

#[expect(
    clippy::print_stderr,
    reason = "a scenario that is skipped has to say it"
)]
fn told_to_skip(place: &str) {
    eprintln!("skipped: {place} needs python3 with boto3");
}

async fn play(topic: &Topic, scenario: &Scenario, player: &mut Player) -> Played {
    play_in(&World::start().await, topic, scenario, player).await
}

/// Plays a scenario in a world that is still empty.
///
/// # Errors
/// What was not as expected.
pub async fn play_in(
    world: &World,
    topic: &Topic,
    scenario: &Scenario,
    player: &mut Player,
) -> Played {
    let mut variables = BTreeMap::from([
        ("account".to_owned(), json!(ACCOUNT)),
        ("region".to_owned(), json!(REGION)),
    ]);
    let mut calls = 0;
    let mut steps = Vec::new();
    for name in &scenario.after {
        let found = topic.scenarios.iter().find(|other| other.name == *name);
        let Some(found) = found else {
            return Err(format!("there is no scenario `{name}` in the same file"));
        };
        steps.extend(&found.steps);
    }
    steps.extend(&scenario.steps);
    for (number, step) in steps.into_iter().enumerate() {
        for time in 1..=step.times.unwrap_or(1) {
            variables.insert("n".to_owned(), json!(time.to_string()));
            calls += 1;
            take(world, step, player, &mut variables)
                .await
                .map_err(|failure| {
                    let call = step.call.as_deref().unwrap_or("advance");
                    format!("step {} (`{call}`): {failure}", number + 1)
                })?;
        }
    }
    Ok(calls)
}

async fn take(
    world: &World,
    step: &Step,
    player: &mut Player,
    variables: &mut BTreeMap<String, Value>,
) -> Result<(), String> {
    if let Some(seconds) = step.advance {
        world.sandbox.clock.advance(Duration::from_secs(seconds));
    }
    let Some(call) = &step.call else {
        return Ok(());
    };
    let (service, operation) = call
        .split_once('.')
        .ok_or("a call is `service.Operation`")?;
    let request = Request {
        service: service.to_owned(),
        operation: operation.to_owned(),
        input: fill(&Value::Object(step.input.clone()), variables)?,
        keys: keys(world, &fill(&step.caller, variables)?)?,
    };
    let expected = fill(&step.output, variables)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = match service {
            "sandbox" => admin::call(world, &request).await,
            _ => player.call(world, &request, step.error.is_none()).await,
        };
        match judge(step, &expected, &reply) {
            Ok(output) => {
                for (name, path) in &step.save {
                    let value = read(output, path)
                        .ok_or_else(|| format!("the output has no `{path}`: {output}"))?;
                    variables.insert(name.clone(), value);
                }
                return Ok(());
            }
            Err(failure) if !step.eventually || Instant::now() > deadline => return Err(failure),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// What is at `path`, or the part of it that `path between A and B` means.
fn read(output: &Value, path: &str) -> Option<Value> {
    let Some((path, marks)) = path.split_once(" between ") else {
        return matching::find(output, path).cloned();
    };
    let (before, after) = marks.split_once(" and ")?;
    let text = matching::find(output, path)?.as_str()?;
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(json!(found))
}

/// The keys of whoever calls. A text that is no account's id is a key that nobody was given, and no secret belongs to it.
fn keys(world: &World, caller: &Value) -> Result<Keys, String> {
    let credentials = match caller {
        Value::Null => return Ok(world.operator(ACCOUNT)),
        Value::String(name) => {
            let known = world.keys(name);
            return Ok(known.unwrap_or_else(|| Keys::pair(name, "no secret belongs to this key")));
        }
        credentials => credentials,
    };
    let text = |name: &str| matching::find(credentials, name).and_then(Value::as_str);
    match (text("AccessKeyId"), text("SecretAccessKey")) {
        (Some(id), Some(secret)) => Ok(Keys {
            session_token: text("SessionToken").map(str::to_owned),
            ..Keys::pair(id, secret)
        }),
        _ => Err(format!("{credentials} is nobody who could call")),
    }
}

fn judge<'a>(step: &Step, expected: &Value, reply: &'a Reply) -> Result<&'a Value, String> {
    match (reply, &step.error) {
        (Reply::Output(output), None) => {
            if expected.is_null() {
                return Ok(output);
            }
            matching::check(expected, output).map(|()| output)
        }
        (Reply::Output(output), Some(code)) => {
            Err(format!("should fail with {code}, but answers {output}"))
        }
        (Reply::Error { code, message }, None) => Err(format!("fails with {code}: {message}")),
        (Reply::Error { code, message }, Some(expected)) => {
            if code != expected {
                return Err(format!(
                    "should fail with {expected}, but fails with {code}: {message}"
                ));
            }
            let words = step.says.clone().unwrap_or_else(|| "*".to_owned());
            matching::check(&json!(words), &json!(message)).map(|()| &Value::Null)
        }
    }
}
