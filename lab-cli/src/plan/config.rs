//! Recorder, channel, retention and rule: the lab's own, or borrowed ones.

use super::difference::{of_channel, of_recorder, of_rule, of_tag};
use super::{Change, Difference, Kept, Plan};
use crate::aws::{Channel, RecorderDescription, RuleRequest, Tags};
use crate::journal::widened;
use crate::spec::{CHANNEL_NAME, RECORDER_NAME, RETENTION_DAYS, RULE_DESCRIPTION, RULE_NAME, Spec};
use crate::state::{Observed, ObservedChannel, Outputs};

/// What stands for what only the stack will tell.
const NEW: &str = "that of the new stack";

/// What recorder, channel and rule shall be, once the stack's outputs are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singletons {
    /// The recorder: the lab's own, with the name of the one we made earlier, as names cannot be changed; or somebody
    /// else's, widened.
    pub recorder: RecorderDescription,
    /// Whether the recorder is somebody else's.
    pub borrowed: bool,
    /// The channel; `None` when somebody else's stays as it is.
    pub channel: Option<Channel>,
    /// The rule.
    pub rule: RuleRequest,
}

impl Singletons {
    /// From what is wanted and what the stack made.
    pub fn new(spec: &Spec, observed: &Observed, outputs: &Outputs) -> Self {
        let found = observed.recorders.first();
        let foreign = found.filter(|found| !observed.owns_recorder(found));
        let recorder = match foreign {
            Some(found) => widened(&found.it.it),
            None => RecorderDescription::of_lab(
                found.map_or(RECORDER_NAME, |found| found.it.name()),
                &outputs.config_role_arn,
            ),
        };
        Self {
            recorder,
            borrowed: foreign.is_some(),
            channel: own_channel(observed).map(|name| Channel {
                name: name.to_owned(),
                bucket: outputs.delivery_bucket.clone(),
                topic_arn: spec.topic.then(|| outputs.topic_arn.clone()),
                ..Channel::default()
            }),
            rule: RuleRequest {
                name: RULE_NAME.to_owned(),
                description: RULE_DESCRIPTION.to_owned(),
                function_arn: outputs.function_arn.clone(),
                parameters: spec.rule_parameters(&outputs.vpc_id),
            },
        }
    }
}

/// The name of the lab's own channel, made or to be made; `None` when there is somebody else's.
fn own_channel(observed: &Observed) -> Option<&str> {
    match observed.channels.first() {
        None => Some(CHANNEL_NAME),
        Some(found) => observed
            .owns_channel(found)
            .then_some(found.channel.name.as_str()),
    }
}

/// Compares recorder, channel, retention and rule. Without outputs there is no stack yet, so all of the lab's own is to be
/// made.
pub fn plan_config(spec: &Spec, observed: &Observed, outputs: Option<&Outputs>, plan: &mut Plan) {
    let wanted = outputs.map(|outputs| Singletons::new(spec, observed, outputs));
    plan_recorder(observed, wanted.as_ref(), plan);
    plan_channel(spec, observed, wanted.as_ref(), plan);
    plan_start(observed, plan);
    plan_retention(observed, plan);
    plan_rule(spec, observed, wanted.as_ref(), plan);
}

fn anew(field: &str, now: &str) -> Vec<Difference> {
    vec![Difference::new(field, Some(now), Some(NEW))]
}

fn tag(tags: &Tags, observed: &Observed) -> Option<Difference> {
    of_tag(tags, &observed.place.stack)
}

fn plan_recorder(observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let Some(found) = observed.recorders.first() else {
        let unknown = RecorderDescription::of_lab(RECORDER_NAME, NEW);
        let wanted = wanted.map_or(&unknown, |wanted| &wanted.recorder);
        plan.changes.push(Change::PutRecorder {
            recorder: wanted.name.clone(),
            is_new: true,
            differs: of_recorder(None, wanted),
        });
        return;
    };
    let recorder = found.it.name().to_owned();
    if !observed.owns_recorder(found) {
        let differs = of_recorder(Some(&found.it.it), &widened(&found.it.it));
        if differs.is_empty() && observed.has_borrowed_recorder() {
            plan.kept.push(Kept {
                subject: format!("configuration recorder `{recorder}`"),
                reason: "borrowed; clean-up gives it back as it was".to_owned(),
            });
        } else {
            plan.changes
                .push(Change::AdoptRecorder { recorder, differs });
        }
        return;
    }
    let mut differs = match wanted {
        Some(wanted) => of_recorder(Some(&found.it.it), &wanted.recorder),
        None => anew("role", &found.it.it.role_arn),
    };
    if found.it.it.arn.is_some() {
        differs.extend(tag(&found.tags, observed));
    }
    if !differs.is_empty() {
        plan.changes.push(Change::PutRecorder {
            recorder,
            is_new: false,
            differs,
        });
    }
}

