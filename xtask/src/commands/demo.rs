//! `cargo xtask demo`: the whole lab, told.

use anyhow::Result;
use serde_json::Value;

use crate::compile;
use crate::endpoint::Identity;
use crate::output::{self, Format};
use crate::sandbox::Options;
use crate::story::{Chapter, Stage, Step, Story};
use crate::timestamp;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    options: Options,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let built = compile::everything(compile::Place::Here)?;
    let stage = Stage::set(&built, &args.identity, &args.options)?;
    if args.output == Format::Text {
        output::data(format!(
            "A private sandbox at {}: account {}, region {}",
            stage.endpoint(),
            args.identity.account,
            args.identity.region
        ));
    }
    let told = stage.play(&mut |chapter, step| {
        if args.output == Format::Text {
            match step {
                None => output::data(format!("\n{}", title(chapter))),
                Some(step) => tell(chapter, step),
            }
        }
    });
    let problem = told.as_ref().map(Story::problem);
    let went_well = matches!(problem, Ok(None));
    stage.strike(went_well)?;
    let story = told?;
    if args.output == Format::Json {
        output::data(serde_json::to_string_pretty(&story.document())?);
    }
    match story.problem() {
        Some(problem) => Err(problem.into()),
        None => {
            if args.output == Format::Text {
                output::data(format!(
                    "\nHealed, and nothing is left. The story took {:.2} s.",
                    story.took().as_secs_f64()
                ));
            }
            Ok(())
        }
    }
}

fn title(chapter: Chapter) -> &'static str {
    match chapter {
        Chapter::Deploy => "1  Deploy: stack, recorder, delivery channel, rule",
        Chapter::Incident => "2  Incident: somebody opens ports to the world",
        Chapter::Cleanup => "3  Clean up, and look for leftovers",
    }
}

fn tell(chapter: Chapter, step: &Step) {
    let Some(document) = &step.document else {
        return;
    };
    match chapter {
        Chapter::Deploy => tell_deploy(document),
        Chapter::Incident => tell_incident(document),
        Chapter::Cleanup => tell_cleanup(document),
    }
    output::data(format!("   took {:.2} s", step.took.as_secs_f64()));
}

fn tell_deploy(document: &Value) {
    let function = &document["function"];
    output::data(format!(
        "   stack {}: security group {} in {}, watched by the rule {}",
        words(&document["stack"]),
        words(&document["group_id"]),
        words(&document["vpc_id"]),
        words(&document["rule"]),
    ));
    output::data(format!(
        "   function {} on {} with the code {}",
        words(&function["name"]),
        words(&function["runtime"]),
        words(&function["code_sha256"])
    ));
}

/// The moments of the repair, in the order in which they happen.
const MOMENTS: [(&str, &str); 5] = [
    ("opened_at", "the ports are open"),
    ("recorded_at", "AWS Config has recorded the change"),
    ("invoked_at", "AWS Config has invoked the function"),
    ("revoked_at", "the ports are closed"),
    ("compliant_at", "the group is compliant"),
];

fn tell_incident(document: &Value) {
    let incident = &document["incident"];
    output::data(format!(
        "   group {}, opened: {}",
        words(&incident["group_id"]),
        list(&incident["opened"]).join(", ")
    ));
    let moment = |name: &str| document["timeline"][name].as_str();
    let opened = moment("opened_at").and_then(timestamp::milliseconds);
    for (name, what) in MOMENTS {
        let Some(at) = moment(name) else {
            output::data(format!("   {:24}  {:>9}  not seen: {what}", "", ""));
            continue;
        };
        let after = timestamp::milliseconds(at)
            .zip(opened)
            .map(|(at, opened)| format!("+{:.3} s", (at - opened) as f64 / 1000.0));
        output::data(format!(
            "   {at:24}  {:>9}  {what}",
            after.unwrap_or_default()
        ));
    }
    tell_list("inbound rules now", &document["ingress_after"], &[]);
    tell_list(
        "compliance",
        &document["evaluations"],
        &["recorded_at", "compliance", "annotation"],
    );
    tell_list("the function's log", &document["log_lines"], &[]);
    match document["reason"].as_str() {
        Some(reason) => output::data(format!("   NOT healed: {reason}")),
        None => output::data("   healed"),
    }
}

fn tell_cleanup(document: &Value) {
    output::data(format!(
        "   removed {} things",
        document["removed"].as_array().map_or(0, Vec::len)
    ));
    let leftovers = list(&document["leftovers"]);
    if leftovers.is_empty() {
        output::data("   audit: nothing is left");
    } else {
        tell_list("audit: LEFT BEHIND", &document["leftovers"], &[]);
    }
}

/// One line for each entry; of an entry that is an object, the fields in this order.
fn tell_list(heading: &str, values: &Value, fields: &[&str]) {
    output::data(format!("   {heading}:"));
    for value in values.as_array().into_iter().flatten() {
        let line = if value.is_object() {
            fields
                .iter()
                .map(|field| words(&value[field]))
                .collect::<Vec<_>>()
                .join("  ")
        } else {
            words(value)
        };
        output::data(format!("     {line}"));
    }
}

fn list(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|values| values.iter().map(words).collect())
        .unwrap_or_default()
}

/// A value as a person would say it: a text as it stands.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
