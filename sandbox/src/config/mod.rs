//! AWS Config: recorder, channel, rules, items, evaluations.
//!
//! A mutation is told to [`observe`], which captures the resource and leaves a task; the task writes
//! the configuration item ([`record`]), streams it ([`delivery`]) and asks every rule in whose scope
//! it is ([`invoke`]); the function answers through `PutEvaluations` ([`evaluations`]).
//!
//! By the clock ([`periodic`]) come files in the bucket ([`export`]) and rules about no item ([`scheduled`]).

mod channel;
mod compliance;
mod compliance_item;
mod delivery;
mod diff;
mod evaluations;
mod event;
mod export;
mod files;
mod history;
mod invoke;
mod item;
mod latency;
mod linked_recorder;
mod notice;
mod oversized;
mod page;
mod periodic;
mod place;
mod query;
mod record;
mod recorder;
mod recording_group;
mod recording_mode;
mod reevaluate;
mod retention;
mod rule;
mod rule_input;
mod rules;
mod scheduled;
mod scope;
mod select;
mod select_parse;
mod select_schema;
mod summary;
mod tags;
mod tokens;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::json;

pub use self::latency::{Latency, LatencyError, duration};
use crate::budgets::weight;
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

/// The service principal under which AWS Config acts.
const PRINCIPAL: &str = "config.amazonaws.com";

/// What the service holds.
#[derive(Debug, Clone, Default)]
pub struct State {
    recorder: Option<recorder::Recorder>,
    linked_recorders: Vec<linked_recorder::LinkedRecorder>,
    channel: Option<channel::Channel>,
    rules: BTreeMap<String, rule::Rule>,
    history: history::History,
    /// Items that are in no history file yet, oldest first.
    undelivered: Vec<Arc<item::Item>>,
    /// When the last change of a resource that was noticed will be recorded: no later one overtakes it.
    promised: HashMap<item::ResourceKey, Timestamp>,
    /// What changed today of the resources that are recorded once a day.
    today: BTreeMap<item::ResourceKey, record::Noticed>,
    tokens: tokens::Tokens,
    retention_days: Option<i64>,
    plans: u64,
}

impl State {
    /// Bytes of the items.
    pub(crate) fn held(&self) -> u64 {
        self.history.held()
    }

    /// What everything else takes, written as text.
    pub(crate) fn weight(&self) -> u64 {
        // Fully named, so that a new member is not forgotten.
        let Self {
            recorder,
            linked_recorders,
            channel,
            rules,
            history: _,
            undelivered: _,
            promised,
            today,
            tokens,
            retention_days: _,
            plans: _,
        } = self;
        weight(&(recorder, linked_recorders, channel, rules)) + weight(&(promised, today, tokens))
    }

