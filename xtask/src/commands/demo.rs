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
                None => {
                    output::line("");
                    output::line(title(chapter));
                }
                Some(step) => tell(chapter, step),
            }
        }
    });
    let problem = told.as_ref().map(Story::problem);
    let went_well = matches!(problem, Ok(None));
    stage.strike(went_well)?;
    let story = told?;
    if args.output == Format::Json {
        output::json(&story.document())?;
    }
    match story.problem() {
        Some(problem) => Err(problem.into()),
        None => {
            if args.output == Format::Text {
                output::line("");
                output::line(format!(
                    "Healed, and nothing is left. The story took {:.2} s.",
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
    output::line(format!("   took {:.2} s", step.took.as_secs_f64()));
}

fn tell_deploy(document: &Value) {
    let function = &document["function"];
    output::line(format!(
        "   stack {}: security group {} in {}, watched by the rule {}",
        words(&document["stack"]),
        words(&document["group_id"]),
        words(&document["vpc_id"]),
        words(&document["rule"]),
    ));
    output::line(format!(
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
    output::line(format!(
        "   group {}, opened: {}",
        words(&incident["group_id"]),
        list(&incident["opened"]).join(", ")
    ));
    let moment = |name: &str| document["timeline"][name].as_str();
    let opened = moment("opened_at").and_then(timestamp::milliseconds);
    for (name, what) in MOMENTS {
        let Some(at) = moment(name) else {
            output::line(format!("   {:24}  {:>9}  not seen: {what}", "", ""));
            continue;
        };
        let after = timestamp::milliseconds(at)
            .zip(opened)
            .map(|(at, opened)| format!("+{:.3} s", (at - opened) as f64 / 1000.0));
        output::line(format!(
            "   {at:24}  {:>9}  {what}",
            after.unwrap_or_default()
        ));
    }
    tell_list("inbound rules now", &document["ingress_after"]);
    output::line("   compliance:");
    for line in verdicts(&document["evaluations"]) {
        output::line(format!("     {line}"));
    }
    tell_list("the function's log", &document["log_lines"]);
    match document["reason"].as_str() {
        Some(reason) => output::line(format!("   NOT healed: {reason}")),
        None => output::line("   healed"),
    }
}

fn tell_cleanup(document: &Value) {
    output::line(format!(
        "   removed {} things",
        document["removed"].as_array().map_or(0, Vec::len)
    ));
    let leftovers = list(&document["leftovers"]);
    if leftovers.is_empty() {
        output::line("   audit: nothing is left");
    } else {
        tell_list("audit: LEFT BEHIND", &document["leftovers"]);
    }
}

/// One line for each entry.
fn tell_list(heading: &str, values: &Value) {
    output::line(format!("   {heading}:"));
    for value in values.as_array().into_iter().flatten() {
        output::line(format!("     {}", words(value)));
    }
}

/// A verdict in each line, with who tells of it. AWS Config and the function's log may both tell of one report: same words, and
/// logged after AWS Config recorded it. Times are RFC 3339 in UTC, so that their texts are in order.
fn verdicts(evaluations: &Value) -> Vec<String> {
    let mut told: Vec<(&Value, Vec<&str>)> = Vec::new();
    for line in evaluations.as_array().into_iter().flatten() {
        let same = |key: &str, other: &Value| line[key] == other[key];
        let recorded = told.iter_mut().rev().find(|(config, witnesses)| {
            line["source"] == "function-log"
                && config["source"] == "config"
                && witnesses.len() == 1
                && config["recorded_at"].as_str() <= line["recorded_at"].as_str()
                && same("compliance", config)
                && same("annotation", config)
        });
        let witness = match line["source"].as_str() {
            Some("config") => "AWS Config",
            Some("function-log") => "the log",
            Some(_) | None => "unknown",
        };
        match recorded {
            Some((_, witnesses)) => witnesses.push(witness),
            None => told.push((line, vec![witness])),
        }
    }
    let line = |(verdict, witnesses): (&Value, Vec<&str>)| {
        format!(
            "{}  {}  {}  [{}]",
            words(&verdict["recorded_at"]),
            words(&verdict["compliance"]),
            words(&verdict["annotation"]),
            witnesses.join(", ")
        )
    };
    told.into_iter().map(line).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_verdict_is_told_once_with_its_witnesses() {
        let evaluation = |at: &str, compliance: &str, source: &str| json!({"recorded_at": at, "compliance": compliance, "annotation": "words", "source": source});
        let told = verdicts(&json!([
            evaluation("1", "NON_COMPLIANT", "function-log"),
            evaluation("2", "COMPLIANT", "config"),
            evaluation("3", "COMPLIANT", "function-log"),
            evaluation("4", "COMPLIANT", "function-log"),
        ]));
        assert_eq!(
            told,
            [
                "1  NON_COMPLIANT  words  [the log]",
                "2  COMPLIANT  words  [AWS Config, the log]",
                "4  COMPLIANT  words  [the log]",
            ]
        );
    }
}
