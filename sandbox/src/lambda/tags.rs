//! Tags of functions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::invalid;
use super::reference::Reference;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// The most tags that a function can have.
const MAX_TAGS: usize = 50;

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = resource(input)?.find_whole(call)?;
    Ok(json!({"Tags": function.tags}))
}

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let new = read(call, input)?;
    let function = resource(input)?.find_whole(call)?;
    let mut tags = function.tags.clone();
    tags.extend(new);
    check_count(&tags)?;
    function.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = resource(input)?.find_whole(call)?;
    for key in input.texts("TagKeys") {
        function.tags.remove(&key);
    }
    Ok(json!({}))
}

/// `Tags` of the input. Only services, such as CloudFormation, set tags that begin with `aws:`.
pub(super) fn read(call: &Call<'_>, input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(tags) = input.field("Tags") else {
        return Ok(BTreeMap::new());
    };
    let tags = tags
        .as_object()
        .ok_or_else(|| invalid("Tags must be a map of strings"))?;
    let mut read = BTreeMap::new();
    for (key, value) in tags {
        let value = value
            .as_str()
            .ok_or_else(|| invalid(format!("the value of tag {key} must be a string")))?;
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has 1 to 128 characters, its value at most 256",
            ));
        }
        if is_reserved(key) && !matches!(call.caller, Caller::Service(_)) {
            return Err(invalid("tag keys must not start with aws:"));
        }
        read.insert(key.clone(), value.to_owned());
    }
    check_count(&read)?;
    Ok(read)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !is_reserved(key)).count() > MAX_TAGS {
        return Err(invalid(format!(
            "a function can have no more than {MAX_TAGS} tags"
        )));
    }
    Ok(())
}

fn is_reserved(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn resource(input: &Value) -> Result<Reference, ApiError> {
    let arn = input
        .text("Resource")
        .filter(|arn| arn.starts_with("arn:"))
        .ok_or_else(|| invalid("the resource must be the ARN of a function"))?;
    Reference::parse(arn, None)
}
