//! A YAML document that knows where its parts stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_yaml::Spanned;

/// A part of the document, with its line and column.
#[derive(Debug)]
pub(super) struct Node {
    at: (u64, u64),
    part: Part,
}

#[derive(Debug)]
enum Part {
    Scalar(Value),
    List(Vec<Node>),
    /// Each key with its own place.
    Map(Vec<(String, (u64, u64), Node)>),
}

impl Node {
    /// The document without places.
    pub(super) fn value(&self) -> Value {
        match &self.part {
            Part::Scalar(value) => value.clone(),
            Part::List(nodes) => nodes.iter().map(Self::value).collect(),
            Part::Map(entries) => entries
                .iter()
                .map(|(key, _, node)| (key.clone(), node.value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// Line and column of what `path` names, like `baseline[2].sources[0]`: of its value, or of its key. What is not there
    /// stands where it should be.
    pub(super) fn place(&self, path: &str, of_key: bool) -> (u64, u64) {
        let mut place = self.at;
        let mut node = self;
        let names = path
            .split(['.', '['])
            .map(|name| name.trim_end_matches(']'));
        for name in names {
            let found = match &node.part {
                Part::Scalar(_) => None,
                Part::List(nodes) => {
                    let nth = name.parse().ok().and_then(|n: usize| nodes.get(n));
                    nth.map(|node| (node.at, node))
                }
                Part::Map(entries) => entries
                    .iter()
                    .find(|(key, _, _)| key == name)
                    .map(|(_, key, node)| (if of_key { *key } else { node.at }, node)),
            };
            let Some((at, inner)) = found else {
                break;
            };
            place = at;
            node = inner;
        }
        place
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value: part,
            referenced,
            ..
        } = Spanned::<Part>::deserialize(deserializer)?;
        Ok(Self {
            at: (referenced.line(), referenced.column()),
            part,
        })
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of a policy")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Part, E> {
        Ok(Part::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Part, E> {
        Ok(Part::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Part, E> {
        Ok(Part::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Part, E> {
        Ok(Part::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Part, E> {
        Ok(Part::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Part::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let at = (key.referenced.line(), key.referenced.column());
            entries.push((key.value, at, map.next_value()?));
        }
        Ok(Part::Map(entries))
    }
}
