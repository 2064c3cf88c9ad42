//! A stack: what was asked for, what exists, what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::change_sets::ChangeSet;
use super::drift::{Detection, ResourceDrift, StackDrift};
use super::intrinsics::{Known, Truths};
use super::mask::Mask;
use super::resources::Kind;
use super::template::{Retention, Template};
use crate::clock::{Timestamp, iso8601};
use crate::ids::uuid;
use crate::sandbox::Target;

/// The type under which a stack appears among its own events.
pub(super) const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// Events of a stack that are kept: some ten updates of 500 resources, AWS's most in a template. AWS
/// keeps all of 90 days; of a stack that lives on, the oldest tenth is forgotten.
const MAX_EVENTS: usize = 10_000;

/// What is done when making a stack fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// Everything stops where it is.
    Nothing,
    /// Rolling back is disabled: what is made stays, what does not depend on the failure goes on, and an update can
    /// take it from there.
    Preserve,
    Rollback,
    Delete,
}

/// One stack.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) updated: Option<Timestamp>,
    pub(super) deleted: Option<Timestamp>,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    /// What the stack was asked to be last.
    pub(super) wish: Wish,
    pub(super) on_failure: OnFailure,
    pub(super) timeout: Option<i64>,
    pub(super) protected: bool,
    pub(super) outputs: Vec<OutputValue>,
    /// Names of the exports that the stack's values come from.
    pub(super) imports: BTreeSet<String>,
    pub(super) resources: BTreeMap<String, Record>,
    /// Oldest first.
    pub(super) events: Vec<Event>,
    /// The token of the operation that is or was at work last.
    pub(super) token: Option<String>,
    /// What the stack was asked to be when it was complete last.
    pub(super) stable: Option<Wish>,
    /// What was done since then and could still have to be taken back, oldest first.
    pub(super) pending: Vec<Done>,
    /// Oldest first, those that were executed included.
    pub(super) change_sets: Vec<ChangeSet>,
    /// The change set that made the stack what it is, if one did.
    pub(super) change_set: Option<String>,
    /// Absent until somebody has looked.
    pub(super) drift: Option<StackDrift>,
    /// Oldest first.
    pub(super) detections: Vec<Detection>,
}

/// What a stack is asked to be, and in whose name.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) template: Arc<Template>,
    pub(super) parameters: BTreeMap<String, String>,
    /// The resources whose condition holds.
    pub(super) active: BTreeSet<String>,
    /// Whether each condition holds.
    pub(super) truths: Truths,
    /// What making it true may still cost: resolving the properties of its resources.
    pub(super) budget: Arc<Budget>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) capabilities: Vec<String>,
    pub(super) role: Option<String>,
    /// Who makes the resources: the caller, or the stack's role.
    pub(super) target: Target,
}

impl Wish {
    /// Whether a parameter is secret (`NoEcho`).
    pub(super) fn is_secret(&self, parameter: &str) -> bool {
        let declared = self.template.parameters.get(parameter);
        declared.is_some_and(|declared| declared.no_echo)
    }

    /// What hides the values of secret parameters.
    pub(super) fn mask(&self) -> Mask {
        let secret = self
            .parameters
            .iter()
            .filter(|(name, _)| self.is_secret(name));
        Mask::new(secret.map(|(_, value)| value.as_str()))
    }

    /// `value` as it may be shown: the values of secret parameters masked wherever they stand, also inside longer texts.
    pub(super) fn masked(&self, value: &Value) -> Value {
        self.mask().hide(value)
    }
}

/// An output with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputValue {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) description: Option<String>,
    pub(super) export: Option<String>,
}

/// A resource of a stack.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) kind: &'static Kind,
    /// Known as soon as the service has made the thing, also when making it fails afterwards.
    pub(super) physical_id: Option<String>,
    pub(super) attributes: Map<String, Value>,
    /// Functions resolved.
    pub(super) properties: Value,
    /// Own tags and the stack's, without CloudFormation's own.
    pub(super) tags: Vec<(String, String)>,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) changed: Timestamp,
    pub(super) deletion: Retention,
    /// The resources that this one needs: they are deleted after it.
    pub(super) needs: BTreeSet<String>,
    pub(super) metadata: Option<Value>,
    /// Absent until somebody has looked, and again after a change.
    pub(super) drift: Option<ResourceDrift>,
}

/// What was done to a resource, and how it was before.
#[derive(Debug, Clone)]
pub(super) enum Done {
    Made(String),
    Changed(String, Box<Record>),
    Replaced(String, Box<Record>),
    /// A replacement that was taken back, and is still there.
    Discarded(String, Box<Record>),
}

impl Done {
    /// The resource's logical id.
    pub(super) fn name(&self) -> &str {
        match self {
            Done::Made(name)
            | Done::Changed(name, _)
            | Done::Replaced(name, _)
            | Done::Discarded(name, _) => name,
        }
    }
}

