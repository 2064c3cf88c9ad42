//! What machines read of a run: one JSON object a line, beside the lines for people.
//!
//! Every line of a run carries the same `correlation`, so that one search shows the way from the
//! event to the evaluation. Metrics are in CloudWatch's embedded metric format: CloudWatch makes
//! numbers of such a line by itself, and the function needs neither a call nor a permission.

use crate::actor::Actor;
use crate::evaluation::Evaluation;
use crate::ids::GroupId;
use crate::json::{Json, member};
use crate::plan::Direction;
use crate::rule::Rule;
use crate::timestamp::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// What all lines of a run have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Ties the lines together: `<rule id>/<resource>/<capture time>` for a change that Config tells,
    /// CloudTrail's event id for a call, Lambda's request id for anything else. An event that is
    /// delivered again has the same one.
    pub correlation: String,
    /// Lambda's id of the invocation: the same when Lambda tries again.
    pub request_id: String,
    /// The Config rule's name, or [`NO_RULE`].
    pub rule: String,
    /// The account, where the event says.
    pub account: String,
    /// The region that the function runs in.
    pub region: String,
    /// Who caused the event, where that is told.
    pub actor: Option<Actor>,
    /// The Config rule's id, where the event has one.
    rule_id: Option<String>,
}

/// Stands for the name of a rule where the event comes from none.
pub const NO_RULE: &str = "(none)";

/// A dimension is a name that an account has a few of, never one that grows with what happens.
const MAX_DIMENSION: usize = 255;

impl Context {
    /// From the event as it came; `region` and `request_id` are Lambda's.
    #[must_use]
    pub fn new(payload: &Json<'_>, region: &str, request_id: &str) -> Self {
        let text = |name: &str| member(payload, name).and_then(Json::as_str);
        let actor = Actor::from_event(payload);
        let correlation = match &actor {
            Some(actor) => actor.event_id.clone(),
            None => request_id.to_owned(),
        };
        let rule = text("configRuleName").filter(|name| !name.is_empty());
        let account = text("accountId").or_else(|| text("account"));
        Self {
            correlation,
            request_id: request_id.to_owned(),
            rule: dimension(rule.unwrap_or(NO_RULE)),
            account: dimension(account.unwrap_or_default()),
            region: dimension(region),
            actor,
            rule_id: text("configRuleId").map(str::to_owned),
        }
    }

    /// The event is understood: it is about this resource, and of this moment.
    pub fn about(&mut self, resource: &str, captured: Timestamp) {
        if let Some(rule) = &self.rule_id {
            self.correlation = format!("{rule}/{resource}/{captured}");
        }
    }

    fn line<M: Serialize>(&self, event: &str, more: M) -> String {
        json_line(&Line {
            event,
            correlation: &self.correlation,
            request_id: &self.request_id,
            rule: &self.rule,
            more,
        })
    }
}

/// What every line begins with.
#[derive(Serialize)]
struct Line<'a, M> {
    event: &'a str,
    correlation: &'a str,
    request_id: &'a str,
    rule: &'a str,
    #[serde(flatten)]
    more: M,
}

/// Written straight from the types: a tree of values in between costs more than the writing.
fn json_line<L: Serialize>(line: &L) -> String {
    // Fails for maps with keys that are no text, of which there are none here.
    serde_json::to_string(line).unwrap_or_else(|error| format!("not written as JSON: {error}"))
}

fn dimension(text: &str) -> String {
    let name: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_DIMENSION)
        .collect();
    if name.trim().is_empty() {
        NO_RULE.to_owned()
    } else {
        name
    }
}

/// Which way rules were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// Taken away.
    Revoke,
    /// Added.
    Authorize,
}

/// A write that EC2 confirmed, with every rule in full. `unknown`: how many EC2 did not know.
#[must_use]
pub fn written(
    context: &Context,
    (write, direction): (Write, Direction),
    group: &GroupId,
    rules: &BTreeSet<Rule>,
    unknown: usize,
) -> String {
    let direction = match direction {
        Direction::Ingress => "inbound",
        Direction::Egress => "outbound",
    };
    let written = Written {
        group,
        write,
        direction,
        rules,
        unknown: (unknown > 0).then_some(unknown),
        by: context.actor.as_ref(),
    };
    context.line("written", written)
}

