//! What was done and what was seen.

use std::collections::BTreeSet;

use remediator_core::{Baseline, GroupId, Rule, log};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::aws::{ConfigItem, EvaluationResult, LogEvent};

/// The change that was made on purpose.
#[derive(Debug, Clone)]
pub struct Incident {
    /// The group.
    pub group_id: GroupId,
    /// The rules that were added.
    pub opened: BTreeSet<Rule>,
    /// The moment before the request was sent, in whole milliseconds: nothing of this incident is older.
    pub opened_at: OffsetDateTime,
    /// What the group shall be.
    pub baseline: Baseline,
}

/// Where an evaluation is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// AWS Config told it.
    Config,
    /// The function logged that AWS Config accepted it.
    FunctionLog,
}

/// One evaluation of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// `COMPLIANT`, `NON_COMPLIANT`, …
    pub compliance: String,
    /// What the function said.
    pub annotation: Option<String>,
    /// When Config recorded it, or when the function logged that it did.
    #[serde(with = "crate::output::moments")]
    pub recorded_at: OffsetDateTime,
    /// Where it is known from.
    pub source: Source,
    /// When Config invoked the function, if Config told.
    #[serde(skip)]
    pub invoked_at: Option<OffsetDateTime>,
}

/// Everything seen of an incident so far. It only grows: AWS Config keeps but the latest evaluation, so what was seen
/// once has to be remembered.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The group's inbound rules when last seen; `None` when the group was gone or not looked at.
    pub ingress: Option<BTreeSet<Rule>>,
    /// Evaluations since the incident, oldest first.
    pub evaluations: Vec<Evaluation>,
    /// Configuration items since the incident, oldest first.
    pub items: Vec<ConfigItem>,
    /// The function's log since the incident, oldest first.
    pub log: Vec<LogEvent>,
}

impl Evidence {
    /// Adds what Config says of the group at the moment.
    pub fn see_results(&mut self, incident: &Incident, results: Vec<EvaluationResult>) {
        for result in results {
            let Some(recorded_at) = result.recorded_at else {
                continue;
            };
            if result.resource_id != incident.group_id.as_str() || recorded_at < incident.opened_at
            {
                continue;
            }
            self.add(Evaluation {
                compliance: result.compliance,
                annotation: result.annotation,
                recorded_at,
                source: Source::Config,
                invoked_at: result.invoked_at,
            });
        }
    }

    /// Adds the lines that the function has written since the incident, all of them.
    pub fn see_log(&mut self, incident: &Incident, log: Vec<LogEvent>) {
        self.log = log;
        self.log.retain(|event| event.at >= incident.opened_at);
        let reported: Vec<_> = self
            .log
            .iter()
            .filter_map(|event| reported(&event.message, incident).map(|(c, a)| (event.at, c, a)))
            .collect();
        for (recorded_at, compliance, annotation) in reported {
            self.add(Evaluation {
                compliance,
                annotation: Some(annotation),
                recorded_at,
                source: Source::FunctionLog,
                invoked_at: None,
            });
        }
    }

    /// Adds the group's history since the incident, all of it.
    pub fn see_history(&mut self, incident: &Incident, items: Vec<ConfigItem>) {
        self.items = items;
        self.items
            .retain(|item| item.captured_at >= incident.opened_at);
    }

    fn add(&mut self, evaluation: Evaluation) {
        let known = self.evaluations.iter().any(|known| {
            known.source == evaluation.source
                && known.recorded_at == evaluation.recorded_at
                && known.compliance == evaluation.compliance
        });
        if known {
            return;
        }
        self.evaluations.push(evaluation);
        self.evaluations.sort_by_key(|e| (e.recorded_at, e.source));
        let happened = self.happened();
        let mut order: Vec<_> = std::mem::take(&mut self.evaluations)
            .into_iter()
            .zip(happened)
            .collect();
        // Within one millisecond the drift comes before the repair: nothing can be repaired before it is found broken.
        order.sort_by_key(|(e, at)| (*at, e.compliance != "NON_COMPLIANT", e.source));
        self.evaluations = order.into_iter().map(|(e, _)| e).collect();
    }

    /// When each evaluation was reported at the latest. A log line is dated when it is collected, which may be after Config
    /// has recorded the function's *next* report; but the lines stand in the order of the reports, so none was reported
    /// after what Config says of it or of a later one.
    fn happened(&self) -> Vec<OffsetDateTime> {
        let mut latest = None;
        let mut happened: Vec<_> = self
            .evaluations
            .iter()
            .rev()
            .map(|e| match e.source {
                Source::Config => e.recorded_at,
                Source::FunctionLog => {
                    let told = self.told_by_config(e).unwrap_or(e.recorded_at);
                    let at = latest.map_or(told, |next: OffsetDateTime| next.min(told));
                    latest = Some(at);
                    at
                }
            })
            .collect();
        happened.reverse();
        happened
    }