/// Something that happened to a stack or to one of its resources.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: &'static str,
    pub(super) at: Timestamp,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) properties: Option<String>,
    pub(super) token: Option<String>,
}

impl OnFailure {
    /// As a request says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            OnFailure::Nothing | OnFailure::Preserve => "DO_NOTHING",
            OnFailure::Rollback => "ROLLBACK",
            OnFailure::Delete => "DELETE",
        }
    }
}

impl Record {
    /// Whether making it has failed, so that there is nothing to change.
    pub(super) fn never_was(&self) -> bool {
        self.status == "CREATE_FAILED"
    }
}

impl Stack {
    /// A stack that has nothing yet and whose status is still to be set.
    pub(super) fn new(id: &str, name: &str, created: Timestamp, wish: Wish) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            created,
            updated: None,
            deleted: None,
            status: "",
            reason: None,
            wish,
            on_failure: OnFailure::Rollback,
            timeout: None,
            protected: false,
            outputs: Vec::new(),
            imports: BTreeSet::new(),
            resources: BTreeMap::new(),
            events: Vec::new(),
            token: None,
            stable: None,
            pending: Vec::new(),
            change_sets: Vec::new(),
            change_set: None,
            drift: None,
            detections: Vec::new(),
        }
    }

    /// Gives the stack a status, and says so among its events.
    pub(super) fn set_status(
        &mut self,
        status: &'static str,
        reason: Option<String>,
        now: Timestamp,
    ) {
        self.status = status;
        self.end_execution(status);
        self.reason.clone_from(&reason);
        self.tell(Event {
            id: uuid(),
            logical_id: self.name.clone(),
            physical_id: self.id.clone(),
            kind: STACK_TYPE,
            at: now,
            status,
            reason,
            properties: None,
            token: self.token.clone(),
        });
    }

    /// Gives a resource a status, and says so among the stack's events. Resources that the stack does not have are
    /// left alone.
    pub(super) fn set_resource_status(
        &mut self,
        logical_id: &str,
        status: &'static str,
        reason: Option<String>,
        now: Timestamp,
    ) {
        let Some(record) = self.resources.get_mut(logical_id) else {
            return;
        };
        record.status = status;
        record.reason.clone_from(&reason);
        record.changed = now;
        let mut id = format!("{logical_id}-{status}-{}", iso8601(now));
        // Two events of one millisecond are still two.
        let mut of_this_moment = self.events.iter().rev().take_while(|event| event.at == now);
        if of_this_moment.any(|event| event.id == id) {
            id = format!("{logical_id}-{}", uuid());
        }
        let event = Event {
            id,
            logical_id: logical_id.to_owned(),
            physical_id: record.physical_id.clone().unwrap_or_default(),
            kind: record.kind.name,
            at: now,
            status,
            reason,
            properties: Some(self.wish.masked(&record.properties).to_string()),
            token: self.token.clone(),
        };
        self.tell(event);
    }

    /// Says among the events what became of a thing that is no resource of the stack any more.
    pub(super) fn say(
        &mut self,
        logical_id: &str,
        kind: &'static str,
        physical_id: &str,
        status: &'static str,
        reason: Option<String>,
        now: Timestamp,
    ) {
        self.tell(Event {
            id: format!("{logical_id}-{}", uuid()),
            logical_id: logical_id.to_owned(),
            physical_id: physical_id.to_owned(),
            kind,
            at: now,
            status,
            reason,
            properties: None,
            token: self.token.clone(),
        });
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
        if self.events.len() > MAX_EVENTS {
            self.events.drain(..MAX_EVENTS / 10);
        }
    }

    /// Notes that the stack is what it was asked to be.
    pub(super) fn settle(&mut self) {
        self.stable = Some(self.wish.clone());
        self.pending.clear();
    }

    /// When making the stack began to be taken back, where that is what became of it.
    pub(super) fn rolled_back(&self) -> Option<Timestamp> {
        if self.status != "ROLLBACK_COMPLETE" {
            return None;
        }
        let mut events = self.events.iter().rev();
        let begun = events.find(|event| event.status == "ROLLBACK_IN_PROGRESS")?;
        Some(begun.at)
    }

    /// Whether an operation is at work on the stack.
    pub(super) fn busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }

    /// What `Ref` and `Fn::GetAtt` give for the resources that exist.
    pub(super) fn known(&self) -> BTreeMap<String, Known> {
        self.resources
            .iter()
            .filter_map(|(name, record)| {
                let known = Known {
                    reference: record.physical_id.clone()?,
                    attributes: record.attributes.clone(),
                };
                Some((name.clone(), known))
            })
            .collect()
    }
}
