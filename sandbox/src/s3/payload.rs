//! XML bodies to structures with the names of the API model.

use bytes::Bytes;
use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Lists without an element around them: (parent, element, the model's name).
const FLAT: &[(&str, &str, &str)] = &[
    ("LifecycleConfiguration", "Rule", "Rules"),
    ("Rule", "Transition", "Transitions"),
    (
        "Rule",
        "NoncurrentVersionTransition",
        "NoncurrentVersionTransitions",
    ),
    ("And", "Tag", "Tags"),
    ("Delete", "Object", "Objects"),
    ("ServerSideEncryptionConfiguration", "Rule", "Rules"),
    ("OwnershipControls", "Rule", "Rules"),
];

/// Elements that hold nothing but a list of this other element.
const WRAPPED: &[(&str, &str)] = &[("TagSet", "Tag"), ("Tags", "Tag")];

/// No configuration of S3 nests deeper.
const MAX_DEPTH: usize = 8;

/// Reads a body whose root is `root`.
pub(super) fn read(body: &Bytes, root: &str) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    // The parser recurses: a body of nothing but opening tags must not exhaust the stack.
    if too_deep(text) {
        return Err(malformed());
    }
    let document = Document::parse(text).map_err(|_| malformed())?;
    let element = document.root_element();
    if element.tag_name().name() != root {
        return Err(malformed());
    }
    match structure(element, 0)? {
        // An empty element is a structure without members.
        Value::String(text) if text.trim().is_empty() => Ok(Value::Object(Map::new())),
        Value::String(_) => Err(malformed()),
        other => Ok(other),
    }
}

fn too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    for (at, _) in text.match_indices('<') {
        match text.as_bytes().get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'?' | b'!') => {}
            _ => {
                // A tag ends before the next begins: looked for further, its end would be found again for each of them.
                let inside = &text[at + 1..];
                let closed = inside.find(['<', '>']).is_some_and(|end| {
                    inside[..end].ends_with('/') && inside[end..].starts_with('>')
                });
                if !closed {
                    depth += 1;
                }
            }
        }
        if depth > MAX_DEPTH * 2 {
            return true;
        }
    }
    false
}

fn structure(node: Node<'_, '_>, depth: usize) -> Result<Value, ApiError> {
    if depth > MAX_DEPTH {
        return Err(malformed());
    }
    let name = node.tag_name().name();
    let children = || node.children().filter(Node::is_element);
    if children().next().is_none() {
        return Ok(match WRAPPED.iter().any(|(list, _)| *list == name) {
            true => Value::Array(Vec::new()),
            false => Value::String(node.text().unwrap_or_default().to_owned()),
        });
    }
    if let Some((_, item)) = WRAPPED.iter().find(|(list, _)| *list == name) {
        return children()
            .map(|child| match child.tag_name().name() == *item {
                true => structure(child, depth + 1),
                false => Err(malformed()),
            })
            .collect();
    }
    let mut members = Map::new();
    for child in children() {
        let tag = child.tag_name().name();
        let value = structure(child, depth + 1)?;
        match FLAT
            .iter()
            .find(|(parent, element, _)| *parent == name && *element == tag)
        {
            Some((_, _, member)) => {
                let list = members
                    .entry((*member).to_owned())
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(value);
                }
            }
            None => {
                if members.insert(tag.to_owned(), value).is_some() {
                    return Err(malformed());
                }
            }
        }
    }
    Ok(Value::Object(members))
}

/// The way back: a structure with the model's names, as the XML writer wants it.
pub(super) fn wire(parent: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| {
                    let flat = FLAT
                        .iter()
                        .find(|(from, _, list)| *from == parent && *list == name);
                    let wrapped = WRAPPED.iter().find(|(list, _)| *list == name);
                    match (flat, wrapped) {
                        (Some((_, element, _)), _) => {
                            (format!("{element}|"), wire(element, member))
                        }
                        (None, Some((list, item))) => {
                            (format!("{list}|{item}"), wire(item, member))
                        }
                        (None, None) => (name.clone(), wire(name, member)),
                    }
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(|item| wire(parent, item)).collect(),
        other => other.clone(),
    }
}

pub(super) fn malformed() -> ApiError {
    ApiError::bad(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_the_model_and_back() {
        let body = Bytes::from_static(
            b"<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ID>a</ID><Filter><And><Prefix/><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter></Rule><Rule><ID>b</ID></Rule></LifecycleConfiguration>",
        );
        let value = read(&body, "LifecycleConfiguration").expect("well formed");
        assert_eq!(
            value,
            json!({"Rules": [
                {"ID": "a", "Filter": {"And": {"Prefix": "", "Tags": [{"Key": "k", "Value": "v"}]}}},
                {"ID": "b"},
            ]})
        );
        let back = wire("LifecycleConfiguration", &value);
        assert_eq!(back["Rule|"][0]["Filter"]["And"]["Tag|"][0]["Key"], "k");
    }

    #[test]
    fn a_tag_ends_before_the_next_begins() {
        assert!(too_deep(&format!("{}/>", "<".repeat(MAX_DEPTH * 2 + 2))));
        assert!(!too_deep(&"<a/>".repeat(MAX_DEPTH * 4)));
        assert!(!too_deep(&"<a b='c'/></d>".repeat(MAX_DEPTH * 4)));
    }

    #[test]
    fn wrong_bodies() {
        let deep = "<Delete>".repeat(200_000);
        for body in [
            "",
            "<",
            "<Delete>",
            "<Other/>",
            "<Delete>text</Delete>",
            &deep,
        ] {
            let error = read(&Bytes::from(body.to_owned()), "Delete").expect_err(body);
            assert_eq!(error.code, "MalformedXML");
        }
    }
}
