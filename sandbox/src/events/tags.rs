//! Tags of rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rules::Rule;
use super::{accept, invalid, no_rule};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// AWS's limit for one resource.
const MAX_TAGS: usize = 50;

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "TagResource", input, &["ResourceARN", "Tags"])?;
    let given = given(call, input)?;
    let rule = rule(call, input)?;
    let mut tags = rule.tags.clone();
    tags.extend(given);
    let own = tags.keys().filter(|key| !key.starts_with("aws:"));
    if own.count() > MAX_TAGS {
        return Err(invalid(format!(
            "a resource can have at most {MAX_TAGS} tags"
        )));
    }
    rule.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "UntagResource", input, &["ResourceARN", "TagKeys"])?;
    let keys = input.texts("TagKeys");
    let rule = rule(call, input)?;
    rule.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "ListTagsForResource", input, &["ResourceARN"])?;
    let tags = rule(call, input)?.tags.iter();
    let tags: Vec<Value> = tags
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Tags": tags}))
}

/// The tags of a request.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags") {
        let key = tag.require("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has at most 128 characters, its value 256",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") && !call.caller.may_set_system_tags() {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MAX_TAGS {
        return Err(invalid(format!(
            "a resource can have at most {MAX_TAGS} tags"
        )));
    }
    Ok(tags)
}

fn rule<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut Rule, ApiError> {
    let arn = input.require("ResourceARN")?;
    let rules = &mut call.here().events.rules;
    rules
        .values_mut()
        .find(|rule| rule.arn == arn)
        .ok_or_else(|| no_rule(arn.rsplit('/').next().unwrap_or(arn)))
}