    /// A number for something periodic. What is periodic goes on while its number is the latest one.
    fn next_plan(&mut self) -> u64 {
        self.plans += 1;
        self.plans
    }
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    match operation.name.as_str() {
        "PutConfigurationRecorder" => recorder::put(call, input),
        "DescribeConfigurationRecorders" => recorder::describe(call, input),
        "DescribeConfigurationRecorderStatus" => recorder::describe_status(call, input),
        "StartConfigurationRecorder" => recorder::start(call, input),
        "StopConfigurationRecorder" => recorder::stop(call, input),
        "DeleteConfigurationRecorder" => recorder::delete(call, input),
        "PutServiceLinkedConfigurationRecorder" => linked_recorder::put(call, input),
        "DeleteServiceLinkedConfigurationRecorder" => linked_recorder::delete(call, input),
        "PutDeliveryChannel" => channel::put(call, input),
        "DescribeDeliveryChannels" => channel::describe(call, input),
        "DescribeDeliveryChannelStatus" => channel::describe_status(call, input),
        "DeleteDeliveryChannel" => channel::delete(call, input),
        "DeliverConfigSnapshot" => export::deliver(call, input),
        "PutConfigRule" => rules::put(call, input),
        "DescribeConfigRules" => rules::describe(call, input),
        "DescribeConfigRuleEvaluationStatus" => rules::describe_evaluation_status(call, input),
        "DeleteConfigRule" => rules::delete(call, input),
        "DescribeRemediationConfigurations" => rules::describe_remediations(call, input),
        "StartConfigRulesEvaluation" => reevaluate::start(call, input),
        "DeleteEvaluationResults" => reevaluate::delete_results(call, input),
        "PutEvaluations" => evaluations::put(call, input),
        "GetComplianceDetailsByConfigRule" => compliance::details_by_rule(call, input),
        "GetComplianceDetailsByResource" => compliance::details_by_resource(call, input),
        "DescribeComplianceByConfigRule" => compliance::by_rule(call, input),
        "DescribeComplianceByResource" => compliance::by_resource(call, input),
        "GetComplianceSummaryByConfigRule" => summary::by_rule(call),
        "GetComplianceSummaryByResourceType" => summary::by_resource_type(call, input),
        "GetDiscoveredResourceCounts" => summary::discovered_counts(call, input),
        "GetResourceConfigHistory" => query::history(call, input),
        "ListDiscoveredResources" => query::discovered(call, input),
        "BatchGetResourceConfig" => query::batch(call, input),
        "SelectResourceConfig" => select::select(call, input),
        "PutRetentionConfiguration" => retention::put(call, input),
        "DescribeRetentionConfigurations" => retention::describe(call, input),
        "DeleteRetentionConfiguration" => retention::delete(call, input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        "ListTagsForResource" => tags::list(call, input),
        name => Err(ApiError::not_implemented("config", name)),
    }
}

/// Rules and recorders are resources for IAM, everything else of Config's is `*`: so says the service
/// authorisation reference. `PutEvaluations` in particular cannot be narrowed.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let (name, input) = (operation.name.as_str(), &operation.input);
    let resources = match name {
        "PutConfigRule" => rule_arns(call, input.field("ConfigRule").into_iter()),
        "DeleteConfigRule" | "DeleteEvaluationResults" | "GetComplianceDetailsByConfigRule" => {
            rule_arns(call, std::iter::once(input))
        }
        "DescribeConfigRules"
        | "DescribeConfigRuleEvaluationStatus"
        | "DescribeComplianceByConfigRule"
        | "StartConfigRulesEvaluation" => {
            let names: Vec<_> = input
                .texts("ConfigRuleNames")
                .iter()
                .map(|name| json!({ "ConfigRuleName": name }))
                .collect();
            rule_arns(call, names.iter())
        }
        "PutConfigurationRecorder" => input
            .field("ConfigurationRecorder")
            .map(|asked| recorder_arn(call, asked.text("name").unwrap_or("default")))
            .into_iter()
            .collect(),
        "StartConfigurationRecorder"
        | "StopConfigurationRecorder"
        | "DeleteConfigurationRecorder" => input
            .text("ConfigurationRecorderName")
            .map(|name| recorder_arn(call, name))
            .into_iter()
            .collect(),
        "TagResource" | "UntagResource" | "ListTagsForResource" => input
            .text("ResourceArn")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        _ => Vec::new(),
    };
    if resources.is_empty() {
        return vec![Access::anywhere("config", name)];
    }
    resources
        .into_iter()
        .map(|resource| Access::on("config", name, resource))
        .collect()
}

/// The ARN of the recorder of that name; one that does not exist yet has an id that no statement can name exactly.
fn recorder_arn(call: &mut Call<'_>, name: &str) -> String {
    let known = call.here().config.recorder.as_ref();
    match known.filter(|recorder| recorder.name == name) {
        Some(recorder) => recorder.arn.clone(),
        None => call.arn("config", &format!("configuration-recorder/{name}/new")),
    }
}

/// The ARNs of the rules that the inputs name; a rule that does not exist yet has one that no
/// statement can name exactly.
fn rule_arns<'v>(
    call: &mut Call<'_>,
    inputs: impl Iterator<Item = &'v serde_json::Value>,
) -> Vec<String> {
    let unknown = call.arn("config", "config-rule/config-rule-new");
    let rules = &call.here().config.rules;
    inputs
        .filter_map(|input| input.text("ConfigRuleName"))
        .map(|name| {
            rules
                .get(name)
                .map_or(unknown.clone(), |rule| rule.arn.clone())
        })
        .collect()
}

/// A resource as Config sees it at one moment.
#[derive(Debug, Clone)]
pub struct Resource {
    /// For example `AWS::EC2::SecurityGroup`.
    pub resource_type: &'static str,
    /// For example `sg-0123456789abcdef0`.
    pub resource_id: String,
    /// The name, where the type has one.
    pub resource_name: Option<String>,
    /// The resource's ARN.
    pub arn: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// `{resourceType, resourceId, relationshipName}` objects.
    pub relationships: Vec<serde_json::Value>,
    /// The type's own description, as in a configuration item's `configuration` (camelCase members).
    pub configuration: serde_json::Value,
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// It was modified.
    Modified,
    /// It is gone; the resource shows its last state.
    Deleted,
}

/// Tells Config about one mutation. Called under the account's lock by the mutation itself, so every
/// mutation yields exactly one configuration item, whatever happens before Config gets to record it.
pub(crate) fn observe(call: &mut Call<'_>, change: Change, resource: Resource) {
    record::observe(call, change, resource);
}