fn plan_channel(spec: &Spec, observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let Some(found) = observed.channels.first() else {
        let unknown = Channel {
            name: CHANNEL_NAME.to_owned(),
            bucket: NEW.to_owned(),
            topic_arn: spec.topic.then(|| NEW.to_owned()),
            ..Channel::default()
        };
        let wanted = wanted
            .and_then(|wanted| wanted.channel.as_ref())
            .unwrap_or(&unknown);
        plan.changes.push(Change::PutChannel {
            channel: wanted.name.clone(),
            is_new: true,
            differs: of_channel(None, wanted),
        });
        return;
    };
    let channel = found.channel.name.clone();
    if !observed.owns_channel(found) {
        keep_channel(observed, found, plan);
        return;
    }
    let differs = match wanted.and_then(|wanted| wanted.channel.as_ref()) {
        Some(wanted) => of_channel(Some(&found.channel), wanted),
        None => anew("bucket", &found.channel.bucket),
    };
    if !differs.is_empty() {
        plan.changes.push(Change::PutChannel {
            channel,
            is_new: false,
            differs,
        });
    }
}

/// Where a channel delivers to may be read by others, perhaps for legal reasons; the lab heals without it.
fn keep_channel(observed: &Observed, found: &ObservedChannel, plan: &mut Plan) {
    let channel = &found.channel;
    if observed.has_borrowed_channel() {
        plan.kept.push(Kept {
            subject: format!("delivery channel `{}`", channel.name),
            reason: format!(
                "borrowed as it is: it delivers to `{}`, and the lab's topic is told nothing",
                channel.bucket
            ),
        });
    } else {
        plan.changes.push(Change::AdoptChannel {
            channel: channel.name.clone(),
            bucket: channel.bucket.clone(),
        });
    }
}

fn plan_start(observed: &Observed, plan: &mut Plan) {
    let running = observed
        .recorders
        .iter()
        .any(|recorder| recorder.it.recording);
    if !running {
        let recorder = observed.recorders.first();
        plan.changes.push(Change::StartRecorder {
            recorder: recorder
                .map_or(RECORDER_NAME, |found| found.it.name())
                .to_owned(),
        });
    }
}

/// A retention that somebody else set is left alone: it is one per region, it may have legal reasons, and the lab heals
/// without it.
fn plan_retention(observed: &Observed, plan: &mut Plan) {
    let Some(days) = observed.retention else {
        plan.changes.push(Change::PutRetention {
            days: RETENTION_DAYS,
        });
        return;
    };
    if observed.own_retention() == Some(days) {
        return;
    }
    plan.kept.push(Kept {
        subject: format!("retention of configuration history, {days} days"),
        reason: "not set by this lab, so neither changed nor removed".to_owned(),
    });
}

fn plan_rule(spec: &Spec, observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let rule = RULE_NAME.to_owned();
    let unknown = || RuleRequest {
        name: RULE_NAME.to_owned(),
        description: RULE_DESCRIPTION.to_owned(),
        function_arn: NEW.to_owned(),
        parameters: spec.rule_parameters(NEW),
    };
    let Some(found) = &observed.rule else {
        plan.changes.push(Change::PutRule {
            rule,
            is_new: true,
            differs: of_rule(
                None,
                &wanted.map_or_else(unknown, |wanted| wanted.rule.clone()),
            ),
        });
        return;
    };
    let mut differs = match wanted {
        Some(wanted) => of_rule(Some(&found.it), &wanted.rule),
        None => anew("function", found.it.source.as_deref().unwrap_or_default()),
    };
    if found.it.arn.is_some() {
        differs.extend(tag(&found.tags, observed));
    }
    if found.it.state == "DELETING" {
        differs.push(Difference::new("state", Some("DELETING"), Some("ACTIVE")));
    }
    if !differs.is_empty() {
        plan.changes.push(Change::PutRule {
            rule,
            is_new: false,
            differs,
        });
    }
}
