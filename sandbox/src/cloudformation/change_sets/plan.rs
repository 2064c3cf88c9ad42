//! What becomes of each resource when a stack gets another wish: worked out without touching anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::resource_change::{Action, Attribute, Detail, Recreation, ResourceChange, Source};
use crate::cloudformation::graph;
use crate::cloudformation::intrinsics::Scope;
use crate::cloudformation::references::{Reference, references};
use crate::cloudformation::resources::{Change, tags};
use crate::cloudformation::stack::{Record, Stack, Wish};
use crate::cloudformation::template::{Declared, Retention};

/// What stands for a value that only the execution will know.
const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// Every resource that changes when `stack` gets `wish`, by logical id. `scope` resolves the wish with what exists now.
pub(in crate::cloudformation) fn plan(
    stack: &Stack,
    wish: &Wish,
    scope: &Scope<'_>,
) -> Vec<ResourceChange> {
    let needs = graph::dependencies(&wish.template, &wish.active).unwrap_or_default();
    let order = graph::order(&needs).unwrap_or_default();
    let mut changes: BTreeMap<String, ResourceChange> = BTreeMap::new();
    for name in order {
        let declared = &wish.template.resources[&name];
        let change = match stack
            .resources
            .get(&name)
            .filter(|record| !record.never_was())
        {
            None => Some(added(&name, declared, scope)),
            Some(record) => modified(&name, declared, record, stack, wish, scope, &changes),
        };
        if let Some(change) = change {
            changes.insert(name, change);
        }
    }
    for (name, record) in &stack.resources {
        if !wish.active.contains(name) {
            changes.insert(name.clone(), removed(name, record));
        }
    }
    changes.into_values().collect()
}

fn added(name: &str, declared: &Declared, scope: &Scope<'_>) -> ResourceChange {
    ResourceChange {
        action: Action::Add,
        logical_id: name.to_owned(),
        physical_id: None,
        kind: declared.kind.name,
        policy: None,
        details: Vec::new(),
        before: None,
        after: Some(foreseen(&declared.properties, scope)),
    }
}

fn removed(name: &str, record: &Record) -> ResourceChange {
    ResourceChange {
        action: Action::Remove,
        logical_id: name.to_owned(),
        physical_id: record.physical_id.clone(),
        kind: record.kind.name,
        policy: Some(match record.deletion {
            Retention::Delete => "Delete",
            Retention::Retain | Retention::RetainExceptOnCreate => "Retain",
        }),
        details: Vec::new(),
        before: Some(record.properties.clone()),
        after: None,
    }
}

fn modified(
    name: &str,
    declared: &Declared,
    record: &Record,
    stack: &Stack,
    wish: &Wish,
    scope: &Scope<'_>,
    changes: &BTreeMap<String, ResourceChange>,
) -> Option<ResourceChange> {
    let mut details = Vec::new();
    let empty = Map::new();
    let members = |value: &Value| value.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (before, after) = (members(&record.properties), members(&declared.properties));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let old = stack.wish.template.resources.get(name);
    for property in names.into_iter().filter(|name| *name != "Tags") {
        let mut found = Property {
            raw: after.get(property),
            old_raw: old.and_then(|old| old.properties.get(property)),
            before: before.get(property),
            stack,
            wish,
            scope,
            changes,
        }
        .differences();
        for detail in &mut found {
            detail.name = Some(property.clone());
            detail.recreation = match record.kind.change(property) {
                Change::InPlace => Recreation::Never,
                Change::Replace => Recreation::Always,
            };
        }
        details.extend(found);
    }
    details.extend(tag_difference(name, declared, record, wish, scope));
    if declared.metadata != record.metadata {
        let (before, after) = (record.metadata.clone(), declared.metadata.clone());
        details.push(Detail::direct(Attribute::Metadata, before, after));
    }
    if declared.deletion != record.deletion {
        let (before, after) = (record.deletion.name(), declared.deletion.name());
        details.push(Detail::direct(
            Attribute::DeletionPolicy,
            Some(before.into()),
            Some(after.into()),
        ));
    }
    if let Some(old) = old.filter(|old| old.replacement != declared.replacement) {
        let (before, after) = (old.replacement.name(), declared.replacement.name());
        details.push(Detail::direct(
            Attribute::UpdateReplacePolicy,
            Some(before.into()),
            Some(after.into()),
        ));
    }
    if details.is_empty() {
        return None;
    }
    let mut change = ResourceChange {
        action: Action::Modify,
        logical_id: name.to_owned(),
        physical_id: record.physical_id.clone(),
        kind: record.kind.name,
        policy: None,
        details,
        before: Some(record.properties.clone()),
        after: Some(foreseen(&declared.properties, scope)),
    };
    if change.replacement() != Some("False") {
        change.policy = Some(match declared.replacement {
            Retention::Delete => "ReplaceAndDelete",
            Retention::Retain | Retention::RetainExceptOnCreate => "ReplaceAndRetain",
        });
    }
    Some(change)
}

