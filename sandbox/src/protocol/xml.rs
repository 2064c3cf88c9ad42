//! Writing XML from a JSON-like tree.

use serde_json::Value;

/// A whole document with one root element. `item` is the tag of list items that name no other.
pub(crate) fn document(root: &str, namespace: &str, value: &Value, item: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    open(&mut out, root, namespace);
    content(&mut out, value, item);
    close(&mut out, root);
    out
}

/// Opens an element, with a default namespace unless that is empty.
pub(crate) fn open(out: &mut String, tag: &str, namespace: &str) {
    out.push('<');
    out.push_str(tag);
    if !namespace.is_empty() {
        out.push_str(" xmlns=\"");
        escape(out, namespace);
        out.push('"');
    }
    out.push('>');
}

/// Closes an element.
pub(crate) fn close(out: &mut String, tag: &str) {
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

/// Writes what stands inside an element. Absent (null) members are left out.
pub(crate) fn content(out: &mut String, value: &Value, item: &str) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => escape(out, text),
        Value::Array(items) => items.iter().for_each(|each| element(out, item, each, item)),
        Value::Object(members) => {
            for (name, member) in members {
                match name.split_once('|') {
                    None => element(out, name, member, item),
                    // `Name|`: the items stand side by side, without an element around them.
                    Some((tag, "")) => {
                        for each in member.as_array().map_or(&[][..], Vec::as_slice) {
                            element(out, tag, each, item);
                        }
                    }
                    Some((tag, own_item)) if member.is_array() => {
                        open(out, tag, "");
                        for each in member.as_array().map_or(&[][..], Vec::as_slice) {
                            element(out, own_item, each, item);
                        }
                        close(out, tag);
                    }
                    Some((tag, _)) => element(out, tag, member, item),
                }
            }
        }
    }
}

fn element(out: &mut String, tag: &str, value: &Value, item: &str) {
    if value.is_null() {
        return;
    }
    open(out, tag, "");
    content(out, value, item);
    close(out, tag);
}

/// Appends `text` with the five special characters replaced; control characters that XML 1.0 cannot
/// hold become U+FFFD.
///
/// Whole runs of ordinary bytes are copied at once: an answer about 1,000 groups is most of a megabyte, and the sandbox
/// is usually run as an unoptimised build, where each character on its own would be the most expensive part of it.
pub(crate) fn escape(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let replacement = match bytes[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&apos;",
            b'\r' => "&#13;",
            b'\t' | b'\n' | b' '.. => {
                at += 1;
                continue;
            }
            _ => "\u{fffd}",
        };
        // What is replaced is ASCII, so that both ends are boundaries of characters.
        out.push_str(&text[copied..at]);
        out.push_str(replacement);
        at += 1;
        copied = at;
    }
    out.push_str(&text[copied..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_xml_cannot_hold_is_replaced() {
        let mut out = String::new();
        escape(&mut out, "é<&>\"'\r\n\t\u{1}日本");
        assert_eq!(out, "é&lt;&amp;&gt;&quot;&apos;&#13;\n\t\u{fffd}日本");
    }

    #[test]
    fn lists_maps_and_text() {
        let value = json!({"Tags": [{"Key": "a<b"}], "Set|item": [1, 2], "Flat|": ["x", "y"], "None": null, "Empty": []});
        assert_eq!(
            document("R", "ns", &value, "member"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"ns\"><Empty></Empty><Flat>x</Flat><Flat>y</Flat><Set><item>1</item><item>2</item></Set><Tags><member><Key>a&lt;b</Key></member></Tags></R>"
        );
    }
}
