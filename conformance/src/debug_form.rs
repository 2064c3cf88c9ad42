//! The outputs of the SDK as trees.
//!
//! The SDK's types have no serde, but all have `Debug`, which shows every member that was understood: a structure becomes
//! an object, `Some(x)` is `x`, `None` is null. Reading that form spares a hand-written copy of each of some hundred
//! output types.

use std::fmt::Debug;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::matching::VARIANT;

/// Any value's `Debug` as a tree.
pub(crate) fn tree(value: &dyn Debug) -> Value {
    let text = format!("{value:?}");
    let mut reader = Reader { rest: &text };
    let tree = reader.value();
    assert!(
        reader.rest.trim().is_empty(),
        "`{}` is left over of `{text}`",
        reader.rest
    );
    tree
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Value {
        self.skip_space();
        match self.rest.chars().next() {
            Some('"') => Value::String(self.string()),
            Some('[') => Value::Array(self.items('[', ']')),
            Some('{') => self.map(),
            Some('(') => Value::Array(self.items('(', ')')),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number(),
            Some('*') => {
                // Redacted values are written without quotes.
                let (shown, rest) = self.rest.split_at("*** Sensitive Data Redacted ***".len());
                self.rest = rest;
                Value::String(shown.to_owned())
            }
            _ => self.named(),
        }
    }

    fn named(&mut self) -> Value {
        let name = self.word();
        assert!(!name.is_empty(), "not understood: `{}`", self.rest);
        let spaced = self.rest.trim_start();
        if spaced.starts_with('{') && name != "Some" {
            self.rest = spaced;
            let members = self.map();
            return special(name, members);
        }
        if self.rest.starts_with('(') {
            let mut items = self.items('(', ')');
            // `Some(x)`, `Unknown(UnknownVariantValue("x"))` and newtypes are what they hold.
            return if items.len() == 1 {
                items.remove(0)
            } else {
                Value::Array(items)
            };
        }
        match name {
            "None" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            variant => Value::String(format!("{VARIANT}{variant}")),
        }
    }

    fn map(&mut self) -> Value {
        let mut members = Map::new();
        self.expect('{');
        loop {
            self.skip_space();
            if self.take('}') {
                return Value::Object(members);
            }
            let key = if self.rest.starts_with('"') {
                self.string()
            } else {
                match self.word() {
                    "" => panic!("not a member: `{}`", self.rest),
                    word => word.to_owned(),
                }
            };
            // A map's key may be an enum, like `Unknown("x")`.
            let key = if self.rest.starts_with('(') {
                let items = self.items('(', ')');
                items[0].as_str().unwrap_or_default().to_owned()
            } else {
                key
            };
            self.expect(':');
            members.insert(key, self.value());
            self.take(',');
        }
    }

    fn items(&mut self, open: char, close: char) -> Vec<Value> {
        let mut items = Vec::new();
        self.expect(open);
        loop {
            self.skip_space();
            if self.take(close) {
                return items;
            }
            items.push(self.value());
            self.skip_space();
            self.take(',');
        }
    }

    fn string(&mut self) -> String {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return text;
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('0') => text.push('\0'),
                    Some('u') => {
                        let code: String = chars
                            .by_ref()
                            .map(|(_, c)| c)
                            .skip(1)
                            .take_while(|c| *c != '}')
                            .collect();
                        let code = u32::from_str_radix(&code, 16).unwrap();
                        text.push(char::from_u32(code).unwrap());
                    }
                    Some(other) => text.push(other),
                    None => break,
                },
                c => text.push(c),
            }
        }
        panic!("a text without an end");
    }

    fn number(&mut self) -> Value {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+' | ':')))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        // Moments are written as they are, without quotes.
        serde_json::from_str(number).unwrap_or_else(|_| Value::String(number.to_owned()))
    }

    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '#'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) {
        self.skip_space();
        assert!(self.take(c), "no `{c}` in `{}`", self.rest);
    }
}

/// Bytes as text where they are text, and as base64 otherwise.
pub(crate) fn shown(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => json!({"$bytes": BASE64_STANDARD.encode(bytes)}),
    }
}

/// Moments only have to be there.
fn special(name: &str, members: Value) -> Value {
    match name {
        "Blob" => {
            let bytes: Vec<u8> = serde_json::from_value(members["inner"].clone()).unwrap();
            shown(&bytes)
        }
        "DateTime" => members["seconds"].clone(),
        _ => members,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only shown")]
    struct Output {
        name: Option<String>,
        absent: Option<i32>,
        kind: Kind,
        list: Vec<(i64, f32)>,
        map: HashMap<String, bool>,
    }

    #[derive(Debug)]
    #[expect(dead_code, reason = "only shown")]
    enum Kind {
        First,
        Unknown(String),
    }

    #[test]
    fn every_form_is_read() {
        let output = Output {
            name: Some("a \"quoted\"\n\u{7f}{b}".to_owned()),
            absent: None,
            kind: Kind::First,
            list: vec![(-1, 2.5)],
            map: HashMap::from([("k".to_owned(), true)]),
        };
        let expected = json!({
            "name": "a \"quoted\"\n\u{7f}{b}", "absent": null, "kind": "\u{1}First",
            "list": [[-1, 2.5]], "map": {"k": true},
        });
        assert_eq!(tree(&output), expected);
        assert_eq!(tree(&Kind::Unknown("x".to_owned())), json!("x"));
    }
}