/// The tags of the resource and of the stack together, where they differ.
fn tag_difference(
    name: &str,
    declared: &Declared,
    record: &Record,
    wish: &Wish,
    scope: &Scope<'_>,
) -> Option<Detail> {
    if !record.kind.taggable {
        return None;
    }
    let own = match declared.properties.get("Tags") {
        None => json!({}),
        Some(raw) => match scope.resolve(raw) {
            Ok(Some(tags)) => json!({"Tags": tags}),
            Ok(None) => json!({}),
            Err(_) => {
                let before = Some(tags::list(&record.tags));
                let mut detail = Detail::direct(Attribute::Tags, before, Some(UNKNOWN.into()));
                detail.dynamic = true;
                return Some(detail);
            }
        },
    };
    let wanted = tags::wanted(name, &own, &wish.tags).unwrap_or_default();
    (wanted != record.tags).then(|| {
        let (before, after) = (tags::list(&record.tags), tags::list(&wanted));
        Detail::direct(Attribute::Tags, Some(before), Some(after))
    })
}

/// One property of a resource that stays in the stack.
struct Property<'p> {
    raw: Option<&'p Value>,
    old_raw: Option<&'p Value>,
    before: Option<&'p Value>,
    stack: &'p Stack,
    wish: &'p Wish,
    scope: &'p Scope<'p>,
    changes: &'p BTreeMap<String, ResourceChange>,
}

impl Property<'_> {
    fn differences(&self) -> Vec<Detail> {
        let mut named = self
            .raw
            .and_then(|raw| references(raw).ok())
            .unwrap_or_default();
        // What is referred to twice is one cause.
        let mut seen = BTreeSet::new();
        named.retain(|reference| seen.insert(reference.clone()));
        let mut details: Vec<Detail> = named.iter().filter_map(|name| self.moving(name)).collect();
        if !details.is_empty() {
            if self.raw != self.old_raw {
                let mut direct = self.detail(Source::DirectModification, Some(UNKNOWN.into()));
                direct.dynamic = true;
                details.push(direct);
            }
            return details;
        }
        let after = match self.raw.map(|raw| self.scope.resolve(raw)) {
            None => None,
            Some(Ok(after)) => after,
            Some(Err(_)) => {
                let mut detail = self.detail(Source::DirectModification, Some(UNKNOWN.into()));
                detail.dynamic = true;
                return vec![detail];
            }
        };
        if after.as_ref() == self.before {
            return Vec::new();
        }
        let parameters: BTreeSet<&String> = named
            .iter()
            .filter_map(|reference| match reference {
                Reference::Name(name) => Some(name),
                Reference::Attribute(..) | Reference::Condition(_) => None,
            })
            .filter(|name| {
                self.wish.parameters.contains_key(*name)
                    && self.wish.parameters.get(*name) != self.stack.wish.parameters.get(*name)
            })
            .collect();
        let mut details: Vec<Detail> = parameters
            .into_iter()
            .map(|parameter| {
                let mut detail = self.detail(Source::ParameterReference, after.clone());
                detail.causing = Some(parameter.clone());
                detail
            })
            .collect();
        let mut direct = self.detail(Source::DirectModification, after);
        // Beside a parameter that explains the difference, AWS only supposes that the template differs as well.
        direct.dynamic = !details.is_empty() && self.raw == self.old_raw;
        details.push(direct);
        details
    }

    /// The difference that a changing resource makes to what refers to it.
    fn moving(&self, reference: &Reference) -> Option<Detail> {
        let (target, source, causing) = match reference {
            Reference::Name(name) => (name, Source::ResourceReference, name.clone()),
            Reference::Attribute(name, attribute) => (
                name,
                Source::ResourceAttribute,
                format!("{name}.{attribute}"),
            ),
            Reference::Condition(_) => return None,
        };
        let change = self.changes.get(target)?;
        // What is changed in place keeps its id, but perhaps not its attributes.
        if source == Source::ResourceReference && change.replacement() == Some("False") {
            return None;
        }
        let mut detail = self.detail(source, Some(UNKNOWN.into()));
        detail.dynamic = true;
        detail.causing = Some(causing);
        Some(detail)
    }

    /// Each cause shows the whole value, so each is paid for; a plan whose budget is used up is refused as a whole.
    fn detail(&self, source: Source, after: Option<Value>) -> Detail {
        let paid = [self.before, after.as_ref()]
            .into_iter()
            .flatten()
            .all(|shown| self.scope.budget.spend_copy(shown).is_ok());
        let (before, after) = match paid {
            true => (self.before.cloned(), after),
            false => (None, None),
        };
        Detail {
            source,
            ..Detail::direct(Attribute::Properties, before, after)
        }
    }
}

/// The properties as far as they can be foreseen.
fn foreseen(properties: &Value, scope: &Scope<'_>) -> Value {
    let Some(members) = properties.as_object() else {
        return json!({});
    };
    members
        .iter()
        .filter_map(|(name, raw)| match scope.resolve(raw) {
            Ok(value) => value.map(|value| (name.clone(), value)),
            Err(_) => Some((name.clone(), UNKNOWN.into())),
        })
        .collect::<Map<_, _>>()
        .into()
}
