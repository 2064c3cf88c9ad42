//! Scenarios: what they say, and how they are played.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::world::World;
use crate::{ACCOUNT, Player, REGION, Reply, Request, matching};

/// How long what happens by and by may take on a machine that is busy; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

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
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `service.Operation`; absent when the step only moves the clock.
    #[serde(default)]
    call: Option<String>,
    #[serde(default)]
    input: Map<String, Value>,
    /// The expected error code. Without one the call must succeed.
    #[serde(default)]
    error: Option<String>,
    /// What the error's message must look like. Only where AWS's words carry a fact.
    #[serde(default)]
    says: Option<String>,
    #[serde(default)]
    output: Value,
    /// Variables, each with the path in the output that it is read from.
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

async fn play(topic: &Topic, scenario: &Scenario, player: &mut Player) -> Played {
    let world = World::start().await;
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
            take(&world, step, player, &mut variables)
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
    };
    let expected = fill(&step.output, variables)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = player
            .call(world.endpoint(), &request, step.error.is_none())
            .await;
        match judge(step, &expected, &reply) {
            Ok(output) => {
                for (name, path) in &step.save {
                    let value = matching::find(output, path)
                        .ok_or_else(|| format!("the output has no `{path}`: {output}"))?;
                    variables.insert(name.clone(), value.clone());
                }
                return Ok(());
            }
            Err(failure) if !step.eventually || Instant::now() > deadline => return Err(failure),
            Err(_) => tokio::task::yield_now().await,
        }
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

/// Replaces `${name}` in texts, `{$json: x}` by the text of `x`, `{$zip: {name: text}}` by the bytes of such an archive,
/// `{$text: [text, count]}` by a repeated text, `{$list: [count, x]}` by a list whose items have `${i}` from 1.
fn fill(value: &Value, variables: &BTreeMap<String, Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => fill_text(text, variables)?,
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill(item, variables))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => {
            if let Some(content) = members.get("$json") {
                return Ok(json!(fill(content, variables)?.to_string()));
            }
            if let Some(Value::Object(files)) = members.get("$zip") {
                return Ok(json!({"$bytes": BASE64_STANDARD.encode(archive(files))}));
            }
            if let Some(repeated) = members.get("$text") {
                let count = repeated[1].as_u64().unwrap_or_default();
                let text = repeated[0].as_str().unwrap_or_default();
                return Ok(json!(
                    text.repeat(usize::try_from(count).unwrap_or_default())
                ));
            }
            if let Some(list) = members.get("$list") {
                let mut variables = variables.clone();
                let mut items = Vec::new();
                for i in 1..=list[0].as_u64().unwrap_or_default() {
                    variables.insert("i".to_owned(), json!(i.to_string()));
                    items.push(fill(&list[1], &variables)?);
                }
                return Ok(Value::Array(items));
            }
            let mut filled = Map::new();
            for (name, member) in members {
                filled.insert(name.clone(), fill(member, variables)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, variables: &BTreeMap<String, Value>) -> Result<Value, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("`${` without `}`")?;
        // `${!name}` is CloudFormation's business: it stands for a literal `${name}`.
        if let Some(literal) = name.strip_prefix('!') {
            filled.push_str(before);
            filled.push_str(&format!("${{{literal}}}"));
            rest = after;
            continue;
        }
        let value = variables
            .get(name)
            .ok_or_else(|| format!("there is no variable `{name}`"))?;
        // A text that is nothing but a variable keeps the variable's type.
        if before.is_empty() && after.is_empty() && filled.is_empty() {
            return Ok(value.clone());
        }
        filled.push_str(before);
        match value {
            Value::String(text) => filled.push_str(text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(Value::String(filled))
}

fn archive(files: &Map<String, Value>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    for (name, text) in files {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(text.as_str().unwrap_or_default().as_bytes())
            .unwrap();
    }
    zip.finish().unwrap().into_inner()
}
