//! Rules that are asked by the clock, or when a snapshot was delivered: their event is about no item.

use std::sync::Arc;

use serde_json::json;

use super::place::Place;
use super::rule::Rule;
use super::{delivery, invoke, periodic};
use crate::clock::iso8601;
use crate::sandbox::Call;

/// What a rule by the clock waits for.
pub(super) const SCHEDULED: &str = "ScheduledNotification";

/// What a rule waits for that follows the snapshots.
pub(super) const SNAPSHOT: &str = "ConfigurationSnapshotDeliveryCompleted";

/// A snapshot is a moment later one time than another: that does not count as more often.
const GRACE: time::Duration = time::Duration::minutes(1);

/// Puts a rule on its schedule, instead of the one that it had before, and asks it for the first time: a rule
/// that is new, or new in what it says, evaluates by itself. It goes on while no recorder runs, as on AWS.
/// Whether the rule goes by the clock at all.
pub(super) fn plan(call: &mut Call<'_>, name: &str) -> bool {
    let state = &mut call.here().config;
    let plan = state.next_plan();
    let Some(rule) = state.rules.get_mut(name) else {
        return false;
    };
    rule.plan = plan;
    let Some(frequency) = rule.schedule else {
        return false;
    };
    let id = rule.id.clone();
    ask(call, &id, false);
    periodic::every(
        call,
        &format!("schedule/{id}"),
        frequency.period(),
        move |call, _| {
            let rules = &call.here().config.rules;
            let rule = rules
                .values()
                .find(|rule| rule.plan == plan && !rule.deleting);
            let Some(name) = rule.map(|rule| rule.name.clone()) else {
                return false;
            };
            started(call, &[name]);
            ask(call, &id, false);
            true
        },
    );
    true
}

/// Asks a rule about everything there is.
pub(super) fn ask(call: &mut Call<'_>, rule_id: &str, on_demand: bool) {
    let body = json!({
        "awsAccountId": call.account.id.as_str(),
        "notificationCreationTime": iso8601(call.now),
        "messageType": SCHEDULED,
        "recordVersion": "1.0",
    });
    invoke::schedule(
        call,
        invoke::Trigger {
            rule_id: rule_id.to_owned(),
            about: SCHEDULED.to_owned(),
            invoking_event: body.to_string().into(),
            left_scope: false,
            on_demand,
        },
    );
}

/// Asks the rules that follow the snapshots, each no more often than it allows.
pub(super) fn snapshot_delivered(call: &mut Call<'_>, notification: &Arc<str>) {
    let now = call.now;
    let wanted = |rule: &&mut Rule| {
        let due = match (rule.at_most, rule.followed) {
            (Some(at_most), Some(last)) => now + GRACE >= last + at_most.period(),
            (None, _) | (_, None) => true,
        };
        rule.wants(SNAPSHOT) && !rule.deleting && due
    };
    let rules: Vec<(String, String)> = call
        .here()
        .config
        .rules
        .values_mut()
        .filter(wanted)
        .map(|rule| {
            rule.followed = Some(now);
            (rule.id.clone(), rule.name.clone())
        })
        .collect();
    let names: Vec<String> = rules.iter().map(|(_, name)| name.clone()).collect();
    started(call, &names);
    for (rule_id, _) in rules {
        invoke::schedule(
            call,
            invoke::Trigger {
                rule_id,
                about: SNAPSHOT.to_owned(),
                invoking_event: notification.clone(),
                left_scope: false,
                on_demand: false,
            },
        );
    }
}

/// Tells the topic that rules begin to look at everything. A single change is not announced like this:
/// its item is.
pub(super) fn started(call: &mut Call<'_>, rules: &[String]) {
    if rules.is_empty() {
        return;
    }
    let place = Place::of(call);
    let subject = format!(
        "[AWS Config:{}] Config Rules Evaluation Started for Account {}",
        place.region, place.account
    );
    let body = json!({
        "awsAccountId": place.account.as_str(),
        "awsRegion": place.region.as_str(),
        "configRuleNames": rules,
        "notificationCreationTime": iso8601(call.now),
        "messageType": "ConfigRulesEvaluationStarted",
        "recordVersion": "1.0",
    });
    delivery::stream(call, subject, body.to_string());
}