#[derive(Serialize)]
struct Written<'a> {
    group: &'a GroupId,
    write: Write,
    direction: &'static str,
    rules: &'a BTreeSet<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Actor>,
}

/// An evaluation that Config accepted.
#[must_use]
pub fn evaluated(context: &Context, evaluation: &Evaluation) -> String {
    context.line("evaluated", evaluation)
}

/// How an invocation ended that failed.
#[must_use]
pub fn failed(context: &Context, error: &str) -> String {
    #[derive(Serialize)]
    struct Failed<'a> {
        error: &'a str,
    }
    context.line("failed", Failed { error })
}

/// What an invocation comes to in numbers. All zero: nothing is written, and nothing is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Groups that were found to have drifted.
    pub detected: u64,
    /// Groups that were put right.
    pub healed: u64,
    /// Groups that keep coming back broken.
    pub contested: u64,
    /// Invocations that failed: 0 or 1.
    pub failed: u64,
    /// Notifications that did not arrive, or were held back.
    pub notifications_failed: u64,
    /// Milliseconds from the capture of the item to the last confirmed write, for each healed group
    /// whose item is known.
    pub heal_latency: Vec<i64>,
}

/// CloudWatch takes at most so many values of one metric in a line.
const MAX_VALUES: usize = 100;

/// The line that CloudWatch makes metrics of; `None` where there is nothing to count.
///
/// Specification: "Embedded metric format specification" of the CloudWatch user guide.
#[must_use]
pub fn metrics(context: &Context, metrics: &Metrics, now: Timestamp) -> Option<String> {
    if *metrics == Metrics::default() {
        return None;
    }
    let Metrics {
        detected,
        healed,
        contested,
        failed,
        notifications_failed,
        heal_latency,
    } = metrics;
    let shown = heal_latency.len().min(MAX_VALUES);
    // The last one is the latency, which not every line has.
    let metrics = if shown == 0 { &ALL[..5] } else { &ALL };
    let line = Embedded {
        rule: &context.rule,
        account: &context.account,
        region: &context.region,
        correlation: &context.correlation,
        request_id: &context.request_id,
        detected: *detected,
        healed: *healed,
        contested: *contested,
        failed: *failed,
        notifications_failed: *notifications_failed,
        heal_latency: &heal_latency[..shown],
        aws: Directives {
            timestamp: now.as_millis(),
            cloud_watch_metrics: [Directive {
                namespace: "DriftLab",
                dimensions: [["Rule", "Account", "Region"]],
                metrics,
            }],
        },
    };
    Some(json_line(&line))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Embedded<'a> {
    rule: &'a str,
    account: &'a str,
    region: &'a str,
    #[serde(rename = "correlation")]
    correlation: &'a str,
    #[serde(rename = "request_id")]
    request_id: &'a str,
    detected: u64,
    healed: u64,
    contested: u64,
    failed: u64,
    notifications_failed: u64,
    #[serde(skip_serializing_if = "<[i64]>::is_empty")]
    heal_latency: &'a [i64],
    #[serde(rename = "_aws")]
    aws: Directives<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directives<'a> {
    timestamp: i64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'static str,
    dimensions: [[&'static str; 3]; 1],
    metrics: &'a [Definition],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

const fn definition(name: &'static str, unit: &'static str) -> Definition {
    Definition { name, unit }
}

const ALL: [Definition; 6] = [
    definition("Detected", "Count"),
    definition("Healed", "Count"),
    definition("Contested", "Count"),
    definition("Failed", "Count"),
    definition("NotificationsFailed", "Count"),
    definition("HealLatency", "Milliseconds"),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{Annotation, Compliance};
    use serde_json::{Value, json};

    fn context() -> Context {
        let payload = json!({"configRuleName": "EC2SecurityGroup", "configRuleId": "config-rule-a", "accountId": "123456789012"});
        Context::new(&(&payload).into(), "us-east-1", "r-1")
    }

    fn parsed(line: &str) -> Value {
        assert_eq!(line.lines().count(), 1, "one line, one log event");
        serde_json::from_str(line).unwrap()
    }

    /// G1: every line of a run carries the same correlation.
    #[test]
    fn the_lines_of_a_run() {
        let (context, group) = (context(), "sg-0a".parse().unwrap());
        let rules = BTreeSet::from(["tcp:465:0.0.0.0/0".parse().unwrap()]);
        let evaluation = Evaluation {
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            resource_id: "sg-0a".to_owned(),
            compliance: Compliance::NonCompliant,
            annotation: Annotation::modified(1, 0),
            ordering_timestamp: "2026-11-22T08:00:00.123Z".parse().unwrap(),
        };
        let written = parsed(&written(
            &context,
            (Write::Revoke, Direction::Ingress),
            &group,
            &rules,
            0,
        ));
        assert_eq!(written["rules"], json!(["tcp 465 from 0.0.0.0/0"]));
        assert_eq!(
            (&written["write"], &written["group"]),
            (&json!("revoke"), &json!("sg-0a"))
        );
        assert!(written.get("by").is_none() && written.get("unknown").is_none());
        let evaluated = parsed(&evaluated(&context, &evaluation));
        assert_eq!(evaluated["compliance"], "NON_COMPLIANT");
        let failed = parsed(&failed(&context, "a\nb"));
        for line in [written, evaluated, failed] {
            assert_eq!(line["correlation"], "r-1");
            assert_eq!(line["rule"], "EC2SecurityGroup");
        }
    }

    /// G1: what Config delivers again is found under the same name.
    #[test]
    fn a_change_is_named_by_its_item() {
        let payload = json!({"configRuleId": "config-rule-0a"});
        let captured: Timestamp = "2026-11-22T08:00:00.123Z".parse().unwrap();
        let name = |request: &str| {
            let mut context = Context::new(&(&payload).into(), "us-east-1", request);
            context.about("sg-0a", captured);
            context.correlation
        };
        assert_eq!(name("r-1"), "config-rule-0a/sg-0a/2026-11-22T08:00:00.123Z");
        assert_eq!(name("r-1"), name("r-2"));
    }

    /// G2: the caller stands beside what was taken back.
    #[test]
    fn a_write_names_who_made_it_necessary() {
        let payload = json!({"detail-type": "AWS API Call via CloudTrail", "account": "123456789012", "detail": {
            "eventName": "AuthorizeSecurityGroupIngress", "eventID": "e-1",
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/eve"}}});
        let context = Context::new(&(&payload).into(), "us-east-1", "r-1");
        assert_eq!(
            (context.correlation.as_str(), context.rule.as_str()),
            ("e-1", NO_RULE)
        );
        let group = "sg-0a".parse().unwrap();
        let line = parsed(&written(
            &context,
            (Write::Authorize, Direction::Egress),
            &group,
            &BTreeSet::new(),
            2,
        ));
        assert_eq!(
            line["by"]["principal"],
            "arn:aws:iam::123456789012:user/eve"
        );
        assert_eq!(line["unknown"], 2);
    }

    /// G3: the embedded metric format, with dimensions that do not grow.
    #[test]
    fn metrics_as_cloudwatch_reads_them() {
        let now = Timestamp::from_millis(1_795_334_400_123);
        assert_eq!(metrics(&context(), &Metrics::default(), now), None);
        let numbers = Metrics {
            detected: 1,
            healed: 1,
            heal_latency: (0..150).collect(),
            ..Metrics::default()
        };
        let line = parsed(&metrics(&context(), &numbers, now).unwrap());
        assert_eq!(line["_aws"]["Timestamp"], 1_795_334_400_123_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "DriftLab");
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let value = &line[metric["Name"].as_str().unwrap()];
            assert!(value.is_number() || value.is_array(), "{metric}");
        }
        assert_eq!(line["HealLatency"].as_array().unwrap().len(), MAX_VALUES);
        assert_eq!((&line["Healed"], &line["Failed"]), (&json!(1), &json!(0)));
        let odd = Context::new(&(&json!({"configRuleName": "\n "})).into(), "", "r");
        assert_eq!(
            (odd.rule.as_str(), odd.account.as_str()),
            (NO_RULE, NO_RULE)
        );
    }
}
