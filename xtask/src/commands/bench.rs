//! `cargo xtask bench`: how long the story takes, several times over.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::storm;
use crate::compile;
use crate::endpoint::Identity;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format, narrate};
use crate::sandbox::Options;
use crate::story::{Stage, Story};
use crate::timestamp;
use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often the story is played, each time in a new sandbox
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Measure the function against the same one in Python instead (needs `python3` with boto3, and `openssl`)
    #[arg(long, group = "instead")]
    function: bool,
    /// Open the ports of up to a thousand groups at once instead, and sweep as many beside Cloud Custodian, which is
    /// installed below `target/`
    #[arg(long, group = "instead")]
    storm: bool,
    /// Replace the measured part of `docs/performance.md`, or for `--storm` of `docs/proofs.md`, too
    #[arg(long, requires = "instead")]
    write: bool,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    options: Options,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Both functions under one host, in turns; the crate `bench` does it. The tables go to standard output.
fn function(fresh: u16, write: bool) -> Result<()> {
    let package = compile::function(compile::Place::Here)?;
    let mut cargo = workspace::cargo();
    cargo
        // Optimised, because the host is part of every latency; and with its own features alone, which name no AWS crate.
        .args(["run", "--quiet", "--release", "--package", "bench", "--"])
        .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION")
        .arg(&package.path)
        .args(["--fresh", &fresh.to_string()]);
    if write {
        cargo
            .arg("--write")
            .arg(workspace::root().join("docs/performance.md"));
    }
    let status = cargo.status().context("cannot start cargo")?;
    if status.success() {
        return Ok(());
    }
    let failed = format!("the benchmark of the function ended with {status}");
    Err(Failure::new(Exit::Failed, failed).into())
}

/// What is measured, in milliseconds: a name, and how to read it from a story's document.
type Measure = (&'static str, fn(&Value) -> Option<f64>);

const MEASURES: [Measure; 6] = [
    ("deploy", |story| story["took_ms"]["deploy"].as_f64()),
    ("incident_and_repair", |story| {
        story["took_ms"]["incident"].as_f64()
    }),
    ("cleanup_and_audit", |story| {
        story["took_ms"]["cleanup"].as_f64()
    }),
    ("whole_story", |story| story["took_ms"]["story"].as_f64()),
    ("opened_to_closed", |story| {
        since_opened(story, "revoked_at")
    }),
    ("opened_to_compliant", |story| {
        since_opened(story, "compliant_at")
    }),
];

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.function {
        return function(args.runs, args.write);
    }
    if args.storm {
        return storm::run(args.write);
    }
    let built = compile::everything(compile::Place::Here)?;
    let mut stories = Vec::new();
    for run in 1..=args.runs {
        narrate(format!("── run {run} of {}", args.runs));
        let stage = Stage::set(&built, &args.identity, &args.options)?;
        let told = stage.play(&mut |_, _| {});
        stage.strike(matches!(told.as_ref().map(Story::problem), Ok(None)))?;
        let story = told?;
        if let Some(problem) = story.problem() {
            return Err(problem.into());
        }
        stories.push(story.document());
    }
    let mut rows = Vec::new();
    for (name, read) in MEASURES {
        let mut values = stories
            .iter()
            .map(|story| {
                read(story).ok_or_else(|| {
                    Failure::new(Exit::Failed, format!("a run has no value for `{name}`"))
                })
            })
            .collect::<Result<Vec<f64>, _>>()?;
        values.sort_by(f64::total_cmp);
        rows.push((name, median(&values), values[0], values[values.len() - 1]));
    }
    output::data(match args.output {
        Format::Text => table(&rows, args.runs),
        Format::Json => {
            let measures: serde_json::Map<String, Value> = rows
                .iter()
                .map(|(name, median, min, max)| {
                    (
                        (*name).to_owned(),
                        json!({"median_ms": median, "min_ms": min, "max_ms": max}),
                    )
                })
                .collect();
            serde_json::to_string_pretty(&json!({"runs": args.runs, "measures": measures}))?
        }
    });
    Ok(())
}

fn since_opened(story: &Value, moment: &str) -> Option<f64> {
    let at = |name: &str| {
        story["timeline"][name]
            .as_str()
            .and_then(timestamp::milliseconds)
    };
    Some((at(moment)? - at("opened_at")?) as f64)
}

/// The middle of sorted values, of which there is at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

fn table(rows: &[(&str, f64, f64, f64)], runs: u16) -> String {
    let mut text = format!(
        "{:<22} {:>10} {:>10} {:>10}   ({runs} runs, milliseconds)",
        "", "median", "fastest", "slowest"
    );
    for (name, median, min, max) in rows {
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "\n{:<22} {median:>10.0} {min:>10.0} {max:>10.0}",
            name.replace('_', " ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }

    #[test]
    fn a_moment_that_was_not_seen_has_no_duration() {
        let story = json!({"timeline": {"opened_at": "2026-01-01T00:00:00.000Z", "revoked_at": "2026-01-01T00:00:00.042Z"}});
        assert_eq!(since_opened(&story, "revoked_at"), Some(42.0));
        assert_eq!(since_opened(&story, "compliant_at"), None);
    }
}
