//! Reading inputs the way EC2 does: with EC2's error codes, and nothing overlooked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::errors;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;

/// Tags of one resource.
pub(super) type Tags = BTreeMap<String, String>;

/// EC2's limit of tags on one resource.
const MAX_TAGS: usize = 50;

/// Parameters that every request may carry.
const COMMON: &[&str] = &["Action", "DryRun", "Version"];

/// Refuses parameters that the operation does not understand: passing over one could change what the
/// caller asked for.
pub(super) fn only(operation: &str, input: &Value, known: &[&str]) -> Result<(), ApiError> {
    for name in input
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys())
    {
        let known = known.contains(&name.as_str())
            || COMMON.contains(&name.as_str())
            || name.starts_with("X-Amz-");
        if !known {
            return Err(ApiError::not_implemented(
                "ec2",
                &format!("{operation} with the parameter {name}"),
            ));
        }
    }
    Ok(())
}

/// Refuses members of a nested structure that EC2 does not know.
pub(super) fn only_members(what: &str, value: &Value, known: &[&str]) -> Result<(), ApiError> {
    let Some(fields) = value.as_object() else {
        return Err(errors::value(format!("{what} must be a structure")));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(ApiError::bad(
            "UnknownParameter",
            format!("The parameter {what}.{name} is not recognized"),
        )),
    }
}

/// A text that must be there and not be empty.
pub(super) fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    text(input, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| errors::missing(name))
}

/// A text, if it is there.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, ApiError> {
    match input.field(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(errors::value(format!(
            "Value ({other}) for parameter {name} is invalid. It must be a string."
        ))),
    }
}

/// An integer, if it is there.
pub(super) fn int(input: &Value, name: &str) -> Result<Option<i64>, ApiError> {
    input.int(name).map_err(as_value)
}

/// A boolean, if it is there.
pub(super) fn flag(input: &Value, name: &str) -> Result<Option<bool>, ApiError> {
    input.flag(name).map_err(as_value)
}

/// A boolean inside `{Value: …}`, as attributes come.
pub(super) fn attribute(input: &Value, name: &str) -> Result<Option<bool>, ApiError> {
    match input.field(name) {
        None => Ok(None),
        Some(attribute) => flag(attribute, "Value"),
    }
}

fn as_value(error: ApiError) -> ApiError {
    errors::value(error.message)
}

/// A list, empty when absent.
pub(super) fn list<'a>(input: &'a Value, name: &str) -> Result<&'a [Value], ApiError> {
    match input.field(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(errors::value(format!(
            "The parameter {name} must be a list: {name}.1, {name}.2 and so on"
        ))),
    }
}

/// A list of texts, empty when absent.
pub(super) fn texts<'a>(input: &'a Value, name: &str) -> Result<Vec<&'a str>, ApiError> {
    list(input, name)?
        .iter()
        .map(|item| {
            item.as_str().ok_or_else(|| {
                errors::value(format!("The parameter {name} must be a list of strings"))
            })
        })
        .collect()
}

/// The tags that a create operation asks for, from `TagSpecification.N`.
pub(super) fn tag_specification(input: &Value, resource_type: &str) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for specification in list(input, "TagSpecification")? {
        only_members("TagSpecification", specification, &["ResourceType", "Tag"])?;
        let named = require(specification, "ResourceType")?;
        if named != resource_type {
            return Err(errors::value(format!(
                "'{named}' is not a valid taggable resource type for this operation."
            )));
        }
        let specified = pairs(specification, "Tag")?;
        if specified.is_empty() {
            return Err(errors::value(
                "Tag specification must have at least one tag",
            ));
        }
        for (key, value) in specified {
            if tags
                .insert(key.clone(), value.unwrap_or_default())
                .is_some()
            {
                return Err(errors::value(format!(
                    "Duplicate tag key '{key}' specified."
                )));
            }
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

/// Key and optional value of each tag in a list.
pub(super) fn pairs(input: &Value, name: &str) -> Result<Vec<(String, Option<String>)>, ApiError> {
    let pair = |tag: &Value| {
        only_members(name, tag, &["Key", "Value"])?;
        let key = require(tag, "Key")?;
        let value = text(tag, "Value")?;
        // The lengths are those of the API model's `Tag`; the words are quoted from EC2 in public code.
        if key.chars().count() > 127 {
            return Err(errors::value(
                "Tag key exceeds the maximum length of 127 characters",
            ));
        }
        if value.is_some_and(|value| value.chars().count() > 256) {
            return Err(errors::value(
                "Tag value exceeds the maximum length of 256 characters",
            ));
        }
        Ok((key.to_owned(), value.map(str::to_owned)))
    };
    list(input, name)?.iter().map(pair).collect()
}

pub(super) fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > MAX_TAGS {
        return Err(ApiError::bad(
            "TagLimitExceeded",
            format!("More than {MAX_TAGS} tags specified"),
        ));
    }
    Ok(())
}

/// Keys that begin with `aws:` belong to AWS's services, which may set them; nobody else may.
pub(super) fn reserved_tags(input: &Value, caller: &Caller) -> Result<(), ApiError> {
    if matches!(caller, Caller::Service(_)) {
        return Ok(());
    }
    let specified = input.list("TagSpecification").iter();
    let lists = specified.map(|each| each.list("Tag"));
    let mut keys = lists
        .chain([input.list("Tag")])
        .flatten()
        .filter_map(|tag| tag.text("Key"));
    match keys.any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        false => Ok(()),
        true => Err(errors::value(
            "Tag keys starting with 'aws:' are reserved for internal use",
        )),
    }
}

/// Whether `id` is `prefix` and 8 or 17 hexadecimal digits.
pub(super) fn well_formed(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// `tagSet` of an answer.
pub(super) fn tag_set(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| serde_json::json!({"key": key, "value": value}))
        .collect()
}

/// `tagSet` where EC2 leaves it out when there are no tags.
pub(super) fn tag_set_if_any(tags: &Tags) -> Value {
    if tags.is_empty() {
        Value::Null
    } else {
        tag_set(tags)
    }
}
