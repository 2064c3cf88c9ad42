//! A custom rule and what it has found out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::item::ResourceKey;
use super::periodic::Frequency;
use super::scheduled::SCHEDULED;
use super::scope::Scope;
use crate::clock::{Timestamp, epoch_seconds};

/// How a resource stands with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compliance {
    Compliant,
    NonCompliant,
    NotApplicable,
}

impl Compliance {
    pub(super) fn name(self) -> &'static str {
        match self {
            Compliance::Compliant => "COMPLIANT",
            Compliance::NonCompliant => "NON_COMPLIANT",
            Compliance::NotApplicable => "NOT_APPLICABLE",
        }
    }
}

/// What a function said about a resource.
#[derive(Debug, Clone)]
pub(super) struct Evaluation {
    pub(super) compliance: Compliance,
    pub(super) annotation: Option<String>,
    pub(super) ordering: Timestamp,
    pub(super) recorded: Timestamp,
    pub(super) invoked: Timestamp,
}

/// What `DescribeConfigRuleEvaluationStatus` tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity {
    pub(super) invoked: Option<Timestamp>,
    pub(super) invocation_failed: Option<Timestamp>,
    pub(super) evaluated: Option<Timestamp>,
    pub(super) evaluation_failed: Option<Timestamp>,
    pub(super) error: Option<(String, String)>,
}

/// A custom rule with a function.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) scope: Scope,
    /// The function's ARN.
    pub(super) function: String,
    /// The message types that it wants to hear about.
    pub(super) message_types: Vec<String>,
    /// How often it is asked by the clock; `None` when it is not.
    pub(super) schedule: Option<Frequency>,
    /// How often it follows the snapshots at most; `None` for every time.
    pub(super) at_most: Option<Frequency>,
    /// When it last followed one.
    pub(super) followed: Option<Timestamp>,
    /// The number of its schedule.
    pub(super) plan: u64,
    /// JSON text, passed on as it was put.
    pub(super) input_parameters: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) activated: Timestamp,
    pub(super) deleting: bool,
    /// Invocations of the last on-demand evaluation that have not ended.
    pub(super) running: usize,
    /// When the last on-demand evaluation was asked for.
    pub(super) asked: Option<Timestamp>,
    pub(super) results: BTreeMap<ResourceKey, Evaluation>,
    pub(super) activity: Activity,
}

impl Rule {
    /// A rule that says nothing yet.
    pub(super) fn new(name: &str, id: &str, arn: &str, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            arn: arn.to_owned(),
            description: None,
            scope: Scope::default(),
            function: String::new(),
            message_types: Vec::new(),
            schedule: None,
            at_most: None,
            followed: None,
            plan: 0,
            input_parameters: String::new(),
            tags: BTreeMap::new(),
            activated: now,
            deleting: false,
            running: 0,
            asked: None,
            results: BTreeMap::new(),
            activity: Activity::default(),
        }
    }

    pub(super) fn state(&self) -> &'static str {
        if self.deleting {
            "DELETING"
        } else if self.running > 0 {
            "EVALUATING"
        } else {
            "ACTIVE"
        }
    }

    pub(super) fn wants(&self, message_type: &str) -> bool {
        self.message_types.iter().any(|name| name == message_type)
    }

    pub(super) fn to_json(&self) -> Value {
        let details: Vec<Value> = self
            .message_types
            .iter()
            .map(|name| {
                let mut detail = json!({"EventSource": "aws.config", "MessageType": name});
                if let Some(frequency) = self.schedule.filter(|_| name == SCHEDULED) {
                    detail["MaximumExecutionFrequency"] = json!(frequency.name());
                }
                detail
            })
            .collect();
        let mut rule = json!({
            "ConfigRuleName": self.name,
            "ConfigRuleArn": self.arn,
            "ConfigRuleId": self.id,
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": self.function,
                "SourceDetails": details,
            },
            "InputParameters": self.input_parameters,
            "ConfigRuleState": self.state(),
            "EvaluationModes": [{"Mode": "DETECTIVE"}],
        });
        if let Some(description) = &self.description {
            rule["Description"] = json!(description);
        }
        if let Some(at_most) = self.at_most {
            rule["MaximumExecutionFrequency"] = json!(at_most.name());
        }
        if let Some(scope) = self.scope.to_json() {
            rule["Scope"] = scope;
        }
        rule
    }

    /// AWS promises this for managed rules; what it shows of custom ones is what Config itself saw.
    pub(super) fn activity_json(&self) -> Value {
        let mut status = json!({
            "ConfigRuleName": self.name,
            "ConfigRuleArn": self.arn,
            "ConfigRuleId": self.id,
            "FirstActivatedTime": epoch_seconds(self.activated),
            "FirstEvaluationStarted": self.activity.invoked.is_some(),
        });
        let moments = [
            ("LastSuccessfulInvocationTime", self.activity.invoked),
            ("LastFailedInvocationTime", self.activity.invocation_failed),
            ("LastSuccessfulEvaluationTime", self.activity.evaluated),
            ("LastFailedEvaluationTime", self.activity.evaluation_failed),
        ];
        for (name, at) in moments {
            if let Some(at) = at {
                status[name] = epoch_seconds(at);
            }
        }
        if let Some((code, message)) = &self.activity.error {
            status["LastErrorCode"] = json!(code);
            status["LastErrorMessage"] = json!(message);
        }
        status
    }
}
