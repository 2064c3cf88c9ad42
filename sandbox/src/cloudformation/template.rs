//! A template that has been read and checked: what can be said about it without making anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::counts;
use super::invalid;
use super::limits::DESCRIPTION_BYTES;
use super::parameters::Parameter;
use super::resources::{Kind, kind};
use super::text;
use crate::error::ApiError;

/// The only version there is.
const VERSION: &str = "2010-09-09";

/// A checked template.
#[derive(Debug)]
pub(super) struct Template {
    /// As it was handed in.
    pub(super) body: String,
    pub(super) description: Option<String>,
    pub(super) metadata: Option<Value>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    pub(super) resources: BTreeMap<String, Declared>,
    pub(super) outputs: BTreeMap<String, Output>,
}

/// A resource as the template declares it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) kind: &'static Kind,
    /// An object, functions unresolved.
    pub(super) properties: Value,
    pub(super) depends_on: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) deletion: Retention,
    pub(super) replacement: Retention,
    pub(super) metadata: Option<Value>,
}

/// What becomes of a resource that its stack no longer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retention {
    Delete,
    Retain,
    /// Retained, unless the very operation that made it is rolled back.
    RetainExceptOnCreate,
}

/// An output as the template declares it.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) value: Value,
    pub(super) description: Option<String>,
    pub(super) export: Option<Value>,
    pub(super) condition: Option<String>,
}

impl Retention {
    /// As a template says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Retention::Delete => "Delete",
            Retention::Retain => "Retain",
            Retention::RetainExceptOnCreate => "RetainExceptOnCreate",
        }
    }
}

