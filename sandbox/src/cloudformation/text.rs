//! From a template's text to one tree. JSON and YAML alike; the short forms of YAML (`!Ref`, `!Sub`, …) become the
//! long ones, so that nobody after this knows in which form a template was written.

use std::fmt;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::invalid;
use crate::error::ApiError;

/// Reads a template. Line and column of every error count from one.
///
/// # Errors
/// `ValidationError` with `Template format error: …`.
pub(super) fn parse(text: &str) -> Result<Value, ApiError> {
    let tree = if text.trim_start().starts_with('{') {
        json(text)?
    } else {
        yaml(text)?
    };
    if !tree.is_object() {
        return Err(invalid("Template format error: unsupported structure."));
    }
    refuse_nulls(&tree, "")?;
    Ok(tree)
}

fn refuse_nulls(value: &Value, path: &str) -> Result<(), ApiError> {
    match value {
        Value::Null => Err(invalid(format!(
            "[{path}] 'null' values are not allowed in templates"
        ))),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| refuse_nulls(item, &format!("{path}/{index}"))),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, member)| refuse_nulls(member, &format!("{path}/{name}"))),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn json(text: &str) -> Result<Value, ApiError> {
    serde_json::from_str::<Unique>(text)
        .map(|Unique(value)| value)
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let why = error.to_string();
            // serde_json ends its messages with the position, which stands here already.
            let why = why.rsplit_once(" at line ").map_or(&*why, |(why, _)| why);
            invalid(format!(
                "Template format error: JSON not well-formed. (line {line}, column {column}): {why}"
            ))
        })
}

/// A JSON value whose objects name every key once.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(serde::de::Error::custom(format!(
                    "the key `{name}` stands there twice"
                )));
            }
            let Unique(member) = members.next_value()?;
            map.insert(name, member);
        }
        Ok(Value::Object(map))
    }
}

fn yaml(text: &str) -> Result<Value, ApiError> {
    let mut reader = Reader {
        // Whether comments are events is otherwise up to whoever else uses the parser.
        events: Parser::new_from_str_with_options(
            text,
            granit_parser::options! { emit_comments: false },
        ),
    };
    let mut document = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            first if document.is_none() => document = Some(reader.node(first, span)?),
            _ => return Err(at(span, "a template is one YAML document")),
        }
    }
    document.ok_or_else(|| invalid("Template format error: the template is empty"))
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, ApiError> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok(pair)) => Ok(Some(pair)),
            Some(Err(error)) => Err(not_well_formed(
                error.marker().line(),
                error.marker().col() + 1,
                &error.info(),
            )),
        }
    }

    fn must(&mut self) -> Result<(Event<'t>, Span), ApiError> {
        self.next()?
            .ok_or_else(|| invalid("Template format error: YAML not well-formed."))
    }

    /// The parser itself bounds the depth, and with it this recursion.
    fn node(&mut self, first: Event<'t>, span: Span) -> Result<Value, ApiError> {
        match first {
            Event::Scalar(text, style, anchor, tag) => {
                no_anchor(anchor, span)?;
                match tag.as_deref() {
                    None => Ok(scalar(&text, style)),
                    Some(tag) if tag.is_yaml_core_schema() => core_scalar(&text, style, tag, span),
                    Some(tag) => long_form(tag, scalar(&text, style), span),
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                no_anchor(anchor, span)?;
                let mut items = Vec::new();
                loop {
                    match self.must()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span)?),
                    }
                }
                tagged(tag.as_deref(), Value::Array(items), "seq", span)
            }
            Event::MappingStart(_, anchor, tag) => {
                no_anchor(anchor, span)?;
                let members = self.members()?;
                tagged(tag.as_deref(), Value::Object(members), "map", span)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => Err(at(
                span,
                "YAML aliases are not allowed in CloudFormation templates",
            )),
            _ => Err(at(span, "YAML not well-formed")),
        }
    }

    fn members(&mut self) -> Result<Map<String, Value>, ApiError> {
        let mut members = Map::new();
        loop {
            let name = match self.must()? {
                (Event::MappingEnd, _) => return Ok(members),
                (Event::Scalar(text, ..), span) => {
                    let name = text.into_owned();
                    if name == "<<" {
                        return Err(at(span, "YAML hash merges are not supported"));
                    }
                    if members.contains_key(&name) {
                        return Err(at(span, &format!("the key `{name}` stands there twice")));
                    }
                    name
                }
                (_, span) => return Err(at(span, "a key must be text")),
            };
            let (event, span) = self.must()?;
            members.insert(name, self.node(event, span)?);
        }
    }
}

fn no_anchor(anchor: usize, span: Span) -> Result<(), ApiError> {
    if anchor == 0 {
        Ok(())
    } else {
        Err(at(
            span,
            "YAML aliases are not allowed in CloudFormation templates",
        ))
    }
}

/// Text, a truth value, a number, or nothing. A number keeps its text where the text says more (`1.10`, `007`).
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        // YAML 1.1, which CloudFormation reads, knows more words than 1.2.
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => true.into(),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => false.into(),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

fn number(text: &str) -> Option<Value> {
    let value: Value = match text.parse::<i64>() {
        Ok(integer) => integer.into(),
        Err(_) => text.parse::<f64>().ok().filter(|n| n.is_finite())?.into(),
    };
    let said = value.to_string();
    (said == text).then_some(value)
}

