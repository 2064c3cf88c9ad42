//! `driftlab simulate-incident`.

mod text;

use std::collections::BTreeSet;
use std::time::Duration;

use remediator_core::{GroupId, Plan, Policy, Rule, log, plan};
use serde::Serialize;

use super::caught_up::caught_up;
use super::{deployed, in_scope, lab_group, live_group};
use crate::aws::{Doing, LogQuery, Recorder, RuleDescription, StackDescription, Writer};
use crate::cli::{Changing, Context};
use crate::consent::Consent;
use crate::error::{Error, Kind, Result};
use crate::output::moment;
use crate::spec::RULE_NAME;
use crate::state::Outputs;
use crate::verify::{
    Evaluation, Evidence, Incident, Judgement, Timeline, foreign_code, is_own_doing, judge,
};
use crate::wait::{Look, Pace, Seconds, Wait, parse_duration};

/// SMTPS and IMAPS: the ports of both source documents.
const PORTS: [u16; 2] = [465, 993];

/// How much longer to look for the record of the change, which dates the incident but is no part of the verdict. An event
/// that was on its way already may heal the group before Config has recorded the change, or without it ever doing so.
const RECORD_GRACE: time::Duration = time::Duration::seconds(10);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long to wait for the repair
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = parse_duration)]
    timeout: Duration,
    /// Only open the ports; neither wait nor judge
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Null when nobody waited.
    healed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    incident: IncidentReport,
    timeline: Timeline,
    ingress_after: Vec<Rule>,
    evaluations: Vec<Evaluation>,
    /// Time and text, as one reads them in CloudWatch.
    log_lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct IncidentReport {
    group_id: GroupId,
    opened: Vec<Rule>,
}

/// Opens two ports, waits for the repair and judges it.
///
/// # Errors
/// [`Kind::NotHealed`] when the function tries and fails, so that waiting longer is of no use; [`Kind::TimedOut`] when the
/// repair was not proven within the time that it was waited for; [`Kind::Failed`] when the lab is not in a
/// state in which an incident would prove anything; or the call that failed.
pub async fn run(context: &Changing, args: &Args) -> Result<()> {
    let (stack, outputs) = deployed(context).await?;
    let stack = stack.description;
    if let Some(foreign) = foreign(context, &stack, &outputs).await? {
        return Err(unready(foreign));
    }
    let mut incident = prepare(context, &outputs, args.timeout).await?;
    caught_up(context, &incident, args.timeout).await?;
    // Nothing of this incident can be older than the moment before the request is sent. Config and Logs count
    // milliseconds, so the rest is cut off.
    let now = context.clock.now();
    incident.opened_at = now.replace_millisecond(now.millisecond()).unwrap_or(now);
    open(context, &incident).await?;
    for rule in &incident.opened {
        context
            .ui
            .say(format_args!("opened {rule} on `{}`", incident.group_id));
    }
    if args.no_wait {
        let group = live_group(context, &incident.group_id).await?;
        let evidence = Evidence {
            ingress: Some(group.ingress),
            ..Evidence::default()
        };
        return report(context, &incident, &evidence, None);
    }
    let (evidence, mut judgement) =
        observe_repair(context, &outputs, &incident, args.timeout).await?;
    // Somebody may have replaced it meanwhile.
    if judgement == Judgement::Healed
        && let Some(foreign) = foreign(context, &stack, &outputs).await?
    {
        judgement = Judgement::Hopeless(foreign);
    }
    report(context, &incident, &evidence, Some(&judgement))?;
    verdict(judgement, !evidence.failures().is_empty(), args.timeout)
}

/// The end of the command. What is still missing at the deadline may come a moment later, unless the function has `failed`: it
/// tried, and said so.
fn verdict(judgement: Judgement, failed: bool, timeout: Duration) -> Result<()> {
    let not_healed = |reason: String| {
        Error::new(Kind::NotHealed, "the incident was not healed").caused_by(reason)
    };
    let error = match judgement {
        Judgement::Healed => return Ok(()),
        Judgement::Hopeless(reason) => not_healed(reason),
        Judgement::Pending(missing) if failed => not_healed(missing.join("; ")),
        Judgement::Pending(missing) => {
            let what = format!("the incident was not healed within {}", Seconds(timeout));
            Error::new(Kind::TimedOut, what)
                .caused_by(missing.join("; "))
                .hint("AWS Config promises no latency: give it longer with `--timeout`")
        }
    };
    Err(error
        .hint("read what the function logged with `logs`, and what AWS Config says with `status`")
        .hint("once the cause is removed, `deploy` has the group judged again"))
}

/// In what the function is not the one that was deployed: its repair would prove nothing.
async fn foreign(
    context: &Context,
    stack: &StackDescription,
    outputs: &Outputs,
) -> Result<Option<String>> {
    let name = &outputs.function_name;
    let function = context.aws.function(name).await;
    let function = function.doing(format_args!("look at the function `{name}`"))?;
    let key = stack.parameters.get("CodeS3Key").map(String::as_str);
    let live = function.and_then(|function| function.code_sha256);
    Ok(foreign_code(key, live.as_deref()))
}