    /// When Config recorded the report that a log line tells of, if that was seen.
    fn told_by_config(&self, line: &Evaluation) -> Option<OffsetDateTime> {
        self.evaluations
            .iter()
            .filter(|e| e.source == Source::Config && e.recorded_at <= line.recorded_at)
            .filter(|e| e.compliance == line.compliance && e.annotation == line.annotation)
            .map(|e| e.recorded_at)
            .max()
    }

    /// The lines that tell what the function did about this group. When it said nothing of the group, it may have failed
    /// before it could: then the end of its log.
    pub fn telling_lines(&self, incident: &Incident) -> Vec<&LogEvent> {
        /// Enough for what Lambda writes about an invocation that failed.
        const LAST: usize = 6;
        let about = self.lines_about(incident);
        if !about.is_empty() {
            return about;
        }
        let start = self.log.len().saturating_sub(LAST);
        self.log[start..]
            .iter()
            .filter(|event| !is_dump(&event.message))
            .collect()
    }

    /// What is known of a function that reported nothing about the group.
    pub fn silence(&self, incident: &Incident) -> Option<String> {
        if !self.evaluations.is_empty() || !self.lines_about(incident).is_empty() {
            return None;
        }
        let ends = |word: &str| {
            self.log
                .iter()
                .rev()
                .find(|event| event.message.to_ascii_lowercase().contains(word))
        };
        Some(
            match ends(" error: ").or(ends("error")).or(self.log.last()) {
                Some(event) => format!("the function's log has: {}", log::one_line(&event.message)),
                None => "the function has logged nothing since the incident".to_owned(),
            },
        )
    }

    fn lines_about(&self, incident: &Incident) -> Vec<&LogEvent> {
        const WORDS: [&str; 5] = [
            "revoking for ",
            "authorizing for ",
            "reported ",
            " failure on group ",
            FAILED,
        ];
        self.log
            .iter()
            .filter(|event| {
                event.message.contains(incident.group_id.as_str()) && !is_dump(&event.message)
            })
            .filter(|event| WORDS.iter().any(|word| event.message.contains(word)))
            .collect()
    }

    /// The line that tells that one opened rule was taken away.
    pub fn revoking_line(&self, incident: &Incident, rule: &Rule) -> Option<&LogEvent> {
        let wanted = log::revoking(&incident.group_id, rule);
        self.log.iter().find(|event| {
            event.message.find(&wanted).is_some_and(|at| {
                // `port 46` must not be found in `port 465`.
                !event.message[at + wanted.len()..]
                    .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            })
        })
    }

    /// What the function logged of the last call that AWS refused: operation, error code and request id.
    pub fn last_refusal(&self, incident: &Incident) -> Option<&LogEvent> {
        self.lines_about(incident)
            .into_iter()
            .rev()
            .find(|event| event.message.contains(FAILED))
    }

    /// What the function reported as failed, each report once.
    pub fn failures(&self) -> Vec<&Evaluation> {
        let failed = |source| {
            self.evaluations.iter().filter(move |e| {
                e.source == source
                    && e.compliance == "NON_COMPLIANT"
                    && e.annotation.as_deref().is_some_and(is_failure)
            })
        };
        // Both sources tell of the same reports; the log has them all, Config only those that were seen in time.
        let logged: Vec<_> = failed(Source::FunctionLog).collect();
        if logged.is_empty() {
            failed(Source::Config).collect()
        } else {
            logged
        }
    }
}

/// How the function logs a call that failed: `` `RevokeSecurityGroupIngress` of `sg-…` failed: UnauthorizedOperation: … ``.
const FAILED: &str = " failed: ";

/// With `debug` on the function also logs the whole event, which may hold any of the words looked for.
fn is_dump(message: &str) -> bool {
    message.contains('{')
}

/// Whether an annotation says that the function could not do its work.
pub fn is_failure(annotation: &str) -> bool {
    ["describe_", "authorize_", "revoke_", "put_"]
        .iter()
        .any(|operation| annotation.starts_with(operation))
        && annotation.contains(" failure")
}

/// Reads `reported sg-… NON_COMPLIANT: annotation`.
fn reported(line: &str, incident: &Incident) -> Option<(String, String)> {
    let start = format!("reported {} ", incident.group_id);
    let at = line.find(&start)?;
    let (compliance, annotation) = line[at + start.len()..].split_once(": ")?;
    let known = ["COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"];
    known
        .contains(&compliance)
        .then(|| (compliance.to_owned(), annotation.trim_end().to_owned()))
}

/// Whether a configuration item shows that a rule's ports are open. Its shape varies by version, so only the ports are
/// looked at, and only to date the incident: what the group is now is asked of EC2.
pub fn shows_open(item: &ConfigItem, rule: &Rule) -> bool {
    let Some((from, to)) = rule.ec2_ports() else {
        return false;
    };
    item.configuration
        .get("ipPermissions")
        .and_then(Value::as_array)
        .is_some_and(|permissions| {
            permissions.iter().any(|permission| {
                let port = |key: &str| permission.get(key).and_then(Value::as_i64);
                port("fromPort") == Some(from) && port("toPort") == Some(to)
            })
        })
}
