//! `driftlab logs`.

use std::time::Duration;

use serde::Serialize;

use super::deployed;
use crate::aws::{Doing, LogEvent, LogQuery};
use crate::cli::Context;
use crate::error::{Error, Kind, Result};
use crate::output::{Text, moment};
use crate::wait::parse_duration;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Words to search for, such as `revoking for`, or a filter pattern of CloudWatch Logs
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// How far back, such as 15m or 2h; everything when absent
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    since: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct Report {
    log_group: String,
    events: Vec<LogEvent>,
}

/// Shows what the function logged.
///
/// # Errors
/// When the lab is not deployed, its log group is gone, or a call failed.
pub async fn run(context: &Context, args: &Args) -> Result<()> {
    let (_, outputs) = deployed(context).await?;
    let query = LogQuery {
        pattern: args.filter.as_deref().map(pattern),
        since: args.since.map(|since| context.clock.now() - since),
    };
    let log_group = outputs.log_group;
    let events = context
        .aws
        .log_events(&log_group, &query)
        .await
        .doing(format_args!("read the log group `{log_group}`"))?
        .ok_or_else(|| {
            Error::new(Kind::Failed, format!("the log group `{log_group}` is gone"))
                .hint("run `deploy` again once its stack is repaired, or `cleanup` and `deploy`")
        })?;
    let mut text = Text::default();
    for event in &events {
        text.line(format_args!("{} {}", moment(event.at), event.message));
    }
    if events.is_empty() {
        context
            .ui
            .say(format_args!("no line of `{log_group}` matches"));
    }
    context.ui.result(&Report { log_group, events }, &text)
}

/// CloudWatch Logs takes `revoking for` for two words anywhere in a line; people who type it mean the phrase. What looks
/// like a pattern is passed on as it is.
fn pattern(words: &str) -> String {
    let is_pattern = words.starts_with(['"', '{', '[', '?', '-', '%']);
    if is_pattern || words.is_empty() {
        return words.to_owned();
    }
    format!("\"{}\"", words.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_a_phrase_and_patterns_stay_patterns() {
        assert_eq!(pattern("revoking for"), "\"revoking for\"");
        assert_eq!(pattern("?ERROR ?WARN"), "?ERROR ?WARN");
        assert_eq!(
            pattern("{ $.level = \"error\" }"),
            "{ $.level = \"error\" }"
        );
        assert_eq!(pattern("say \"hi\""), "\"say \\\"hi\\\"\"");
    }
}