fn unready(what: String) -> Error {
    Error::new(Kind::Failed, what).hint("run `deploy` again, it repairs what is missing")
}

/// Opens the ports of a group that was just seen without them.
async fn open(context: &Changing, incident: &Incident) -> Result<()> {
    let Incident {
        group_id, opened, ..
    } = incident;
    // To open these ports is what the command is for.
    let writer = Writer::new(&context.aws, &Consent::by_command(context.may_change()));
    let Err(refused) = writer.open(group_id, opened).await else {
        return Ok(());
    };
    if refused.code() == Some("InvalidPermission.Duplicate")
        && is_own_doing(opened, &live_group(context, group_id).await?.ingress)
    {
        return Ok(());
    }
    Err(refused).doing(format_args!("open the ports of `{group_id}`"))
}

/// An incident proves something only if the recorder runs, the rule is active, and the group is as it should be.
async fn prepare(context: &Context, outputs: &Outputs, patience: Duration) -> Result<Incident> {
    let group_id = lab_group(outputs)?;
    let (rule, recorders, group) = tokio::try_join!(
        async {
            context
                .aws
                .rule(RULE_NAME)
                .await
                .doing(format_args!("look at the rule `{RULE_NAME}`"))
        },
        async {
            context
                .aws
                .recorders()
                .await
                .doing("look at the configuration recorder")
        },
        live_group(context, &group_id),
    )?;
    let policy = working_policy(rule, &recorders)?;
    if !in_scope(context, &policy, &group)? {
        return Err(Error::new(
            Kind::Failed,
            format!(
                "the rule's scope `{}` leaves out the group `{group_id}`",
                policy.scope
            ),
        )
        .hint("deploy with another `--scope`"));
    }
    let opened: BTreeSet<Rule> = PORTS
        .map(|port| Rule::tcp(port, remediator_core::Source::anywhere_ipv4()))
        .into_iter()
        .collect();
    if let Some(approved) = opened.intersection(policy.baseline.rules()).next() {
        return Err(Error::input(format!(
            "the baseline approves {approved}, so opening it would be no incident"
        ))
        .hint("deploy with another `--baseline`"));
    }
    if plan(&group, &policy).is_empty() {
        // As it should be.
    } else if !group.ingress.is_disjoint(&opened) {
        healed_before(context, &group_id, &policy, patience).await?;
    } else {
        return Err(drifted(Kind::Failed, &group_id, &plan(&group, &policy)));
    }
    Ok(Incident {
        group_id,
        opened,
        opened_at: context.clock.now(),
        baseline: policy.baseline,
    })
}

/// The very ports of an incident are open: whoever ran this command before was interrupted, and the repair is on its way. The
/// same command goes on from there.
async fn healed_before(
    context: &Context,
    id: &GroupId,
    policy: &Policy,
    patience: Duration,
) -> Result<()> {
    let wait = Wait {
        clock: &context.clock,
        ui: &context.ui,
        what: format!("the repair of `{id}` after an incident before this one"),
        usual: "AWS Config promises no latency, usually 1–15 minutes",
        timeout: patience,
        pace: Pace::EVIDENCE,
    };
    let mut drift = Plan::default();
    let waited = wait
        .until(async || {
            drift = plan(&live_group(context, id).await?, policy);
            Ok(if drift.is_empty() {
                Look::Done(())
            } else {
                Look::Missing(drift.to_string().replace('\n', ", "))
            })
        })
        .await;
    waited.map_err(|error| match error.kind() {
        Kind::TimedOut => drifted(Kind::TimedOut, id, &drift),
        Kind::Failed
        | Kind::Input
        | Kind::Refused
        | Kind::NotHealed
        | Kind::Leftovers
        | Kind::Unreachable
        | Kind::Interrupted => error,
    })
}

fn drifted(kind: Kind, id: &GroupId, drift: &Plan) -> Error {
    let differences = drift.to_string().replace('\n', ", ");
    Error::new(
        kind,
        format!("the group `{id}` is not at its baseline before the incident: {differences}"),
    )
    .hint("see with `status` and `logs` whether a repair is under way; `deploy` has the group judged again")
}

/// What the rule enforces, if recorder and rule are at work.
fn working_policy(rule: Option<RuleDescription>, recorders: &[Recorder]) -> Result<Policy> {
    let rule = rule.ok_or_else(|| unready(format!("there is no rule `{RULE_NAME}`")))?;
    if rule.state != "ACTIVE" && rule.state != "EVALUATING" {
        return Err(unready(format!(
            "the rule `{RULE_NAME}` is not active but {}",
            rule.state
        )));
    }
    if !recorders.iter().any(|recorder| recorder.recording) {
        return Err(unready(
            "the configuration recorder is not running".to_owned(),
        ));
    }
    Policy::from_parameters(rule.parameters.as_deref().unwrap_or("{}")).map_err(|e| {
        unready(format!(
            "the parameters of the rule `{RULE_NAME}` are not usable"
        ))
        .caused_by(e)
    })
}