fn core_scalar(text: &str, style: ScalarStyle, tag: &Tag, span: Span) -> Result<Value, ApiError> {
    match tag.core_suffix() {
        Some("str") => Ok(text.into()),
        Some("int" | "float" | "bool" | "null") => {
            let plain = scalar(text, ScalarStyle::Plain);
            if plain.is_string() {
                return Err(at(span, &format!("`{text}` is not of its tag's type")));
            }
            Ok(plain)
        }
        _ => Ok(scalar(text, style)),
    }
}

fn tagged(tag: Option<&Tag>, value: Value, kind: &str, span: Span) -> Result<Value, ApiError> {
    match tag {
        None => Ok(value),
        Some(tag) if tag.core_suffix() == Some(kind) => Ok(value),
        Some(tag) => long_form(tag, value, span),
    }
}

/// The functions that have a short form. `Ref` and `Condition` have no `Fn::` in their long one.
const SHORT_FORMS: &[&str] = &[
    "And",
    "Base64",
    "Cidr",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAZs",
    "GetAtt",
    "GetStackOutput",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "RefAll",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
];

fn long_form(tag: &Tag, value: Value, span: Span) -> Result<Value, ApiError> {
    let written = tag.original();
    let name = written.strip_prefix('!').unwrap_or(&written);
    let (name, value) = match name {
        "Ref" | "Condition" => (name.to_owned(), value),
        "GetAtt" => ("Fn::GetAtt".to_owned(), dotted(value)),
        _ if SHORT_FORMS.contains(&name) => (format!("Fn::{name}"), value),
        _ => return Err(at(span, &format!("the tag `{written}` is unknown"))),
    };
    Ok(Value::Object(Map::from_iter([(name, value)])))
}

/// `Resource.Attribute.With.Dots` is the resource and everything after the first dot.
fn dotted(value: Value) -> Value {
    match value.as_str().and_then(|text| text.split_once('.')) {
        Some((resource, attribute)) => Value::from(vec![resource, attribute]),
        None => value,
    }
}

fn at(span: Span, why: &str) -> ApiError {
    // A tag stands before what it is about.
    let start = span.tag_start().unwrap_or(span.start);
    let (line, column) = (start.line(), start.col() + 1);
    invalid(format!(
        "Template format error: {why} (line {line}, column {column})"
    ))
}

fn not_well_formed(line: usize, column: usize, why: &str) -> ApiError {
    invalid(format!(
        "Template format error: YAML not well-formed. (line {line}, column {column}): {why}"
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;
    use serde_json::json;

    #[test]
    fn short_forms_become_long_ones_at_every_depth() {
        let tree = parse(
            "# A comment\nA: !Ref B # and another\n\n# between\nC: !GetAtt D.Outputs.E\nF: !If\n  - G\n  - !Sub ${H}-x\n  - !Ref AWS::NoValue\nI: !GetAtt [J, K]\nL:\n  Fn::Join:\n    - \"\"\n    - - !Select [0, !GetAZs \"\"]\n",
        )
        .unwrap();
        assert_eq!(
            tree,
            json!({
                "A": {"Ref": "B"},
                "C": {"Fn::GetAtt": ["D", "Outputs.E"]},
                "F": {"Fn::If": ["G", {"Fn::Sub": "${H}-x"}, {"Ref": "AWS::NoValue"}]},
                "I": {"Fn::GetAtt": ["J", "K"]},
                "L": {"Fn::Join": ["", [{"Fn::Select": [0, {"Fn::GetAZs": ""}]}]]},
            })
        );
    }

    #[test]
    fn scalars_keep_what_their_text_says() {
        let tree = parse("a: 14\nb: true\nc: \"false\"\nd: 2012-10-17\ne: 012345678901\nf: 1.10\ng: ''\nh: 10.0.0.0/16\n").unwrap();
        assert_eq!(
            tree,
            json!({"a": 14, "b": true, "c": "false", "d": "2012-10-17", "e": "012345678901", "f": "1.10", "g": "", "h": "10.0.0.0/16"})
        );
    }

    #[test]
    fn errors_say_where() {
        let refused = |text: &str| parse(text).unwrap_err().message;
        assert!(
            refused("A: 1\nB:\n  - x\n  A: 1\n")
                .starts_with("Template format error: YAML not well-formed. (line 4, column")
        );
        assert_eq!(
            refused("A: 1\nB: 2\nA: 3\n"),
            "Template format error: the key `A` stands there twice (line 3, column 1)"
        );
        assert_eq!(
            refused("A: !Reff B\n"),
            "Template format error: the tag `!Reff` is unknown (line 1, column 4)"
        );
        assert_eq!(
            refused("A: &x 1\nB: *x\n"),
            "Template format error: YAML aliases are not allowed in CloudFormation templates (line 1, column 7)"
        );
        assert!(
            refused("{\"A\": 1,\n \"A\": 2}")
                .starts_with("Template format error: JSON not well-formed. (line 2, column")
        );
        assert_eq!(
            refused("Resources:\n  A:\n"),
            "[/Resources/A] 'null' values are not allowed in templates"
        );
        assert_eq!(
            refused("just text"),
            "Template format error: unsupported structure."
        );
    }

    #[test]
    fn json_and_yaml_make_the_same_tree() {
        assert_eq!(
            parse("{\"A\": {\"Ref\": \"B\"}, \"C\": [1, true]}").unwrap(),
            parse("A: !Ref B\nC: [1, true]").unwrap()
        );
    }
}
