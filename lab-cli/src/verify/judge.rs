//! The verdict.

use serde::Serialize;
use time::OffsetDateTime;

use super::evidence::{Evaluation, Evidence, Incident, Source, shows_open};

/// When what happened. All but the first may be unknown. An event that was on its way before may heal the group before
/// Config has recorded the change; otherwise none is earlier than the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The moment before the ports were opened.
    #[serde(with = "crate::output::moments")]
    pub opened_at: OffsetDateTime,
    /// Config recorded the open ports.
    #[serde(with = "crate::output::moments::option")]
    pub recorded_at: Option<OffsetDateTime>,
    /// Config invoked the function.
    #[serde(with = "crate::output::moments::option")]
    pub invoked_at: Option<OffsetDateTime>,
    /// The function took the ports away.
    #[serde(with = "crate::output::moments::option")]
    pub revoked_at: Option<OffsetDateTime>,
    /// Config recorded that the group is compliant again.
    #[serde(with = "crate::output::moments::option")]
    pub compliant_at: Option<OffsetDateTime>,
}

/// What the evidence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// All three kinds of evidence are there.
    Healed,
    /// Not yet: what is missing.
    Pending(Vec<String>),
    /// The function has tried and failed more than once: waiting longer is of no use.
    Hopeless(String),
}

impl Judgement {
    /// Why the group is not healed; `None` when it is.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Healed => None,
            Self::Pending(missing) => Some(missing.join("; ")),
            Self::Hopeless(reason) => Some(reason.clone()),
        }
    }
}

/// How many failed reports make waiting useless. Once may be a permission that is not known everywhere yet, and AWS Config
/// sends the event again after a failure.
const HOPELESS_AFTER: usize = 2;

/// Judges: healed are only a group that is exactly the baseline, a compliance that went from NON_COMPLIANT to COMPLIANT
/// since the incident, and a log that tells of every rule taken away.
pub fn judge(incident: &Incident, evidence: &Evidence) -> Judgement {
    let mut missing: Vec<String> = [
        missing_rules(incident, evidence),
        missing_compliance(evidence),
        missing_lines(incident, evidence),
    ]
    .into_iter()
    .flatten()
    .collect();
    if missing.is_empty() {
        return Judgement::Healed;
    }
    missing.extend(evidence.silence(incident));
    let failures = evidence.failures();
    let Some(last) = failures.last() else {
        return Judgement::Pending(missing);
    };
    let mut reasons = vec![format!(
        "the function reported a failure {}: {}",
        times(failures.len()),
        last.annotation.as_deref().unwrap_or_default()
    )];
    if let Some(refusal) = evidence.last_refusal(incident) {
        reasons.push(format!("it logged: {}", refusal.message));
    }
    reasons.extend(missing);
    if failures.len() >= HOPELESS_AFTER {
        Judgement::Hopeless(reasons.join("; "))
    } else {
        Judgement::Pending(reasons)
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}

fn missing_rules(incident: &Incident, evidence: &Evidence) -> Option<String> {
    let Some(ingress) = &evidence.ingress else {
        return Some(format!("`{}` is not there", incident.group_id));
    };
    let approved = incident.baseline.rules();
    let extra = ingress
        .difference(approved)
        .map(|rule| format!("{rule} is still open"));
    let absent = approved
        .difference(ingress)
        .map(|rule| format!("{rule} is not open"));
    let differences: Vec<_> = extra.chain(absent).collect();
    (!differences.is_empty()).then(|| differences.join(", "))
}

fn missing_compliance(evidence: &Evidence) -> Option<String> {
    let broken = evidence
        .evaluations
        .iter()
        .find(|e| e.compliance == "NON_COMPLIANT");
    let Some(broken) = broken else {
        return Some("no NON_COMPLIANT evaluation since the incident".to_owned());
    };
    if compliant_after(evidence, broken).is_some() {
        return None;
    }
    Some(
        match evidence
            .evaluations
            .iter()
            .rev()
            .find(|e| e.source == Source::Config)
        {
            Some(last) => format!(
                "AWS Config says {} ({})",
                last.compliance,
                last.annotation.as_deref().unwrap_or("no annotation")
            ),
            None => "AWS Config has no evaluation since the incident".to_owned(),
        },
    )
}

/// The last word has to be Config's own: that the function logged it is not enough.
fn compliant_after<'a>(evidence: &'a Evidence, broken: &Evaluation) -> Option<&'a Evaluation> {
    evidence
        .evaluations
        .iter()
        .rev()
        .find(|e| e.source == Source::Config)
        .filter(|last| last.compliance == "COMPLIANT" && last.recorded_at >= broken.recorded_at)
}

