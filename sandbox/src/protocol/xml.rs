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
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            c if c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_maps_and_text() {
        let value = json!({"Tags": [{"Key": "a<b"}], "Set|item": [1, 2], "Flat|": ["x", "y"], "None": null, "Empty": []});
        assert_eq!(
            document("R", "ns", &value, "member"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"ns\"><Empty></Empty><Flat>x</Flat><Flat>y</Flat><Set><item>1</item><item>2</item></Set><Tags><member><Key>a&lt;b</Key></member></Tags></R>"
        );
    }
}
