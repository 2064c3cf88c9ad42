//! `driftlab status`.

use remediator_core::{Policy, Rule, SecurityGroup, plan};
use serde::Serialize;
use time::OffsetDateTime;

use crate::aws::{Doing, EvaluationResult};
use crate::cli::Context;
use crate::error::Result;
use crate::output::{moment, table};
use crate::spec::RULE_NAME;
use crate::state::{Interest, Names, Observed, Outputs, observe};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct Report {
    stack: String,
    account: String,
    region: String,
    /// Whether anything of the lab is there.
    deployed: bool,
    parts: Vec<Part>,
    groups: Vec<Group>,
    pending_subscriptions: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    name: String,
    state: String,
    /// Whether it is this lab's.
    ours: bool,
}

#[derive(Debug, Serialize)]
struct Group {
    group_id: String,
    group_name: String,
    compliance: Option<String>,
    annotation: Option<String>,
    #[serde(with = "crate::output::moments::option")]
    recorded_at: Option<OffsetDateTime>,
    ingress: Vec<Rule>,
    /// What differs from the baseline; absent when the rule, which holds the baseline, is not there.
    drift: Option<remediator_core::Plan>,
}

/// Shows what is there.
///
/// # Errors
/// The call that failed.
pub async fn run(context: &Context, _args: &Args) -> Result<()> {
    let settings = &context.settings;
    let names = Names::from_parameters(&settings.parameters, settings.student.as_deref());
    let interest = Interest {
        names: Some(&names),
        package_key: None,
    };
    let observed = observe(&context.aws, &context.place, interest).await?;
    // A stack that is not usable, or not the lab's, has no groups to show; its state is shown all the same.
    let outputs = observed.outputs().ok().flatten();
    let (groups, pending) = match &outputs {
        Some(outputs) => tokio::try_join!(groups(context, &observed, outputs), async {
            context
                .aws
                .pending_subscriptions(&outputs.topic_arn)
                .await
                .doing("look at the topic's subscriptions")
        })?,
        None => (Vec::new(), Vec::new()),
    };
    let report = Report {
        stack: context.place.stack.clone(),
        account: context.place.account().to_owned(),
        region: context.place.region.clone(),
        deployed: !observed.is_empty(),
        parts: parts(&observed),
        groups,
        pending_subscriptions: pending,
    };
    context.ui.result(&report, &text(&report))
}

async fn groups(context: &Context, observed: &Observed, outputs: &Outputs) -> Result<Vec<Group>> {
    let (groups, results) = tokio::try_join!(
        async {
            context
                .aws
                .groups_where("vpc-id", &outputs.vpc_id)
                .await
                .doing(format_args!("look at the groups of `{}`", outputs.vpc_id))
        },
        async {
            context
                .aws
                .evaluations(RULE_NAME)
                .await
                .doing("look at the evaluations")
        },
    )?;
    let policy = observed.rule.as_ref().and_then(|rule| {
        Policy::from_parameters(rule.it.parameters.as_deref().unwrap_or("{}")).ok()
    });
    Ok(groups
        .into_iter()
        .map(|group| {
            let result = results
                .iter()
                .find(|r| r.resource_id == group.group_id.as_str());
            describe(group, result, policy.as_ref())
        })
        .collect())
}

fn describe(
    group: SecurityGroup,
    result: Option<&EvaluationResult>,
    policy: Option<&Policy>,
) -> Group {
    let drift = policy.map(|policy| plan(&group, &policy.baseline));
    Group {
        group_id: group.group_id.to_string(),
        group_name: group.group_name,
        compliance: result.map(|r| r.compliance.clone()),
        annotation: result.and_then(|r| r.annotation.clone()),
        recorded_at: result.and_then(|r| r.recorded_at),
        ingress: group.ingress.into_iter().collect(),
        drift,
    }
}

fn parts(observed: &Observed) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |part, name: &str, state: String, ours| {
        parts.push(Part {
            part,
            name: name.to_owned(),
            state,
            ours,
        });
    };
    match &observed.stack {
        Some(stack) => add(
            "stack",
            &stack.description.name,
            stack.description.status.clone(),
            observed.owns_stack(),
        ),
        None => add("stack", &observed.place.stack, "absent".to_owned(), false),
    }
    for recorder in &observed.recorders {
        let running = if recorder.it.recording {
            "recording"
        } else {
            "stopped"
        };
        let state = match &recorder.it.trouble {
            Some(trouble) => format!("{running}, {trouble}"),
            None => running.to_owned(),
        };
        add(
            "recorder",
            &recorder.it.name,
            state,
            observed.owns_recorder(recorder),
        );
    }
    for channel in &observed.channels {
        let state = match &channel.channel.topic_arn {
            Some(_) => format!("to {} and the topic", channel.channel.bucket),
            None => format!("to {}", channel.channel.bucket),
        };
        add(
            "channel",
            &channel.channel.name,
            state,
            observed.owns_channel(channel),
        );
    }
    if let Some(rule) = &observed.rule {
        let parameters = rule.it.parameters.as_deref().unwrap_or("{}");
        add(
            "rule",
            &rule.it.name,
            format!("{} {parameters}", rule.it.state),
            observed.owns_rule(rule),
        );
    }
    if let Some(days) = observed.retention {
        add(
            "retention",
            "default",
            format!("{days} days"),
            observed.own_retention() == Some(days),
        );
    }
    for named in &observed.named {
        add(
            named.kind,
            &named.name,
            "present".to_owned(),
            observed.place.owns(&named.tags),
        );
    }
    if observed.code_bucket.is_some() {
        add(
            "code bucket",
            &observed.place.code_bucket(),
            "present".to_owned(),
            true,
        );
    }
    parts
}

fn text(report: &Report) -> String {
    let mut text = table(
        ["part", "name", "state", "whose"],
        report.parts.iter().map(|part| {
            let whose = if part.ours {
                "ours"
            } else if part.state == "absent" {
                ""
            } else {
                "not ours"
            };
            [
                part.part.to_owned(),
                part.name.clone(),
                part.state.clone(),
                whose.to_owned(),
            ]
        }),
    );
    for group in &report.groups {
        let verdict = match (&group.compliance, group.recorded_at) {
            (Some(compliance), Some(at)) => format!("{compliance} since {}", moment(at)),
            (Some(compliance), None) => compliance.clone(),
            (None, _) => "not evaluated".to_owned(),
        };
        let annotation = group
            .annotation
            .as_deref()
            .map(|a| format!(": {a}"))
            .unwrap_or_default();
        text.push_str(&format!(
            "\n{} {} {verdict}{annotation}\n",
            group.group_name, group.group_id
        ));
        for rule in &group.ingress {
            text.push_str(&format!("    {rule}\n"));
        }
        match &group.drift {
            Some(drift) if drift.is_empty() => text.push_str("  at the baseline\n"),
            Some(drift) => {
                text.push_str("  to reach the baseline\n");
                for line in drift.to_string().lines() {
                    text.push_str(&format!("  {line}\n"));
                }
            }
            None => {}
        }
    }
    for address in &report.pending_subscriptions {
        text.push_str(&format!(
            "\n{address} has not confirmed its subscription to the topic yet\n"
        ));
    }
    text
}