fn missing_lines(incident: &Incident, evidence: &Evidence) -> Option<String> {
    let absent: Vec<_> = incident
        .opened
        .iter()
        .filter(|rule| evidence.revoking_line(incident, rule).is_none())
        .map(|rule| {
            format!(
                "no log line `{}`",
                remediator_core::log::revoking(&incident.group_id, rule)
            )
        })
        .collect();
    (!absent.is_empty()).then(|| absent.join(", "))
}

impl Timeline {
    /// Dates the incident from the evidence.
    pub fn of(incident: &Incident, evidence: &Evidence) -> Self {
        let opened = evidence
            .items
            .iter()
            .position(|item| incident.opened.iter().all(|rule| shows_open(item, rule)));
        let compliant_at = compliant_at(evidence);
        let revoked_at = revoked_at(incident, evidence, opened, compliant_at);
        Self {
            opened_at: incident.opened_at,
            recorded_at: opened.map(|at| evidence.items[at].captured_at),
            invoked_at: invoked_at(incident, evidence, revoked_at),
            revoked_at,
            compliant_at,
        }
    }
}

/// The first COMPLIANT after the last NON_COMPLIANT. The repair is a change too and is evaluated again, so Config may
/// already tell of a later one; the function's log has the first.
fn compliant_at(evidence: &Evidence) -> Option<OffsetDateTime> {
    let broken = evidence
        .evaluations
        .iter()
        .rposition(|e| e.compliance == "NON_COMPLIANT")?;
    compliant_after(evidence, &evidence.evaluations[broken])?;
    evidence.evaluations[broken..]
        .iter()
        .find(|e| e.compliance == "COMPLIANT")
        .map(|e| e.recorded_at)
}

/// The first item without the ports, if it was captured between the function's word and Config's; otherwise the last of
/// the function's `revoking for` lines, which it writes just before the call. Ports that are still open were not closed,
/// whatever the log announces.
fn revoked_at(
    incident: &Incident,
    evidence: &Evidence,
    opened: Option<usize>,
    compliant_at: Option<OffsetDateTime>,
) -> Option<OffsetDateTime> {
    let ingress = evidence.ingress.as_ref()?;
    if !incident.opened.is_disjoint(ingress) {
        return None;
    }
    let lines: Option<Vec<_>> = incident
        .opened
        .iter()
        .map(|rule| evidence.revoking_line(incident, rule).map(|event| event.at))
        .collect();
    let announced = lines.and_then(|lines| lines.into_iter().max());
    let closed = opened
        .and_then(|opened| {
            evidence.items[opened..]
                .iter()
                .find(|item| !incident.opened.iter().any(|rule| shows_open(item, rule)))
        })
        .map(|item| item.captured_at);
    match (announced, closed) {
        (Some(announced), Some(closed))
            if closed >= announced && compliant_at.is_none_or(|at| closed <= at) =>
        {
            Some(closed)
        }
        (Some(announced), _) => Some(announced),
        (None, closed) => closed,
    }
}

/// When Config says that it invoked the function; what it says may be of the evaluation after the repair, so it has to be
/// before the repair. The log's START line stands in.
fn invoked_at(
    incident: &Incident,
    evidence: &Evidence,
    revoked_at: Option<OffsetDateTime>,
) -> Option<OffsetDateTime> {
    evidence
        .evaluations
        .iter()
        .filter_map(|e| e.invoked_at)
        .filter(|at| *at >= incident.opened_at && revoked_at.is_none_or(|revoked| *at <= revoked))
        .min()
        .or_else(|| start_line(incident, evidence))
}

/// Lambda writes `START RequestId: …` before the function's first line of an invocation.
fn start_line(incident: &Incident, evidence: &Evidence) -> Option<OffsetDateTime> {
    let first = evidence.log.iter().position(|event| {
        event
            .message
            .contains(&format!("revoking for {}", incident.group_id))
    })?;
    let stream = &evidence.log[first].stream;
    evidence.log[..first]
        .iter()
        .rev()
        .find(|event| event.stream == *stream && event.message.starts_with("START "))
        .map(|event| event.at)
}

#[cfg(test)]
mod tests;
