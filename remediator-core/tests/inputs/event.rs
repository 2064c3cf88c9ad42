//! An event of which nothing is known. `fuzz/` and `tests/corpus.rs` both come in here.

use remediator_core::actor::Actor;
use remediator_core::api_call::{Heard, is_api_call};
use remediator_core::evidence::{self, Context};
use remediator_core::json::payload;
use remediator_core::plan::Directed;
use remediator_core::{Annotation, Decision, Direction, Event, Json, Rule, decide, log};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Reads `input` as the function would, and holds what is understood to what is promised of it.
///
/// The input is a whole event, or one more layer inside: the text that Config puts into `invokingEvent`. A fuzzer that
/// had to find its way through JSON within a string of JSON would seldom arrive there.
pub(crate) fn event(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(payload) = payload(text) {
        whole(&payload);
    }
    let around = json!({
        "invokingEvent": text, "accountId": "123456789012", "resultToken": "t", "eventLeftScope": false,
        "configRuleId": "config-rule-0a", "configRuleName": "r",
    });
    whole(&(&around).into());
}

fn whole(payload: &Json<'_>) {
    let mut context = Context::new(payload, "us-east-1", "request");
    if let Some(actor) = Actor::from_event(payload) {
        assert_eq!(actor.to_string(), log::one_line(&actor.to_string()));
    }
    let told = if is_api_call(payload) {
        Heard::from_value(payload).map(|heard| match heard {
            Heard::Call(call) => {
                context.about(call.group.as_str(), call.at);
                spelled(&call.added.rules);
                either(&call.added.either);
            }
            Heard::Refused(code) => assert_eq!(code, log::one_line(&code)),
            Heard::Unnamed(name) => assert_eq!(name, log::one_line(&name)),
        })
    } else {
        Event::from_value(payload).map(|event| match decide(&event) {
            Ok(Decision::Remediate { group, witness }) => {
                context.about(group.as_str(), witness.at);
                spelled(&witness.shown);
            }
            Ok(Decision::ReportNotApplicable {
                resource_type: _,
                resource_id,
                annotation,
                captured,
            }) => {
                context.about(&resource_id, captured);
                fits(&annotation);
            }
            Ok(Decision::Sweep { created }) => assert_eq!(created.to_string().parse(), Ok(created)),
            Err(error) => assert_eq!(error.to_string(), log::one_line(&error.to_string())),
        })
    };
    let error = told.map_or_else(|error| error.to_string(), |()| String::new());
    // E2: what is told of a refusal is one line, whoever wrote the event.
    assert_eq!(error, log::one_line(&error));
    let line = evidence::failed(&context, &error);
    assert!(serde_json::from_str::<Value>(&line).is_ok() && !line.contains('\n'));
}

/// A rule has one spelling, from wherever it came (C4).
fn spelled(rules: &BTreeSet<Directed>) {
    for (_, rule) in rules {
        assert_eq!(rule.to_compact().parse().as_ref(), Ok(rule));
    }
}

/// The same where the direction is not told.
fn either(rules: &BTreeSet<Rule>) {
    let inbound = rules.iter().map(|rule| (Direction::Ingress, rule.clone()));
    spelled(&inbound.collect());
}

/// What is told fits (R7).
fn fits(annotation: &Annotation) {
    assert!((1..=256).contains(&annotation.as_str().chars().count()));
    assert!(!annotation.as_str().chars().any(char::is_control));
}
