//! Tags. Of what Scheduler holds, only groups have them.

use serde_json::{Value, json};

use super::groups::Group;
use super::{group_path, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{self, MAX, Tags, is_reserved};

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let given = given(input)?;
    let group = group(call, input)?;
    let mut tags = group.tags.clone();
    tags.extend(given);
    check_count(&tags)?;
    group.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let keys = input.texts("TagKeys");
    group(call, input)?
        .tags
        .retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let group = group(call, input)?;
    Ok(json!({"Tags": tags::list(&group.tags)}))
}

/// The tags of a request.
pub(super) fn given(input: &Value) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in input.list("Tags") {
        let (key, value) = (tag.require("Key")?, tag.text("Value").unwrap_or_default());
        if key.chars().count() > 128 || value.is_empty() || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has at most 128 characters, its value 1 to 256",
            ));
        }
        if is_reserved(key) {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("the tag {key} is given twice")));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > MAX {
        let message = format!("a schedule group can have at most {MAX} tags");
        return Err(invalid(message));
    }
    Ok(())
}

fn group<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut Group, ApiError> {
    let arn = input.require("ResourceArn")?;
    let own = call.arn("scheduler", &group_path(""));
    let Some(name) = arn.strip_prefix(&own).map(str::to_owned) else {
        return Err(super::constraint(
            "ResourceArn",
            arn,
            "Member must be the ARN of a schedule group of this account and region",
        ));
    };
    let now = call.now;
    call.here().scheduler.group(&name, now)
}
