//! Everything that an account holds in the region of the trials.

mod buckets;
mod looks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sandbox::service::Service;
use serde_json::{Map, Value};

use crate::World;
use looks::{LOOKS, Look};

/// What an account holds: each thing by a path such as `iam ListRoles AwsConfigRole`, with all that the API shows of it
/// except what AWS itself moves on, such as the time of the last delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Census {
    things: BTreeMap<String, Value>,
}

/// One thing of a census.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// The operation that lists it; `s3` for a bucket.
    pub listed_by: String,
    /// What it is called there.
    pub id: String,
}

impl Thing {
    /// The thing that a path is about: paths of its details go on behind its own.
    fn of(path: &str) -> Self {
        // Buckets are counted without the name of a listing.
        let rest = match path.strip_prefix("s3 ") {
            Some(_) => path,
            None => path.split_once(' ').map_or("", |(_, rest)| rest),
        };
        let mut words = rest.split(' ').map(str::to_owned);
        Self {
            listed_by: words.next().unwrap_or_default(),
            id: words.next().unwrap_or_default(),
        }
    }
}

impl Census {
    /// Counts everything. Call it when nothing is under way.
    pub async fn of(world: &World) -> Self {
        let mut things = BTreeMap::new();
        for look in LOOKS {
            look_at(world, look, &mut things).await;
        }
        buckets::count(world, &mut things).await;
        Self { things }
    }

    /// What is different now, a line for each thing; empty when nothing is.
    pub fn differences(&self, now: &Self) -> String {
        let paths: BTreeSet<&String> = self.things.keys().chain(now.things.keys()).collect();
        let mut text = String::new();
        for path in paths {
            let line = match (self.things.get(path), now.things.get(path)) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => format!("~ {path}: {before} → {after}"),
                (Some(before), None) => format!("- {path}: {before}"),
                (None, Some(after)) => format!("+ {path}: {after}"),
                (None, None) => continue,
            };
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// What is different in the world by the time that nothing is under way any more, a line for each thing.
    pub async fn since(&self, world: &World) -> String {
        world.idle().await;
        self.differences(&Self::of(world).await)
    }

    /// What is new now, with all that is shown of it.
    pub fn added(&self, now: &Self) -> BTreeMap<Thing, String> {
        let known: BTreeSet<_> = self.things.keys().map(|path| Thing::of(path)).collect();
        let mut added: BTreeMap<_, String> = BTreeMap::new();
        for (path, value) in &now.things {
            let thing = Thing::of(path);
            if !known.contains(&thing) {
                added.entry(thing).or_default().push_str(&value.to_string());
            }
        }
        added
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether the account is empty; none is, as each has a default VPC.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }
}

async fn look_at(world: &World, look: &Look, things: &mut BTreeMap<String, Value>) {
    let found = pages(world, look).await;
    for item in found {
        let id = look.id.iter().find_map(|id| item[*id].as_str());
        let Some(id) = id else {
            panic!("{} shows something without a name: {item}", look.operation);
        };
        let path = format!("{} {} {id}", look.service.signing_name(), look.operation);
        for detail in look.details {
            let Some(subject) = item[detail.of].as_str() else {
                continue;
            };
            let mut input = Map::new();
            input.insert(detail.argument.to_owned(), subject.into());
            let seen = match world
                .ask(look.service, detail.operation, input.into())
                .await
            {
                Ok(seen) => without(seen, detail.moving),
                Err(code) => Value::String(code),
            };
            for (operation, argument, name) in inner(detail, &seen) {
                let mut input = Map::new();
                input.insert(detail.argument.to_owned(), subject.into());
                input.insert(argument.to_owned(), name.as_str().into());
                let seen = world.call(look.service, operation, input.into()).await;
                things.insert(format!("{path} {operation} {name}"), seen);
            }
            things.insert(format!("{path} {}", detail.operation), seen);
        }
        things.insert(path, without(item, look.moving));
    }
}

/// The second step into what a detail lists by name.
fn inner(detail: &looks::Detail, seen: &Value) -> Vec<(&'static str, &'static str, String)> {
    let Some((list, operation, argument)) = detail.inner else {
        return Vec::new();
    };
    items(seen, list)
        .iter()
        .filter_map(Value::as_str)
        .map(|name| (operation, argument, name.to_owned()))
        .collect()
}

async fn pages(world: &World, look: &Look) -> Vec<Value> {
    let mut found = Vec::new();
    let mut token: Option<(&str, Value)> = None;
    loop {
        let mut input: Map<String, Value> = look
            .input
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        if let Some((name, token)) = token.take() {
            input.insert(name.to_owned(), token);
        }
        let page = world.call(look.service, look.operation, input.into()).await;
        found.extend(items(&page, look.list));
        let next = TOKENS
            .iter()
            .find_map(|(given, taken)| Some((*taken, page.get(given)?.clone())))
            .filter(|(_, token)| token.as_str().is_some_and(|token| !token.is_empty()));
        match next {
            Some(next) => token = Some(next),
            None => return found,
        }
    }
}

/// How an answer names the place where the next page begins, and how a request does.
const TOKENS: [(&str, &str); 4] = [
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "Marker"),
    ("Marker", "Marker"),
];

/// The items of a list in an answer, whatever tag they have on the wire (the sandbox writes `Roles|item` for that).
pub(crate) fn items(answer: &Value, list: &str) -> Vec<Value> {
    let Some(members) = answer.as_object() else {
        return Vec::new();
    };
    members
        .iter()
        .find(|(name, _)| name.split('|').next() == Some(list))
        .and_then(|(_, value)| value.as_array().cloned())
        .unwrap_or_default()
}

/// A value without the members of those names, at any depth.
fn without(value: Value, names: &[&str]) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .map(|(name, value)| (name, without(value, names)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| without(item, names))
            .collect::<Vec<_>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The services that a census looks into, by their signing names.
pub fn services() -> BTreeSet<&'static str> {
    let looked_into = LOOKS.iter().map(|look| look.service);
    looked_into
        .chain([Service::S3])
        .map(Service::signing_name)
        .collect()
}
