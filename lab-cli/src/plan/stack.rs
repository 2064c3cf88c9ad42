//! The stack and the function's code.

use super::{Change, Plan};
use crate::aws::{StackRequest, Tags};
use crate::spec::{Spec, TAG};
use crate::state::{Observed, ObservedStack, Outputs, Phase, phase};

/// What a stack's parameter for the package is called in the reasons for an update.
const PACKAGE: &str = "the function's package";

pub(super) fn plan_code(spec: &Spec, observed: &Observed, plan: &mut Plan) {
    // A bucket without our tag was made by an attempt that did not get further.
    let whole = observed
        .code_bucket
        .as_ref()
        .is_some_and(|tags| owned(tags, observed));
    if !whole {
        plan.changes.push(Change::MakeCodeBucket {
            bucket: observed.place.code_bucket(),
        });
    }
    if !observed.package_present {
        plan.changes.push(Change::UploadPackage {
            key: spec.package.key(),
            bytes: spec.package.bytes().len(),
        });
    }
}

fn owned(tags: &Tags, observed: &Observed) -> bool {
    tags.get(TAG) == Some(&observed.place.stack)
}

pub(super) fn plan_stack(spec: &Spec, observed: &Observed, plan: &mut Plan) {
    let stack = spec.stack.clone();
    let create = Change::CreateStack {
        stack: stack.clone(),
        resources: Vec::new(),
    };
    let Some(found) = &observed.stack else {
        plan.changes.push(create);
        return;
    };
    let status = found.description.status.clone();
    match phase(&status) {
        Phase::Review => plan.changes.push(create),
        Phase::Broken => plan
            .changes
            .extend([Change::RemoveBrokenStack { stack, status }, create]),
        Phase::Stuck => plan.changes.push(Change::RecoverStack { stack, status }),
        // A busy stack is waited for before planning.
        Phase::Usable | Phase::Busy => {
            let request = spec.stack_request(&observed.place.code_bucket());
            let because = stack_differences(&request, found);
            if !because.is_empty() {
                plan.changes.push(Change::UpdateStack {
                    stack,
                    because,
                    resources: Vec::new(),
                });
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
                "CodeS3Key" => PACKAGE.to_owned(),
                "CodeS3Bucket" => "where the function's package lies".to_owned(),
                other => format!("`{other}`"),
            });
        }
    }
    // A name that was chosen earlier and is not any more goes back to its default.
    for (name, default) in crate::spec::NAMES.into_iter().chain(crate::spec::REACH) {
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
pub(super) fn plan_function(spec: &Spec, observed: &Observed, outputs: &Outputs, plan: &mut Plan) {
    let will_be_replaced = plan.changes.iter().any(|change| match change {
        Change::UpdateStack { because, .. } => because.iter().any(|what| what == PACKAGE),
        Change::MakeCodeBucket { .. }
        | Change::UploadPackage { .. }
        | Change::RemoveBrokenStack { .. }
        | Change::RecoverStack { .. }
        | Change::CreateStack { .. }
        | Change::ReplaceCode { .. }
        | Change::PutRecorder { .. }
        | Change::AdoptRecorder { .. }
        | Change::PutChannel { .. }
        | Change::AdoptChannel { .. }
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
