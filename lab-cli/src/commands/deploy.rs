//! `driftlab deploy`.

use std::path::PathBuf;
use std::time::Duration;

use remediator_core::Policy;
use serde::Serialize;

use super::first_evaluation::{Sought, failure_of, first_evaluation};
use super::{in_scope, lab_group, live_group, observe_settled};
use crate::apply::{Hands, apply};
use crate::aws::{Doing, EvaluationResult, FunctionDescription, Writer};
use crate::cli::Context;
use crate::consent::Consent;
use crate::error::{Error, Kind, Result};
use crate::output::{moment, table};
use crate::plan::{Plan, conflicts, plan, refusal};
use crate::spec::validate::pair;
use crate::spec::{Architecture, LabScope, Overrides, Package, RULE_NAME, Settings, Spec};
use crate::state::{Interest, Names, Outputs};
use crate::wait::parse_duration;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function: a zip with an executable `bootstrap`
    #[arg(long, env = "DRIFTLAB_PACKAGE", value_name = "ZIP")]
    package: PathBuf,
    /// The processor the function was built for [default: read from the program]
    #[arg(long, value_enum, value_name = "ARCH")]
    architecture: Option<Architecture>,
    /// Who gets the notifications
    #[arg(long, env = "DRIFTLAB_EMAIL", value_name = "ADDRESS")]
    email: Option<String>,
    /// Your account string, part of the topic's name [default: what stands before the @ of the e-mail address]
    #[arg(
        long,
        visible_alias = "student",
        env = "DRIFTLAB_STUDENT",
        value_name = "STRING"
    )]
    itsc_account: Option<String>,
    /// Approved inbound rules: `ipv4`, `dual-stack`, or rules such as `tcp:443:0.0.0.0/0` [default: ipv4]
    #[arg(long, env = "DRIFTLAB_BASELINE", value_name = "BASELINE")]
    baseline: Option<String>,
    /// Groups that may be repaired: `lab-vpc`, `vpc:vpc-…`, `tag:Key=Value` or `account` [default: lab-vpc]
    #[arg(long, env = "DRIFTLAB_SCOPE", value_name = "SCOPE")]
    scope: Option<String>,
    /// Whether the delivery channel streams to the topic [default: true]
    #[arg(long, env = "DRIFTLAB_TOPIC", value_name = "BOOL")]
    topic: Option<bool>,
    /// One more tag for everything that is made (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Another name for a resource, such as `ConfigRoleName=…` (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Another template than the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// How long to wait for the first evaluation
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = parse_duration)]
    timeout: Duration,
    /// Do not wait for the first evaluation
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    stack: String,
    account: String,
    region: String,
    endpoint: Option<String>,
    changed: bool,
    plan: Plan,
    #[serde(flatten)]
    outputs: Outputs,
    function: FunctionReport,
    rule: &'static str,
    evaluation: Option<EvaluationReport>,
}

#[derive(Debug, Serialize)]
struct FunctionReport {
    name: String,
    runtime: Option<String>,
    architecture: &'static str,
    code_sha256: Option<String>,
}

#[derive(Debug, Serialize)]
struct EvaluationReport {
    compliance: String,
    annotation: Option<String>,
    #[serde(with = "crate::output::moments::option")]
    recorded_at: Option<time::OffsetDateTime>,
}

impl Args {
    /// What the lab should be, checked without calling anything.
    ///
    /// # Errors
    /// [`Kind::Input`].
    pub fn spec(&self, settings: &Settings, stack: String) -> Result<Spec> {
        let overrides = Overrides {
            email: self.email.clone(),
            student: self.itsc_account.clone(),
            baseline: self.baseline.clone(),
            scope: self.scope.clone(),
            topic: self.topic,
            tags: self.tags.clone(),
            parameters: self.parameters.clone(),
            template: self.template.clone(),
        };
        let package = Package::read(&self.package, self.architecture)?;
        Spec::new(stack, settings.clone(), overrides, package)
    }
}

