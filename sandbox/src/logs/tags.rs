//! Tags of log groups.

use serde_json::{Value, json};

use super::{invalid, names, require};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{self, MAX, Tags, is_reserved};

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = group_of(call, input)?;
    let current = call.here().logs.group(&name)?.tags.clone();
    let tags = read(call, input, current)?;
    call.here().logs.group_mut(&name)?.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = group_of(call, input)?;
    let group = call.here().logs.group_mut(&name)?;
    for key in input.texts("tagKeys") {
        group.tags.remove(&key);
    }
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = group_of(call, input)?;
    Ok(json!({"tags": call.here().logs.group(&name)?.tags}))
}

/// `tags` of the input on top of `current`. Only services, such as CloudFormation, set tags that
/// begin with `aws:`.
pub(super) fn read(call: &Call<'_>, input: &Value, mut current: Tags) -> Result<Tags, ApiError> {
    let Some(tags) = input.field("tags") else {
        return Ok(current);
    };
    let tags = tags
        .as_object()
        .ok_or_else(|| invalid("tags must be a map"))?;
    let too_long =
        "1 validation error detected: a tag's key has 1 to 128 characters, its value at most 256";
    current.extend(tags::from_map(call, tags, invalid, too_long)?);
    if current.keys().filter(|key| !is_reserved(key)).count() > MAX {
        return Err(ApiError::bad(
            "TooManyTagsException",
            format!("a resource can have no more than {MAX} tags"),
        ));
    }
    Ok(current)
}

/// The group's ARN, without the `:*` that other operations show, in the called account and region.
fn group_of(call: &Call<'_>, input: &Value) -> Result<String, ApiError> {
    let arn = require(input, "resourceArn")?;
    let name = arn
        .strip_prefix(&call.arn("logs", "log-group:"))
        .filter(|name| !name.ends_with(":*"))
        .ok_or_else(|| invalid(format!("the ARN {arn} does not name a log group of this account and region; log group ARNs have no :* here")))?;
    names::check_group(name)?;
    Ok(name.to_owned())
}
