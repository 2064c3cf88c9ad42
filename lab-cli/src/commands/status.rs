//! `driftlab status`.

mod text;

use remediator_core::{Policy, Rule, SecurityGroup, plan};
use serde::Serialize;
use time::OffsetDateTime;

use crate::aws::{Doing, EvaluationResult};
use crate::cli::Context;
use crate::error::Result;
use crate::output::moment;
use crate::spec::RULE_NAME;
use crate::state::{Interest, Names, Observed, Outputs, observe};
use crate::sunset::{self, Armed, OWNER_TAG};

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
    /// Who made it.
    owner: Option<String>,
    /// When the lab removes itself, or began to.
    #[serde(with = "crate::output::moments::option")]
    expires: Option<OffsetDateTime>,
    /// What will happen then, or what is amiss with it.
    self_destruct: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    name: String,
    state: String,
    /// Whether it is this lab's.
    ours: bool,
    /// What the rule hands to the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
}

impl Part {
    fn new(part: &'static str, name: &str, state: &str, ours: bool) -> Self {
        Self {
            part,
            name: name.to_owned(),
            state: state.to_owned(),
            ours,
            parameters: None,
        }
    }

    /// Whether its state would make the table wider than a hundred columns: the name of a bucket, with 63 characters at most,
    /// leaves that much for a word.
    fn is_long(&self) -> bool {
        const LONGEST_WORD: usize = 16;
        const LONGEST_STATE: usize = 28;
        let length = |text: &str| text.chars().count();
        length(&self.state) > LONGEST_STATE
            || self
                .state
                .split_whitespace()
                .any(|word| length(word) > LONGEST_WORD)
    }
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
    let (observed, armed) = tokio::try_join!(
        observe(&context.aws, &context.place, interest),
        sunset::armed(&context.aws, &context.place),
    )?;
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
        owner: tag(&observed, OWNER_TAG),
        expires: tag(&observed, sunset::EXPIRES_TAG).and_then(|at| sunset::until(&at).ok()),
        self_destruct: self_destruct(&observed, &armed, context.clock.now()),
    };
    context.ui.result(&report, &text::text(&report))
}

/// A tag of the lab: of its stack, or of its code bucket when there is no stack any more.
fn tag(observed: &Observed, key: &str) -> Option<String> {
    let stack = observed.stack.as_ref().filter(|_| observed.owns_stack());
    let tags = stack.map(|stack| &stack.description.tags);
    tags.or(observed.code_bucket.as_ref())
        .and_then(|tags| tags.get(key))
        .cloned()
}

/// What is armed, in words. That the tags promise an end which nothing brings about is worth a line.
fn self_destruct(observed: &Observed, armed: &Armed, now: OffsetDateTime) -> Vec<String> {
    let expires = tag(observed, sunset::EXPIRES_TAG).and_then(|at| sunset::until(&at).ok());
    match (expires, armed.schedules.len()) {
        (Some(at), 1..) => sunset::lines(at, now),
        (Some(at), 0) => vec![format!(
            "the tags say that the lab expires at {}, but no schedule is left to remove it: run `cleanup`, or arm it again with `deploy --ttl 3h`",
            moment(at)
        )],
        (None, 0) if armed.role.is_none() => Vec::new(),
        (None, 0) => vec![
            "the lab has removed itself; an IAM role without any rights is left, which costs nothing: `cleanup` removes it".to_owned(),
        ],
        (None, count) => vec![format!(
            "{count} schedules of a self-destruct are left: `cleanup` removes them"
        )],
    }
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
    let drift = policy.map(|policy| plan(&group, policy));
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
    let (stack, state) = match &observed.stack {
        Some(stack) => (&stack.description.name, stack.description.status.as_str()),
        None => (&observed.place.stack, "absent"),
    };
    let mut parts = vec![Part::new("stack", stack, state, observed.owns_stack())];
    parts.extend(config_parts(observed));
    parts.extend(observed.named.iter().map(|named| {
        let ours = observed.place.owns(&named.tags);
        Part::new(named.kind, &named.name, "present", ours)
    }));
    if observed.code_bucket.is_some() {
        let bucket = observed.place.code_bucket();
        parts.push(Part::new("code bucket", &bucket, "present", true));
    }
    parts
}

fn config_parts(observed: &Observed) -> Vec<Part> {
    let mut parts = Vec::new();
    for found in &observed.recorders {
        let running = if found.it.recording {
            "recording"
        } else {
            "stopped"
        };
        let state = match &found.it.trouble {
            Some(trouble) => format!("{running}, {trouble}"),
            None => running.to_owned(),
        };
        let ours = observed.owns_recorder(found);
        let state = if !ours && observed.has_borrowed_recorder() {
            format!("{state}, borrowed")
        } else {
            state
        };
        parts.push(Part::new("recorder", found.it.name(), &state, ours));
    }
    for found in &observed.channels {
        let channel = &found.channel;
        let topic = if channel.topic_arn.is_some() {
            " and the topic"
        } else {
            ""
        };
        let state = format!("to {}{topic}", channel.bucket);
        let ours = observed.owns_channel(found);
        let state = if !ours && observed.has_borrowed_channel() {
            format!("{state}, borrowed")
        } else {
            state
        };
        parts.push(Part::new("channel", &channel.name, &state, ours));
    }
    if let Some(found) = &observed.rule {
        let ours = observed.owns_rule(found);
        parts.push(Part {
            parameters: found.it.parameters.clone(),
            ..Part::new("rule", &found.it.name, &found.it.state, ours)
        });
    }
    if let Some(days) = observed.retention {
        let ours = observed.own_retention() == Some(days);
        parts.push(Part::new(
            "retention",
            "default",
            &format!("{days} days"),
            ours,
        ));
    }
    parts
}
