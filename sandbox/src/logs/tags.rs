//! Tags of log groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{invalid, names, require};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// The most tags that a group can have.
const MAX_TAGS: usize = 50;

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
pub(super) fn read(
    call: &Call<'_>,
    input: &Value,
    mut current: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(tags) = input.field("tags") else {
        return Ok(current);
    };
    let tags = tags
        .as_object()
        .ok_or_else(|| invalid("tags must be a map"))?;
    for (key, value) in tags {
        let value = value
            .as_str()
            .ok_or_else(|| invalid(format!("the value of tag {key} must be a string")))?;
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "1 validation error detected: a tag's key has 1 to 128 characters, its value at most 256",
            ));
        }
        if is_reserved(key) && !matches!(call.caller, Caller::Service(_)) {
            return Err(invalid("tag keys must not start with aws:"));
        }
        current.insert(key.clone(), value.to_owned());
    }
    if current.keys().filter(|key| !is_reserved(key)).count() > MAX_TAGS {
        return Err(ApiError::bad(
            "TooManyTagsException",
            format!("a resource can have no more than {MAX_TAGS} tags"),
        ));
    }
    Ok(current)
}

fn is_reserved(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
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
