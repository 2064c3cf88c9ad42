//! Tags of functions.

use serde_json::{Value, json};

use super::invalid;
use super::reference::Reference;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{self, MAX, Tags, is_reserved};

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
pub(super) fn read(call: &Call<'_>, input: &Value) -> Result<Tags, ApiError> {
    let Some(tags) = input.field("Tags") else {
        return Ok(Tags::new());
    };
    let tags = tags
        .as_object()
        .ok_or_else(|| invalid("Tags must be a map of strings"))?;
    let too_long = "a tag's key has 1 to 128 characters, its value at most 256";
    let read = tags::from_map(call, tags, invalid, too_long)?;
    check_count(&read)?;
    Ok(read)
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !is_reserved(key)).count() > MAX {
        return Err(invalid(format!(
            "a function can have no more than {MAX} tags"
        )));
    }
    Ok(())
}

fn resource(input: &Value) -> Result<Reference, ApiError> {
    let arn = input
        .text("Resource")
        .filter(|arn| arn.starts_with("arn:"))
        .ok_or_else(|| invalid("the resource must be the ARN of a function"))?;
    Reference::parse(arn, None)
}
