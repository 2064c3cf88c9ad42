//! The comparison.

use serde_json::Value;

use super::{Change, Kept, Plan};
use crate::aws::{Channel, RECORDED_TYPE, RuleDescription, RuleRequest, StackRequest, TRIGGERS};
use crate::error::Result;
use crate::spec::{
    CHANNEL_NAME, RECORDER_NAME, RETENTION_DAYS, RULE_DESCRIPTION, RULE_NAME, Spec, TAG,
};
use crate::state::{Observed, ObservedStack, Outputs, Phase, phase};

/// What recorder, channel and rule shall be, once the stack's outputs are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Singletons {
    /// The recorder's name: ours, or that of the recorder we made earlier, as names cannot be changed.
    pub recorder: String,
    /// The recorder's role.
    pub role_arn: String,
    /// The channel.
    pub channel: Channel,
    /// The rule.
    pub rule: RuleRequest,
}

impl Singletons {
    /// From what is wanted and what the stack made.
    pub fn new(spec: &Spec, observed: &Observed, outputs: &Outputs) -> Self {
        let recorder = observed
            .recorders
            .first()
            .map_or(RECORDER_NAME, |r| r.it.name.as_str());
        let channel = observed
            .channels
            .first()
            .map_or(CHANNEL_NAME, |c| c.channel.name.as_str());
        Self {
            recorder: recorder.to_owned(),
            role_arn: outputs.config_role_arn.clone(),
            channel: Channel {
                name: channel.to_owned(),
                bucket: outputs.delivery_bucket.clone(),
                topic_arn: spec.topic.then(|| outputs.topic_arn.clone()),
            },
            rule: RuleRequest {
                name: RULE_NAME.to_owned(),
                description: RULE_DESCRIPTION.to_owned(),
                function_arn: outputs.function_arn.clone(),
                parameters: spec.rule_parameters(&outputs.vpc_id),
            },
        }
    }
}

/// Compares the lab as it should be with the lab as it is. Conflicts are looked for elsewhere, and before.
///
/// # Errors
/// When the stack is usable but is not the lab's (an output is missing).
pub fn plan(spec: &Spec, observed: &Observed) -> Result<Plan> {
    let mut plan = Plan::default();
    plan_code(spec, observed, &mut plan);
    plan_stack(spec, observed, &mut plan);
    let outputs = observed.outputs()?;
    if let Some(outputs) = &outputs {
        plan_function(spec, observed, outputs, &mut plan);
    }
    plan_config(spec, observed, outputs.as_ref(), &mut plan);
    Ok(plan)
}

fn plan_code(spec: &Spec, observed: &Observed, plan: &mut Plan) {
    let bucket = observed.place.code_bucket();
    // A bucket without our tag was made by an attempt that did not get further.
    let whole = observed
        .code_bucket
        .as_ref()
        .is_some_and(|tags| !tags_differ(tags, observed));
    if !whole {
        plan.changes.push(Change::MakeCodeBucket { bucket });
    } else if observed.retention.is_none() && observed.own_retention().is_none() {
        plan.changes.push(Change::NoteRetention { bucket });
    }
    if !observed.package_present {
        plan.changes.push(Change::UploadPackage {
            key: spec.package.key(),
            bytes: spec.package.bytes().len(),
        });
    }
}

fn plan_stack(spec: &Spec, observed: &Observed, plan: &mut Plan) {
    let stack = spec.stack.clone();
    let Some(found) = &observed.stack else {
        plan.changes.push(Change::CreateStack { stack });
        return;
    };
    match phase(&found.description.status) {
        Phase::Broken => plan.changes.extend([
            Change::RemoveBrokenStack {
                stack: stack.clone(),
                status: found.description.status.clone(),
            },
            Change::CreateStack { stack },
        ]),
        // A busy stack is waited for before planning, and a stuck one is a conflict.
        Phase::Usable | Phase::Busy | Phase::Stuck => {
            let request = spec.stack_request(&observed.place.code_bucket());
            let because = stack_differences(&request, found);
            if !because.is_empty() {
                plan.changes.push(Change::UpdateStack { stack, because });
            }
        }
    }
}

fn stack_differences(wanted: &StackRequest, found: &ObservedStack) -> Vec<String> {
    let mut because = Vec::new();
    if found.template.trim_end() != wanted.template.trim_end() {
        because.push("its template".to_owned());
    }
    for (name, value) in &wanted.parameters {
        if found.description.parameters.get(name) != Some(value) {
            because.push(match name.as_str() {
                "CodeS3Key" => "the function's package".to_owned(),
                "CodeS3Bucket" => "where the function's package lies".to_owned(),
                other => format!("`{other}`"),
            });
        }
    }
    // A name that was chosen earlier and is not any more goes back to its default.
    for (name, default) in crate::spec::NAMES {
        let left_out = !wanted.parameters.contains_key(name);
        if left_out
            && found
                .description
                .parameters
                .get(name)
                .is_some_and(|value| value != default)
        {
            because.push(format!("`{name}`"));
        }
    }
    let tags = wanted
        .tags
        .iter()
        .any(|(key, value)| found.description.tags.get(key) != Some(value));
    if tags {
        because.push("its tags".to_owned());
    }
    because
}