/// Makes the lab, or brings it up to date.
///
/// # Errors
/// [`Kind::Refused`] when something foreign is in the way or consent is missing, [`Kind::TimedOut`] when the first
/// evaluation does not arrive, [`Kind::NotHealed`] when the function reports that it fails, or the step that failed.
pub async fn run(context: &Context, args: &Args, spec: &Spec) -> Result<()> {
    let ui = &context.ui;
    let request = spec.stack_request(&context.place.code_bucket());
    let names = Names::from_parameters(&request.parameters, None);
    let key = spec.package.key();
    let interest = Interest {
        package_key: Some(&key),
        names: Some(&names),
    };
    let observed = observe_settled(context, interest).await?;
    if let Some(refusal) = refusal(&conflicts(&observed)) {
        return Err(refusal);
    }
    let plan = plan(spec, &observed)?;
    let writer = Writer::new(&context.aws, &agree(context, spec, &plan)?);
    let hands = Hands {
        aws: &context.aws,
        writer: &writer,
        place: &context.place,
        spec,
        ui,
        clock: &context.clock,
    };
    let begun = context.clock.now();
    let outputs = apply(hands, &plan, &observed).await?;
    let evaluation = async {
        if args.no_wait || !judges_lab_group(context, spec, &outputs).await? {
            return Ok(None);
        }
        let sought = Sought {
            outputs: &outputs,
            baseline: &spec.baseline,
            begun,
            timeout: args.timeout,
        };
        first_evaluation(context, &writer, &sought).await.map(Some)
    };
    let function = async {
        context
            .aws
            .function(&outputs.function_name)
            .await
            .doing(format_args!(
                "look at the function `{}`",
                outputs.function_name
            ))
    };
    let pending = async {
        context
            .aws
            .pending_subscriptions(&outputs.topic_arn)
            .await
            .doing("look at the topic's subscriptions")
    };
    let (evaluation, function, pending) = tokio::join!(evaluation, function, pending);
    let (evaluation, function) = (evaluation?, function?.unwrap_or_default());
    for address in pending?.iter().filter(|_| spec.topic) {
        ui.say(format_args!(
            "{address} gets notifications once the subscription in its mailbox is confirmed"
        ));
    }
    let failing = evaluation.as_ref().and_then(failure_of);
    report(context, spec, plan, outputs, function, evaluation)?;
    match failing {
        None => Ok(()),
        Some(annotation) => Err(Error::new(
            Kind::NotHealed,
            format!("the lab is there, but its function reports a failure: {annotation}"),
        )
        .hint("read what it logged with `logs`")),
    }
}

/// Shows the plan and asks for consent to it.
fn agree(context: &Context, spec: &Spec, plan: &Plan) -> Result<Consent> {
    let ui = &context.ui;
    for line in plan.to_string().lines() {
        ui.say(format_args!("  {line}"));
    }
    if spec.scope != LabScope::LabVpc {
        ui.warn(
            "the function's role lets it repair only groups of the lab's VPC, whatever the scope",
        );
    }
    if plan.is_empty() {
        return Ok(Consent::by_command());
    }
    context.consent("Make these changes?")
}

/// Whether the rule judges LabSG1 at all: a scope that was asked for may leave it out, and then there is nothing to wait
/// for.
async fn judges_lab_group(context: &Context, spec: &Spec, outputs: &Outputs) -> Result<bool> {
    let scope = match &spec.scope {
        LabScope::LabVpc => return Ok(true),
        LabScope::Asked(scope) => scope.clone(),
    };
    let policy = Policy {
        scope,
        ..Policy::default()
    };
    let group = live_group(context, &lab_group(outputs)?).await?;
    let judged = in_scope(context, &policy, &group)?;
    if !judged {
        context.ui.warn(format_args!(
            "the scope `{}` leaves out `{}`, so there is no evaluation to wait for",
            policy.scope, outputs.group_id
        ));
    }
    Ok(judged)
}

fn report(
    context: &Context,
    spec: &Spec,
    plan: Plan,
    outputs: Outputs,
    function: FunctionDescription,
    evaluation: Option<EvaluationResult>,
) -> Result<()> {
    let place = &context.place;
    let report = Report {
        stack: spec.stack.clone(),
        account: place.account().to_owned(),
        region: place.region.clone(),
        endpoint: context.aws.endpoint().map(str::to_owned),
        changed: !plan.is_empty(),
        plan,
        function: FunctionReport {
            name: outputs.function_name.clone(),
            runtime: function.runtime,
            architecture: spec.package.architecture.as_str(),
            code_sha256: function.code_sha256,
        },
        outputs,
        rule: RULE_NAME,
        evaluation: evaluation.map(|result| EvaluationReport {
            compliance: result.compliance,
            annotation: result.annotation,
            recorded_at: result.recorded_at,
        }),
    };
    let evaluation = match &report.evaluation {
        Some(EvaluationReport {
            compliance,
            annotation,
            recorded_at,
        }) => format!(
            "{compliance}: {} ({})",
            annotation.as_deref().unwrap_or_default(),
            recorded_at.map(moment).unwrap_or_default()
        ),
        None => "not waited for".to_owned(),
    };
    let rows = [
        ["stack".to_owned(), report.stack.clone()],
        [
            "account".to_owned(),
            format!("{}, {}", report.account, report.region),
        ],
        [
            "group".to_owned(),
            format!(
                "LabSG1 {} in {}",
                report.outputs.group_id, report.outputs.vpc_id
            ),
        ],
        ["function".to_owned(), report.function.name.clone()],
        [
            "code sha-256".to_owned(),
            report.function.code_sha256.clone().unwrap_or_default(),
        ],
        ["rule".to_owned(), report.rule.to_owned()],
        ["evaluation".to_owned(), evaluation],
        ["log group".to_owned(), report.outputs.log_group.clone()],
        [
            "delivery".to_owned(),
            report.outputs.delivery_bucket.clone(),
        ],
    ];
    let text = table(["the lab is ready", ""], rows);
    context.ui.result(&report, &text)
}