/// Collects evidence until it is enough for a verdict, or the time is up: then what was seen is judged as it is.
async fn observe_repair(
    context: &Context,
    outputs: &Outputs,
    incident: &Incident,
    timeout: Duration,
) -> Result<(Evidence, Judgement)> {
    let mut evidence = Evidence::default();
    let mut judgement = Judgement::Pending(vec!["nothing was seen yet".to_owned()]);
    let wait = Wait {
        clock: &context.clock,
        ui: &context.ui,
        what: format!("the repair of `{}`", incident.group_id),
        usual: "AWS Config promises no latency, usually 1–15 minutes",
        timeout,
        pace: Pace::EVIDENCE,
    };
    let mut healed_at = None;
    let waited = wait
        .until(async || {
            look(context, outputs, incident, &mut evidence).await?;
            judgement = judge(incident, &evidence);
            let now = context.clock.now();
            Ok(match &judgement {
                Judgement::Healed => {
                    let since = *healed_at.get_or_insert(now);
                    let dated = Timeline::of(incident, &evidence).recorded_at.is_some();
                    if dated || now - since >= RECORD_GRACE {
                        Look::Done(())
                    } else {
                        Look::Missing(
                            "it is healed, the record of the change is not there yet".to_owned(),
                        )
                    }
                }
                Judgement::Hopeless(_) => Look::Done(()),
                Judgement::Pending(missing) => Look::Missing(missing.join("; ")),
            })
        })
        .await;
    match waited {
        Ok(()) => Ok((evidence, judgement)),
        // The end of the wait is not the failure; what is missing at that moment is.
        Err(error) if error.kind() == Kind::TimedOut => {
            context.ui.warn(format_args!(
                "gave up after {}, judging what was seen",
                Seconds(timeout)
            ));
            Ok((evidence, judgement))
        }
        Err(error) => Err(error),
    }
}

async fn look(
    context: &Context,
    outputs: &Outputs,
    incident: &Incident,
    evidence: &mut Evidence,
) -> Result<()> {
    let aws = &context.aws;
    let log = LogQuery {
        pattern: None,
        since: Some(incident.opened_at),
    };
    let id = &incident.group_id;
    let (group, results, items, log) = tokio::try_join!(
        async {
            aws.group(id)
                .await
                .doing(format_args!("look at the group `{id}`"))
        },
        async {
            aws.evaluations(RULE_NAME)
                .await
                .doing(format_args!("look at the rule `{RULE_NAME}`"))
        },
        async {
            aws.history(id.as_str(), incident.opened_at)
                .await
                .doing(format_args!("look at the history of `{id}`"))
        },
        async {
            aws.log_events(&outputs.log_group, &log)
                .await
                .doing(format_args!("read the log group `{}`", outputs.log_group))
        },
    )?;
    evidence.ingress = group.map(|group| group.canonical().ingress);
    evidence.see_results(incident, results);
    evidence.see_history(incident, items);
    evidence.see_log(incident, log.unwrap_or_default());
    Ok(())
}

fn report(
    context: &Context,
    incident: &Incident,
    evidence: &Evidence,
    judgement: Option<&Judgement>,
) -> Result<()> {
    let report = Report {
        healed: judgement.map(|judgement| *judgement == Judgement::Healed),
        reason: judgement.and_then(Judgement::reason),
        incident: IncidentReport {
            group_id: incident.group_id.clone(),
            opened: incident.opened.iter().cloned().collect(),
        },
        timeline: Timeline::of(incident, evidence),
        ingress_after: evidence.ingress.iter().flatten().cloned().collect(),
        evaluations: evidence.evaluations.clone(),
        log_lines: evidence
            .telling_lines(incident)
            .into_iter()
            .map(|event| format!("{}  {}", moment(event.at), log::one_line(&event.message)))
            .collect(),
    };
    context.ui.result(&report, &text::text(&report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repair_that_is_not_seen_in_time_is_another_end_than_one_that_fails() {
        let kind = |judgement, failed| {
            let ended = verdict(judgement, failed, Duration::from_secs(1));
            ended.err().map(|error| error.kind())
        };
        let pending = || Judgement::Pending(vec!["tcp 465 is still open".to_owned()]);
        assert_eq!(kind(Judgement::Healed, false), None);
        assert_eq!(kind(pending(), false), Some(Kind::TimedOut));
        assert_eq!(kind(pending(), true), Some(Kind::NotHealed));
        let hopeless = Judgement::Hopeless("revoke_security_group failure".to_owned());
        assert_eq!(kind(hopeless, true), Some(Kind::NotHealed));
    }
}
