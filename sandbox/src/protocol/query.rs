//! The query protocols: form-encoded in, XML out. EC2 has a dialect of its own.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::xml;
use crate::error::ApiError;

/// Decodes `Tags.member.1.Key=a` (query) and `Tag.1.Key=a` (EC2) alike: numbered members become a
/// list, `entry` lists of `key`/`value` become a map, everything else a structure of strings.
pub(crate) fn decode(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let mut root = Node::default();
    for (name, value) in pairs {
        root.insert(&name, value);
    }
    root.into_value()
}

#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, name: &str, value: String) {
        // Iterative, so that a hostile name with a million dots cannot exhaust the stack; the depth
        // limit keeps the recursive conversion below harmless too.
        let mut node = self;
        for part in name.split('.').take(MAX_DEPTH) {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value);
    }

    fn into_value(mut self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        if self.children.len() == 1 {
            for wrapper in ["member", "item"] {
                if self.children.get(wrapper).is_some_and(Node::is_list)
                    && let Some(list) = self.children.remove(wrapper)
                {
                    return list.into_value();
                }
            }
            if self.children.get("entry").is_some_and(Node::is_list)
                && let Some(entries) = self.children.remove("entry")
            {
                return entries.into_map();
            }
        }
        if self.is_list() {
            let mut items: Vec<(u64, Node)> = self
                .children
                .into_iter()
                .filter_map(|(index, node)| Some((index.parse().ok()?, node)))
                .collect();
            items.sort_by_key(|(index, _)| *index);
            return Value::Array(
                items
                    .into_iter()
                    .map(|(_, node)| node.into_value())
                    .collect(),
            );
        }
        Value::Object(
            self.children
                .into_iter()
                .map(|(name, node)| (name, node.into_value()))
                .collect(),
        )
    }

    fn is_list(&self) -> bool {
        !self.children.is_empty()
            && self
                .children
                .keys()
                .all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()))
    }

    fn into_map(self) -> Value {
        let mut map = Map::new();
        for mut entry in self.children.into_values() {
            // SNS calls the halves of a message attribute `Name` and `Value`.
            let mut half = |one: &str, other: &str| {
                let found = entry.children.remove(one);
                found.or_else(|| entry.children.remove(other))
            };
            let key = half("key", "Name").and_then(|node| node.text);
            let value = half("value", "Value").map(Node::into_value);
            if let (Some(key), Some(value)) = (key, value) {
                map.insert(key, value);
            }
        }
        Value::Object(map)
    }
}

/// No AWS input nests deeper than about ten levels.
const MAX_DEPTH: usize = 32;

pub(crate) fn answer(namespace: &str, operation: &str, value: &Value, request_id: &str) -> String {
    let mut out = String::new();
    xml::open(&mut out, &format!("{operation}Response"), namespace);
    let result = format!("{operation}Result");
    xml::open(&mut out, &result, "");
    xml::content(&mut out, value, "member");
    xml::close(&mut out, &result);
    out.push_str("<ResponseMetadata><RequestId>");
    out.push_str(request_id);
    out.push_str("</RequestId></ResponseMetadata>");
    xml::close(&mut out, &format!("{operation}Response"));
    out
}

pub(crate) fn ec2_answer(
    namespace: &str,
    operation: &str,
    value: &Value,
    request_id: &str,
) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let root = format!("{operation}Response");
    xml::open(&mut out, &root, namespace);
    out.push_str("<requestId>");
    out.push_str(request_id);
    out.push_str("</requestId>");
    xml::content(&mut out, value, "item");
    xml::close(&mut out, &root);
    out
}

pub(crate) fn error(namespace: &str, error: &ApiError, request_id: &str) -> String {
    let mut out = String::new();
    xml::open(&mut out, "ErrorResponse", namespace);
    out.push_str("<Error><Type>");
    out.push_str(if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    });
    out.push_str("</Type>");
    code_and_message(&mut out, error);
    out.push_str("</Error><RequestId>");
    out.push_str(request_id);
    out.push_str("</RequestId>");
    xml::close(&mut out, "ErrorResponse");
    out
}

pub(crate) fn ec2_error(error: &ApiError, request_id: &str) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
    code_and_message(&mut out, error);
    out.push_str("</Error></Errors><RequestID>");
    out.push_str(request_id);
    out.push_str("</RequestID></Response>");
    out
}

pub(crate) fn s3_error(error: &ApiError, request_id: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    code_and_message(&mut out, error);
    out.push_str("<RequestId>");
    out.push_str(request_id);
    out.push_str("</RequestId></Error>");
    out
}

fn code_and_message(out: &mut String, error: &ApiError) {
    out.push_str("<Code>");
    xml::escape(out, &error.code);
    out.push_str("</Code><Message>");
    xml::escape(out, &error.message);
    out.push_str("</Message>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decoded(form: &str) -> Value {
        decode(form_urlencoded::parse(form.as_bytes()).into_owned())
    }

    #[test]
    fn both_dialects_of_lists() {
        assert_eq!(
            decoded(
                "IpPermissions.1.IpRanges.2.CidrIp=b&IpPermissions.1.IpRanges.1.CidrIp=a&GroupId=sg-1"
            ),
            json!({"GroupId": "sg-1", "IpPermissions": [{"IpRanges": [{"CidrIp": "a"}, {"CidrIp": "b"}]}]})
        );
        assert_eq!(
            decoded("Tags.member.1.Key=k&Tags.member.1.Value="),
            json!({"Tags": [{"Key": "k", "Value": ""}]})
        );
        assert_eq!(
            decoded("A.entry.1.key=k&A.entry.1.value=v"),
            json!({"A": {"k": "v"}})
        );
    }

    #[test]
    fn ten_items_keep_their_order() {
        let form: String = (1..=11).map(|i| format!("G.{i}=v{i}&")).collect();
        let list = decoded(&form);
        assert_eq!(list["G"][10], json!("v11"));
        assert_eq!(list["G"][1], json!("v2"));
    }
}
