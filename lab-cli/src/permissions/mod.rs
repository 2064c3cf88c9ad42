//! What the operator must be allowed to do, declared beside the code that does it.
//!
//! [`calls`] says for each operation of AWS that this program calls which IAM actions it needs, on what, and which commands
//! make it; [`stack`] says what CloudFormation needs in the operator's name for each type of resource in the template. The
//! published policies in `templates/` are written from these tables ([`document`]), `doctor` simulates them ([`needed`]),
//! and the hint of a refused call is looked up here. Tests hold the tables to the source and to what the sandbox was asked.
//!
//! Sources: the Service Authorization Reference for actions, resource types and condition keys; the `handlers` of the
//! resource types' published schemas for what CloudFormation calls, less what belongs to properties that the template does
//! not use.

pub mod calls;
pub mod denial;
pub mod document;
pub mod resource;
pub mod roles;
pub mod stack;
pub mod statement;

pub use calls::{CALLS, Call, Feature};
pub use denial::Denial;
pub use document::{Document, Part};
pub use resource::Names;
pub use roles::of_roles;
pub use stack::Choice;
pub use statement::Sid;

use std::collections::BTreeSet;

/// One action on one resource that somebody needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    /// `s3:PutObject`.
    pub action: String,
    /// An ARN, perhaps with `*` in it, or `*` alone.
    pub resource: String,
    /// Context keys and values without which the statement does not hold, for simulations.
    pub context: Vec<(String, String)>,
}

/// What is needed for some features: by the program itself, and by CloudFormation in the operator's name where stacks are
/// made or deleted. `chosen` says which options of the template the stack has, `with_role` that CloudFormation has a role of
/// its own, so that its part is not the operator's.
pub fn needed(
    features: &[Feature],
    names: &Names,
    chosen: impl Fn(Choice) -> bool,
    with_role: bool,
) -> BTreeSet<Needed> {
    let calls = CALLS
        .iter()
        .filter(|call| call.features.iter().any(|each| features.contains(each)))
        .flat_map(Call::permissions);
    let makes_stacks = features
        .iter()
        .any(|each| matches!(each, Feature::Deploy | Feature::Cleanup | Feature::Extend));
    // What the operator's own policy allows already is asked for under that statement's condition.
    let stack = stack::permissions_for(chosen)
        .filter(|_| makes_stacks && !with_role)
        .map(|(action, sid)| (action, document::covering(action, sid).unwrap_or(sid)));
    calls
        .chain(stack)
        .flat_map(|(action, sid)| {
            let context = sid.context(action, names);
            sid.resources(names)
                .into_iter()
                .map(move |resource| Needed {
                    action: action.to_owned(),
                    resource,
                    context: context.clone(),
                })
        })
        .collect()
}

/// The IAM actions behind an operation such as `s3:HeadObject`; `None` for one that is not declared.
pub fn actions_of(operation: &str) -> Option<Vec<&'static str>> {
    let call = CALLS.iter().find(|call| call.operation == operation)?;
    let mut actions: Vec<_> = call.permissions().map(|(action, _)| action).collect();
    // One action may be allowed by two statements.
    actions.dedup();
    Some(actions)
}

/// The hint for an operation that was denied. AWS names the missing action in its message, mostly; where it does not, the
/// table says which it can be.
pub fn missing(operation: &str, message: &str) -> String {
    let actions = actions_of(operation).unwrap_or_default();
    let named = named_in(message);
    let mut missing: Vec<_> = actions
        .iter()
        .copied()
        .filter(|action| named.is_none_or(|named| named.eq_ignore_ascii_case(action)))
        .collect();
    if missing.is_empty() {
        missing.push(named.unwrap_or(operation));
    }
    let missing = missing.join("`, `");
    if let Some(hint) = Denial::of(message).and_then(|denial| denial.hint(&missing)) {
        return hint;
    }
    format!(
        "this needs `{missing}`: let whoever manages the account allow it (`driftlab policy` prints everything that is needed)"
    )
}

/// The action in a message such as `User: … is not authorized to perform: iam:PassRole on resource: …`.
fn named_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests;
