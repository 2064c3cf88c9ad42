//! Templates in YAML.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::too_deep;
use crate::cloudformation::invalid;
use crate::cloudformation::limits::{DEPTH, YAML_VALUES};
use crate::error::ApiError;

/// Reads one YAML document.
///
/// # Errors
/// `ValidationError` with line and column.
pub(super) fn read(text: &str) -> Result<Value, ApiError> {
    let mut reader = Reader {
        // Whether comments are events is otherwise up to whoever else uses the parser.
        events: Parser::new_from_str_with_options(
            text,
            granit_parser::options! { emit_comments: false },
        ),
        open: Vec::new(),
        values: 0,
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
    /// The lists and mappings that have begun and not ended. Not a recursion over events: the frames of one are so large
    /// that some two hundred levels exhaust the stack of a thread.
    open: Vec<Open<'t>>,
    /// The values that have begun.
    values: usize,
}

struct Open<'t> {
    tag: Option<Cow<'t, Tag>>,
    span: Span,
    items: Items,
}

enum Items {
    Sequence(Vec<Value>),
    /// The members so far, and the name of the one whose value comes next.
    Mapping(Map<String, Value>, Option<String>),
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

    /// The node that begins with the event.
    fn node(&mut self, mut event: Event<'t>, mut span: Span) -> Result<Value, ApiError> {
        loop {
            if let Some(value) = self.take(event, span)? {
                match self.open.last_mut() {
                    None => return Ok(value),
                    Some(parent) => parent.items.add(value),
                }
            }
            (event, span) = self.must()?;
            self.values += 1;
            if self.values > YAML_VALUES {
                return Err(at(
                    span,
                    &format!(
                        "the template has more than {YAML_VALUES} values, which the sandbox does not read in YAML; write it in JSON"
                    ),
                ));
            }
        }
    }

    /// Takes one event; answers with the value that it completes.
    fn take(&mut self, event: Event<'t>, span: Span) -> Result<Option<Value>, ApiError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                no_anchor(anchor, span)?;
                match self.open.last_mut().map(|parent| &mut parent.items) {
                    Some(Items::Mapping(members, name @ None)) => {
                        *name = Some(key(members, text, span)?);
                        Ok(None)
                    }
                    _ => tagged_scalar(&text, style, tag.as_deref(), span).map(Some),
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(anchor, tag, span, Items::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(anchor, tag, span, Items::Mapping(Map::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                None => Err(at(span, "YAML not well-formed")),
                Some(ended) => ended.value().map(Some),
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => Err(at(
                span,
                "YAML aliases are not allowed in CloudFormation templates",
            )),
            _ => Err(at(span, "YAML not well-formed")),
        }
    }

    fn begin(
        &mut self,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
        span: Span,
        items: Items,
    ) -> Result<Option<Value>, ApiError> {
        no_anchor(anchor, span)?;
        if let Some(Items::Mapping(_, None)) = self.open.last().map(|parent| &parent.items) {
            return Err(at(span, "a key must be text"));
        }
        if self.open.len() >= DEPTH {
            return Err(too_deep());
        }
        self.open.push(Open { tag, span, items });
        Ok(None)
    }
}

impl Items {
    fn add(&mut self, value: Value) {
        match self {
            Items::Sequence(items) => items.push(value),
            Items::Mapping(members, name) => {
                if let Some(name) = name.take() {
                    members.insert(name, value);
                }
            }
        }
    }
}

impl Open<'_> {
    fn value(self) -> Result<Value, ApiError> {
        let tag = self.tag.as_deref();
        match self.items {
            Items::Sequence(items) => tagged(tag, Value::Array(items), "seq", self.span),
            Items::Mapping(members, _) => tagged(tag, Value::Object(members), "map", self.span),
        }
    }
}

/// The name of a member that is not there yet.
fn key(members: &Map<String, Value>, text: Cow<'_, str>, span: Span) -> Result<String, ApiError> {
    let name = text.into_owned();
    if name == "<<" {
        return Err(at(span, "YAML hash merges are not supported"));
    }
    if members.contains_key(&name) {
        return Err(at(span, &format!("the key `{name}` stands there twice")));
    }
    Ok(name)
}

fn tagged_scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Value, ApiError> {
    match tag {
        None => Ok(scalar(text, style)),
        Some(tag) if tag.is_yaml_core_schema() => core_scalar(text, style, tag, span),
        Some(tag) => long_form(tag, scalar(text, style), span),
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
