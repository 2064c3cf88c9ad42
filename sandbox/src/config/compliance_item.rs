//! Compliance as a resource of its own: the history of how a resource stood with the rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;
use super::item::{Item, ResourceKey, Status};
use super::record::{keep, next_state_id};
use super::recording_group::RESOURCE_COMPLIANCE;
use super::rule::Compliance;
use crate::sandbox::Call;

/// Records how a resource stands with all rules, where compliance is recorded at all. Such items reach
/// no rule *(inferred)*: a rule without a scope would otherwise evaluate its own answers for ever.
pub(super) fn record(call: &mut Call<'_>, target: &ResourceKey) {
    let now = call.now;
    let state = &call.here().config;
    let recorder = state.recorder.as_ref();
    if !recorder.is_some_and(|recorder| recorder.records(RESOURCE_COMPLIANCE)) {
        return;
    }
    let configuration = configuration(state, target);
    let key = ResourceKey::new(
        RESOURCE_COMPLIANCE,
        &format!("{}/{}", target.resource_type, target.resource_id),
    );
    let previous = state.history.latest(&key).cloned();
    let live = previous.as_deref().filter(|item| item.is_live());
    if live.map(|item| &item.configuration) == configuration.as_ref() {
        return;
    }
    let status = match (&configuration, live) {
        (Some(_), None) => Status::Discovered,
        (Some(_), Some(_)) => Status::Ok,
        (None, _) => Status::Deleted,
    };
    let relationships = match status {
        Status::Discovered | Status::Ok => vec![json!({
            "resourceType": target.resource_type,
            "resourceId": target.resource_id,
            "relationshipName": "Is associated with ",
        })],
        Status::Deleted | Status::NotRecorded | Status::DeletedNotRecorded => Vec::new(),
    };
    let item = Item {
        key,
        resource_name: None,
        arn: String::new(),
        tags: BTreeMap::new(),
        relationships,
        configuration: configuration.unwrap_or_default(),
        status,
        captured: now,
        state_id: next_state_id(now, previous.as_deref()),
    };
    keep(call, previous.as_deref(), item);
}

/// What every rule says about the target; `None` when no rule says anything.
fn configuration(state: &State, target: &ResourceKey) -> Option<Value> {
    let said: Vec<_> = state
        .rules
        .values()
        .filter(|rule| !rule.deleting)
        .filter_map(|rule| Some((rule, rule.results.get(target)?.compliance)))
        .collect();
    let overall = [
        Compliance::NonCompliant,
        Compliance::Compliant,
        Compliance::NotApplicable,
    ]
    .into_iter()
    .find(|wanted| said.iter().any(|(_, compliance)| compliance == wanted))?;
    let rules: Vec<Value> = said
        .into_iter()
        .map(|(rule, compliance)| {
            json!({
                "configRuleArn": rule.arn,
                "configRuleId": rule.id,
                "configRuleName": rule.name,
                "complianceType": compliance.name(),
            })
        })
        .collect();
    Some(json!({
        "targetResourceId": target.resource_id,
        "targetResourceType": target.resource_type,
        "complianceType": overall.name(),
        "configRuleList": rules,
    }))
}
