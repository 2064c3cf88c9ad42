//! What `deploy` prints.

use serde::Serialize;

use crate::aws::{EvaluationResult, FunctionDescription};
use crate::cli::Context;
use crate::commands::lifetime::Lifetime;
use crate::error::Result;
use crate::output::{Text, moment};
use crate::plan::Plan;
use crate::spec::{RULE_NAME, Spec};
use crate::state::Outputs;

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
    /// When the lab removes itself.
    #[serde(with = "crate::output::moments::option")]
    expires: Option<time::OffsetDateTime>,
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

#[derive(Debug, Serialize)]
struct Planned<'a> {
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    endpoint: Option<&'a str>,
    /// Whether anything would be done.
    changes: bool,
    plan: &'a Plan,
    /// When the lab would remove itself.
    #[serde(with = "crate::output::moments::option")]
    expires: Option<time::OffsetDateTime>,
    /// What would happen then.
    self_destruct: Vec<String>,
}

/// A plan that was only shown.
pub(super) fn planned(context: &Context, plan: &Plan, lifetime: &Lifetime) -> Result<()> {
    let place = &context.place;
    let self_destruct = lifetime.ends(context.clock.now());
    let lines = plan.to_string();
    let lines = lines
        .lines()
        .chain(self_destruct.iter().map(String::as_str));
    let text = Text::of_lines(lines.collect::<Vec<_>>().join("\n"));
    let report = Planned {
        stack: &place.stack,
        account: place.account(),
        region: &place.region,
        endpoint: context.aws.endpoint(),
        changes: !plan.is_empty() || lifetime.changes(),
        plan,
        expires: lifetime.expires,
        self_destruct,
    };
    context.ui.result(&report, &text)
}

/// The lab as it is after a deployment.
pub(super) fn deployed(
    context: &Context,
    spec: &Spec,
    (plan, outputs): (Plan, Outputs),
    function: FunctionDescription,
    evaluation: Option<EvaluationResult>,
    expires: Option<time::OffsetDateTime>,
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
        expires,
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
    let mut rows = vec![
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
    rows.extend(expires.map(|at| ["removes itself".to_owned(), moment(at)]));
    let text = Text::table(["the lab is ready", ""], rows);
    context.ui.result(&report, &text)
}