/// Somebody may have given the function other code behind the stack's back, which CloudFormation does not notice.
fn plan_function(spec: &Spec, observed: &Observed, outputs: &Outputs, plan: &mut Plan) {
    let will_be_replaced = plan.changes.iter().any(|change| match change {
        Change::UpdateStack { because, .. } => {
            because.iter().any(|what| what == "the function's package")
        }
        Change::MakeCodeBucket { .. }
        | Change::NoteRetention { .. }
        | Change::UploadPackage { .. }
        | Change::RemoveBrokenStack { .. }
        | Change::CreateStack { .. }
        | Change::ReplaceCode { .. }
        | Change::PutRecorder { .. }
        | Change::PutChannel { .. }
        | Change::StartRecorder { .. }
        | Change::PutRetention { .. }
        | Change::PutRule { .. } => false,
    });
    let live = observed
        .function
        .as_ref()
        .and_then(|f| f.code_sha256.as_deref());
    if !will_be_replaced && live.is_some_and(|hash| hash != spec.package.sha256_base64()) {
        plan.changes.push(Change::ReplaceCode {
            function: outputs.function_name.clone(),
        });
    }
}

/// Compares recorder, channel, retention and rule. Without outputs there is no stack yet, so all is to be made; what is
/// there already can only be ours.
pub fn plan_config(spec: &Spec, observed: &Observed, outputs: Option<&Outputs>, plan: &mut Plan) {
    let wanted = outputs.map(|outputs| Singletons::new(spec, observed, outputs));
    plan_recorder(observed, wanted.as_ref(), plan);
    plan_retention(observed, plan);
    plan_rule(observed, wanted.as_ref(), plan);
}

fn anew() -> Vec<String> {
    vec!["its stack is made anew".to_owned()]
}

fn tags_differ(tags: &crate::aws::Tags, observed: &Observed) -> bool {
    tags.get(TAG) != Some(&observed.place.stack)
}

fn plan_recorder(observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let recorder_name = observed
        .recorders
        .first()
        .map_or(RECORDER_NAME, |r| r.it.name.as_str());
    let recorder = match (observed.recorders.first(), wanted) {
        (None, _) => Some(Vec::new()),
        (Some(_), None) => Some(anew()),
        (Some(found), Some(wanted)) => {
            let mut because = Vec::new();
            if found.it.role_arn != wanted.role_arn {
                because.push("its role".to_owned());
            }
            let group_fits = !found.it.all_supported
                && !found.it.include_global
                && found.it.types == [RECORDED_TYPE];
            if !group_fits {
                because.push("what it records".to_owned());
            }
            if found
                .it
                .frequency
                .as_deref()
                .is_some_and(|f| f != "CONTINUOUS")
            {
                because.push("how often it records".to_owned());
            }
            if found.it.arn.is_some() && tags_differ(&found.tags, observed) {
                because.push("its tags".to_owned());
            }
            (!because.is_empty()).then_some(because)
        }
    };
    if let Some(because) = recorder {
        plan.changes.push(Change::PutRecorder {
            recorder: recorder_name.to_owned(),
            because,
        });
    }
    plan_channel(observed, wanted, plan);
    if !observed
        .recorders
        .iter()
        .any(|recorder| recorder.it.recording)
    {
        plan.changes.push(Change::StartRecorder {
            recorder: recorder_name.to_owned(),
        });
    }
}

fn plan_channel(observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let channel_name = observed
        .channels
        .first()
        .map_or(CHANNEL_NAME, |c| c.channel.name.as_str());
    let channel = match (observed.channels.first(), wanted) {
        (None, _) => Some(Vec::new()),
        (Some(_), None) => Some(anew()),
        (Some(found), Some(wanted)) => {
            let mut because = Vec::new();
            if found.channel.bucket != wanted.channel.bucket {
                because.push("its bucket".to_owned());
            }
            if found.channel.topic_arn != wanted.channel.topic_arn {
                because.push("its topic".to_owned());
            }
            (!because.is_empty()).then_some(because)
        }
    };
    if let Some(because) = channel {
        plan.changes.push(Change::PutChannel {
            channel: channel_name.to_owned(),
            because,
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

fn plan_rule(observed: &Observed, wanted: Option<&Singletons>, plan: &mut Plan) {
    let because = match (&observed.rule, wanted) {
        (None, _) => Some(Vec::new()),
        (Some(_), None) => Some(anew()),
        (Some(found), Some(wanted)) => {
            let mut because = rule_differences(&found.it, &wanted.rule);
            if found.it.arn.is_some() && tags_differ(&found.tags, observed) {
                because.push("its tags".to_owned());
            }
            if found.it.state == "DELETING" {
                because.push("it is being deleted".to_owned());
            }
            (!because.is_empty()).then_some(because)
        }
    };
    if let Some(because) = because {
        plan.changes.push(Change::PutRule {
            rule: RULE_NAME.to_owned(),
            because,
        });
    }
}

fn rule_differences(found: &RuleDescription, wanted: &RuleRequest) -> Vec<String> {
    let mut because = Vec::new();
    if found.source.as_deref() != Some(wanted.function_arn.as_str()) {
        because.push("its function".to_owned());
    }
    if found.description.as_deref() != Some(wanted.description.as_str()) {
        because.push("its description".to_owned());
    }
    if found.scope != [RECORDED_TYPE] {
        because.push("its scope".to_owned());
    }
    if !TRIGGERS
        .iter()
        .all(|trigger| found.triggers.iter().any(|t| t == trigger))
    {
        because.push("its triggers".to_owned());
    }
    let parameters = |text: &str| serde_json::from_str::<Value>(text).ok();
    if found.parameters.as_deref().and_then(parameters) != parameters(&wanted.parameters) {
        because.push("its parameters".to_owned());
    }
    because
}