impl Template {
    /// What a stack has before its first change set is executed.
    pub(super) fn nothing() -> Self {
        Self {
            body: String::new(),
            description: None,
            metadata: None,
            parameters: BTreeMap::new(),
            mappings: Map::new(),
            conditions: Map::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// Reads and checks a template.
    ///
    /// # Errors
    /// `ValidationError` in CloudFormation's words; `NotImplemented` for what the sandbox lacks.
    pub(super) fn parse(body: &str) -> Result<Self, ApiError> {
        let tree = text::parse(body)?;
        let mut sections = match tree {
            Value::Object(sections) => sections,
            _ => return Err(invalid("Template format error: unsupported structure.")),
        };
        counts::check(&sections)?;
        let template = Self {
            body: body.to_owned(),
            description: description(sections.remove("Description"))?,
            metadata: sections.remove("Metadata"),
            parameters: section(&mut sections, "Parameters")?
                .into_iter()
                .map(|(name, value)| Parameter::read(&name, value).map(|read| (name, read)))
                .collect::<Result<_, _>>()?,
            mappings: mappings(section(&mut sections, "Mappings")?)?,
            conditions: section(&mut sections, "Conditions")?,
            resources: resources(&mut sections)?,
            outputs: section(&mut sections, "Outputs")?
                .into_iter()
                .map(|(name, value)| Output::read(&name, value).map(|read| (name, read)))
                .collect::<Result<_, _>>()?,
        };
        version(sections.remove("AWSTemplateFormatVersion"))?;
        no_more_sections(&sections)?;
        template.check()?;
        Ok(template)
    }

    /// Which capabilities a caller has to acknowledge, and why; `None` when none.
    pub(super) fn capability(&self) -> Option<(&'static str, String)> {
        let sensitive: Vec<&Declared> = self
            .resources
            .values()
            .filter(|resource| resource.kind.name.starts_with("AWS::IAM::"))
            .collect();
        if sensitive.is_empty() {
            return None;
        }
        let named = sensitive.iter().any(|resource| {
            resource
                .kind
                .name_property
                .is_some_and(|name| resource.properties.get(name).is_some())
        });
        let kinds: BTreeSet<&str> = sensitive
            .iter()
            .map(|resource| resource.kind.name)
            .collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        Some((
            if named {
                "CAPABILITY_NAMED_IAM"
            } else {
                "CAPABILITY_IAM"
            },
            format!(
                "The following resource(s) require capabilities: [{}]",
                kinds.join(", ")
            ),
        ))
    }

    /// The names of everything that the template imports, where they are fixed texts.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let kinds: BTreeSet<&str> = self
            .resources
            .values()
            .map(|resource| resource.kind.name)
            .collect();
        kinds.into_iter().collect()
    }
}

fn version(version: Option<Value>) -> Result<(), ApiError> {
    match version {
        None => Ok(()),
        Some(Value::String(version)) if version == VERSION => Ok(()),
        Some(version) => Err(invalid(format!(
            "Template format error: {} is not a supported value for AWSTemplateFormatVersion.",
            version
                .as_str()
                .map_or_else(|| version.to_string(), str::to_owned)
        ))),
    }
}

fn description(description: Option<Value>) -> Result<Option<String>, ApiError> {
    match description {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= DESCRIPTION_BYTES => Ok(Some(text)),
        Some(Value::String(_)) => Err(invalid(format!(
            "Template format error: 'Description' length is greater than {DESCRIPTION_BYTES}.",
        ))),
        Some(_) => Err(invalid(
            "Template format error: Description must be a string.",
        )),
    }
}

fn no_more_sections(rest: &Map<String, Value>) -> Result<(), ApiError> {
    if rest.is_empty() {
        return Ok(());
    }
    // They change what the stack becomes, so leaving them out would be a lie.
    if let Some(section) = ["Transform", "Rules", "Hooks"]
        .into_iter()
        .find(|name| rest.contains_key(*name))
    {
        return Err(ApiError::new(
            501,
            "NotImplemented",
            format!("the section {section} of a template is not implemented by the sandbox"),
        ));
    }
    let names: Vec<&str> = rest.keys().map(String::as_str).collect();
    Err(invalid(format!(
        "Invalid template property or properties [{}]",
        names.join(", ")
    )))
}

fn section(sections: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, ApiError> {
    match sections.remove(name) {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(invalid(format!(
            "Template format error: Any {name} member must be an object."
        ))),
    }
}

fn mappings(mappings: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    for (name, mapping) in &mappings {
        let two_levels = mapping
            .as_object()
            .is_some_and(|keys| !keys.is_empty() && keys.values().all(Value::is_object));
        if !two_levels {
            return Err(invalid(format!(
                "Template format error: Every Mappings member {name} must be a map of maps."
            )));
        }
        let attributes = mapping.as_object().into_iter().flat_map(Map::values);
        let mut values = attributes
            .filter_map(Value::as_object)
            .flat_map(Map::values);
        let plain = |value: &Value| !value.is_object() && !value.is_array();
        let fits = |value: &Value| match value {
            Value::Array(items) => items.iter().all(plain),
            other => plain(other),
        };
        if !values.all(fits) {
            return Err(invalid(
                "Template format error: Every Mappings attribute must be a String or a List.",
            ));
        }
    }
    Ok(mappings)
}

fn resources(sections: &mut Map<String, Value>) -> Result<BTreeMap<String, Declared>, ApiError> {
    let members = section(sections, "Resources")?;
    if members.is_empty() {
        return Err(invalid(
            "Template format error: At least one Resources member must be defined.",
        ));
    }
    let mut unknown = BTreeSet::new();
    let mut resources = BTreeMap::new();
    for (name, member) in members {
        logical_id("Resources", &name)?;
        let Value::Object(member) = member else {
            return Err(invalid(format!(
                "Template format error: Resource {name} must be an object."
            )));
        };
        match member.get("Type").and_then(Value::as_str) {
            None => {
                return Err(invalid(format!(
                    "Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
                )));
            }
            Some(kind_name) => match kind(kind_name) {
                None => {
                    unknown.insert(kind_name.to_owned());
                }
                Some(kind) => {
                    resources.insert(name.clone(), Declared::read(&name, kind, member)?);
                }
            },
        }
    }
    if unknown.is_empty() {
        return Ok(resources);
    }
    // AWS says so of what it does not know. Whether the type exists there the sandbox cannot tell.
    let names: Vec<String> = unknown.into_iter().collect();
    let names = names.join(", ");
    Err(invalid(format!(
        "Template format error: Unrecognized resource types: [{names}] (the sandbox implements the types of its README only)"
    )))
}

fn logical_id(block: &str, name: &str) -> Result<(), ApiError> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(invalid(format!(
        "Template format error: {block} name '{name}' is non alphanumeric."
    )))
}

impl Declared {
    fn read(
        name: &str,
        kind: &'static Kind,
        mut member: Map<String, Value>,
    ) -> Result<Self, ApiError> {
        member.remove("Type");
        let properties = match member.remove("Properties") {
            None => Value::Object(Map::new()),
            Some(properties @ Value::Object(_)) => properties,
            Some(_) => {
                return Err(invalid(format!(
                    "Template format error: [/Resources/{name}/Properties] Properties must be an object."
                )));
            }
        };
        let depends_on = match member.remove("DependsOn") {
            None => Vec::new(),
            Some(Value::String(target)) => vec![target],
            Some(Value::Array(targets)) if targets.iter().all(Value::is_string) => targets
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(_) => {
                return Err(invalid(
                    "Template format error: DependsOn must be a string or list of strings.",
                ));
            }
        };
        let declared = Self {
            kind,
            properties,
            depends_on,
            condition: condition(name, member.remove("Condition"))?,
            deletion: retention("DeletionPolicy", member.remove("DeletionPolicy"))?,
            replacement: retention("UpdateReplacePolicy", member.remove("UpdateReplacePolicy"))?,
            metadata: member.remove("Metadata"),
        };
        match member.keys().next() {
            None => Ok(declared),
            Some(other) => Err(invalid(format!(
                "Invalid template resource property '{other}'"
            ))),
        }
    }
}

fn condition(name: &str, condition: Option<Value>) -> Result<Option<String>, ApiError> {
    match condition {
        None => Ok(None),
        Some(Value::String(condition)) => Ok(Some(condition)),
        Some(_) => Err(invalid(format!(
            "Template format error: Every Condition member must be a string ({name})."
        ))),
    }
}

fn retention(attribute: &str, policy: Option<Value>) -> Result<Retention, ApiError> {
    match policy
        .as_ref()
        .map(|policy| policy.as_str().unwrap_or_default())
    {
        None | Some("Delete") => Ok(Retention::Delete),
        Some("Retain") => Ok(Retention::Retain),
        Some("RetainExceptOnCreate") if attribute == "DeletionPolicy" => {
            Ok(Retention::RetainExceptOnCreate)
        }
        // None of the types that the sandbox has can be snapshotted; AWS refuses it for them too.
        Some(other) => Err(invalid(format!(
            "Template error: {attribute} must be Delete or Retain for these resource types, not `{other}`"
        ))),
    }
}

impl Output {
    fn read(name: &str, value: Value) -> Result<Self, ApiError> {
        logical_id("Outputs", name)?;
        let Value::Object(mut member) = value else {
            return Err(invalid(format!(
                "Template format error: Output {name} is malformed."
            )));
        };
        let output = Self {
            value: member.remove("Value").ok_or_else(|| {
                invalid(format!(
                    "Template format error: Output {name} is malformed. The Value attribute is missing."
                ))
            })?,
            description: description(member.remove("Description"))?,
            export: match member.remove("Export") {
                None => None,
                Some(Value::Object(mut export)) if export.len() == 1 && export.contains_key("Name") => export.remove("Name"),
                Some(_) => {
                    return Err(invalid(format!(
                        "Template format error: Output {name} is malformed. Export must have the one member Name."
                    )));
                }
            },
            condition: condition(name, member.remove("Condition"))?,
        };
        match member.keys().next() {
            None => Ok(output),
            Some(other) => Err(invalid(format!(
                "Invalid template output property '{other}'"
            ))),
        }
    }
}
